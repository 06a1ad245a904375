"""Routes of a deposit: draft, documents, submission; or the three in one form."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Body, Form, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.auth.http import Caller, IdempotentRoute, Permit, permit
from app.auth.principal import Permission
from app.deposits import revising, service
from app.deposits.chaining import chain
from app.deposits.intake import Announced, plan_for_folder, plan_intake
from app.deposits.schemas import ChainCreate, DocumentReceipt
from app.documents.service import Intake, Received, receive
from app.errors import TooLarge, Unprocessable
from app.folders.marking import dematerialise
from app.folders.reading import read_acted, read_folder
from app.folders.schemas import ChosenDesks, FolderCreate, FolderRead, Submission
from app.folders.service import INSPECTING, lock_readable
from app.kit.problems import problem_responses
from app.models import Folder, Revision
from app.settings import MIB, LimitSettings
from signing.facts import PesFacts
from workflows.definition import HeliosIntake
from workflows.folder import DocumentRole

router = APIRouter(tags=["deposits"], route_class=IdempotentRoute)
_MAY_DEPOSIT = Permit(Permission.FOLDER_DEPOSIT, reads_body=False)
_FORM_MARGIN = MIB
_DIGEST = re.compile(r"sha-256=:(?P<value>[A-Za-z0-9+/=]+):")
_CHUNK = 256 * 1024
MAX_NAME = 255


@router.post(
    "/folders",
    status_code=201,
    response_model=FolderRead,
    summary="Créer un dossier",
    responses=problem_responses(401, 403, 409, 422),
)
async def create_folder(
    new: FolderCreate, caller: Caller = permit(Permission.FOLDER_DEPOSIT)
) -> FolderRead:
    """Opens a draft in a subtype, deposited by one of the caller's desks."""
    async with caller.unit() as session:
        folder = await service.create(session, caller.context, caller.principal, new)
        return await read_folder(session, caller.context, caller.principal, folder)


@router.post(
    "/folders/{folder_id}/documents",
    status_code=201,
    response_model=DocumentReceipt,
    summary="Déposer un document (corps brut)",
    responses={
        202: {"model": DocumentReceipt, "description": "Large flow: facts come by a job"},
        **problem_responses(401, 403, 404, 409, 413, 422),
    },
)
async def deposit_document(
    folder_id: uuid.UUID,
    request: Request,
    response: Response,
    name: Annotated[str, Query(min_length=1, max_length=MAX_NAME)],
    role: DocumentRole = DocumentRole.MAIN_DOCUMENT,
    caller: Caller = permit(Permission.FOLDER_DEPOSIT, reads_body=False),
) -> DocumentReceipt:
    """Streams the body into the folder. `Content-Digest: sha-256=:…:` (RFC 9530) announces its
    digest; 202 when slips, schema or signatures are read by a job."""
    announced = _announced(request, name, role)
    receipt = await _deposit(caller, folder_id, announced, _non_empty(request.stream()))
    response.status_code = 202 if receipt.folder_status == INSPECTING else 201
    return receipt


async def _deposit(
    caller: Caller,
    folder_id: uuid.UUID,
    announced: Announced,
    chunks: AsyncIterator[bytes],
) -> DocumentReceipt:
    context, principal = caller.context, caller.principal
    async with caller.unit(claims=False) as session:
        intake = await plan_for_folder(session, context, principal, folder_id, announced)
    received = await _received(caller, folder_id, intake, chunks)
    arrival = service.Arrival(announced.name, intake, received)
    async with caller.unit() as session:
        folder = await lock_readable(session, principal, folder_id)
        _, revision = await service.record_document(session, context, principal, folder, arrival)
        return _receipt(folder, revision)


def _announced(request: Request, name: str, role: DocumentRole) -> Announced:
    return Announced(
        name=name,
        role=role,
        media_type=_media_type(request.headers.get("Content-Type", "")),
        size_bytes=_length(request.headers.get("Content-Length")),
        sha256=_announced_digest(request.headers.get("Content-Digest")),
    )


async def _received(
    caller: Caller, folder_id: uuid.UUID, intake: Intake, chunks: AsyncIterator[bytes]
) -> Received:
    async def accept(facts: PesFacts) -> None:
        await service.refuse_used_name(caller.context, caller.principal, facts.header, folder_id)

    received = await receive(caller.context, intake, chunks, accept=accept)
    caller.claim_body(received.blob.sha256)
    return received


def _receipt(folder: Folder, revision: Revision) -> DocumentReceipt:
    return DocumentReceipt(
        folder_id=folder.id,
        folder_status=folder.status,
        document_id=revision.document_id,
        revision_id=revision.id,
        sha256=revision.sha256,
        size_bytes=revision.size_bytes,
        facts=revision.facts,
        report=revision.report,
    )


@router.post(
    "/folders/{folder_id}/documents/{document_id}/revisions",
    status_code=201,
    response_model=DocumentReceipt,
    summary="Remplacer un document par une nouvelle révision (corps brut)",
    responses={
        202: {"model": DocumentReceipt, "description": "Large flow: facts come by a job"},
        **problem_responses(401, 403, 404, 409, 413, 422),
    },
)
async def deposit_revision(
    folder_id: uuid.UUID,
    document_id: uuid.UUID,
    request: Request,
    response: Response,
    name: Annotated[str, Query(min_length=1, max_length=MAX_NAME)],
    caller: Caller = permit(Permission.FOLDER_DEPOSIT, reads_body=False),
) -> DocumentReceipt:
    """In a draft, a preparation circuit, or a folder that came back: the earlier revisions stay."""
    announced = _announced(request, name, DocumentRole.MAIN_DOCUMENT)
    context, principal = caller.context, caller.principal
    async with caller.unit(claims=False) as session:
        intake = await revising.plan_revision(
            session, context, principal, folder_id, announced, document_id
        )
    received = await _received(caller, folder_id, intake, _non_empty(request.stream()))
    arrival = service.Arrival(name, intake, received)
    async with caller.unit() as session:
        folder = await lock_readable(session, principal, folder_id)
        revision = await revising.record_revision(
            session, context, principal, folder, document_id, arrival
        )
        response.status_code = 202 if folder.status == INSPECTING else 201
        return _receipt(folder, revision)


@router.delete(
    "/folders/{folder_id}/documents/{document_id}",
    status_code=204,
    summary="Retirer un document",
    responses=problem_responses(401, 403, 404, 409),
)
async def remove_document(
    folder_id: uuid.UUID,
    document_id: uuid.UUID,
    caller: Caller = permit(Permission.FOLDER_DEPOSIT),
) -> None:
    """From a draft, in a preparation circuit, or from a folder that came back: what nobody acted
    upon."""
    async with caller.unit() as session:
        await revising.remove_document(
            session, caller.context, caller.principal, folder_id, document_id
        )


@router.post(
    "/folders/{folder_id}/chain",
    status_code=201,
    response_model=FolderRead,
    summary="Enchaîner un dossier terminé",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def chain_folder(
    folder_id: uuid.UUID,
    new: ChainCreate,
    caller: Caller = permit(Permission.FOLDER_DEPOSIT),
) -> FolderRead:
    """Opens a draft that follows the ended folder, with its documents as they are now."""
    async with caller.unit() as session:
        follower = await chain(session, caller.context, caller.principal, folder_id, new)
        return await read_folder(session, caller.context, caller.principal, follower)


@router.post(
    "/folders/{folder_id}/submit",
    response_model=FolderRead,
    summary="Envoyer dans le circuit",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def submit_folder(
    folder_id: uuid.UUID,
    desk_id: Annotated[uuid.UUID, Query()],
    desks: Annotated[ChosenDesks | None, Body()] = None,
    caller: Caller = permit(Permission.FOLDER_DEPOSIT),
) -> FolderRead:
    """Sends the draft in its circuit, or a rejected folder again from its first step. The body,
    where there is one, names the desks chosen for the steps that leave the choice."""
    chosen = desks.chosen_desks if desks else []
    asked = Submission(desk_id=desk_id, chosen_desks=chosen)
    context, principal = caller.context, caller.principal
    marked = await service.mark_before_submission(context, principal, folder_id)
    async with caller.unit() as session:
        acted = await service.submit(session, context, principal, folder_id, asked, marked)
        return await read_acted(session, context, principal, acted)


class _KnownCallerRoute(IdempotentRoute):
    """A form is spooled whole before its route runs: here nobody unknown has one spooled, and
    none that could not be kept anyway (threat 48)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handler(request: Request) -> Response:
            caller = await _MAY_DEPOSIT(request)
            _refuse_long_form(request, caller.context.settings.limits)
            return await answer(request)

        return handler


def _refuse_long_form(request: Request, limits: LimitSettings) -> None:
    length = _length(request.headers.get("Content-Length"))
    if length is None:
        raise Unprocessable(
            "La taille du formulaire n'est pas annoncée (Content-Length) : annoncez-la, ou "
            "déposez les documents un par un.",
            code="length_required",
        )
    if length > limits.pes_bytes + limits.folder_bytes + _FORM_MARGIN:
        raise TooLarge("Ce formulaire dépasse la taille permise : retirez des annexes.")


async def deposit_folder(
    folder: Annotated[str, Form(description="JSON of FolderCreate")],
    document: UploadFile,
    annexes: Annotated[list[UploadFile] | None, Form()] = None,
    caller: Caller = permit(Permission.FOLDER_DEPOSIT, reads_body=False),
) -> FolderRead:
    """The three calls in one multipart form, all or nothing. A large flow stays `inspecting`:
    submit it once its facts are there."""
    context, principal = caller.context, caller.principal
    new = _folder_of(folder)
    arrivals = [await _arrival(caller, new, document, DocumentRole.MAIN_DOCUMENT, 0)]
    for annex in annexes or []:
        used = sum(one.received.blob.size_bytes for one in arrivals)
        arrivals.append(await _arrival(caller, new, annex, DocumentRole.ANNEX, used))
    main = arrivals[0]
    to_sign = main.intake.helios is HeliosIntake.TO_SIGN and not main.received.deferred
    marked = await dematerialise(context, main.received.blob) if to_sign else None
    digests = "".join(one.received.blob.sha256 for one in arrivals)
    caller.claim_body(hashlib.sha256((folder + digests).encode()).hexdigest())
    whole = service.WholeDeposit(new, tuple(arrivals), marked)
    async with caller.unit() as session:
        deposited = await service.deposit_whole(session, context, principal, whole)
        return await read_folder(session, context, principal, deposited)


router.add_api_route(
    "/folders/deposit",
    deposit_folder,
    methods=["POST"],
    status_code=201,
    response_model=FolderRead,
    summary="Créer, déposer et envoyer en une fois",
    responses=problem_responses(401, 403, 409, 413, 422),
    route_class_override=_KnownCallerRoute,
)


async def _arrival(
    caller: Caller, new: FolderCreate, part: UploadFile, role: DocumentRole, used_bytes: int
) -> service.Arrival:
    name = part.filename or "document"
    if len(name) > MAX_NAME:
        raise Unprocessable(
            f"Un nom de fichier compte au plus {MAX_NAME} caractères : renommez le fichier.",
            code="name_too_long",
        )
    announced = Announced(
        name=name,
        role=role,
        media_type=_media_type(part.content_type or ""),
        size_bytes=part.size,
        sha256=None,
    )
    async with caller.unit(claims=False) as session:
        intake = await plan_intake(
            session, caller.context, new.subtype_id, announced, used_bytes=used_bytes
        )

    async def accept(facts: PesFacts) -> None:
        # A form sent again under its key meets its own folder here: the key decides, later.
        if "Idempotency-Key" not in caller.request.headers:
            await service.refuse_used_name(caller.context, caller.principal, facts.header, None)

    received = await receive(caller.context, intake, _chunks_of(part), accept=accept)
    return service.Arrival(announced.name, intake, received)


async def _chunks_of(part: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await part.read(_CHUNK):
        yield chunk


async def _non_empty(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        if chunk:
            yield chunk


def _folder_of(text: str) -> FolderCreate:
    try:
        return FolderCreate.model_validate_json(text)
    except ValidationError as e:
        faults = [{**one, "loc": ("body", "folder", *one["loc"])} for one in e.errors()]
        raise RequestValidationError(faults) from e


def _media_type(header: str) -> str:
    declared = header.partition(";")[0].strip().lower()
    return "application/xml" if declared == "text/xml" else declared


def _length(header: str | None) -> int | None:
    return int(header) if header is not None and header.isdigit() else None


def _announced_digest(header: str | None) -> str | None:
    if header is None:
        return None
    found = _DIGEST.fullmatch(header.strip())
    try:
        value = base64.b64decode(found["value"], validate=True) if found else b""
    except binascii.Error:
        value = b""
    if len(value) != 32:
        raise Unprocessable(
            "Content-Digest est illisible : écrivez-le sha-256=:<base64>: (RFC 9530).",
            code="bad_digest_header",
        )
    return value.hex()
