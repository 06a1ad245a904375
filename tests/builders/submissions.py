"""Acts and PES flows ready to send, unique at each call; all names are fictional."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

from connectors.base import ActSubmission, Attachment, PesSubmission

_COUNTER = itertools.count(1)
DECIDED_ON = date(2025, 3, 14)


def make_attachment(
    content: bytes, *, name: str = "acte.pdf", media_type: str = "application/pdf"
) -> Attachment:
    async def read() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65536):
            yield content[start : start + 65536]

    return Attachment(name, len(content), hashlib.sha256(content).hexdigest(), media_type, read)


def make_pdf() -> bytes:
    """Bytes that a TdT takes for a PDF, different at each call."""
    return b"%PDF-1.7\n% " + str(next(_COUNTER)).encode("ascii") + b"\n%%EOF\n"


def make_annex(name: str = "annexe.pdf", *, type_code: str | None = "99_SE") -> Attachment:
    return replace(make_attachment(make_pdf(), name=name), type_code=type_code)


def make_act(
    *,
    number: str | None = None,
    subject: str = "Délibération d'essai à l'été",
    annexes: tuple[Attachment, ...] = (),
    document: Attachment | None = None,
    signature: Attachment | None = None,
) -> ActSubmission:
    return ActSubmission(
        number=number or f"D{next(_COUNTER):06}",
        subject=subject,
        decided_on=DECIDED_ON,
        nature_code=1,
        classification=(7, 1),
        type_code="99_DE",
        document=document or make_attachment(make_pdf(), name="Délibération n° 1.pdf"),
        annexes=annexes,
        signature=signature,
    )


def make_act_with_signature() -> ActSubmission:
    """An act with bytes beside it that only look like a signature."""
    content = b"\x30\x82" + str(next(_COUNTER)).encode("ascii") * 90
    media_type = "application/pkcs7-signature"
    return make_act(
        signature=make_attachment(content, name="acte-1-Élu.p7s", media_type=media_type)
    )


def make_flow(*, nomfic: str, codcol: str = "123", encoding: str = "ISO-8859-1") -> bytes:
    """A PES_Aller with one slip of two items and one attachment, header valid for the schema."""
    namespace = "http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller"
    text = f"""<?xml version="1.0" encoding="{encoding}"?>
<n:PES_Aller xmlns:n="{namespace}">
<Enveloppe><Parametres><Version V="2"/><TypFic V="PESALR1"/><NomFic V="{nomfic}"/></Parametres>
<Emetteur><Sigle V="Éditeur &amp; fils"/><Adresse V="essai 1.0"/></Emetteur></Enveloppe>
<EnTetePES><DteStr V="2025-03-14"/><IdPost V="034000"/><IdColl V="00000000000000"/>
<CodCol V="{codcol}"/><CodBud V="12"/></EnTetePES>
<PES_DepenseAller><Bordereau Id="B1"><BlocBordereau><Exer V="2025"/><IdBord V="42"/></BlocBordereau>
<Piece><BlocPiece><InfoPce><IdPce V="7"/></InfoPce></BlocPiece></Piece></Bordereau>
</PES_DepenseAller><PES_PJ><PJ><IdUnique V="PJ0001"/></PJ></PES_PJ>
</n:PES_Aller>
"""
    return text.encode("iso-8859-1")


def make_pes(
    *, nomfic: str | None = None, codcol: str = "123", content: bytes | None = None
) -> PesSubmission:
    own_name = nomfic or f"FLUX_FICTIF_{next(_COUNTER):06}"
    flow = make_flow(nomfic=own_name, codcol=codcol) if content is None else content
    document = make_attachment(flow, name=f"{own_name}.xml", media_type="text/xml")
    return PesSubmission(own_name, codcol, document)
