"""The town of a scenario in a real database: the same rows that the API would have written."""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

from app.catalog.formats import TypeFormat
from app.context import Context
from app.db.base import Base
from app.demo import pki
from app.demo.town import Town
from app.documents.repository import DocumentRepository
from app.documents.schemas import Origin
from app.documents.service import add_revision
from app.folders.facts import state_of
from app.folders.repository import FolderRepository
from app.folders.service import apply
from app.kit.ids import new_id
from app.models import (
    Absence,
    Desk,
    DeskHolder,
    Document,
    FolderSubtype,
    FolderType,
    Grant,
    User,
    Workflow,
    WorkflowVersion,
)
from app.storage import StoredBlob
from app.tenants.repository import TenantRepository
from app.tenants.schemas import TrustKind
from app.tenants.service import NewTenant, add_trust, make_tenant
from app.users.service import SeenCertificate, register_certificates
from tests.builders.people import a_flow
from tests.builders.scenarios import Scenario, id_of
from tests.builders.towns import a_siret
from workflows import definition, register, rules
from workflows.actions import (
    Action,
    ClaimTransmission,
    RecordAcknowledged,
    RecordOutside,
    RecordTransmitted,
    Seal,
    Sign,
)
from workflows.definition import OUTSIDE_STEPS, Protocol, StepKind
from workflows.encoding import encode_object
from workflows.folder import (
    DocumentId,
    Revision,
    RevisionChange,
    RevisionId,
    TransmissionId,
)
from workflows.simulation import Stage, Turn

_LIFE = pki.Validity(datetime(2020, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC))


async def build(context: Context, scenario: Scenario) -> Town:
    """Everything but the folder, in one transaction."""
    tenant_id = new_id()
    async with context.unit(tenant_id) as session:
        new = NewTenant(
            siret=a_siret(),
            name=f"Commune fictive {scenario.key}",
            city="Saint-Exemple",
            postal_code="99000",
            timezone=str(scenario.zone),
        )
        TenantRepository(session).add(make_tenant(tenant_id, new))
        await session.flush()
        for rows in _rows(scenario, tenant_id):
            session.add_all(rows)
            await session.flush()
        for desk, superior in scenario.given.register.superiors.items():
            (await session.get_one(Desk, uuid.UUID(desk))).superior_id = uuid.UUID(superior)
        authority, _ = _authority()
        await add_trust(
            session,
            kind=TrustKind.ANCHOR,
            label="Autorité",
            content=authority.der,
            now=context.clock(),
        )
        for person in scenario.given.facts.fit_signers:
            name = scenario.persons[person]
            seen = SeenCertificate(_certificate(name).der, (authority.der,))
            await register_certificates(
                session, uuid.UUID(person), [seen], source="import", now=context.clock()
            )
    submitter = scenario.given.submitter
    users = {name: uuid.UUID(person) for person, name in scenario.persons.items()}
    return Town(
        tenant_id,
        {name: _login(person) for person, name in scenario.persons.items()},
        users,
        {scenario.persons[submitter.person]: uuid.UUID(submitter.desk)},
        {"deposited": uuid.UUID(id_of(scenario.key, "subtype", scenario.folder.subtype_name))},
    )


def _rows(scenario: Scenario, tenant_id: uuid.UUID) -> Iterator[list[Base]]:
    """In an order in which each finds what it names."""
    register_, own = scenario.given.register, {"tenant_id": tenant_id}
    yield [_user(person, name, own) for person, name in scenario.persons.items()]
    titles = {one.desk: one for one in register_.offices}
    yield [
        Desk(
            id=uuid.UUID(desk),
            name=name,
            capacity=titles[desk].title if desk in titles else None,
            gender=titles[desk].gender.value if desk in titles else "masculine",
            **own,
        )
        for desk, name in scenario.desks.items()
    ]
    yield [
        DeskHolder(
            id=new_id(),
            desk_id=uuid.UUID(one.desk),
            user_id=uuid.UUID(one.person),
            starts_at=one.period.start,
            ends_at=one.period.end,
            **own,
        )
        for one in register_.holders
    ]
    yield [_absence(one, own) for one in register_.absences]
    for one in register_.grants:
        yield [_grant(one, own)]
    yield from _catalog(scenario, own)


def _user(person: str, name: str, own: dict[str, Any]) -> User:
    login = _login(person)
    return User(
        id=uuid.UUID(person), login=login, email=login, first_name=name, last_name="Exemple", **own
    )


def _login(person: str) -> str:
    return f"{person}@scenario.test"


def _absence(one: register.Absence, own: dict[str, Any]) -> Absence:
    return Absence(
        id=uuid.UUID(one.id),
        user_id=uuid.UUID(one.person),
        desk_id=uuid.UUID(one.desk) if one.desk else None,
        starts_at=one.period.start,
        ends_at=one.period.end,
        replacement_ids=[uuid.UUID(other) for other in one.replacements],
        declared_by=uuid.UUID(one.person),
        repealed_at=one.repealed_at,
        **own,
    )


def _grant(one: register.Grant, own: dict[str, Any]) -> Grant:
    document = one.document
    return Grant(
        id=uuid.UUID(one.id),
        kind=one.kind.value,
        office_desk_id=uuid.UUID(one.office),
        grantor_id=uuid.UUID(one.grantor) if one.grantor else None,
        grantee_id=uuid.UUID(one.grantee),
        grantee_desk_id=uuid.UUID(one.grantee_office) if one.grantee_office else None,
        capacity=one.capacity,
        starts_at=one.period.start,
        ends_at=one.period.end,
        type_ids=[uuid.UUID(kind) for kind in one.scope.types],
        subtype_ids=[uuid.UUID(kind) for kind in one.scope.subtypes],
        ceiling_cents=one.scope.ceiling_cents,
        document_number=document.number if document else None,
        document_signed_on=document.signed_on if document else None,
        executory_at=one.executory_at,
        repealed_at=one.repealed_at,
        may_be_regranted=one.may_be_regranted,
        regrants_id=uuid.UUID(one.regrants) if one.regrants else None,
        created_by=uuid.UUID(one.grantee),
        **own,
    )


def _catalog(scenario: Scenario, own: dict[str, Any]) -> Iterator[list[Base]]:
    folder, given = scenario.folder, scenario.given
    workflow_id = uuid.UUID(id_of(scenario.key, "workflow", "circuit"))
    type_id = uuid.UUID(id_of(scenario.key, "type", folder.type_name))
    helios = folder.protocol is Protocol.HELIOS
    yield [Workflow(id=workflow_id, name=given.workflow.name, **own)]
    yield [
        WorkflowVersion(
            id=new_id(),
            workflow_id=workflow_id,
            number=1,
            definition=dict(definition.to_json(given.workflow)),
            activated_at=datetime(2020, 1, 1, tzinfo=UTC),
            **own,
        ),
        FolderType(
            id=type_id,
            name=folder.type_name,
            protocol=folder.protocol.value,
            signature_format=(TypeFormat.PES_V2 if helios else TypeFormat.PADES).value,
            **own,
        ),
    ]
    yield [
        FolderSubtype(
            id=uuid.UUID(id_of(scenario.key, "subtype", folder.subtype_name)),
            type_id=type_id,
            name=folder.subtype_name,
            workflow_id=workflow_id,
            helios_intake=folder.intake.value if folder.intake else None,
            rule_table=dict(rules.to_json(scenario.table)) if scenario.table else None,
            metadata_fields=[dict(encode_object(one)) for one in folder.fields],
            amount_field="montant" if "montant" in folder.metadata else None,
            mandatory_reading=given.rules.mandatory_reading,
            **own,
        )
    ]


@functools.cache
def _authority() -> tuple[pki.Issued, pki.PrivateKey]:
    """The authority behind every certificate of the scenarios, and one key for all of them."""
    return pki.make_authority("Autorité des scénarios", validity=_LIFE), pki.rsa_key()


@functools.cache
def _certificate(name: str) -> pki.Issued:
    authority, key = _authority()
    return pki.make_signer(
        name, issuer=authority, validity=_LIFE, organisation="Commune", siren="219900016", key=key
    )


async def put_flow(context: Context, town: Town, folder_id: uuid.UUID, scenario: Scenario) -> None:
    """A flow whose inspection read the slips of the scenario."""
    content = a_flow()
    blob = await _store(context, content)
    facts = {
        "header": {
            "file_name": f"FLUX_{scenario.key}",
            "body_code": "123",
            "body_siret": "21990001600014",
        },
        "slips": [
            {"number": str(number), "kind": "expense", "amount_incl_tax": amount, "items": []}
            for number, amount in enumerate(scenario.folder.slips, start=1)
        ],
    }
    async with context.unit(town.tenant_id) as session:
        row = Document(
            id=new_id(),
            tenant_id=town.tenant_id,
            folder_id=folder_id,
            kind="main_document",
            position=0,
            name="flux.xml",
            media_type="application/xml",
        )
        DocumentRepository(session).add(row)
        await session.flush()
        await add_revision(session, row.id, blob, Origin.DEPOSITED, facts=facts)


async def record_outside(context: Context, town: Town, folder_id: uuid.UUID, stage: Stage) -> None:
    """The outside answers well, or the transmission goes through."""
    transmission = TransmissionId(str(uuid.uuid4()))
    acts: tuple[Action, ...] = (
        ClaimTransmission(transmission),
        RecordTransmitted(transmission, "1"),
        RecordAcknowledged(transmission),
    )
    if stage.kind in OUTSIDE_STEPS:
        acts = (RecordOutside(stage.step, accepted=True),)
    for act in acts:
        async with context.unit(town.tenant_id) as session:
            folder = await FolderRepository(session).lock(folder_id)
            assert folder is not None
            await apply(session, context, folder, act)


async def record_signature(
    context: Context, town: Town, folder_id: uuid.UUID, stage: Stage, turn: Turn
) -> None:
    """Signs or seals through the service: what the signed revision holds does not matter here."""
    mark = f"{folder_id}:{stage.step}".encode()
    blob = await _store(context, mark + hashlib.sha256(mark).digest())
    async with context.unit(town.tenant_id) as session:
        folder = await FolderRepository(session).lock(folder_id)
        assert folder is not None
        changes = []
        for main in (await state_of(session, folder_id)).signable_documents:
            row = await add_revision(session, uuid.UUID(main.id), blob, Origin.SIGNED, facts=None)
            after = Revision(RevisionId(str(row.id)), blob.sha256)
            changes.append(RevisionChange(DocumentId(main.id), before=main.revision, after=after))
        kind = Sign if stage.kind is StepKind.SIGNATURE else Seal
        await apply(session, context, folder, kind(turn.by.seat, stage.step, tuple(changes)))


async def _store(context: Context, content: bytes) -> StoredBlob:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    return await context.store.write(chunks(), limit_bytes=len(content))
