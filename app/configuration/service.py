"""A tenant's configuration: exported, judged, tried, applied as a whole or not at all."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Permission, Principal
from app.catalog.drawing import read_findings
from app.configuration.activation import Applied
from app.configuration.applying import carry_out
from app.configuration.comparison import Change, ChangeKind, Section, changes
from app.configuration.document import Configuration
from app.configuration.drawing import drawn
from app.configuration.faults import Judged, date_faults, faults_in, workflow_findings
from app.configuration.merging import merged
from app.configuration.references import Fault
from app.configuration.remainder import left_alone
from app.configuration.schemas import (
    ChangeRead,
    ConfigurationCheck,
    ConfigurationPlan,
    FaultRead,
    NotInForce,
    WaitingSubtype,
    WorkflowFindings,
)
from app.configuration.site import Site
from app.configuration.standing import Read, read_standing
from app.configuration.text import read_text, written
from app.context import Context
from app.errors import AppError, Unprocessable
from app.kit.threads import in_thread
from app.register.service import as_person, change_powers, hold_powers
from app.users.service import fit_signers
from workflows.definition import Finding

_FAULTS_SAID = 10


@dataclass(frozen=True, slots=True)
class Request:
    """A document handed in: by whom, in which transaction."""

    session: AsyncSession
    context: Context
    principal: Principal
    content: bytes


class _Undone(Exception):
    """Ends a trial: what it did is rolled back."""

    def __init__(self, applied: Applied) -> None:
        super().__init__()
        self.applied = applied


@dataclass(frozen=True, slots=True)
class _Considered:
    """A document over what stands."""

    site: Site
    wanted: Configuration
    faults: tuple[Fault, ...]
    changes: tuple[Change, ...]


async def export(session: AsyncSession, context: Context, principal: Principal) -> str:
    """What stands, as text. Who may not administer persons gets names and log-in names only.
    Nothing changes while it is read: a file tells one state."""
    await hold_powers(session)
    document = (await read_standing(session, context.clock())).document
    if not principal.may(Permission.USER_ADMIN):
        private = {"email": None, "roles": None, "administered_desks": None}
        persons = [one.model_copy(update=private) for one in document.persons]
        document = document.model_copy(update={"persons": persons})
    return await in_thread(lambda: written(document))


async def validate(request: Request) -> ConfigurationCheck:
    """What is wrong, as `dry_run` finds it, and what is doubtful. Raises as `read_text`."""
    considered = await _consider(request)
    faults, _ = await _tried(considered)
    return ConfigurationCheck(
        valid=not faults, faults=_read_faults(faults), findings=await _findings(considered)
    )


async def dry_run(request: Request) -> ConfigurationPlan:
    """What applying would change and what would refuse it: it is applied, then undone. Raises as
    `read_text`."""
    considered = await _consider(request)
    faults, applied = await _tried(considered)
    return await _plan(considered, faults, applied)


async def _tried(considered: _Considered) -> tuple[tuple[Fault, ...], Applied]:
    """What refuses the document: its own faults, else the refusal of the service that refuses it
    when it is applied, which is undone."""
    faults, nothing = considered.faults or _beyond_rights(considered), Applied({}, {})
    if faults:
        return faults, nothing
    try:
        async with considered.site.session.begin_nested():
            raise _Undone(await carry_out(considered.site, considered.changes))
    except _Undone as done:
        return (), done.applied
    except AppError as refusal:
        return (Fault(refusal.code, refusal.detail),), nothing


def _beyond_rights(considered: _Considered) -> tuple[Fault, ...]:
    """A trial makes persons for a moment: it would tell which log-in names are taken elsewhere."""
    if considered.site.principal.may(Permission.USER_ADMIN):
        return ()
    return tuple(
        Fault(
            "persons_not_administered",
            f"{one.sentence} Vous n'administrez pas les personnes : demandez cet essai à "
            "l'administrateur de la collectivité, ou retirez-les du fichier.",
        )
        for one in considered.changes
        if one.section is Section.PERSON
    )


async def apply(request: Request) -> ConfigurationPlan:
    """Everything or nothing, journaled. Raises as `read_text`, Unprocessable with the code of the
    first fault, or the refusal of a service; the caller's transaction then ends."""
    considered = await _consider(request)
    _refuse(considered.faults)
    findings = await _findings(considered)
    applied = await carry_out(considered.site, considered.changes)
    carried = [one for one in considered.changes if applied.keeps(one)]
    if carried:
        _journal(request, considered.site, carried)
    return await _plan(considered, (), applied, findings)


async def _consider(request: Request) -> _Considered:
    """A trial carries the document out as applying does, upon what stands until it ends."""
    wanted = await in_thread(lambda: read_text(request.content))
    await change_powers(request.session)
    now = request.context.clock()
    timezone = wanted.tenant.timezone if wanted.tenant else None
    read = await read_standing(request.session, now, timezone=timezone)
    faults, result = await in_thread(lambda: _judge(wanted, read, now))
    found = () if faults else changes(read.standing, result, read.zone, now)
    site = Site(request.session, request.context, request.principal, read, result, now)
    return _Considered(site, wanted, faults, found)


def _judge(
    wanted: Configuration, read: Read, now: datetime
) -> tuple[tuple[Fault, ...], Configuration]:
    """Dates are right before the document is laid over what stands."""
    dates = tuple(date_faults(wanted, read.zone, now))
    if dates:
        return dates, read.document
    result = merged(read.document, wanted, read.zone, now)
    accounts = frozenset(read.ids.accounts)
    return faults_in(Judged(result, read.document, accounts), now), result


async def _findings(considered: _Considered) -> list[WorkflowFindings]:
    """Of the circuits that the document has, for those who hold certificates today."""
    if considered.faults:
        return []
    site, wanted = considered.site, {one.name for one in considered.wanted.workflows}
    fit, for_flows = await _fit(site, rsa_only=False), await _fit(site, rsa_only=True)

    def judged() -> Mapping[str, Sequence[Finding]]:
        tenant = drawn(site.result, now=site.now, fit=fit)
        flows = frozenset(tenant.logins[one] for one in for_flows)
        return workflow_findings(tenant, site.now, flows)

    found = await in_thread(judged)
    return [
        WorkflowFindings(workflow=name, findings=read_findings(found[name]))
        for name in sorted(wanted)
        if found[name]
    ]


async def _fit(site: Site, *, rsa_only: bool) -> frozenset[str]:
    logins = {as_person(one): login for login, one in site.read.ids.persons.items()}
    able = await fit_signers(site.session, now=site.now, rsa_only=rsa_only)
    known = {one.login for one in site.result.persons}
    return frozenset(logins[one] for one in able if logins.get(one) in known)


async def _plan(
    considered: _Considered,
    faults: Sequence[Fault],
    applied: Applied,
    findings: list[WorkflowFindings] | None = None,
) -> ConfigurationPlan:
    site = considered.site
    return ConfigurationPlan(
        valid=not faults,
        faults=_read_faults(faults),
        findings=await _findings(considered) if findings is None else findings,
        changes=[
            ChangeRead(
                section=one.section.value,
                change=one.kind.value,
                name=one.name,
                fields=list(one.fields),
                sentence=one.sentence,
            )
            for one in considered.changes
            if applied.keeps(one)
        ],
        left_alone=left_alone(site.read.document, considered.wanted, site.read.zone, site.now),
        not_in_force=[
            NotInForce(workflow=name, detail=why) for name, why in applied.not_in_force.items()
        ],
        waiting_subtypes=[_waiting(*one) for one in sorted(applied.waiting.items())],
    )


def _waiting(subtype: str, workflows: list[str]) -> WaitingSubtype:
    names = ", ".join(f"« {one} »" for one in workflows)
    return WaitingSubtype(
        subtype=subtype,
        workflows=workflows,
        detail=f"Le sous-type « {subtype} » n'accepte pas encore les dossiers de {names} : mettez "
        "d'abord en vigueur ce qui manque.",
    )


def _read_faults(faults: Iterable[Fault]) -> list[FaultRead]:
    return [FaultRead(code=one.code, detail=one.detail) for one in faults]


def _refuse(faults: Sequence[Fault]) -> None:
    if not faults:
        return
    said = " ".join(one.detail for one in faults[:_FAULTS_SAID])
    more = len(faults) - _FAULTS_SAID
    raise Unprocessable(
        said if more <= 0 else f"{said} Et {more} autre(s) : demandez une vérification.",
        code=faults[0].code,
        extra={"faults": [one.code for one in faults]},
    )


def _journal(request: Request, site: Site, carried: Sequence[Change]) -> None:
    """One entry for the whole: what changed stands beside it, in sentences."""
    counts = Counter(one.kind for one in carried)
    record(
        request.session,
        Occurrence(
            kind="configuration.applied",
            actor=request.principal.actor,
            details={
                "sha256": hashlib.sha256(request.content).hexdigest(),
                **{kind.value: counts[kind] for kind in ChangeKind},
            },
        ),
        at=site.now,
        values={"changes": "\n".join(one.sentence for one in carried)},
    )
