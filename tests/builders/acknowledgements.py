"""AR of acts and PES_ACQUIT, good and bad, as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

_ACTES = "http://www.interieur.gouv.fr/ACTES#v1.1-20040216"
_ACQUIT_V1 = "http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/retour"
_ACQUIT_V2 = f"{_ACQUIT_V1}/v2"


def make_ar(
    *,
    number: str = "D1",
    decided_on: str = "2025-03-14",
    received_on: str = "2025-03-15",
    reference: str | None = None,
    subject: str = "Délibération d'essai",
    encoding: str = "ISO-8859-1",
) -> bytes:
    """An ARActe echoing the act."""
    own = reference
    if own is None:
        own = f"999-000000000-{decided_on.replace('-', '')}-{number}-DE"
    attributes = f'actes:IDActe="{own}" actes:DateReception="{received_on}"'
    return _message("ARActe", attributes, "", (number, decided_on, subject), encoding)


def make_anomaly(
    *,
    number: str = "D1",
    decided_on: str = "2025-03-14",
    nature: str = "002",
    detail: str = "ODT-VERIF-01 : classification périmée",
) -> bytes:
    """An AnomalieActe 1-3."""
    body = f"<actes:Nature>{nature}</actes:Nature><actes:Detail>{escape(detail)}</actes:Detail>"
    return _message("AnomalieActe", "", body, (number, decided_on, "Essai"), "ISO-8859-1")


@dataclass(frozen=True)
class AcquitElement:
    """One ElementACQUIT; `inner` is its raw content after EtatAck."""

    state: str = "1"
    domain: str = "5"
    inner: str = '<NumBord V="42"/><ExerciceBord V="2025"/>'


def make_error(code: str, label: str) -> str:
    return f'<Erreur><NumAnoAck V="{code}"/><LibelleAnoAck V={quoteattr(label)}/></Erreur>'


def make_acquit(
    elements: Sequence[AcquitElement] = (AcquitElement(),),
    *,
    nomfic: str = "FLUX_FICTIF",
    codcol: str = "123",
    version: int = 2,
    root: str = "PES_ACQUIT",
    encoding: str = "ISO-8859-1",
) -> bytes:
    """A PES_ACQUIT with the given elements."""
    namespace = _ACQUIT_V2 if version == 2 else _ACQUIT_V1
    rows = "".join(
        f'<ElementACQUIT><DomaineAck V="{one.domain}"/><EtatAck V="{one.state}"/>{one.inner}'
        "</ElementACQUIT>"
        for one in elements
    )
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        f'<n:{root} xmlns:n="{namespace}"><Enveloppe><Parametres><Version V="2"/>'
        f'<TypFic V="PESALR1"/><NomFic V="{nomfic}"/></Parametres></Enveloppe>'
        f'<EnTetePES><CodCol V="{codcol}"/></EnTetePES>'
        f'<ACQUIT><EnTeteAcquit><IdVer V="{version}"/></EnTeteAcquit>{rows}</ACQUIT></n:{root}>'
    )
    return text.encode(encoding)


def _message(
    name: str, attributes: str, body: str, echo: tuple[str, str, str], encoding: str
) -> bytes:
    number, decided_on, subject = echo
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        f'<actes:{name} xmlns:actes="{_ACTES}" {attributes}>{body}'
        f'<actes:ActeRecu actes:Date="{decided_on}" actes:NumeroInterne="{number}" '
        f'actes:CodeNatureActe="1"><actes:Objet>{escape(subject)}</actes:Objet></actes:ActeRecu>'
        f"</actes:{name}>"
    )
    return text.encode(encoding)
