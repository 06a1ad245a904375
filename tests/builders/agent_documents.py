"""Prepared documents for the agent, as the engine prepares them on the server."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.demo.pki import Issued
from signing import cades, pades, pes_signature
from signing.policies import HELIOS_2018
from signing.types import Place, Prepared, SignatureParameters

ROLE = "Maire"
CITY, POSTAL_CODE, COUNTRY = "Sainte-Fiction", "99999", "France"


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """A document with its member of `items` in a job, number and titles left to the caller."""

    document: bytes
    entry: dict[str, Any] = field(default_factory=dict)


def prepared_pdf(signer: Issued, *, padding: int = 0) -> PreparedItem:
    """A one-page PDF with its signature increment, and the attributes to sign."""
    source, moment = _blank_pdf(padding), datetime.now(UTC).replace(microsecond=0)
    prepared = pades.prepare(source, _parameters(signer, ROLE, moment))
    entry = _common("PADES", prepared.document, moment)
    entry["source_sha256"] = prepared.source_sha256
    entry["summary"] = None
    entry["policy"] = None
    entry["to_sign"] = _to_sign(prepared)
    return PreparedItem(prepared.document, entry)


def prepared_detached(
    signer: Issued, document: bytes = b"Note de service.\n", *, role: str = ROLE
) -> PreparedItem:
    """Any file, with the attributes of its detached signature."""
    moment = datetime.now(UTC).replace(microsecond=0)
    prepared = cades.prepare(document, _parameters(signer, role, moment))
    entry = _common("PKCS7", document, moment) | {"claimed_role": role}
    entry |= {"summary": None, "policy": None, "to_sign": _to_sign(prepared)}
    return PreparedItem(document, entry)


def prepared_pes(signer: Issued, *, slips: int = 2, role: str = ROLE) -> PreparedItem:
    """A PES flow of some slips of 150.00 € each, with what its signatures sign."""
    document = pes_flow(slips)
    moment = datetime.now(UTC).replace(microsecond=0)
    prepared = pes_signature.prepare(document, _parameters(signer, role, moment), HELIOS_2018)
    entry = _common("PES_V2", document, moment)
    entry["claimed_role"] = role
    entry["summary"] = {"slips": slips, "amount_incl_tax": f"{150 * slips}.00"}
    entry["policy"] = {"oid": HELIOS_2018.oid, "digest_b64": HELIOS_2018.digest_b64}
    entry["to_sign"] = [
        {
            "id": one.id,
            "tbs": b64(one.tbs),
            "mechanism": one.mechanism.value,
            "target_id": one.target_id,
            "signed_properties": b64(one.signed_properties or b""),
        }
        for one in prepared.to_sign
    ]
    return PreparedItem(document, entry)


def pes_flow(slips: int = 2) -> bytes:
    """A fictional dépense flow in ISO-8859-1."""
    bodies = "".join(_slip(n) for n in range(1, slips + 1))
    text = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        '<n:PES_Aller xmlns:n="http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" Id="FLUX1">'
        '<Enveloppe><Parametres><NomFic V="FLUX_ESSAI_1"/></Parametres></Enveloppe>'
        '<EnTetePES><DteStr V="2026-03-01"/><CodCol V="999"/></EnTetePES>'
        '<PES_DepenseAller><EnTeteDepense><IdVer V="2"/><InfoDematerialisee V="1"/>'
        f"</EnTeteDepense>{bodies}</PES_DepenseAller></n:PES_Aller>\n"
    )
    return text.encode("iso-8859-1")


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _slip(number: int) -> str:
    return (
        f'<Bordereau Id="BORD{number}"><BlocBordereau><Exer V="2026"/><IdBord V="{number}"/>'
        '<MtBordHT V="100.00"/><MtBordTVA V="20.00"/></BlocBordereau><Piece><BlocPiece><InfoPce>'
        f'<IdPce V="{number}"/><Obj V="Réfection de l&apos;école"/></InfoPce></BlocPiece>'
        '<LigneDePiece><BlocLignePiece><InfoLignePce><IdLigne V="1"/><MtHT V="125.00"/>'
        '<MtTVA V="25.00"/></InfoLignePce></BlocLignePiece></LigneDePiece></Piece></Bordereau>\n'
    )


def _common(kind: str, document: bytes, moment: datetime) -> dict[str, Any]:
    return {
        "format": kind,
        "download_sha256": hashlib.sha256(document).hexdigest(),
        "size_bytes": len(document),
        "source_sha256": hashlib.sha256(document).hexdigest(),
        "claimed_role": ROLE,
        "city": CITY,
        "postal_code": POSTAL_CODE,
        "country": COUNTRY,
        "signing_time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
    }


def _to_sign(prepared: Prepared) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "tbs": b64(one.tbs), "mechanism": one.mechanism.value}
        for one in prepared.to_sign
    ]


def _parameters(signer: Issued, role: str, signing_time: datetime) -> SignatureParameters:
    return SignatureParameters(
        certificate=signer.der,
        chain=(),
        signing_time=signing_time,
        place=Place(city=CITY, postal_code=POSTAL_CODE, country=COUNTRY),
        claimed_role=role,
        signer_name="Camille Duval",
    )


def _blank_pdf(padding: int) -> bytes:
    """One empty page, written by hand; `padding` bytes of white space in its content."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (padding, b" " * padding),
    ]
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n"
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)
