"""The signed attributes of CAdES that say where and in what capacity one signs (EN 319 122-1).

ASN.1 alone: the signing agent, which ships without the signing engine, builds the same values from
what it shows and compares them byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from asn1crypto import core, x509

from signing.types import Place

SIGNER_LOCATION: Final = "1.2.840.113549.1.9.16.2.17"
SIGNER_ATTRIBUTES_V2: Final = "0.4.0.19122.1.1"
TITLE: Final = "2.5.4.12"


class PostalAddress(core.SequenceOf):  # type: ignore[misc]
    """X.520 PostalAddress: one to six lines."""

    _child_spec = x509.DirectoryString


class SignerLocation(core.Sequence):  # type: ignore[misc]
    """EN 319 122-1 §5.2.5."""

    _fields: ClassVar[Sequence[tuple[Any, ...]]] = [
        ("country_name", x509.DirectoryString, {"explicit": 0, "optional": True}),
        ("locality_name", x509.DirectoryString, {"explicit": 1, "optional": True}),
        ("postal_address", PostalAddress, {"explicit": 2, "optional": True}),
    ]


class _Titles(core.SetOf):  # type: ignore[misc]
    _child_spec = x509.DirectoryString


class _ClaimedAttribute(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[Sequence[tuple[Any, ...]]] = [
        ("type", core.ObjectIdentifier),
        ("values", _Titles),
    ]


class _ClaimedAttributes(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _ClaimedAttribute


class ClaimedSignerAttributes(core.Sequence):  # type: ignore[misc]
    """SignerAttributeV2 of EN 319 122-1 §5.2.6.1 with claimedAttributes alone."""

    _fields: ClassVar[Sequence[tuple[Any, ...]]] = [
        ("claimed_attributes", _ClaimedAttributes, {"explicit": 0}),
    ]


def signer_location(place: Place) -> SignerLocation:
    """Country, town, and the one line of address that holds postal code and town."""
    return SignerLocation(
        {
            "country_name": _text(place.country),
            "locality_name": _text(place.city),
            "postal_address": [_text(f"{place.postal_code} {place.city}")],
        }
    )


def claimed_capacity(claimed_role: str) -> ClaimedSignerAttributes:
    """The capacity that the signer claims, as an X.520 title: « the designated position or
    function of the object within an organization »."""
    claimed = {"type": TITLE, "values": [_text(claimed_role)]}
    return ClaimedSignerAttributes({"claimed_attributes": [claimed]})


def read_claimed_capacity(signer_attributes: bytes) -> str | None:
    """The title claimed in a DER SignerAttributeV2, None when it claims none that can be read."""
    try:
        read = ClaimedSignerAttributes.load(signer_attributes)
        for claimed in read["claimed_attributes"]:
            if claimed["type"].dotted == TITLE:
                return str(claimed["values"][0].native)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return None
    return None


def _text(value: str) -> x509.DirectoryString:
    return x509.DirectoryString(name="utf8_string", value=value)
