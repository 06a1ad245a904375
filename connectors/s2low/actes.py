"""Acts over S²LOW: create, status, AR, look-up (s2low-api.md §2)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping

from connectors.actes import fields, messages
from connectors.base import (
    ActSubmission,
    Answer,
    Attachment,
    Lookup,
    LookupResult,
    Receipt,
    RemoteState,
    RemoteStatus,
)
from connectors.errors import InvalidSubmission, Unreachable, UnreadableAnswer
from connectors.multipart import FieldPart, FilePart, Part
from connectors.s2low import parsing, statuses
from connectors.s2low.client import S2lowClient, safe_file_name

_PREFIX = "/modules/actes"
_PAGE = 100
_OVERLAP = 10
_RESTARTS = 3
_TRANSMISSION = "1"


async def submit(client: S2lowClient, submission: ActSubmission) -> Receipt:
    """Creates and sends the act, once. Raises InvalidSubmission before any call."""
    faults = fields.check(submission, today=None)
    if faults:
        raise InvalidSubmission(faults[0].detail, code=faults[0].code)
    signature = submission.signature
    parts = _form(
        submission,
        signature=await _in_pem(signature) if signature else None,
        hold=client.account.hold,
    )
    reply = await client.post(f"{_PREFIX}/actes_transac_create.php", parts)
    return Receipt(parsing.created_id(reply), reply.body)


async def status(client: S2lowClient, remote_id: str) -> RemoteStatus:
    """The act's present status (`actes_transac_get_status.php`). Raises ConnectorError's cases."""
    reply = await client.get(f"{_PREFIX}/actes_transac_get_status.php", {"transaction": remote_id})
    code, payload = parsing.act_status(reply)
    meaning = statuses.actes_meaning(code)
    message = meaning.label
    if meaning.state is RemoteState.ERROR and payload:
        message = _error_text(payload)
    return RemoteStatus(code, meaning.state, message, reply.body)


async def answer(client: S2lowClient, submission: ActSubmission, remote_id: str) -> Answer | None:
    """The AR, or the anomaly that an error status carries; None while there is neither.

    Raises UnreadableAnswer when the AR is another act's (threat 29)."""
    reply = await client.get(f"{_PREFIX}/actes_transac_get_status.php", {"transaction": remote_id})
    code, payload = parsing.act_status(reply)
    state = statuses.actes_meaning(code).state
    if state is RemoteState.ANSWER_AVAILABLE and not payload.startswith(b"<"):
        payload = await _downloaded_ar(client, remote_id)
    if state not in {RemoteState.ANSWER_AVAILABLE, RemoteState.ERROR}:
        return None
    if not payload.startswith(b"<") or parsing.is_page(payload):
        return None
    read = messages.read_answer(payload)
    if not messages.concerns(payload, submission):
        raise UnreadableAnswer("Le TdT a rendu l'accusé d'un autre acte.", raw=payload)
    return read


async def highest_known_id(client: S2lowClient) -> int:
    """The newest id over every status, 0 for an account that never sent: lists are newest first."""
    highest = 0
    for status_id in statuses.ACTES_LOOKUP_ORDER:
        rows = await _page(client, status_id, offset=0, limit=1)
        highest = max([highest, *(parsing.row_id(row) for row in rows)])
    return highest


async def look_up(
    client: S2lowClient, submission: ActSubmission, *, above_id: int | None
) -> Lookup:
    """Whether the account holds the act: same number and decision date, id above `above_id`.

    Every status is read in the order of an act's life (s2low-api.md §2.9)."""
    found: set[int] = set()
    for status_id in statuses.ACTES_LOOKUP_ORDER:
        async for row in _rows_above(client, status_id, above_id or 0):
            if _is_the_act(row, submission):
                found.add(parsing.row_id(row))
    if not found:
        return Lookup(LookupResult.ABSENT)
    if len(found) > 1:
        return Lookup(LookupResult.SEVERAL)
    return Lookup(LookupResult.FOUND, str(found.pop()))


async def _rows_above(
    client: S2lowClient, status_id: int, above_id: int
) -> AsyncIterator[Mapping[str, object]]:
    """Rows of one status, newest first. Pages overlap: when so many acts left the status between
    two pages that the overlap is lost, rows may have slipped by, and the status is read again."""
    for _ in range(_RESTARTS):
        offset, last = 0, None
        while True:
            rows = await _page(client, status_id, offset=offset, limit=_PAGE)
            ids = [parsing.row_id(row) for row in rows]
            if last is not None and last not in ids:
                break
            for row in rows:
                if parsing.row_id(row) > above_id:
                    yield row
            if len(rows) < _PAGE or min(ids) <= above_id:
                return
            offset, last = offset + _PAGE - _OVERLAP, ids[-1]
    raise Unreachable("La liste du TdT change pendant la lecture : elle sera relue plus tard.")


async def _page(
    client: S2lowClient, status_id: int, *, offset: int, limit: int
) -> list[Mapping[str, object]]:
    reply = await client.get(
        f"{_PREFIX}/api/list_actes.php",
        {"status_id": status_id, "offset": offset, "limit": limit},
    )
    return parsing.listed_rows(reply)


async def _downloaded_ar(client: S2lowClient, remote_id: str) -> bytes:
    reply = await client.get_any(f"{_PREFIX}/actes_transac_get_ARActe.php", {"id": remote_id})
    return b"" if reply.is_redirect else reply.body.strip()


def _is_the_act(row: Mapping[str, object], submission: ActSubmission) -> bool:
    return (
        str(row.get("type", "")) == _TRANSMISSION
        and str(row.get("number", "")) == submission.number
        and str(row.get("date", ""))[:10] == submission.decided_on.isoformat()
    )


def _error_text(payload: bytes) -> str:
    if payload.startswith(b"<") and not parsing.is_page(payload):
        try:
            errors = messages.read_answer(payload).errors
        except UnreadableAnswer:
            return parsing.decode(payload)
        return " ; ".join(error.label for error in errors)
    return parsing.decode(payload)


async def _in_pem(signature: Attachment) -> Attachment:
    """A signature as S²LOW keeps it: text, in the armour that openssl reads (s2low-api.md §2.1).
    Raises InvalidSubmission (`signature_changed`), nothing being sent yet."""
    content = b"".join([chunk async for chunk in signature.open()])
    if hashlib.sha256(content).hexdigest() != signature.sha256:
        raise InvalidSubmission(
            "La signature enregistrée ne correspond plus à son empreinte : rien n'a été envoyé, un "
            "administrateur doit vérifier le stockage.",
            code="signature_changed",
        )
    text = base64.b64encode(content)
    lines = (text[start : start + 64] for start in range(0, len(text), 64))
    pem = b"\n".join([b"-----BEGIN PKCS7-----", *lines, b"-----END PKCS7-----", b""])

    async def read() -> AsyncIterator[bytes]:
        yield pem

    return Attachment(
        name=signature.name,
        size_bytes=len(pem),
        sha256=hashlib.sha256(pem).hexdigest(),
        media_type=signature.media_type,
        open=read,
    )


def _form(submission: ActSubmission, *, signature: Attachment | None, hold: bool) -> list[Part]:
    """The parts in the order that S²LOW's usual clients send (s2low-api.md §2.1)."""
    values = [
        ("api", "1"),
        ("nature_code", str(submission.nature_code)),
        ("number", submission.number),
        ("subject", fields.to_latin1(submission.subject)),
        ("decision_date", submission.decided_on.isoformat()),
        ("en_attente", "1" if hold else "0"),
        ("document_papier", "0"),
        ("type_acte", submission.type_code),
        *(("type_pj[]", annex.type_code or "") for annex in submission.annexes),
        *(
            (f"classif{level}", str(code))
            for level, code in enumerate(submission.classification, start=1)
        ),
    ]
    parts: list[Part] = [FieldPart(name, value.encode("iso-8859-1")) for name, value in values]
    document = submission.document
    parts.append(FilePart("acte_pdf_file", safe_file_name(document.name), document))
    if signature is not None:
        parts.append(FilePart("acte_pdf_file_sign", safe_file_name(signature.name), signature))
    for annex in submission.annexes:
        parts.append(FilePart("acte_attachments[]", safe_file_name(annex.name), annex))
    return parts
