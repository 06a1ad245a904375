"""Routes of the whole configuration: export, templates, validate, dry run, apply."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.configuration import service
from app.configuration.schemas import ConfigurationCheck, ConfigurationPlan, TemplateRead
from app.configuration.shipped import TEMPLATES, template_text
from app.kit.problems import problem_responses

MEDIA_TYPE = "application/yaml"
_YAML: dict[str, Any] = {MEDIA_TYPE: {"schema": {"type": "string"}}}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": _YAML}}

router = APIRouter(tags=["configuration"], route_class=IdempotentRoute)


@router.get(
    "/configuration",
    response_class=StreamingResponse,
    summary="Exporter la configuration",
    responses={200: {"content": _YAML}, **problem_responses(401, 403)},
)
async def export_configuration(
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> StreamingResponse:
    """The whole, by names, never a secret. E-mails and roles of persons are for those who
    administer persons."""
    async with caller.unit() as session:
        text = await service.export(session, caller.context, caller.principal)
    return _yaml(text, "configuration")


@router.get(
    "/configuration/templates",
    response_model=list[TemplateRead],
    summary="Lister les modèles de configuration",
    responses=problem_responses(401, 403),
)
async def list_configuration_templates(
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> list[TemplateRead]:
    """What ships with the product."""
    return [
        TemplateRead(name=name, title=one.title, summary=one.summary)
        for name, one in TEMPLATES.items()
    ]


@router.get(
    "/configuration/templates/{name}",
    response_class=StreamingResponse,
    summary="Lire un modèle de configuration",
    responses={200: {"content": _YAML}, **problem_responses(401, 403, 404)},
)
async def get_configuration_template(
    name: str, caller: Caller = permit(Permission.CATALOG_ADMIN)
) -> StreamingResponse:
    """Fictional and complete: change names and dates, then apply."""
    return _yaml(template_text(name), name)


@router.post(
    "/configuration/validate",
    response_model=ConfigurationCheck,
    summary="Vérifier une configuration",
    responses=problem_responses(401, 403, 413, 422),
    openapi_extra=_BODY,
)
async def validate_configuration(
    request: Request, caller: Caller = permit(Permission.CATALOG_ADMIN)
) -> ConfigurationCheck:
    """What applying it would refuse, and what is doubtful; nothing is kept. 422 only for a file
    that cannot be read."""
    content = await request.body()
    async with caller.unit() as session:
        return await service.validate(_handed_in(session, caller, content))


@router.post(
    "/configuration/dry-run",
    response_model=ConfigurationPlan,
    summary="Essayer une configuration",
    responses=problem_responses(401, 403, 413, 422),
    openapi_extra=_BODY,
)
async def try_configuration(
    request: Request, caller: Caller = permit(Permission.CATALOG_ADMIN)
) -> ConfigurationPlan:
    """What applying it would change and what would refuse it; nothing is kept."""
    content = await request.body()
    async with caller.unit() as session:
        return await service.dry_run(_handed_in(session, caller, content))


@router.post(
    "/configuration/apply",
    response_model=ConfigurationPlan,
    summary="Appliquer une configuration",
    responses=problem_responses(401, 403, 404, 409, 413, 422),
    openapi_extra=_BODY,
)
async def apply_configuration(
    request: Request, caller: Caller = permit(Permission.TENANT_ADMIN)
) -> ConfigurationPlan:
    """All or nothing; applied again, it changes nothing. A circuit with errors stays a draft."""
    content = await request.body()
    async with caller.unit() as session:
        return await service.apply(_handed_in(session, caller, content))


def _handed_in(session: AsyncSession, caller: Caller, content: bytes) -> service.Request:
    return service.Request(session, caller.context, caller.principal, content)


def _yaml(text: str, name: str) -> StreamingResponse:
    return StreamingResponse(
        iter([text]),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}.yaml"'},
    )
