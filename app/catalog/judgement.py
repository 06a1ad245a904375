"""What is wrong in a circuit for all that uses it: the tenant's desks and people, its subtypes."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.formats import EXECUTABLE, TypeFormat
from app.catalog.repository import CatalogRepository
from app.catalog.service import fields_of, rule_table_of, workflows_named
from app.desks.repository import DeskRepository
from app.errors import Unprocessable
from app.models import FolderSubtype, FolderType
from app.register.service import as_desk, load_register
from app.users.service import fit_signers
from workflows import definition, findings
from workflows.actor_findings import People, actor_findings
from workflows.candidates import persons_within_reach
from workflows.definition import (
    ActorKind,
    DeskId,
    FieldKey,
    Finding,
    HeliosIntake,
    Protocol,
    Severity,
    Step,
    StepId,
    StepKind,
    StepMode,
    given_desk,
)
from workflows.powers import who_may_act
from workflows.register import ANY_AMOUNT, Facts, PersonId, PowerRegister, SubtypeId, TypeId
from workflows.rules import RuleRow, RuleTable


@dataclass(frozen=True, slots=True)
class Use:
    """A subtype that uses a circuit: what the circuit is judged for. `table` chooses it, beside
    the subtype's own circuit; `unconnected` is the name of its type, where that one has no account
    to transmit with."""

    protocol: Protocol
    intake: HeliosIntake | None
    format: TypeFormat
    fields: frozenset[FieldKey]
    facts: Facts
    table: RuleTable | None = None
    unconnected: str | None = None


@dataclass(frozen=True, slots=True)
class Staffing:
    """What circuits are judged upon, read once: those who have power, their certificates."""

    register: PowerRegister
    names: dict[DeskId, str]
    now: datetime
    fit: frozenset[PersonId]
    fit_for_flows: frozenset[PersonId]

    def people(self, workflow: definition.Workflow, use: Use | None) -> People:
        """Who there is to walk this circuit, for this use."""
        facts = use.facts if use else Facts(amounts=ANY_AMOUNT)
        is_flow = use is not None and use.protocol is Protocol.HELIOS
        signing = Facts(
            fit_signers=self.fit_for_flows if is_flow else self.fit,
            type=facts.type,
            subtype=facts.subtype,
            amounts=facts.amounts,
        )
        desks = frozenset(_desks_named(workflow.steps)) & frozenset(self.names)
        return People(
            self.names,
            frozenset(one for one in desks if self._is_able(one, StepKind.APPROVAL, facts)),
            frozenset(one for one in desks if self._is_able(one, StepKind.SIGNATURE, signing)),
            self.register.superiors,
        )

    def _is_able(self, desk: DeskId, kind: StepKind, facts: Facts) -> bool:
        probe = Step(StepId("probe"), kind, "", (given_desk(desk),))
        return bool(who_may_act(self.register, probe, facts, self.now).able)


async def staffing_of(
    session: AsyncSession, workflows: Iterable[definition.Workflow], *, now: datetime
) -> Staffing:
    """Reads what these circuits are judged upon: of certificates, those of persons who may sign at
    one of their steps."""
    register = await load_register(session, since=now)
    steps = [step for one in workflows for step in one.steps if step.kind is StepKind.SIGNATURE]
    signers = persons_within_reach(register, frozenset(_desks_named(steps)))
    desks = await DeskRepository(session).desks()
    return Staffing(
        register,
        {as_desk(one.id): one.name for one in desks if one.is_active},
        now,
        await fit_signers(session, now=now, rsa_only=False, among=signers),
        await fit_signers(session, now=now, rsa_only=True, among=signers),
    )


def use_of(subtype: FolderSubtype, kind: FolderType) -> Use:
    """The subtype as something that uses circuits."""
    return Use(
        Protocol(kind.protocol),
        HeliosIntake(subtype.helios_intake) if subtype.helios_intake else None,
        TypeFormat(kind.signature_format),
        frozenset(FieldKey(field.key) for field in fields_of(subtype)),
        Facts(type=TypeId(str(kind.id)), subtype=SubtypeId(str(subtype.id)), amounts=ANY_AMOUNT),
        rule_table_of(subtype),
        kind.name if kind.connector_account_id is None else None,
    )


async def uses_of(session: AsyncSession) -> Callable[[uuid.UUID], tuple[Use, ...]]:
    """The uses of any circuit by its id, subtypes that take no more folders left out once those
    that they had have ended."""
    repository = CatalogRepository(session)
    every = await repository.subtypes_with_types()
    under_way = await repository.subtypes_under_way()

    def using(workflow_id: uuid.UUID) -> tuple[Use, ...]:
        return tuple(
            use_of(subtype, kind)
            for subtype, kind in every
            if (subtype.is_active or subtype.id in under_way)
            and workflow_id in workflows_named(subtype)
        )

    return using


def judge(
    staffing: Staffing, workflow_id: str, workflow: definition.Workflow, uses: Sequence[Use]
) -> tuple[Finding, ...]:
    """All that is wrong or doubtful in the circuit for its uses, each said once. Without any, what
    is wrong whatever the protocol."""
    if not uses:
        people = staffing.people(workflow, None)
        return (
            *findings.structure_findings(workflow),
            *actor_findings(workflow, Protocol.NONE, people),
        )
    found: dict[Finding, None] = {}
    for use in uses:
        found |= dict.fromkeys(_judged_for(staffing, workflow_id, workflow, use))
    return tuple(found)


def drawing_findings(workflow: definition.Workflow, use: Use) -> tuple[Finding, ...]:
    """What is wrong or doubtful in the circuit for this use, whatever the desks and the people."""
    return (
        *findings.findings(workflow, use.protocol, use.intake),
        *findings.demanded_field_findings(workflow, use.fields),
        *_format_findings(workflow, use.format),
        *account_findings(workflow, use),
    )


def account_findings(workflow: definition.Workflow, use: Use) -> tuple[Finding, ...]:
    """The steps that could not transmit: an administrator may still choose an account later."""
    if use.unconnected is None or use.protocol is Protocol.NONE:
        return ()
    return tuple(
        Finding.warning(
            "type_without_account",
            f"Le type « {use.unconnected} » n'a pas de compte de télétransmission : à l'étape "
            f"« {step.name} », ses dossiers attendront. Choisissez-lui un compte.",
            step.id,
        )
        for step in workflow.steps
        if step.kind is StepKind.TRANSMISSION
    )


def _judged_for(
    staffing: Staffing, workflow_id: str, workflow: definition.Workflow, use: Use
) -> tuple[Finding, ...]:
    rows = enumerate(use.table.rows if use.table else (), start=1)
    return (
        *drawing_findings(workflow, use),
        *actor_findings(workflow, use.protocol, staffing.people(workflow, use)),
        *(
            one
            for number, row in rows
            if row.workflow == workflow_id
            for one in row_findings(number, row, workflow, staffing.names)
        ),
    )


def row_findings(
    number: int, row: RuleRow, workflow: definition.Workflow, desks: Mapping[DeskId, str]
) -> tuple[Finding, ...]:
    """The desks that a row gives and that its circuit does not let choose, that are none of these,
    which serve, or that would agree for two. A step takes as many as it has variable actors, in
    their order."""
    steps = {one.id: one for one in workflow.steps}
    given: dict[StepId, list[DeskId]] = {}
    for one in row.desks:
        given.setdefault(one.step, []).append(one.desk)
    return tuple(
        one
        for step_id, chosen in given.items()
        for one in _given_findings(
            number, workflow.name, steps.get(step_id), step_id, chosen, desks
        )
    )


def _given_findings(
    number: int,
    workflow: str,
    step: Step | None,
    step_id: StepId,
    chosen: Sequence[DeskId],
    desks: Mapping[DeskId, str],
) -> Iterator[Finding]:
    actors = step.actors if step else ()
    variable = [one for one in actors if one.kind is ActorKind.VARIABLE]
    if not variable:
        yield Finding.error(
            "rules_step_not_variable",
            f"La règle {number} choisit le bureau de l'étape « {step_id} », que le circuit "
            f"« {workflow} » n'a pas ou ne laisse pas choisir : corrigez la règle.",
        )
    elif len(chosen) > len(variable):
        yield Finding.error(
            "rules_step_repeated",
            f"La règle {number} donne {len(chosen)} bureaux à l'étape « {step_id} », qui en laisse "
            f"choisir {len(variable)} : retirez-en.",
        )
    if step is not None and step.mode is StepMode.ALL_OF:
        yield from _repeated_findings(number, step, chosen[: len(variable)], desks)
    for actor, desk in zip(variable, chosen, strict=False):
        if desk not in desks or (actor.choices and desk not in actor.choices):
            named = f"« {desks[desk]} »" if desk in desks else "un bureau qui n'existe pas ou"
            why = "que cette étape ne permet pas" if desk in desks else "ne sert plus"
            yield Finding.error(
                "rules_desk_refused",
                f"La règle {number} donne à l'étape « {step_id} » {named} {why} : choisissez un "
                "bureau de la liste.",
            )


def _repeated_findings(
    number: int, step: Step, chosen: Sequence[DeskId], desks: Mapping[DeskId, str]
) -> Iterator[Finding]:
    """Where all the desks of a step must agree, none agrees for two."""
    parts = Counter((*definition.desks_of(step), *chosen))
    for desk in dict.fromkeys(chosen):
        if parts[desk] > 1 and desk in desks:
            yield Finding.error(
                "rules_desk_repeated",
                f"La règle {number} met deux fois le bureau « {desks[desk]} » à l'étape "
                f"« {step.name} », qui attend l'accord de chacun : choisissez-en un autre.",
            )


def errors_of(found: Iterable[Finding]) -> list[Finding]:
    """Those that forbid to use the circuit."""
    return [one for one in found if one.severity is Severity.ERROR]


def refuse_errors(found: Iterable[Finding], *, code: str = "workflow_has_errors") -> None:
    """Raises Unprocessable with every error, if any; warnings pass."""
    errors = errors_of(found)
    if errors:
        raise Unprocessable(
            " ".join(one.detail for one in errors),
            code=code,
            extra={"findings": [one.code for one in errors]},
        )


def refuse_first(errors: Iterable[Finding]) -> None:
    """Raises Unprocessable with the first error and its own code, if any."""
    for one in errors:
        raise Unprocessable(one.detail, code=one.code)


def _format_findings(workflow: definition.Workflow, chosen: TypeFormat) -> tuple[Finding, ...]:
    if chosen in EXECUTABLE:
        return ()
    return tuple(
        Finding.error(
            "format_not_available",
            f"Le format {chosen.value} de ce type n'est pas encore proposé : prenez PADES ou "
            f"PKCS7, ou retirez l'étape « {step.name} ».",
            step.id,
        )
        for step in workflow.steps
        if step.kind is StepKind.SIGNATURE
    )


def _desks_named(steps: Iterable[Step]) -> Iterable[DeskId]:
    for step in steps:
        for actor in step.actors:
            yield from (one for one in (actor.desk, *actor.choices) if one is not None)
