"""Where things stand in a PES_Aller: domains, slips, signatures (pes-v2.md §1.1, §2.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from signing.facts import SlipKind
from signing.xmldsig import SIGNATURE

ALLER = "http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller"
ROOT = f"{{{ALLER}}}PES_Aller"
DOMAIN_KINDS = {
    "PES_DepenseAller": SlipKind.EXPENSE,
    "PES_RecetteAller": SlipKind.REVENUE,
}
DOMAIN_HEADERS = {"PES_DepenseAller": "EnTeteDepense", "PES_RecetteAller": "EnTeteRecette"}
TRUE_VALUES = frozenset({"1", "true"})
ORMC_FILE_TYPE = "PESORMC"
# Spellings of the other domain, in the slip's block and in its first piece (pes-v2.md §1.3).
_FOREIGN = {
    SlipKind.EXPENSE: (
        "MtBordHt",
        ("BlocPiece/IdPce", "LigneDePiece/BlocLignePiece/InfoLignePiece"),
    ),
    SlipKind.REVENUE: (
        "MtBordHT",
        ("BlocPiece/InfoPce", "LigneDePiece/BlocLignePiece/InfoLignePce"),
    ),
}
_NCNAME = re.compile(r"[^\W\d][\w.\-]*")


@dataclass(frozen=True, slots=True)
class Slip:
    """A Bordereau at its legal place."""

    element: etree._Element
    kind: SlipKind

    @property
    def id(self) -> str | None:
        return self.element.get("Id") or None


def slips_of(root: etree._Element) -> tuple[Slip, ...]:
    """Slips that stand directly in a domain of the root, in document order."""
    return tuple(
        Slip(element, DOMAIN_KINDS[str(domain.tag)])
        for domain in root.iterchildren(*DOMAIN_KINDS)
        for element in domain.iterchildren("Bordereau")
    )


def misplaced_slips(root: etree._Element, slips: tuple[Slip, ...]) -> int:
    """How many Bordereau elements stand elsewhere than in a domain of the root."""
    return sum(1 for _ in root.iter("Bordereau")) - len(slips)


def repeated_domains(root: etree._Element) -> bool:
    """Whether a domain that holds slips appears twice under the root (forbidden by the XSD)."""
    names = [str(domain.tag) for domain in root.iterchildren(*DOMAIN_KINDS)]
    return len(names) != len(set(names))


def in_wrong_domain(slip: Slip) -> bool:
    """Whether a slip has the spelling of the other domain (pes-v2.md §1.3): a signature covers
    its slip but not the domain that holds it."""
    block, piece = slip.element.find("BlocBordereau"), slip.element.find("Piece")
    foreign_slip, foreign_piece = _FOREIGN[slip.kind]
    return (block is not None and block.find(foreign_slip) is not None) or (
        piece is not None and any(piece.find(path) is not None for path in foreign_piece)
    )


def signatures_in(element: etree._Element) -> tuple[etree._Element, ...]:
    """ds:Signature children of an element."""
    return tuple(element.iterchildren(SIGNATURE))


def undeclared_domains(root: etree._Element, slips: tuple[Slip, ...]) -> tuple[str, ...]:
    """Domains that hold a slip without InfoDematerialisee at 1 (pes-v2.md §2.4)."""
    holding = {slip.kind for slip in slips}
    return tuple(
        name
        for name, kind in DOMAIN_KINDS.items()
        if kind in holding and not _dematerialised(root, name)
    )


def _dematerialised(root: etree._Element, domain: str) -> bool:
    flag = root.find(f"{domain}/{DOMAIN_HEADERS[domain]}/InfoDematerialisee")
    return flag is not None and flag.get("V") in TRUE_VALUES


def is_ncname(text: str) -> bool:
    """Whether a text may be an xs:ID, hence a bare-name pointer."""
    return _NCNAME.fullmatch(text) is not None
