"""Routes of transmissions: what was sent, what came back, what waits for an administrator."""

from __future__ import annotations

import hashlib
import uuid

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.errors import NotFound, TooLarge
from app.folders.service import readable
from app.kit.pagination import PAGE, Cursor, Page, PageSize, read_cursor
from app.kit.problems import problem_responses
from app.transmissions import administration
from app.transmissions.repository import TransmissionRepository
from app.transmissions.schemas import (
    AccountCheckRead,
    RemoteIdInput,
    RetryInput,
    TransmissionRead,
)
from app.transmissions.service import store_bytes

router = APIRouter(tags=["transmissions"], route_class=IdempotentRoute)


@router.get(
    "/folders/{folder_id}/transmissions",
    response_model=list[TransmissionRead],
    summary="Lire les télétransmissions d'un dossier",
    responses=problem_responses(401, 403, 404),
)
async def list_folder_transmissions(
    folder_id: uuid.UUID, caller: Caller = permit(Permission.FOLDER_READ)
) -> list[TransmissionRead]:
    """Each emission with its posts and the remote's answers, last round first."""
    async with caller.unit() as session:
        await readable(session, caller.principal, folder_id)
        rows = await TransmissionRepository(session).of_folder(folder_id)
        return await administration.read(session, rows)


@router.get(
    "/transmissions/{transmission_id}/receipts/{receipt_id}/content",
    response_class=StreamingResponse,
    summary="Télécharger une réponse du TdT",
    responses=problem_responses(401, 403, 404),
)
async def get_receipt_content(
    transmission_id: uuid.UUID,
    receipt_id: uuid.UUID,
    caller: Caller = permit(Permission.FOLDER_READ),
) -> StreamingResponse:
    """The exact bytes that were received. Always an attachment (threat 18)."""
    async with caller.unit() as session:
        repository = TransmissionRepository(session)
        row = await repository.transmission(transmission_id)
        receipt = await repository.receipt(receipt_id)
        if row is None or receipt is None or receipt.transmission_id != transmission_id:
            raise NotFound
        await readable(session, caller.principal, row.folder_id)
    store = caller.context.store
    return StreamingResponse(
        await store.open(receipt.sha256),
        media_type=receipt.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{receipt.kind}-{receipt.id}"',
            "Content-Length": str(await store.size_of(receipt.sha256)),
            "ETag": f'"{receipt.sha256}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


@router.get(
    "/transmissions",
    response_model=Page[TransmissionRead],
    summary="Lister les télétransmissions à traiter",
    responses=problem_responses(401, 403, 422),
)
async def list_waiting_transmissions(
    cursor: str | None = None,
    size: PageSize = PAGE,
    caller: Caller = permit(Permission.TRANSMISSION_ADMIN),
) -> Page[TransmissionRead]:
    """What waits for a person, newest first: accounts to correct, unknown outcomes, lost ids, and
    what goes on no more because its job failed for the last time."""
    async with caller.unit() as session:
        rows = await TransmissionRepository(session).waiting(
            administration.WAITING,
            administration.WAITING_FOLDERS,
            read_cursor(cursor),
            size,
            unless_owed=administration.GOING_ON,
        )
        found = await administration.read(session, rows)
    return Page.of(found, size, at=lambda one: Cursor(one.created_at, one.id))


@router.post(
    "/transmissions/{transmission_id}/remote-id",
    response_model=TransmissionRead,
    summary="Saisir l'identifiant donné par le TdT",
    responses=problem_responses(401, 403, 404, 409, 422, 502),
)
async def enter_remote_id(
    transmission_id: uuid.UUID,
    entered: RemoteIdInput,
    caller: Caller = permit(Permission.TRANSMISSION_ADMIN),
) -> TransmissionRead:
    """For an emission whose id was lost: the remote is asked about this id before it is kept."""
    context = caller.context
    async with caller.unit(claims=False) as session:
        asked = await administration.nameable(session, context, transmission_id, entered.remote_id)
    await administration.confirm_remote_id(context, asked, entered.remote_id)
    async with caller.unit() as session:
        held = await administration.enter_remote_id(
            session, context, caller.principal, transmission_id, entered.remote_id
        )
        return (await administration.read(session, [held.row]))[0]


@router.post(
    "/transmissions/{transmission_id}/acknowledgement",
    response_model=TransmissionRead,
    summary="Remettre un acquittement (PES_ACQUIT)",
    responses=problem_responses(401, 403, 404, 409, 413, 422),
)
async def hand_in_acknowledgement(
    transmission_id: uuid.UUID,
    request: Request,
    caller: Caller = permit(Permission.TRANSMISSION_ADMIN, reads_body=False),
) -> TransmissionRead:
    """The raw file as the treasury gave it, matched by NomFic and CodCol; it closes the flow."""
    content = await _bounded_body(request)
    caller.claim_body(hashlib.sha256(content).hexdigest())
    answer = await administration.read_acknowledgement(content)
    blob = await store_bytes(caller.context, content)
    async with caller.unit() as session:
        held = await administration.hand_in(
            session, caller.context, caller.principal, transmission_id, answer, blob
        )
        return (await administration.read(session, [held.row]))[0]


async def _bounded_body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > administration.MAX_ACQUIT_BYTES:
            raise TooLarge("Un acquittement pèse au plus 8 Mio : vérifiez le fichier choisi.")
    return bytes(content)


@router.post(
    "/transmissions/{transmission_id}/retry",
    response_model=TransmissionRead,
    summary="Relancer un envoi",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def retry_transmission(
    transmission_id: uuid.UUID,
    demanded: RetryInput,
    caller: Caller = permit(Permission.TRANSMISSION_ADMIN),
) -> TransmissionRead:
    """Allows one post more, and takes up what failed for the last time. The reason is journaled:
    the remote may hold the folder already."""
    async with caller.unit() as session:
        held = await administration.retry(
            session, caller.context, caller.principal, transmission_id, demanded.reason
        )
        return (await administration.read(session, [held.row]))[0]


@router.post(
    "/connector-accounts/{account_id}/check",
    response_model=AccountCheckRead,
    summary="Essayer un compte de télétransmission",
    responses=problem_responses(401, 403, 404),
)
async def check_connector_account(
    account_id: uuid.UUID, caller: Caller = permit(Permission.CONNECTOR_ADMIN)
) -> AccountCheckRead:
    """Connects and asks whether the account may transmit; nothing is sent."""
    async with caller.unit() as session:
        account = await administration.account_of(session, account_id)
    detail = await administration.check_account(caller.context, account)
    return AccountCheckRead(usable=detail is None, detail=detail)
