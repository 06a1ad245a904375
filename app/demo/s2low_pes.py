"""The double's treasury: what S²LOW checks of a flow, and the PES_ACQUIT that comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from app.demo.s2low_model import Verdict

_NAMESPACE = "http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/retour/v2"
_COPIED = ("Enveloppe", "EnTetePES")
_SLIP_DOMAINS = {"PES_DepenseAller": "5", "PES_RecetteAller": "6"}
_BLOCK = 65536
_TECHNICAL_ERROR = "Erreur de validation XSD en boite 1 (démonstration)"


@dataclass(slots=True)
class Slip:
    """A slip of the flow: domain of the ACQUIT, year, number, its first item."""

    domain: str
    fiscal_year: str = ""
    number: str = ""
    first_item: str = ""


@dataclass(slots=True)
class Flow:
    """What the double needs of a PES_Aller, gathered by a streaming pass."""

    header: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    domains: set[str] = field(default_factory=set)
    slips: list[Slip] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)

    @property
    def nomfic(self) -> str:
        return self.values.get("Enveloppe/Parametres/NomFic", "")

    @property
    def codcol(self) -> str:
        return self.values.get("EnTetePES/CodCol", "")


class FlowError(Exception):
    """The message that the asynchronous check leaves on the transaction."""


def read_flow(path: Path) -> Flow:
    """Raises FlowError where S²LOW's own worker would end the flow (pes-v2.md §4.1, 3 to 7, 12)."""
    with path.open("rb") as source:
        start = source.read(50)
        if b"iso-8859-1" not in start.lower():
            raise FlowError("Le fichier PES n'est pas encodé en ISO-8859-1")
    flow = _parsed(path)
    if not flow.domains:
        raise FlowError("Le fichier PES ne contient ni bordereau, ni PJ, ni marché")
    if not flow.nomfic:
        raise FlowError("La balise NomFic est absente ou vide")
    if len(flow.codcol) > 3:
        raise FlowError("La balise CodCol est trop longue")
    if len(flow.values.get("EnTetePES/IdColl", "")) > 14:
        raise FlowError("La balise IdColl est trop longue")
    return flow


def make_acquit(flow: Flow, verdict: Verdict) -> bytes:
    """A PES_ACQUIT version 2, valid against its schema when the header it copies is."""
    if verdict is Verdict.TECHNICAL:
        elements = _element("0", accepted=False, error=("ERREUR_AUTRE", _TECHNICAL_ERROR))
    else:
        elements = _elements(flow, accepted=verdict is Verdict.ACCEPTED)
    text = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        f'<n:PES_ACQUIT xmlns:n="{_NAMESPACE}">\n'
        f"{''.join(flow.header)}\n"
        f'<ACQUIT><EnTeteAcquit><IdVer V="2"/></EnTeteAcquit>\n{elements}</ACQUIT>\n'
        "</n:PES_ACQUIT>\n"
    )
    return text.encode("iso-8859-1", "xmlcharrefreplace")


def _elements(flow: Flow, *, accepted: bool) -> str:
    """One element per slip and attachment; a refusal touches the first slip's first item only."""
    found = []
    for index, slip in enumerate(flow.slips):
        refused = not accepted and index == 0
        detail = _item_error(slip) if refused else ""
        own = f'<NumBord V="{slip.number}"/><ExerciceBord V="{slip.fiscal_year}"/>{detail}'
        found.append(_element(slip.domain, accepted=not refused, own=own))
    for identifier in flow.attachments:
        found.append(_element("4", accepted=True, own=f"<IdUnique V={quoteattr(identifier)}/>"))
    if not flow.slips and not accepted:
        found = [_element("0", accepted=False, error=("ERREUR_AUTRE", _TECHNICAL_ERROR))]
    return "".join(found) or _element("0", accepted=accepted)


def _item_error(slip: Slip) -> str:
    error = _error("ERREUR_AUTRE", "1971 - Compte fonction présent à tort (démonstration)")
    if not slip.first_item:
        return error
    return f'<DetailPiece><NumPiece V="{slip.first_item}"/>{error}</DetailPiece>'


def _element(
    domain: str, *, accepted: bool, own: str = "", error: tuple[str, str] | None = None
) -> str:
    detail = _error(*error) if error else ""
    state = "1" if accepted else "0"
    return (
        f'<ElementACQUIT><DomaineAck V="{domain}"/><EtatAck V="{state}"/>'
        f"{own}{detail}</ElementACQUIT>\n"
    )


def _error(code: str, label: str) -> str:
    shown = quoteattr(label)
    return f'<Erreur><NumAnoAck V="{code}"/><LibelleAnoAck V={shown}/></Erreur>'


def _parsed(path: Path) -> Flow:
    reader = _FlowReader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        with path.open("rb") as source:
            while block := source.read(_BLOCK):
                parser.Parse(block, False)  # noqa: FBT003 - positional only
        parser.Parse(b"", True)  # noqa: FBT003 - positional only
    except expat.ExpatError as e:
        raise FlowError("Le fichier n'est pas en XML") from e
    return reader.flow


class _FlowReader:
    """expat callbacks: copies the header, notes slips and attachments."""

    def __init__(self) -> None:
        self.flow = Flow()
        self._path: list[str] = []

    def doctype(self, *_: object) -> None:
        raise FlowError("Le fichier n'est pas en XML")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        inside = self._path[1:]
        if not inside:
            return
        if inside[0] in _COPIED:
            written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
            self.flow.header.append(f"<{name}{written}>")
            self.flow.values["/".join(inside)] = attributes.get("V", "")
        elif len(inside) == 1:
            self.flow.domains.add(name)
        elif inside[1] == "Bordereau" and inside[0] in _SLIP_DOMAINS:
            self._slip(inside, attributes.get("V", ""))
        elif inside == ["PES_PJ", "PJ", "IdUnique"]:
            self.flow.attachments.append(attributes.get("V", ""))

    def end(self, name: str) -> None:
        if len(self._path) > 1 and self._path[1] in _COPIED:
            self.flow.header.append(f"</{name}>")
        self._path.pop()

    def _slip(self, inside: list[str], value: str) -> None:
        if len(inside) == 2:
            self.flow.slips.append(Slip(_SLIP_DOMAINS[inside[0]]))
            return
        slip = self.flow.slips[-1]
        if inside[2:] == ["BlocBordereau", "Exer"]:
            slip.fiscal_year = value
        elif inside[2:] == ["BlocBordereau", "IdBord"]:
            slip.number = value
        elif inside[-1] == "IdPce" and not slip.first_item:
            slip.first_item = value
