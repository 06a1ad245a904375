"""PES_ACQUIT, versions 1 and 2, read leniently (pes-v2.md §3.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from connectors import xml
from connectors.base import Answer, AnswerError, Outcome, PesSubmission
from connectors.errors import UnreadableAnswer

DOMAINS: Mapping[str, str] = {
    "0": "flux",
    "1": "signature technique",
    "2": "signature globale",
    "3": "signature du bordereau",
    "4": "pièce jointe",
    "5": "dépense",
    "6": "recette",
    "7": "rôle",
    "8": "budget",
    "9": "état de l'actif",
    "10": "état du passif",
    "11": "marché",
    "12": "facture",
    "99": "paramétrage",
}
"""DomaineAck (CommunAck.xsd) as shown to people."""

_MEDIA_TYPE = "application/xml"
_ACCEPTED = {"1", "true"}


def read_answer(content: bytes) -> Answer:
    """The ACQUIT of a flow: acknowledged when every EtatAck is 1 or true, refused otherwise.

    A refused flow may come schema-invalid, down to a single element of domain 0: nothing is
    validated here. Raises UnreadableAnswer when the root is another message (an ACQUIT_RETOUR, a
    PES_Retour) or NomFic is missing, since nothing could be correlated."""
    root = xml.parse(content)
    name = xml.local_name(root).lower()
    if name not in {"pes_acquit", "pes_nonacquit"}:
        raise UnreadableAnswer("Le fichier reçu n'est pas un PES_ACQUIT.", raw=content)
    file_name = _value(xml.descend(root, "Enveloppe", "Parametres", "NomFic"))
    if not file_name:
        raise UnreadableAnswer("Le PES_ACQUIT ne nomme pas son flux (NomFic).", raw=content)
    body = xml.descend(root, "ACQUIT")
    elements = xml.children(root if body is None else body, "ElementACQUIT")
    accepted = name == "pes_acquit" and all(_is_accepted(element) for element in elements)
    return Answer(
        outcome=Outcome.ACKNOWLEDGED if accepted else Outcome.REFUSED,
        raw=content,
        media_type=_MEDIA_TYPE,
        file_name=file_name,
        body_code=_value(xml.descend(root, "EnTetePES", "CodCol")) or None,
        errors=tuple(error for element in elements for error in _errors(element)),
    )


def concerns(answer: Answer, submission: PesSubmission) -> bool:
    """NomFic and CodCol are the correlation key (pes-v2.md §3.1)."""
    return (answer.file_name, answer.body_code) == (submission.file_name, submission.body_code)


def _is_accepted(element: etree._Element) -> bool:
    return _value(xml.descend(element, "EtatAck")).lower() in _ACCEPTED


def _errors(element: etree._Element) -> Iterator[AnswerError]:
    """Errors of the element, its items and their lines; a refusal without any still gives one."""
    where = _place(element)
    found = list(_own_errors(element, where))
    for item in xml.children(element, "DetailPiece"):
        item_place = f"{where}, pièce {_value(xml.descend(item, 'NumPiece'))}"
        found.extend(_own_errors(item, item_place))
        for line in xml.children(item, "DetailLigne"):
            line_place = f"{item_place}, ligne {_value(xml.descend(line, 'NumLigne'))}"
            found.extend(_own_errors(line, line_place))
    if not found and not _is_accepted(element):
        found.append(AnswerError(None, "Refusé sans motif", where))
    yield from found


def _own_errors(holder: etree._Element, where: str) -> Iterator[AnswerError]:
    # Version 1 carries one error flat in the element, version 2 a list of Erreur.
    names = ("NumAnoAck", "LibelleAnoAck")
    is_flat = any(xml.descend(holder, name) is not None for name in names)
    flat = [holder] if is_flat else []
    for error in [*flat, *xml.children(holder, "Erreur")]:
        code = _value(xml.descend(error, "NumAnoAck")) or None
        label = _value(xml.descend(error, "LibelleAnoAck")) or code or "Erreur sans libellé"
        yield AnswerError(code, label, where)


def _place(element: etree._Element) -> str:
    code = _value(xml.descend(element, "DomaineAck"))
    words = [DOMAINS.get(code, f"domaine {code}")]
    for name, label in (
        ("ExerciceBord", "exercice"),
        ("NumBord", "bordereau"),
        ("NumPiece", "pièce"),
        ("NumLigne", "ligne"),
        ("IdMarche", "marché"),
        ("IdUnique", "identifiant"),
    ):
        value = _value(xml.descend(element, name))
        if value:
            words.append(f"{label} {value}")
    return ", ".join(words)


def _value(element: etree._Element | None) -> str:
    """PES values stand in the attribute V; some field files put them in the text."""
    return xml.attribute(element, "V") or xml.text(element)
