"""What stands in a tenant, read as a document and as the ids behind its names."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Role
from app.catalog.formats import TypeFormat
from app.catalog.repository import CatalogRepository
from app.configuration.bodies import Ids
from app.configuration.comparison import Standing
from app.configuration.document import (
    AbsencePart,
    Configuration,
    DeskPart,
    FoundingPart,
    HolderPart,
    MandatePart,
    PersonPart,
    PowerPart,
    StaffPart,
    StampPart,
    TenantPart,
    TypePart,
    WorkflowPart,
    subtype_reference,
)
from app.configuration.moments import as_end, as_start
from app.configuration.naming import Names, subtype_part, workflow_part
from app.desks.repository import DeskRepository
from app.models import (
    Absence,
    Desk,
    DeskHolder,
    DeskStaff,
    ElectedMandate,
    FolderSubtype,
    FolderType,
    Grant,
    StaffRole,
    Tenant,
    User,
    WorkflowVersion,
)
from app.powers.repository import PowerRepository
from app.register.service import grant_of_row, holder_of_row
from app.tenants.repository import TenantRepository
from app.users.repository import UserRepository
from workflows import definition
from workflows.definition import Protocol
from workflows.powers import RULES
from workflows.register import Gender, PowerKind, PowerRegister
from workflows.standing import has_lapsed


@dataclass(frozen=True, slots=True)
class Read:
    """What stands, the ids of what it names, the rows behind holders, powers and absences."""

    standing: Standing
    ids: Ids
    zone: ZoneInfo
    rows: dict[int, uuid.UUID]

    @property
    def document(self) -> Configuration:
        return self.standing.document

    def row_of(self, part: object) -> uuid.UUID:
        """The row that a part of the document was read from."""
        return self.rows[id(part)]


async def read_standing(
    session: AsyncSession, now: datetime, *, timezone: str | None = None
) -> Read:
    """The session's tenant. What has ended or lapsed is history, left out, elected mandates apart.
    Days are those of `timezone`, of the tenant's own where it is None or unknown."""
    tenant = await TenantRepository(session).current()
    zone = _zone(timezone, tenant.timezone)
    users = await UserRepository(session).users()
    catalog, seats, powers = (
        CatalogRepository(session),
        DeskRepository(session),
        PowerRepository(session),
    )
    desks, workflows = await seats.desks(), await catalog.workflows()
    holders = await seats.holders()
    kinds, pairs = await catalog.folder_types(), await catalog.subtypes_with_types()
    names = Names(
        persons={one.id: one.login for one in users},
        desks={one.id: one.name for one in desks},
        workflows={one.id: one.name for one in workflows},
        types={one.id: one.name for one in kinds},
        subtypes={one.id: subtype_reference(kind.name, one.name) for one, kind in pairs},
        accounts={one.id: one.label for one in await catalog.accounts()},
    )
    reader = _Reader(names, zone, now)
    versions = await catalog.versions_of([one.id for one in workflows])
    drawn, drafts = reader.workflows(
        versions, await catalog.active_versions(), list(names.workflows)
    )
    document = Configuration(
        version=1,
        tenant=_tenant(tenant),
        persons=sorted((reader.person(one) for one in users), key=lambda one: one.login),
        desks=reader.desks(desks, holders, await seats.staff()),
        workflows=drawn,
        types=_types(kinds, pairs, names),
        powers=reader.powers(await powers.grants(), holders),
        absences=reader.absences(await powers.absences(now)),
        mandates=reader.mandates(await powers.mandates()),
    )
    return Read(Standing(document, drafts), names.ids(), zone, reader.rows)


def _types(
    kinds: list[FolderType], pairs: list[tuple[FolderSubtype, FolderType]], names: Names
) -> list[TypePart]:
    parts = [
        TypePart(
            name=kind.name,
            protocol=Protocol(kind.protocol),
            signature_format=TypeFormat(kind.signature_format),
            account=names.accounts[kind.connector_account_id]
            if kind.connector_account_id
            else None,
            transmit_within_days=kind.transmit_within_days,
            stamp=StampPart.model_validate(kind.stamp) if kind.stamp is not None else None,
            subtypes=sorted(
                (subtype_part(one, names) for one, of in pairs if of.id == kind.id),
                key=lambda one: one.name,
            ),
        )
        for kind in kinds
    ]
    return sorted(parts, key=lambda one: one.name)


def _zone(wanted: str | None, own: str) -> ZoneInfo:
    try:
        return ZoneInfo(wanted or own)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(own)


def _tenant(row: Tenant) -> TenantPart:
    return TenantPart(
        city=row.city,
        postal_code=row.postal_code,
        country=row.country,
        timezone=row.timezone,
        subdivision=row.subdivision,
        default_role=row.default_role,
        requires_latin1_pes=row.requires_latin1_pes,
        mentions={PowerKind(kind): text for kind, text in sorted(row.mentions.items())},
    )


class _Reader:
    """Rows as parts; remembers which row is behind which part."""

    def __init__(self, names: Names, zone: ZoneInfo, now: datetime) -> None:
        self._names, self._zone, self._now = names, zone, now
        self.rows: dict[int, uuid.UUID] = {}

    def person(self, row: User) -> PersonPart:
        known = set(Role)
        return PersonPart(
            login=row.login,
            first_name=row.first_name,
            last_name=row.last_name,
            email=row.email,
            roles=[Role(one) for one in sorted(row.roles) if one in known],
            administered_desks=sorted(
                self._names.desks[one]
                for one in row.administered_desk_ids
                if one in self._names.desks
            ),
            active=row.is_active,
        )

    def desks(
        self, rows: list[Desk], holders: list[DeskHolder], staff: list[DeskStaff]
    ) -> list[DeskPart]:
        held: dict[uuid.UUID, list[HolderPart]] = defaultdict(list)
        for one in holders:
            if one.ends_at is None or one.ends_at > self._now:
                held[one.desk_id].append(self._holder(one))
        beside: dict[uuid.UUID, list[StaffPart]] = defaultdict(list)
        for row in staff:
            part = StaffPart(
                login=self._names.persons[row.user_id],
                role=StaffRole(row.role),
                may_declare_absence=row.may_declare_absence,
            )
            self.rows[id(part)] = row.id
            beside[row.desk_id].append(part)
        parts = [
            DeskPart(
                name=one.name,
                capacity=one.capacity,
                gender=Gender(one.gender),
                superior=self._names.desks[one.superior_id] if one.superior_id else None,
                active=one.is_active,
                holders=sorted(held[one.id], key=lambda part: (part.login, str(part.starts))),
                staff=sorted(beside[one.id], key=lambda part: (part.role, part.login)),
            )
            for one in rows
        ]
        return sorted(parts, key=lambda part: part.name)

    def _holder(self, row: DeskHolder) -> HolderPart:
        part = HolderPart(
            login=self._names.persons[row.user_id],
            starts=as_start(row.starts_at, self._zone),
            until=as_end(row.ends_at, self._zone),
        )
        self.rows[id(part)] = row.id
        return part

    def workflows(
        self,
        versions: list[WorkflowVersion],
        in_force: Mapping[uuid.UUID, WorkflowVersion],
        workflow_ids: list[uuid.UUID],
    ) -> tuple[list[WorkflowPart], dict[str, WorkflowPart]]:
        """Each circuit in force, else its newest version; the newest ones that are not in force."""
        drawn, drafts = [], {}
        for workflow_id in workflow_ids:
            own = [one for one in versions if one.workflow_id == workflow_id]
            name = self._names.workflows[workflow_id]
            chosen = in_force.get(workflow_id, own[0])
            drawn.append(self._workflow(name, chosen))
            if own[0].number > chosen.number:
                drafts[name] = self._workflow(name, own[0])
        return sorted(drawn, key=lambda one: one.name), drafts

    def _workflow(self, name: str, version: WorkflowVersion) -> WorkflowPart:
        drawn = definition.from_json(version.definition)
        return workflow_part(name, drawn, self._names, is_active=version.activated_at is not None)

    def powers(self, rows: list[Grant], holders: list[DeskHolder]) -> list[PowerPart]:
        """Those that serve or may serve yet: nobody could give the others elsewhere. Nor those
        whose whole domain is no more, and what re-delegates them."""
        rows = [one for one in rows if self._has_domain(one)]
        given = [grant_of_row(one) for one in rows]
        register = PowerRegister(
            desks=frozenset(),
            holders=tuple(holder_of_row(one) for one in holders),
            grants=tuple(given),
        )
        standing = [
            row
            for row, grant in zip(rows, given, strict=True)
            if not has_lapsed(register, grant, RULES, self._now)
        ]
        numbers = {one.id: one.document_number for one in rows}
        parts = [self._power(one, numbers) for one in standing]
        return sorted(
            parts,
            key=lambda one: (one.office, one.kind, one.grantee, str(one.starts), one.subtypes),
        )

    def _has_domain(self, row: Grant) -> bool:
        """Without any type or subtype a power serves for all of them: one that named some serves
        for those that are left."""
        named = {*row.type_ids, *row.subtype_ids}
        return not named or not named.isdisjoint({*self._names.types, *self._names.subtypes})

    def _power(self, row: Grant, numbers: dict[uuid.UUID, str | None]) -> PowerPart:
        names = self._names
        part = PowerPart(
            kind=PowerKind(row.kind),
            office=names.desks[row.office_desk_id],
            grantor=names.persons[row.grantor_id] if row.grantor_id else None,
            grantee=names.persons[row.grantee_id],
            grantee_office=names.desks[row.grantee_desk_id] if row.grantee_desk_id else None,
            capacity=row.capacity,
            starts=as_start(row.starts_at, self._zone),
            until=as_end(row.ends_at, self._zone),
            types=sorted(names.types[one] for one in row.type_ids if one in names.types),
            subtypes=sorted(
                names.subtypes[one] for one in row.subtype_ids if one in names.subtypes
            ),
            ceiling_cents=row.ceiling_cents,
            document=FoundingPart(
                number=row.document_number,
                signed_on=row.document_signed_on,
                published_on=row.document_published_on,
            )
            if row.document_number is not None and row.document_signed_on is not None
            else None,
            executory_from=as_start(row.executory_at, self._zone),
            may_be_regranted=row.may_be_regranted,
            regrants=numbers[row.regrants_id] if row.regrants_id else None,
        )
        self.rows[id(part)] = row.id
        return part

    def absences(self, rows: list[Absence]) -> list[AbsencePart]:
        parts = [self._absence(one) for one in rows]
        return sorted(parts, key=lambda one: (one.person, one.desk or "", str(one.starts)))

    def _absence(self, row: Absence) -> AbsencePart:
        part = AbsencePart(
            person=self._names.persons[row.user_id],
            desk=self._names.desks[row.desk_id] if row.desk_id else None,
            starts=as_start(row.starts_at, self._zone),
            until=as_end(row.ends_at, self._zone),
            replacements=[self._names.persons[one] for one in row.replacement_ids],
        )
        self.rows[id(part)] = row.id
        return part

    def mandates(self, rows: list[ElectedMandate]) -> list[MandatePart]:
        parts = [self._mandate(one) for one in rows]
        return sorted(parts, key=lambda one: (one.body, one.starts_on, one.person, one.function))

    def _mandate(self, row: ElectedMandate) -> MandatePart:
        part = MandatePart(
            person=self._names.persons[row.user_id],
            body=row.body,
            function=row.function,
            desk=self._names.desks[row.desk_id] if row.desk_id else None,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
        )
        self.rows[id(part)] = row.id
        return part
