"""PES flows over S²LOW: import, status, ACQUIT, look-up by content (s2low-api.md §3)."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base import (
    Answer,
    Lookup,
    LookupResult,
    PesSubmission,
    Receipt,
    RemoteState,
    RemoteStatus,
)
from connectors.errors import InvalidSubmission, RefusedByRemote, UnreadableAnswer
from connectors.helios import acquit
from connectors.multipart import FilePart
from connectors.outbound import MIB
from connectors.s2low import parsing, statuses
from connectors.s2low.client import S2lowClient, safe_file_name

MAX_PES_BYTES = 128 * MIB
_PREFIX = "/modules/helios"
_PAGE = 100
_CANNOT_TELL = Lookup(LookupResult.CANNOT_TELL)


async def submit(client: S2lowClient, submission: PesSubmission) -> Receipt:
    """Imports the flow, once. RefusedByRemote(duplicate=True) proves that these bytes were taken
    by an earlier call, without telling their id. Raises InvalidSubmission before any call."""
    document = submission.document
    if not 0 < document.size_bytes <= MAX_PES_BYTES:
        raise InvalidSubmission(
            "Le flux PES est vide ou dépasse 128 Mo : découpez-le depuis le logiciel financier.",
            code="pes_size",
        )
    part = FilePart("enveloppe", safe_file_name(document.name), document)
    reply = await client.post(f"{_PREFIX}/api/helios_importer_fichier.php", [part])
    return Receipt(parsing.imported_id(reply), reply.body)


async def status(client: S2lowClient, remote_id: str) -> RemoteStatus:
    """The flow's present status (`helios_transac_get_status.php`). Raises as ConnectorError."""
    reply = await client.get(
        f"{_PREFIX}/api/helios_transac_get_status.php", {"transaction": remote_id}
    )
    code, message = parsing.pes_status(reply)
    meaning = statuses.helios_meaning(code)
    return RemoteStatus(code, meaning.state, message or meaning.label, reply.body)


async def answer(client: S2lowClient, submission: PesSubmission, remote_id: str) -> Answer | None:
    """The PES_ACQUIT; None while the server redirects instead of giving it.

    Raises UnreadableAnswer when it answers another flow (threat 29)."""
    present = await status(client, remote_id)
    if present.state is not RemoteState.ANSWER_AVAILABLE:
        return None
    reply = await client.download(f"{_PREFIX}/helios_download_acquit.php", {"id": remote_id})
    if reply.is_redirect or parsing.is_page(reply.body) or not reply.body.strip():
        return None
    if reply.body.lstrip().startswith(b"KO"):
        return None
    read = acquit.read_answer(reply.body)
    if not acquit.concerns(read, submission):
        raise UnreadableAnswer("Le TdT a rendu l'acquittement d'un autre flux.", raw=reply.body)
    return read


async def highest_known_id(client: S2lowClient) -> int | None:
    """The newest id that an archivist account sees; None where the account may not list."""
    if not client.account.archivist:
        return None
    highest = 0
    try:
        for status_id in statuses.HELIOS_LOOKUP_ORDER:
            rows = await _page(client, status_id, offset=0, limit=1)
            highest = max([highest, *(parsing.row_id(row) for row in rows)])
    except RefusedByRemote:
        # The right was withdrawn, or never given: sending does not depend on it.
        return None
    return highest


async def look_up(
    client: S2lowClient, submission: PesSubmission, *, above_id: int | None
) -> Lookup:
    """FOUND with the id of the flow whose content has the submission's SHA-256; else CANNOT_TELL.

    Never ABSENT: rows are not linked to what was posted, so nothing here may decide a new post
    (s2low-api.md §3.4)."""
    if not client.account.archivist or above_id is None:
        return _CANNOT_TELL
    seen: set[int] = set()
    try:
        for status_id in statuses.HELIOS_LOOKUP_ORDER:
            for identifier in await _ids_above(client, status_id, above_id):
                if identifier in seen:
                    continue
                seen.add(identifier)
                digest = await client.download_digest(
                    f"{_PREFIX}/helios_download_file.php", {"id": identifier}
                )
                if digest == submission.document.sha256:
                    return Lookup(LookupResult.FOUND, str(identifier))
    except RefusedByRemote:
        return _CANNOT_TELL
    return _CANNOT_TELL


async def _ids_above(client: S2lowClient, status_id: int, above_id: int) -> list[int]:
    found: list[int] = []
    offset = 0
    while True:
        rows = await _page(client, status_id, offset=offset, limit=_PAGE)
        ids = [parsing.row_id(row) for row in rows]
        found.extend(identifier for identifier in ids if identifier > above_id)
        if len(ids) < _PAGE or min(ids) <= above_id:
            return found
        offset += _PAGE


async def _page(
    client: S2lowClient, status_id: int, *, offset: int, limit: int
) -> list[Mapping[str, object]]:
    reply = await client.get(
        f"{_PREFIX}/api/list_pes_aller.php",
        {"status_id": status_id, "offset": offset, "limit": limit},
    )
    return parsing.listed_rows(reply)
