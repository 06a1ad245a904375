"""From our rows to a connector and to what it sends."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.service import seal_context
from app.context import Context
from app.documents.detached import MEDIA_TYPE, read_signatures
from app.documents.repository import DocumentRepository
from app.folders.schemas import ActInput
from app.kit.secrets import BadSecret
from app.models import ConnectorAccount, Folder, Transmission
from connectors import registry
from connectors.addresses import parse_allow
from connectors.base import ActSubmission, Attachment, ByteSource, Connector, PesSubmission
from connectors.errors import Unreachable
from connectors.s2low.account import S2lowAccount
from workflows import folder as domain
from workflows.definition import Protocol
from workflows.folder import DocumentRole, FolderState

SENDING_SHARE = 0.9
"""Our own send ends within this part of `tdt.send_s`; what is left is for the remote to finish what
it received, before anything asks whether it holds the folder."""

# An annex is not typed at deposit: it goes under the general type of its act's nature, the one
# that the State lists for every act of that nature (actes.md §5.1).
_ANNEX_TYPES: Mapping[int, str] = {
    1: "99_DE",
    2: "99_AR",
    3: "99_AI",
    4: "99_DC",
    5: "99_BU",
    6: "99_AU",
}


@dataclass(frozen=True, slots=True)
class RemoteAccount:
    """An account as it is stored: its secrets are opened for the time of a call only."""

    id: uuid.UUID
    connector: str
    base_url: str
    server_ca: str
    login: str | None
    is_archivist: bool
    sealed: bytes = field(repr=False)


def remote_account(row: ConnectorAccount) -> RemoteAccount:
    """What a call needs of the row, outside its transaction."""
    return RemoteAccount(
        id=row.id,
        connector=row.connector,
        base_url=row.base_url,
        server_ca=row.server_ca,
        login=row.login,
        is_archivist=row.is_archivist,
        sealed=row.sealed,
    )


@asynccontextmanager
async def connected(context: Context, account: RemoteAccount) -> AsyncIterator[Connector]:
    """The connector, closed at the end. Raises Unreachable(alert=True) on unreadable keys."""
    connector = registry.get(
        account.connector,
        _credentials(context, account),
        allow=parse_allow(context.settings.outbound.allowed),
    )
    try:
        yield connector
    finally:
        await connector.aclose()


def _credentials(context: Context, account: RemoteAccount) -> S2lowAccount:
    try:
        opened = context.keyring.unseal(account.sealed, context=seal_context(account.id))
    except BadSecret as e:
        raise Unreachable(
            "Les secrets de ce compte ne s'ouvrent pas avec la clé du serveur : enregistrez le "
            "compte de nouveau.",
            alert=True,
        ) from e
    secrets = json.loads(opened)
    clocks = context.settings.tdt
    return S2lowAccount(
        base_url=account.base_url,
        client_certificate_pem=secrets["client_certificate"].encode(),
        client_key_pem=secrets["client_key"].encode(),
        ca_pem=account.server_ca.encode(),
        login=account.login,
        password=secrets["password"],
        archivist=account.is_archivist,
        call_timeout_s=clocks.call_s,
        upload_timeout_s=clocks.send_s * SENDING_SHARE,
    )


def main_document(state: FolderState) -> domain.Document:
    """A folder that is transmitted has exactly one: its submission saw to it."""
    return next(one for one in state.documents if one.role is DocumentRole.MAIN_DOCUMENT)


async def submission_of(
    session: AsyncSession,
    context: Context,
    folder: Folder,
    state: FolderState,
    row: Transmission,
) -> ActSubmission | PesSubmission:
    """What the remote receives: the current revision of each document, read from the store when
    it is sent."""
    files = [await _attachment(session, context, one) for one in state.documents]
    current = main_document(state)
    main = files[state.documents.index(current)]
    if row.protocol == Protocol.HELIOS.value:
        assert row.file_name is not None
        assert row.body_code is not None
        return PesSubmission(row.file_name, row.body_code, main)
    act = ActInput.model_validate(folder.act)
    annex_type = _ANNEX_TYPES[act.nature_code]
    return ActSubmission(
        number=act.number,
        subject=act.subject,
        decided_on=act.decided_on,
        nature_code=act.nature_code,
        classification=tuple(act.classification),
        type_code=act.type_code,
        document=main,
        annexes=tuple(_typed(one, annex_type) for one in files if one is not main),
        signature=await _signature(session, context, current),
    )


async def _attachment(
    session: AsyncSession, context: Context, document: domain.Document
) -> Attachment:
    repository = DocumentRepository(session)
    row = await repository.document(uuid.UUID(document.id))
    revision = await repository.revision(uuid.UUID(document.revision.id))
    assert row is not None
    assert revision is not None
    return Attachment(
        name=row.name,
        size_bytes=revision.size_bytes,
        sha256=revision.sha256,
        media_type=row.media_type,
        open=_source(context, revision.sha256),
    )


async def _signature(
    session: AsyncSession, context: Context, document: domain.Document
) -> Attachment | None:
    """The signature that stands beside the revision which is sent: the last one, where several
    signed, for the remote takes one."""
    repository = DocumentRepository(session)
    row = await repository.document(uuid.UUID(document.id))
    assert row is not None
    revisions = await repository.revisions([row.id])
    found = (await read_signatures(session, [row], revisions)).get(uuid.UUID(document.revision.id))
    if found is None:
        return None
    return Attachment(
        name=found.name,
        size_bytes=found.size_bytes,
        sha256=found.sha256,
        media_type=MEDIA_TYPE,
        open=_source(context, found.sha256),
    )


def _source(context: Context, sha256: str) -> ByteSource:
    async def read() -> AsyncIterator[bytes]:
        async for chunk in await context.store.open(sha256):
            yield chunk

    return read


def _typed(file: Attachment, type_code: str) -> Attachment:
    return Attachment(
        file.name, file.size_bytes, file.sha256, file.media_type, file.open, type_code
    )
