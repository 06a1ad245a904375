"""Routes of pairing and of agents' reports."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request

from app.auth.http import (
    Caller,
    IdempotentRoute,
    address_of,
    anyone,
    device_fields,
    permit,
)
from app.auth.principal import Permission
from app.context import Context
from app.devices import service
from app.devices.schemas import (
    CertificateJudged,
    CertificatesJudged,
    CertificatesSeen,
    DeviceRead,
    PairingCreate,
    PairingCreated,
    PairingRead,
    PairingShown,
)
from app.kit.problems import problem_responses
from app.users.service import SeenCertificate, register_certificates

router = APIRouter(tags=["devices"], route_class=IdempotentRoute)


@router.post(
    "/agent/pairings",
    status_code=201,
    response_model=PairingCreated,
    summary="Demander l'appairage d'un agent",
    responses=problem_responses(422, 429),
)
async def request_pairing(
    new: PairingCreate, request: Request, context: Context = anyone()
) -> PairingCreated:
    """The agent shows the code to its person."""
    return await service.request_pairing(context, new, address=address_of(request))


@router.get(
    "/agent/pairings/{pairing_id}",
    response_model=PairingRead,
    summary="Suivre son appairage",
    responses=problem_responses(401, 404, 422),
)
async def read_pairing(
    pairing_id: uuid.UUID, request: Request, context: Context = anyone()
) -> PairingRead:
    """Signed by the key announced; gives the server's job key once confirmed."""
    return await service.read_pairing(context, pairing_id, await device_fields(request))


@router.get(
    "/device-pairings/{code}",
    response_model=PairingShown,
    summary="Voir le poste qui demande l'appairage",
    responses=problem_responses(401, 403, 404, 429),
)
async def show_pairing(code: str, caller: Caller = permit(Permission.DEVICE_PAIR)) -> PairingShown:
    """Names the machine before the person confirms."""
    return await service.show_pairing(caller.context, caller.principal, code)


@router.post(
    "/device-pairings/{code}/confirm",
    status_code=201,
    response_model=DeviceRead,
    summary="Confirmer l'appairage d'un poste",
    responses=problem_responses(401, 403, 404, 429),
)
async def confirm_pairing(
    code: str, caller: Caller = permit(Permission.DEVICE_PAIR, reads_body=False)
) -> DeviceRead:
    """Binds the machine to the caller; a code serves once."""
    return await service.confirm_pairing(caller.context, caller.principal, code)


@router.get(
    "/devices",
    response_model=list[DeviceRead],
    summary="Lister ses postes",
    responses=problem_responses(401, 403),
)
async def list_devices(caller: Caller = permit(Permission.DEVICE_PAIR)) -> list[DeviceRead]:
    """The caller's paired agents."""
    async with caller.unit() as session:
        return await service.list_devices(session, caller.principal)


@router.delete(
    "/devices/{device_id}",
    response_model=DeviceRead,
    summary="Révoquer un poste",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def revoke_device(
    device_id: uuid.UUID, caller: Caller = permit(Permission.DEVICE_PAIR)
) -> DeviceRead:
    """The agent is unknown from this answer on."""
    async with caller.unit() as session:
        return await service.revoke_device(session, caller.context, caller.principal, device_id)


@router.put(
    "/agent/certificates",
    response_model=CertificatesJudged,
    summary="Annoncer les certificats du support",
    responses=problem_responses(401, 403, 422),
)
async def report_certificates(
    seen: CertificatesSeen, caller: Caller = permit(Permission.AGENT)
) -> CertificatesJudged:
    """Enters them in the register of the agent's person and judges their fitness."""
    assert caller.principal.user_id is not None
    certificates = [SeenCertificate(one.certificate, tuple(one.chain)) for one in seen.certificates]
    async with caller.unit() as session:
        judged = await register_certificates(
            session,
            caller.principal.user_id,
            certificates,
            source="agent",
            now=caller.context.clock(),
            told_by=caller.principal.actor,
        )
    return CertificatesJudged(
        certificates=[
            CertificateJudged(
                sha256=one.sha256, subject=one.subject, fit=one.fit, reasons=one.reasons
            )
            for one in judged
        ]
    )
