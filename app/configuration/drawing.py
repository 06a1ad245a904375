"""The document as the values of `workflows`, without database: what it would give in a tenant.

Pure: the same document and instant give the same town; ids are made from names. The simulator and
the judgement of a document both read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from app.catalog.choice import folder_rules, known_facts
from app.catalog.drawing import field_of, table_of, workflow_of
from app.catalog.formats import TypeFormat
from app.configuration.bodies import Ids, ids_of, subtype_body, workflow_body
from app.configuration.document import (
    Configuration,
    PowerPart,
    SubtypePart,
    TypePart,
    subtype_reference,
)
from app.configuration.moments import period_of, starting
from app.register.service import administered_desks, as_desk, as_person
from app.tenants.service import known_zone
from workflows import definition
from workflows.definition import DeskId, HeliosIntake, Protocol
from workflows.folder import FolderRules
from workflows.metadata import FieldType, MetadataField
from workflows.register import (
    Absence,
    AbsenceId,
    Administrator,
    DeskHolder,
    FoundingDocument,
    Grant,
    Office,
    PersonId,
    PowerId,
    PowerRegister,
    Scope,
    SubtypeId,
    TypeId,
)
from workflows.rules import RuleTable, WorkflowRef

DEFAULT_ZONE = "Europe/Paris"


@dataclass(frozen=True, slots=True)
class DrawnSubtype:
    """A subtype with all that a deposit reads of it. `workflow` is its circuit where no `table`
    chooses; `deposit_desks` None: every desk may deposit."""

    id: SubtypeId
    name: str
    type: TypeId
    type_name: str
    protocol: Protocol
    format: TypeFormat
    intake: HeliosIntake | None
    workflow: WorkflowRef
    table: RuleTable | None
    fields: tuple[MetadataField, ...]
    amount_field: str | None
    rules: FolderRules
    deposit_desks: tuple[DeskId, ...] | None
    visible_desks: tuple[DeskId, ...]
    several_documents: bool
    is_active: bool
    transmit_within_days: int | None
    account: str | None

    @property
    def reference(self) -> str:
        """« type / sous-type »."""
        return subtype_reference(self.type_name, self.name)

    @property
    def facts(self) -> Mapping[str, FieldType]:
        """What its rule table may read of a folder."""
        return known_facts(self.protocol, self.fields)


@dataclass(frozen=True, slots=True)
class DrawnTenant:
    """What the document gives. `workflows` by name and `workflow_names` from what rule tables and
    subtypes say; `subtypes` by « type / sous-type »; `desks` and `persons` give names; `fit` are
    the persons said to hold a certificate fit to sign."""

    register: PowerRegister
    workflows: Mapping[str, definition.Workflow]
    workflow_names: Mapping[WorkflowRef, str]
    subtypes: Mapping[str, DrawnSubtype]
    desks: Mapping[DeskId, str]
    persons: Mapping[PersonId, str]
    logins: Mapping[str, PersonId]
    fit: frozenset[PersonId]
    timezone: str
    subdivision: str | None

    def workflow(self, reference: WorkflowRef) -> definition.Workflow:
        """The circuit that a subtype or a row of a rule table names."""
        return self.workflows[self.workflow_names[reference]]

    def desk_named(self, name: str) -> DeskId:
        """KeyError for a desk that the document does not set up."""
        return next(one for one, known in self.desks.items() if known == name)


def drawn(
    document: Configuration, *, now: datetime, fit: frozenset[str] = frozenset()
) -> DrawnTenant:
    """The document as if it were applied at `now` in a new tenant; `fit` are log-in names.

    Every circuit counts, in force or not. The document names only what it sets up (KeyError
    otherwise: `app.configuration.faults` says so in sentences), and PeriodReversed stops it.
    """
    ids, zone = ids_of(document), zone_of(document)
    return DrawnTenant(
        register=_register(document, ids, zone, now),
        workflows={
            one.name: workflow_of(one.name, workflow_body(one, ids)) for one in document.workflows
        },
        workflow_names={
            WorkflowRef(str(ids.workflows[one.name])): one.name for one in document.workflows
        },
        subtypes={
            one.reference: one
            for kind in document.types
            for one in (drawn_subtype(kind, subtype, ids) for subtype in kind.subtypes)
        },
        desks={as_desk(ids.desks[one.name]): one.name for one in document.desks if one.active},
        persons={as_person(ids.persons[one.login]): one.full_name for one in document.persons},
        logins={one.login: as_person(ids.persons[one.login]) for one in document.persons},
        fit=frozenset(as_person(ids.persons[one]) for one in fit),
        timezone=str(zone),
        subdivision=document.tenant.subdivision if document.tenant else None,
    )


def zone_of(document: Configuration) -> ZoneInfo:
    """In which its days count. Raises as `known_zone`."""
    named = document.tenant.timezone if document.tenant else None
    return known_zone(named or DEFAULT_ZONE)


def drawn_subtype(kind: TypePart, subtype: SubtypePart, ids: Ids) -> DrawnSubtype:
    """One subtype of a type."""
    body = subtype_body(subtype, ids.types[kind.name], ids)
    fields = tuple(field_of(one) for one in body.metadata_fields)
    table = body.rule_table
    return DrawnSubtype(
        id=SubtypeId(str(ids.subtypes[subtype_reference(kind.name, subtype.name)])),
        name=subtype.name,
        type=TypeId(str(ids.types[kind.name])),
        type_name=kind.name,
        protocol=kind.protocol,
        format=kind.signature_format,
        intake=subtype.helios_intake,
        workflow=WorkflowRef(str(ids.workflows[subtype.workflow])),
        table=table_of(table, known_facts(kind.protocol, fields)) if table else None,
        fields=fields,
        amount_field=subtype.amount_field,
        rules=folder_rules(body, body.helios_intake),
        deposit_desks=None
        if body.deposit_desk_ids is None
        else tuple(sorted(as_desk(one) for one in body.deposit_desk_ids)),
        visible_desks=tuple(sorted(as_desk(one) for one in body.visible_desk_ids)),
        several_documents=subtype.several_documents,
        is_active=subtype.active,
        transmit_within_days=kind.transmit_within_days,
        account=kind.account,
    )


def _register(document: Configuration, ids: Ids, zone: ZoneInfo, now: datetime) -> PowerRegister:
    serving = [one for one in document.desks if one.active]
    names = {one.name for one in serving}
    tenant = document.tenant
    return PowerRegister(
        desks=frozenset(as_desk(ids.desks[one]) for one in names),
        holders=tuple(
            DeskHolder(
                as_desk(ids.desks[desk.name]),
                as_person(ids.persons[one.login]),
                period_of(one, zone, now),
            )
            for desk in document.desks
            for one in desk.holders
        ),
        administrators=tuple(_administrators(document, ids)),
        absences=_absences(document, ids, zone, now),
        grants=tuple(grant_of(document, one, ids, zone, now) for one in document.powers),
        superiors={
            as_desk(ids.desks[one.name]): as_desk(ids.desks[one.superior])
            for one in serving
            if one.superior in names
        },
        offices=tuple(
            Office(as_desk(ids.desks[one.name]), one.capacity, one.gender)
            for one in serving
            if one.capacity
        ),
        mentions=dict(tenant.mentions or {}) if tenant else {},
        inactive=frozenset(
            as_person(ids.persons[one.login]) for one in document.persons if not one.active
        ),
    )


def _administrators(document: Configuration, ids: Ids) -> list[Administrator]:
    found = []
    for one in document.persons:
        listed = [ids.desks[name] for name in one.administered_desks or ()]
        desks = administered_desks([role.value for role in one.roles or ()], listed)
        if one.active and desks != frozenset():
            among = None if desks is None else frozenset(as_desk(desk) for desk in desks)
            found.append(Administrator(as_person(ids.persons[one.login]), among))
    return found


def _absences(
    document: Configuration, ids: Ids, zone: ZoneInfo, now: datetime
) -> tuple[Absence, ...]:
    return tuple(
        Absence(
            id=AbsenceId(f"absence-{number}"),
            person=as_person(ids.persons[one.person]),
            period=period_of(one, zone, now),
            desk=as_desk(ids.desks[one.desk]) if one.desk is not None else None,
            replacements=tuple(as_person(ids.persons[login]) for login in one.replacements),
        )
        for number, one in enumerate(document.absences, start=1)
    )


def grant_of(
    document: Configuration, power: PowerPart, ids: Ids, zone: ZoneInfo, now: datetime
) -> Grant:
    """One power of the document; those that it names by their number are looked for there."""
    parent = parent_of(document, power)
    founding = power.document
    return Grant(
        id=_power_id(document, power),
        kind=power.kind,
        office=as_desk(ids.desks[power.office]),
        grantee=as_person(ids.persons[power.grantee]),
        period=period_of(power, zone, now),
        capacity=power.capacity,
        grantor=as_person(ids.persons[power.grantor]) if power.grantor is not None else None,
        grantee_office=as_desk(ids.desks[power.grantee_office])
        if power.grantee_office is not None
        else None,
        scope=Scope(
            frozenset(TypeId(str(ids.types[one])) for one in power.types),
            frozenset(SubtypeId(str(ids.subtypes[one])) for one in power.subtypes),
            power.ceiling_cents,
        ),
        document=FoundingDocument(founding.number, founding.signed_on, founding.published_on)
        if founding
        else None,
        executory_at=starting(power.executory_from, zone),
        may_be_regranted=power.may_be_regranted,
        regrants=_power_id(document, parent) if parent else None,
    )


def parent_of(document: Configuration, power: PowerPart) -> PowerPart | None:
    """The power that this one re-delegates: of that document, in that office, to its grantor. Of
    those that the document gives for several periods, the last one begun when this one begins."""
    if power.regrants is None:
        return None
    several = [
        one
        for one in document.powers
        if one.document is not None
        and one.document.number == power.regrants
        and (one.office, one.grantee) == (power.office, power.grantor)
    ]
    several.sort(key=_first_day)
    begun = [one for one in several if _first_day(one) <= _first_day(power)]
    return next(iter([*reversed(begun), *several]), None)


def _first_day(power: PowerPart) -> date:
    """What has no start has begun."""
    starts = power.starts
    return starts.date() if isinstance(starts, datetime) else starts or date.min


def _power_id(document: Configuration, power: PowerPart) -> PowerId:
    number = next(n for n, one in enumerate(document.powers, start=1) if one is power)
    return PowerId(f"power-{number}")
