"""XML-DSig vocabulary: names, allowed algorithms, canonicalisation, signature values."""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from signing.errors import UnsupportedDocument

DS = "http://www.w3.org/2000/09/xmldsig#"
SIGNATURE = f"{{{DS}}}Signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_1_1 = "http://www.w3.org/2006/12/xml-c14n11"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
BASE64 = "http://www.w3.org/2000/09/xmldsig#base64"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"

# Comments never reach us (the parser drops them), so the with-comments forms are not offered.
CANONICALIZATIONS = frozenset({EXCLUSIVE, INCLUSIVE, INCLUSIVE_1_1})
DIGESTS: dict[str, Callable[[], hashlib._Hash]] = {
    SHA256: hashlib.sha256,
    f"{_MORE}sha384": hashlib.sha384,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
}


class KeyKind(StrEnum):
    """Key that a signature method needs."""

    RSA = "rsa"
    EC = "ec"


# No SHA-1, MD5, HMAC, DSA nor PSS (threats 10): a method that is not here is refused.
SIGNATURE_METHODS: dict[str, tuple[KeyKind, hashes.HashAlgorithm]] = {
    RSA_SHA256: (KeyKind.RSA, hashes.SHA256()),
    f"{_MORE}rsa-sha384": (KeyKind.RSA, hashes.SHA384()),
    f"{_MORE}rsa-sha512": (KeyKind.RSA, hashes.SHA512()),
    f"{_MORE}ecdsa-sha256": (KeyKind.EC, hashes.SHA256()),
    f"{_MORE}ecdsa-sha384": (KeyKind.EC, hashes.SHA384()),
    f"{_MORE}ecdsa-sha512": (KeyKind.EC, hashes.SHA512()),
}
RSA_METHODS = frozenset(
    method for method, (kind, _) in SIGNATURE_METHODS.items() if kind is KeyKind.RSA
)


@dataclass(frozen=True, slots=True)
class Canonicalization:
    """A canonicalisation method with the prefixes that an exclusive one treats as inclusive."""

    method: str
    prefixes: tuple[str, ...] = ()


EXCLUSIVE_ONLY = Canonicalization(EXCLUSIVE)


def canonical(
    node: etree._Element | etree._ElementTree, how: Canonicalization = EXCLUSIVE_ONLY
) -> bytes:
    """Canonical bytes of an element without its tail, or of a document, comments left out.

    Raises UnsupportedDocument (`xml_not_canonical`) where C14N has no answer, such as a relative
    namespace name (Canonical XML 1.0 §1.3)."""
    try:
        if how.method != EXCLUSIVE:
            return etree.tostring(node, method="c14n", exclusive=False, with_comments=False)
        return etree.tostring(
            node,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=list(how.prefixes) or None,
        )
    except (etree.C14NError, ValueError) as e:
        raise UnsupportedDocument(
            "Le fichier emploie un espace de noms relatif, impossible à signer : refaites l'export "
            "depuis le logiciel métier.",
            code="xml_not_canonical",
        ) from e


def canonical_without(
    node: etree._Element | etree._ElementTree,
    removed: etree._Element,
    how: Canonicalization,
    marker: str,
) -> Sequence[memoryview]:
    """Canonical bytes of `node` as if `removed` were not in it, in two pieces.

    `marker` must be a name that cannot stand in the document. The tree is left as it was: the
    element is fenced by two processing instructions and cut out of the output, since taking it
    out of the tree would move its tail and its namespace declarations.
    """
    before, after = etree.ProcessingInstruction(marker), etree.ProcessingInstruction(marker)
    parent = removed.getparent()
    if parent is None:
        return ()
    tail, removed.tail = removed.tail, None
    removed.addprevious(before)
    removed.addnext(after)
    after.tail = tail
    try:
        output = canonical(node, how)
    finally:
        after.tail = None
        parent.remove(before)
        parent.remove(after)
        removed.tail = tail
    return _without_fenced(output, f"<?{marker}?>".encode())


def _without_fenced(output: bytes, fence: bytes) -> Sequence[memoryview]:
    view = memoryview(output)
    start = output.find(fence)
    if start < 0:
        return (view,)
    end = output.find(fence, start + len(fence))
    return view[:start], view[end + len(fence) :]


def digest(algorithm: str, pieces: Sequence[bytes | memoryview]) -> bytes:
    """Digest of the pieces one after the other; KeyError for an algorithm that is not allowed."""
    state = DIGESTS[algorithm]()
    for piece in pieces:
        state.update(piece)
    return state.digest()


def decode_base64(text: str | None) -> bytes | None:
    """Bytes of a ds:base64Binary, whitespace allowed (XML Schema); None when it is not one."""
    try:
        return b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def value_matches(method: str, key: object, value: bytes, tbs: bytes) -> bool:
    """Whether `value` signs `tbs` under `method` (RFC 6931), for a key of the kind it needs."""
    kind, algorithm = SIGNATURE_METHODS[method]
    try:
        if kind is KeyKind.RSA and isinstance(key, rsa.RSAPublicKey):
            key.verify(value, tbs, padding.PKCS1v15(), algorithm)
            return True
        if kind is KeyKind.EC and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_ecdsa_der(value), tbs, ec.ECDSA(algorithm))
            return True
    except (InvalidSignature, ValueError):
        return False
    return False


def _ecdsa_der(value: bytes) -> bytes:
    """RFC 6931 §2.3.6 writes r and s side by side; the library wants a DER SEQUENCE."""
    half = len(value) // 2
    r, s = int.from_bytes(value[:half]), int.from_bytes(value[half:])
    return encode_dss_signature(r, s)
