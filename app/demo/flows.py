"""Fictional PES flows, deterministic and valid against the official schema, of any shape or size.

Nothing in them exists: body, creditors, bank accounts and invoices are invented. The same `Flow`
always gives the same bytes; a large one is written piece by piece, in constant memory.
"""

from __future__ import annotations

import gzip
import hashlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

_ROOT_OPEN = (
    '<n:PES_Aller xmlns:n="http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller"'
    ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
)
_CENT = Decimal("0.01")
_TAX_RATE = Decimal("0.20")
_FIRST_CUMUL = Decimal("10000.00")
_SUBJECTS = (
    "Fournitures scolaires de l'école élémentaire",
    "Réparation de la toiture de la salle des fêtes",
    "Carburant des véhicules techniques",
    "Entretien des espaces verts & fleurissement",
    "Repas de la cantine, côté maternelle",
)
_CREDITORS = ("PAPETERIE EXEMPLE", "TOITURES FICTIVES", "GARAGE MODÈLE", "JARDINS D'ESSAI")
_DEBTORS = ("CAFÉ IMAGINAIRE", "ASSOCIATION D'ESSAI", "ATELIER MODÈLE")
_BASE64_GROWTH = Decimal("1.334")


@dataclass(frozen=True, slots=True)
class Body:
    """The fictional local authority that sends the flow (EnTetePES)."""

    siret: str = "21349999900017"
    code: str = "123"
    budget: str = "00"
    accounting_post: str = "034000"
    label: str = "COMMUNE DE SAINT-MODÈLE"


@dataclass(frozen=True, slots=True)
class Flow:
    """The shape of a flow. `number` makes its NomFic and every identifier in it unique.

    Attachments hold `attachment_bytes` pseudo-random bytes each (base64 adds a third); the first
    ones are referenced by the first expense items, the others by nobody, as `RefCompta` pieces."""

    number: int = 1
    expense_slips: int = 1
    revenue_slips: int = 0
    items_per_slip: int = 2
    attachments: int = 0
    attachment_bytes: int = 2_000
    dematerialised: bool = True
    slip_ids: bool = True
    root_id: bool = True
    encoding: str = "ISO-8859-1"
    newline: str = "\n"
    emitted_on: date = date(2026, 3, 16)
    file_type: str = "PESALR2"
    body: Body = field(default_factory=Body)

    @property
    def file_name(self) -> str:
        """NomFic."""
        return f"DEMO_PES_{self.emitted_on:%Y%m%d}_{self.number:06d}"


def make_pes(flow: Flow | None = None) -> bytes:
    """The bytes of a flow."""
    target = BytesIO()
    write_pes(flow or Flow(), target)
    return target.getvalue()


def write_pes(flow: Flow, target: BinaryIO) -> None:
    """Write a flow to a binary file, one slip or one attachment at a time."""
    for line in _lines(flow):
        target.write(f"{line}{flow.newline}".encode(flow.encoding))


def grown_to(flow: Flow, size_bytes: int) -> Flow:
    """The same flow with attachments of 1 MB at most, so that it weighs about `size_bytes`."""
    bare = len(make_pes(replace(flow, attachments=0)))
    missing = max(0, int((size_bytes - bare) / _BASE64_GROWTH))
    count = max(1, -(-missing // 1_000_000))
    return replace(flow, attachments=count, attachment_bytes=missing // count)


def _lines(flow: Flow) -> Iterator[str]:
    yield f'<?xml version="1.0" encoding="{flow.encoding}"?>'
    root_id = f' Id="FLUX{flow.number}"' if flow.root_id else ""
    yield f"{_ROOT_OPEN}{root_id}>"
    yield from _header(flow)
    if flow.expense_slips:
        yield from _domain(flow, _Expense(flow))
    if flow.revenue_slips:
        yield from _domain(flow, _Revenue(flow))
    if flow.attachments:
        yield from _attachments(flow)
    yield "</n:PES_Aller>"


def _header(flow: Flow) -> Iterator[str]:
    body = flow.body
    yield "  <Enveloppe>"
    yield "    <Parametres>"
    yield from _values(6, Version="2", TypFic=flow.file_type, NomFic=flow.file_name)
    yield "    </Parametres>"
    yield "    <Emetteur>"
    yield from _values(6, Sigle="DEMONSTRATION", Adresse="PARAPHEUR 1")
    yield "    </Emetteur>"
    yield "  </Enveloppe>"
    yield "  <EnTetePES>"
    yield from _values(
        4,
        DteStr=flow.emitted_on.isoformat(),
        IdPost=body.accounting_post,
        IdColl=body.siret,
        CodCol=body.code,
        CodBud=body.budget,
        LibelleColBud=body.label,
    )
    yield "  </EnTetePES>"


def _domain(flow: Flow, orders: _Expense | _Revenue) -> Iterator[str]:
    yield f"  <{orders.domain}>"
    yield f"    <{orders.header}>"
    yield from _values(6, IdVer="2", InfoDematerialisee="1" if flow.dematerialised else "0")
    yield f"    </{orders.header}>"
    cumul = _FIRST_CUMUL
    for n in range(orders.slips):
        amounts = [_amounts(n * flow.items_per_slip + k) for k in range(flow.items_per_slip)]
        excl_tax = sum((one[0] for one in amounts), Decimal(0))
        cumul += excl_tax
        slip_number = flow.number * 100 + n + 1
        slip_id = f' Id="{orders.prefix}{slip_number}"' if flow.slip_ids else ""
        yield f"    <Bordereau{slip_id}>"
        yield "      <BlocBordereau>"
        yield from _values(
            8,
            Exer=str(flow.emitted_on.year),
            IdBord=str(slip_number % 10_000_000 or 1),
            DteBordEm=flow.emitted_on.isoformat(),
            TypBord="01",
            NbrPce=str(flow.items_per_slip),
            MtCumulAnnuel=str(cumul),
        )
        yield f'        <{orders.total} V="{excl_tax}"/>'
        yield from _values(8, MtBordTVA=str(sum((one[1] for one in amounts), Decimal(0))))
        yield "      </BlocBordereau>"
        for k, (amount, tax) in enumerate(amounts):
            yield from orders.item(n * flow.items_per_slip + k, amount, tax)
        yield "    </Bordereau>"
    yield f"  </{orders.domain}>"


@dataclass(frozen=True, slots=True)
class _Expense:
    """Spelling and content of PES_DepenseAller."""

    flow: Flow
    domain: str = "PES_DepenseAller"
    header: str = "EnTeteDepense"
    total: str = "MtBordHT"
    prefix: str = "BORDDEP"

    @property
    def slips(self) -> int:
        return self.flow.expense_slips

    def item(self, k: int, amount: Decimal, tax: Decimal) -> Iterator[str]:
        subject = _SUBJECTS[k % len(_SUBJECTS)]
        yield "      <Piece>"
        yield "        <BlocPiece>"
        yield "          <InfoPce>"
        yield from _values(12, IdPce=str(k + 1), TypPce="01", NatPce="01", Obj=subject)
        if k < self.flow.attachments:
            yield "            <PJRef>"
            yield from _values(
                14, Support="01", IdUnique=_unique_id(self.flow, k), NomPJ=_attachment_name(k)
            )
            yield "            </PJRef>"
        yield "          </InfoPce>"
        yield "        </BlocPiece>"
        yield "        <LigneDePiece>"
        yield "          <BlocLignePiece>"
        yield "            <InfoLignePce>"
        yield from _values(14, IdLigne="1", Nature="60632", Fonction="020", LibVir1=subject[:70])
        yield from _values(14, ModRegl="03", TVAIntraCom="0", MtHT=str(amount), MtTVA=str(tax))
        yield "            </InfoLignePce>"
        yield "          </BlocLignePiece>"
        name = _CREDITORS[k % len(_CREDITORS)]
        yield "          <Tiers>"
        yield "            <InfoTiers>"
        yield from _values(14, RefTiers=f"T{k + 1}", CatTiers="60", NatJur="03", Nom=name)
        yield "            </InfoTiers>"
        yield from _address()
        yield "            <CpteBancaire>"
        yield from _values(
            14, BIC="FICTFRPPXXX", IBAN="FR7630006000011234567890189", TitCpte=name[:32]
        )
        yield "            </CpteBancaire>"
        yield "          </Tiers>"
        yield "        </LigneDePiece>"
        yield "      </Piece>"


@dataclass(frozen=True, slots=True)
class _Revenue:
    """Spelling and content of PES_RecetteAller."""

    flow: Flow
    domain: str = "PES_RecetteAller"
    header: str = "EnTeteRecette"
    total: str = "MtBordHt"
    prefix: str = "BORDREC"

    @property
    def slips(self) -> int:
        return self.flow.revenue_slips

    def item(self, k: int, amount: Decimal, tax: Decimal) -> Iterator[str]:
        yield "      <Piece>"
        yield "        <BlocPiece>"
        subject = "Redevance d'occupation du domaine public (fictive)"
        yield from _values(10, IdPce=str(k + 1), TypPce="01", NatPce="01", ObjPce=subject)
        yield "        </BlocPiece>"
        yield "        <LigneDePiece>"
        yield "          <BlocLignePiece>"
        yield "            <InfoLignePiece>"
        yield from _values(14, IdLigne="1", CodProdLoc="0101", Nature="70323", Fonction="020")
        yield from _values(14, Majo="0", TvaIntraCom="0", MtHT=str(amount), MtTVA=str(tax))
        yield "            </InfoLignePiece>"
        yield "          </BlocLignePiece>"
        yield "          <Tiers>"
        yield "            <InfoTiers>"
        name = _DEBTORS[k % len(_DEBTORS)]
        yield from _values(
            14, RefTiers=f"R{k + 1}", CatTiers="60", NatJur="03", TypTiers="01", Nom=name
        )
        yield "            </InfoTiers>"
        yield from _address()
        yield "          </Tiers>"
        yield "        </LigneDePiece>"
        yield "      </Piece>"


def _address() -> Iterator[str]:
    yield "            <Adresse>"
    yield from _values(
        14, TypAdr="1", Adr2="1 RUE DE L'EXEMPLE", CP="34999", Ville="SAINT MODELE", CodRes="0"
    )
    yield "            </Adresse>"


def _attachments(flow: Flow) -> Iterator[str]:
    yield "  <PES_PJ>"
    yield "    <EnTetePES_PJ>"
    yield from _values(6, IdVer="1")
    yield "    </EnTetePES_PJ>"
    expense_items = flow.expense_slips * flow.items_per_slip
    for k in range(flow.attachments):
        yield "    <PJ>"
        yield "      <Contenu>"
        content = b64encode(_gzipped(flow, k)).decode("ascii")
        yield f'        <Fichier MIMEType="application/octet-stream">{content}</Fichier>'
        yield "      </Contenu>"
        yield from _values(6, IdUnique=_unique_id(flow, k), NomPJ=_attachment_name(k))
        yield from _values(6, TypePJ="003", Description=f"Facture fictive {k + 1}")
        if k >= expense_items:
            yield "      <RefCompta>"
            yield from _values(
                8, Domaine="01", Exercice=str(flow.emitted_on.year), TypeObjet="01", Identifiant="1"
            )
            yield "      </RefCompta>"
        yield "    </PJ>"
    yield "  </PES_PJ>"


def _gzipped(flow: Flow, k: int) -> bytes:
    seed = f"{flow.file_name}/{k}".encode()
    # Incompressible on purpose: the size of the flow follows the size that was asked for.
    return gzip.compress(hashlib.shake_256(seed).digest(flow.attachment_bytes), 1, mtime=0)


def _unique_id(flow: Flow, k: int) -> str:
    return f"PJ{flow.emitted_on:%Y%m%d}N{flow.number}R{k + 1}"


def _attachment_name(k: int) -> str:
    return f"FACTURE{k + 1}.PDF"


def _amounts(k: int) -> tuple[Decimal, Decimal]:
    """Amount without tax and tax of the item `k`."""
    amount = Decimal(3750 + (k * 1337) % 90_000) * _CENT
    return amount, (amount * _TAX_RATE).quantize(_CENT)


def _values(indent: int, **elements: str) -> Iterator[str]:
    for name, value in elements.items():
        yield f"{' ' * indent}<{name} V={quoteattr(value)}/>"
