"""What an attacker does to a signed flow, and the code of the refusal that it must meet."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from lxml import etree

from signing import xml
from signing.policies import HELIOS_2018
from signing.xmldsig import DS, SIGNATURE

Edit = Callable[[etree._Element], None]


def attacked(content: bytes, edit: Edit) -> bytes:
    root = xml.parse(content)
    edit(root)
    return etree.tostring(root, encoding="ISO-8859-1", xml_declaration=True)


def slip(root: etree._Element, n: int = 0) -> etree._Element:
    return list(root.iter("Bordereau"))[n]


def signature_of(element: etree._Element) -> etree._Element:
    found = element.find(SIGNATURE)
    assert found is not None
    return found


def first(root: etree._Element, name: str) -> etree._Element:
    return next(root.iter(f"{{*}}{name}"))


def drop(element: etree._Element) -> None:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def forged(original: etree._Element) -> etree._Element:
    """A slip that pays somebody else."""
    copy = deepcopy(original)
    first(copy, "IBAN").set("V", "FR7630006000019876543210189")
    return copy


def change_amount(root: etree._Element) -> None:
    first(slip(root), "MtHT").set("V", "9800.00")


def move_aside(root: etree._Element) -> None:
    genuine = slip(root)
    fake = forged(genuine)
    drop(signature_of(fake))
    fake.set("Id", "AUTRE")
    genuine.addprevious(fake)
    wrapper = etree.SubElement(root, "Enveloppe2")
    wrapper.append(genuine)


def carry_the_signature(root: etree._Element) -> None:
    genuine = slip(root)
    fake = forged(genuine)
    fake.set("Id", "AUTRE")
    genuine.addprevious(fake)
    drop(signature_of(genuine))
    etree.SubElement(root, "Enveloppe2").append(genuine)


def hide_in_object(root: etree._Element) -> None:
    genuine = slip(root)
    fake = forged(genuine)
    fake.set("Id", "AUTRE")
    genuine.addprevious(fake)
    drop(signature_of(genuine))
    etree.SubElement(signature_of(fake), f"{{{DS}}}Object").append(genuine)


def hide_in_properties(root: etree._Element) -> None:
    genuine = slip(root)
    fake = forged(genuine)
    drop(signature_of(fake))
    fake.set("Id", "AUTRE")
    genuine.addprevious(fake)
    qualifying = first(slip(root, 2), "QualifyingProperties")
    etree.SubElement(qualifying, f"{{{HELIOS_2018.xades_namespace}}}UnsignedProperties").append(
        genuine
    )


def repeat_id(root: etree._Element) -> None:
    slip(root).addprevious(forged(slip(root)))


def remove_signature(root: etree._Element) -> None:
    drop(signature_of(slip(root)))


def add_unsigned_slip(root: etree._Element) -> None:
    extra = forged(slip(root))
    drop(signature_of(extra))
    extra.set("Id", "EXTRA")
    slip(root).addnext(extra)


def move_to_other_domain(root: etree._Element) -> None:
    revenue = root.find("PES_RecetteAller")
    assert revenue is not None
    revenue.append(slip(root))


def repeat_domain(root: etree._Element) -> None:
    domain = first(root, "PES_DepenseAller")
    other = etree.Element("PES_DepenseAller")
    domain.addnext(other)
    other.append(slip(root))


def fake_properties_in_front(root: etree._Element) -> None:
    genuine = first(root, "SignedProperties")
    fake = deepcopy(genuine)
    fake.set("Id", "FAUX")
    first(fake, "ClaimedRole").text = "Préfet"
    genuine.addprevious(fake)


def properties_in_second_object(root: etree._Element) -> None:
    signature = signature_of(slip(root))
    qualifying = first(signature, "QualifyingProperties")
    second = etree.SubElement(signature, f"{{{DS}}}Object")
    fake = deepcopy(qualifying)
    first(fake, "SignedProperties").set("Id", "FAUX")
    second.append(qualifying)
    first(signature, "Object").append(fake)


def second_object(root: etree._Element) -> None:
    etree.SubElement(signature_of(slip(root)), f"{{{DS}}}Object").text = "x"


def drop_second_reference(root: etree._Element) -> None:
    drop(list(first(root, "SignedInfo").iter(f"{{{DS}}}Reference"))[1])


def xpath_transform(root: etree._Element) -> None:
    transform = next(first(root, "SignedInfo").iter(f"{{{DS}}}Transform"))
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
    etree.SubElement(transform, f"{{{DS}}}XPath").text = "not(ancestor-or-self::Piece)"


def xslt_transform(root: etree._Element) -> None:
    transform = next(first(root, "SignedInfo").iter(f"{{{DS}}}Transform"))
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")


def external_reference(root: etree._Element) -> None:
    next(first(root, "SignedInfo").iter(f"{{{DS}}}Reference")).set("URI", "http://127.0.0.1:9/x")


def signature_twice(root: etree._Element) -> None:
    copy = deepcopy(signature_of(slip(root)))
    for element in copy.iter("*"):
        if element.get("Id"):
            element.set("Id", f"{element.get('Id')}_2")
    slip(root).append(copy)


def signature_elsewhere(root: etree._Element) -> None:
    first(slip(root), "Piece").append(signature_of(slip(root)))


def hmac_method(root: etree._Element) -> None:
    first(root, "SignatureMethod").set(
        "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
    )


def bare_key_value(root: etree._Element) -> None:
    data = first(root, "X509Data")
    etree.SubElement(first(root, "KeyInfo"), f"{{{DS}}}KeyValue")
    drop(data)


ATTACKS: dict[str, tuple[Edit, str]] = {
    "amount changed": (change_amount, "content_modified"),
    "signed slip moved aside": (move_aside, "pes_slip_misplaced"),
    "forged slip carries the signature": (carry_the_signature, "pes_reference_elsewhere"),
    "genuine slip in a ds:Object": (hide_in_object, "pes_content_in_signature"),
    "genuine slip in unsigned properties": (hide_in_properties, "pes_content_in_signature"),
    "duplicate Id": (repeat_id, "pes_duplicate_id"),
    "signature removed": (remove_signature, "pes_slip_unsigned"),
    "unsigned slip added": (add_unsigned_slip, "pes_slip_unsigned"),
    "slip moved to the other domain": (move_to_other_domain, "pes_slip_in_wrong_domain"),
    "slip moved to a second domain": (repeat_domain, "pes_domain_repeated"),
    "fake SignedProperties in front": (fake_properties_in_front, "xades_properties_count"),
    "properties in a second ds:Object": (properties_in_second_object, "xades_properties_count"),
    "second ds:Object": (second_object, "pes_several_objects"),
    "reference to the properties removed": (drop_second_reference, "pes_reference_count"),
    "XPath transform": (xpath_transform, "transform_forbidden"),
    "XSLT transform": (xslt_transform, "transform_forbidden"),
    "external reference": (external_reference, "reference_unresolved"),
    "two signatures on one slip": (signature_twice, "pes_several_signatures"),
    "signature inside a piece": (signature_elsewhere, "pes_signature_misplaced"),
    "HMAC": (hmac_method, "algorithm_forbidden"),
    "bare KeyValue": (bare_key_value, "xml_key_info"),
}
