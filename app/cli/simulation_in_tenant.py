"""Deposits to simulate in a local authority of this installation, as its API would."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Permission, Principal, PrincipalKind
from app.auth.repository import AuthRepository
from app.auth.service import LOGIN, normalise_login
from app.catalog.repository import CatalogRepository
from app.catalog.schemas import ChosenDeskInput
from app.cli.simulation_cases import Away, Case, unknown
from app.cli.simulation_flows import Slip, Taken
from app.context import Context
from app.desks.repository import DeskRepository
from app.errors import NotFound, Unprocessable
from app.kit.reasons import french_reason
from app.models import FolderSubtype, FolderType
from app.powers.schemas import PeriodInput
from app.simulations.reading import Told
from app.simulations.schemas import AssumedAbsence, SimulationAsked, SlipInput
from app.simulations.service import simulated
from app.tenants.repository import TenantRepository
from app.tenants.service import timezone_of
from app.users.repository import UserRepository
from workflows.definition import HeliosIntake, Protocol


@dataclass(frozen=True, slots=True)
class _Known:
    """What names mean in the tenant."""

    people: Mapping[str, uuid.UUID]
    desks: Mapping[str, uuid.UUID]
    zone: ZoneInfo

    def person(self, login: str) -> uuid.UUID:
        """By his log-in name, or by its part before the @ where one alone has it."""
        names = [one for one in self.people if login in (one, one.partition("@")[0])]
        if len(names) != 1:
            raise unknown("L'identifiant", login, self.people)
        return self.people[names[0]]

    def desk(self, name: str) -> uuid.UUID:
        """By its name."""
        if name not in self.desks:
            raise unknown("Le bureau", name, self.desks)
        return self.desks[name]


async def told_in_tenant(context: Context, tenant: str, case: Case) -> Told:
    """What the API would answer to an administrator of circuits. `tenant` is its id, or the log-in
    name of one of its persons. Raises NotFound or Unprocessable, and as `simulated`."""
    tenant_id = await _tenant_id(context, tenant)
    async with context.unit(tenant_id) as session:
        known = _Known(
            people={one.login: one.id for one in await UserRepository(session).users()},
            desks={one.name: one.id for one in await DeskRepository(session).desks()},
            zone=await timezone_of(session),
        )
        subtype, kind = await _subtype(session, case.subtype)
        tenant_row = await TenantRepository(session).current()
        slips = case.slips(_taken(subtype, kind, latin1=tenant_row.requires_latin1_pes))
        body = _body(case, known, subtype, slips)
        operator = Principal(
            kind=PrincipalKind.PROGRAM,
            tenant_id=tenant_id,
            id=uuid.UUID(int=0),
            user_id=None,
            permissions=frozenset({Permission.CATALOG_ADMIN}),
            desk_ids=frozenset(),
        )
        return await simulated(session, context, operator, subtype.id, body)


async def _tenant_id(context: Context, asked: str) -> uuid.UUID:
    try:
        return uuid.UUID(asked)
    except ValueError:
        digest = context.keyring.handle(LOGIN, normalise_login(asked))
    async with context.unit() as session:
        handle = await AuthRepository(session).handle(digest)
    if handle is None:
        raise NotFound(
            f"Aucune collectivité n'a la personne « {asked} » : donnez l'identifiant de connexion "
            "d'une personne, ou celui de la collectivité."
        )
    return handle.tenant_id


async def _subtype(session: AsyncSession, asked: str) -> tuple[FolderSubtype, FolderType]:
    repository = CatalogRepository(session)
    types = {one.id: one for one in await repository.folder_types()}
    named = {f"{types[one.type_id].name} / {one.name}": one for one in await repository.subtypes()}
    found = [one for reference, one in named.items() if asked in (reference, one.name)]
    if len(found) != 1:
        raise unknown("Le sous-type", asked, named)
    return found[0], types[found[0].type_id]


def _taken(subtype: FolderSubtype, kind: FolderType, *, latin1: bool) -> Taken:
    intake = HeliosIntake(subtype.helios_intake) if subtype.helios_intake else None
    reference = f"{kind.name} / {subtype.name}"
    return Taken(reference, Protocol(kind.protocol), intake, latin1)


def _body(
    case: Case, known: _Known, subtype: FolderSubtype, slips: Sequence[Slip]
) -> SimulationAsked:
    """The case as the API would be asked it. Raises Unprocessable (`invalid_request`)."""
    try:
        return _asked(case, known, subtype, slips)
    except ValidationError as e:
        reasons = dict.fromkeys(french_reason(one) for one in e.errors())
        raise Unprocessable(
            f"La question est mal formée : corrigez-la ({' ; '.join(reasons)}).",
            code="invalid_request",
        ) from e


def _asked(
    case: Case, known: _Known, subtype: FolderSubtype, slips: Sequence[Slip]
) -> SimulationAsked:
    metadata: dict[str, str | int | bool | None] = dict(case.information)
    if subtype.amount_field is not None and case.amounts:
        metadata.setdefault(subtype.amount_field, str(case.amounts[0]))
    return SimulationAsked(
        desk_id=_desk(case, known, subtype),
        submitter_id=known.person(case.submitter) if case.submitter else None,
        by_program=case.by_program,
        deposited_at=case.instant(known.zone),
        metadata=metadata,
        slips=[
            SlipInput(number=one.number, kind=one.kind.value, amount_incl_tax=one.amount_incl_tax)
            for one in slips
        ],
        chosen_desks=[
            ChosenDeskInput(step=step, desk_id=known.desk(name)) for step, name in case.chosen
        ],
        absences=[_absence(one, known) for one in case.away],
    )


def _desk(case: Case, known: _Known, subtype: FolderSubtype) -> uuid.UUID:
    if case.desk is not None:
        return known.desk(case.desk)
    allowed = subtype.deposit_desk_ids or [known.desks[name] for name in sorted(known.desks)]
    if not allowed:
        raise unknown("Le bureau", "du dépôt", known.desks)
    return allowed[0]


def _absence(away: Away, known: _Known) -> AssumedAbsence:
    return AssumedAbsence(
        user_id=known.person(away.login),
        period=PeriodInput(first_day=away.first_day, last_day=away.last_day),
    )
