"""The ministry's answers to an act: AR 1-2, anomalies 1-3 and ANO (actes.md §3.4-3.5)."""

from __future__ import annotations

from datetime import date

from lxml import etree

from connectors import xml
from connectors.base import ActSubmission, Answer, AnswerError, Outcome
from connectors.errors import UnreadableAnswer

_MEDIA_TYPE = "application/xml"
_ANOMALIES = {"AnomalieActe": "acte", "AnomalieEnveloppe": "enveloppe"}


def read_answer(content: bytes) -> Answer:
    """An ARActe (acknowledged) or an anomaly (refused), read leniently: no schema, any nature.

    An acknowledgement without IDActe or DateReception, or another message, raises
    UnreadableAnswer: nothing is acknowledged by half (s2low-api.md §2.10)."""
    root = xml.parse(content)
    name = xml.local_name(root)
    if name == "ARActe":
        return _acknowledgement(root, content)
    if name in _ANOMALIES:
        return _anomaly(root, content, _ANOMALIES[name])
    raise UnreadableAnswer("Le message reçu n'est ni un accusé ni une anomalie.", raw=content)


def concerns(content: bytes, submission: ActSubmission) -> bool:
    """Whether the answer echoes this act's number and date; an answer without echo does not
    contradict, except an ARActe, whose echo and IDActe must agree (threat 29)."""
    root = xml.parse(content)
    echo = xml.descend(root, "ActeRecu")
    if echo is None:
        return xml.local_name(root) != "ARActe"
    number = xml.attribute(echo, "NumeroInterne")
    decided_on = xml.attribute(echo, "Date")[:10]
    if number != submission.number or decided_on != submission.decided_on.isoformat():
        return False
    reference = xml.attribute(root, "IDActe")
    return xml.local_name(root) != "ARActe" or f"-{submission.number}-" in reference


def _acknowledgement(root: etree._Element, content: bytes) -> Answer:
    reference = xml.attribute(root, "IDActe")
    try:
        received_on = date.fromisoformat(xml.attribute(root, "DateReception")[:10])
    except ValueError as e:
        raise UnreadableAnswer("L'accusé ne porte pas de date de réception.", raw=content) from e
    if not reference:
        raise UnreadableAnswer("L'accusé ne porte pas d'identifiant d'acte.", raw=content)
    return Answer(
        outcome=Outcome.ACKNOWLEDGED,
        raw=content,
        media_type=_MEDIA_TYPE,
        reference=reference,
        received_on=received_on,
    )


def _anomaly(root: etree._Element, content: bytes, where: str) -> Answer:
    nature = xml.text(xml.descend(root, "Nature")) or None
    detail = xml.text(xml.descend(root, "Detail"))
    label = detail or f"Anomalie de nature {nature or 'inconnue'}"
    return Answer(
        outcome=Outcome.REFUSED,
        raw=content,
        media_type=_MEDIA_TYPE,
        errors=(AnswerError(nature, label, where),),
    )
