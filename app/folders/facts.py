"""What the engine must know of a folder, beside its own history."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.repository import CatalogRepository
from app.catalog.service import fields_of
from app.context import Context
from app.documents.repository import DocumentRepository
from app.folders.repository import FolderRepository
from app.models import Folder, FolderSubtype, FolderType
from app.register.service import as_person, load_register
from app.users.service import fit_signers
from workflows import event_encoding
from workflows.candidates import persons_within_reach
from workflows.definition import FieldKey, Protocol, StepKind, desks_of
from workflows.evolution import replay
from workflows.folder import BACK_STATUSES, Document, FolderState, FolderStatus
from workflows.metadata import MetadataValue, amount_cents, filled, labels
from workflows.register import (
    Facts,
    NamedAmount,
    PersonId,
    PowerRegister,
    SubtypeId,
    TypeId,
)


@dataclass(frozen=True, slots=True)
class Situation:
    """A folder and all that its next act is judged upon."""

    state: FolderState
    register: PowerRegister
    facts: Facts
    protocol: Protocol


async def state_of(session: AsyncSession, folder_id: uuid.UUID) -> FolderState:
    """The folder's state, replayed from its events."""
    rows = await FolderRepository(session).events(folder_id)
    return replay(event_encoding.from_json(row.payload) for row in rows)


async def situation_of(
    session: AsyncSession, context: Context, folder: Folder, *, person: uuid.UUID | None = None
) -> Situation:
    """The state, the powers in force and the facts, as they are now. `person`: the one about whom
    it will be asked what he may do; the certificates of others are then not judged."""
    state = await state_of(session, folder.id)
    register = await load_register(session)
    subtype, kind = await binding_of(session, folder)
    protocol = Protocol(kind.protocol)
    facts = Facts(
        fit_signers=await _fit_signers(session, context, state, register, protocol, person),
        type=TypeId(str(kind.id)),
        subtype=SubtypeId(str(subtype.id)),
        amounts=await amounts_of(session, folder, subtype, kind, state),
        filled=frozenset(FieldKey(key) for key in filled(folder.folder_metadata)),
        follower_cancelled=await _follower_cancelled(session, state),
        labels=labels(fields_of(subtype)),
    )
    return Situation(state, register, facts, protocol)


async def situation_after(
    session: AsyncSession,
    context: Context,
    judged: Situation,
    state: FolderState,
    *,
    person: uuid.UUID,
) -> Situation:
    """The situation of a person once an act has brought the folder to this state, in the
    transaction of the act: of what it was judged upon, only who may sign depends on the step."""
    fit = await _fit_signers(session, context, state, judged.register, judged.protocol, person)
    return replace(judged, state=state, facts=replace(judged.facts, fit_signers=fit))


async def _fit_signers(
    session: AsyncSession,
    context: Context,
    state: FolderState,
    register: PowerRegister,
    protocol: Protocol,
    person: uuid.UUID | None,
) -> frozenset[PersonId]:
    step = state.current_step
    if step is None or step.kind is not StepKind.SIGNATURE:
        return frozenset()
    among = persons_within_reach(register, frozenset(desks_of(step.step)))
    if person is not None:
        among &= {as_person(person)}
    return await fit_signers(
        session, now=context.clock(), rsa_only=protocol is Protocol.HELIOS, among=among
    )


async def _follower_cancelled(session: AsyncSession, state: FolderState) -> bool:
    if state.chained_to is None:
        return False
    follower = await FolderRepository(session).folder(uuid.UUID(state.chained_to))
    return follower is not None and follower.status == FolderStatus.CANCELLED.value


async def binding_of(session: AsyncSession, folder: Folder) -> tuple[FolderSubtype, FolderType]:
    """The subtype of a folder and its type, in use or not any more."""
    repository = CatalogRepository(session)
    subtype = await repository.subtype(folder.subtype_id)
    assert subtype is not None
    kind = await repository.folder_type(subtype.type_id)
    assert kind is not None
    return subtype, kind


async def amounts_of(
    session: AsyncSession,
    folder: Folder,
    subtype: FolderSubtype,
    kind: FolderType,
    state: FolderState | None = None,
) -> tuple[NamedAmount, ...]:
    """What ceilings are compared with: the total of each slip of a flow, including tax; else the
    metadata field that the subtype names. None of them known: nothing. `state`: as in
    `pes_facts_of`."""
    slips: Sequence[Mapping[str, Any]] = ()
    if kind.protocol == Protocol.HELIOS.value:
        slips = (await pes_facts_of(session, folder.id, state)).get("slips", ())
    return named_amounts(
        Protocol(kind.protocol), subtype.amount_field, folder.folder_metadata, slips
    )


def named_amounts(
    protocol: Protocol,
    amount_field: str | None,
    metadata: Mapping[str, MetadataValue],
    slips: Sequence[Mapping[str, Any]],
) -> tuple[NamedAmount, ...]:
    """The same of a folder that has these metadata and slips."""
    if protocol is Protocol.HELIOS:
        return tuple(_slips(slips))
    cents = amount_cents(metadata.get(amount_field or ""))
    return () if cents is None else (NamedAmount("montant du dossier", cents),)


async def pes_facts_of(
    session: AsyncSession, folder_id: uuid.UUID, state: FolderState | None = None
) -> dict[str, Any]:
    """What inspection read of the revision of the folder's flow that counts in this state, of the
    newest one where documents may still change or the state is not given; empty without one."""
    fixed = _fixed_documents(state) if state is not None else ()
    return await pes_facts_among(session, folder_id, fixed)


async def pes_facts_among(
    session: AsyncSession, folder_id: uuid.UUID, documents: Sequence[Document]
) -> dict[str, Any]:
    """The same of these documents, of all that the folder has where none is given. Empty where
    they have no flow, or one that was taken out of the folder since."""
    repository = DocumentRepository(session)
    rows = await repository.documents(folder_id)
    revisions = await repository.revisions(row.id for row in rows)
    fixed = {uuid.UUID(one.revision.id) for one in documents}
    known = [
        one.facts
        for one in revisions
        if one.facts and "slips" in one.facts and (not fixed or one.id in fixed)
    ]
    return known[-1] if known else {}


def _fixed_documents(state: FolderState) -> tuple[Document, ...]:
    """What persons approve and sign; nothing while the documents may still change."""
    if state.in_preparation or state.status in BACK_STATUSES:
        return ()
    return state.documents


def _slips(slips: Sequence[Mapping[str, Any]]) -> Iterator[NamedAmount]:
    for slip in slips:
        cents = Decimal(str(slip["amount_incl_tax"])) * 100
        # A fraction of a cent above a ceiling is above it.
        whole = int(cents.to_integral_value(ROUND_CEILING))
        yield NamedAmount(f"bordereau {slip['number']}", whole)
