"""Who may act: the one place that says which person may do what, through which desk, when.

`RULES` holds what tells one power from another, one row each; everything else reads it. The law
behind each row is in docs/adr/0013.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from workflows.candidates import Candidate, candidates, desks_within_reach, entitled
from workflows.definition import (
    OUTSIDE_STEPS,
    PERSON_STEPS,
    DeskId,
    Step,
    StepKind,
    StepMode,
    desks_of,
)
from workflows.errors import (
    DeskNotConcerned,
    NoPower,
    NotAdministrator,
    NotEntitled,
    UnknownDesk,
)
from workflows.judgement import Question, obstacle, scopes_of
from workflows.obstacles import (
    Lacking,
    NobodyAble,
    WhoMayAct,
    absent,
    account_closed,
    blocked,
    fragment,
    no_desk,
    no_holder,
    not_executory,
    passed_by_itself,
)
from workflows.presence import absences_from, holders_of, is_away
from workflows.register import (
    NO_FACTS,
    Authorship,
    Facts,
    Grant,
    PersonAtDesk,
    PersonId,
    Power,
    PowerId,
    PowerKind,
    PowerRegister,
)
from workflows.scopes import excess
from workflows.standing import (
    Ends,
    Founding,
    GivenBy,
    Needs,
    PowerRule,
    WhoActs,
    is_executory,
)

__all__ = [
    "RULES",
    "WHOLE_OFFICE",
    "administrator_power",
    "desk_power",
    "entitlement",
    "is_accepted",
    "powers_of",
    "step_power",
    "superior_of",
    "who_may_act",
]

_IN_FULL = PERSON_STEPS | OUTSIDE_STEPS
_DELEGATED = frozenset({StepKind.APPROVAL, StepKind.SIGNATURE, StepKind.SEAL})
_OWN = frozenset({Ends.DATE})
_DECLARED = _OWN | {Ends.REPEAL}
_NAMED = _DECLARED | {Ends.GRANTEE_LEAVES}
_GIVEN = _NAMED | {Ends.GRANTOR_LEAVES}

RULES: Mapping[PowerKind, PowerRule] = {
    PowerKind.HOLDER: PowerRule(
        WhoActs.EVERYBODY, Needs.NOTHING, Founding.DECISION, _OWN, _IN_FULL
    ),
    PowerKind.INTERIM: PowerRule(
        WhoActs.GRANTEE_ONLY,
        Needs.VACANCY,
        Founding.DECISION,
        _NAMED | {Ends.HOLDER_COMES},
        _IN_FULL,
        GivenBy.NOBODY,
    ),
    PowerKind.SUBSTITUTION: PowerRule(
        WhoActs.NOT_THE_HOLDER,
        Needs.ABSENCE,
        Founding.LAW_OR_ORDER,
        _NAMED,
        _IN_FULL,
        GivenBy.NOBODY,
    ),
    PowerKind.POWER_DELEGATION: PowerRule(
        WhoActs.GRANTEE_ONLY,
        Needs.NOTHING,
        Founding.DELIBERATION,
        _GIVEN,
        _DELEGATED,
        GivenBy.PERSON_OR_BODY,
    ),
    PowerKind.FUNCTION_DELEGATION: PowerRule(
        WhoActs.EVERYBODY,
        Needs.NOTHING,
        Founding.ORDER,
        _GIVEN,
        _DELEGATED,
        GivenBy.PERSON,
    ),
    PowerKind.SIGNATURE_DELEGATION: PowerRule(
        WhoActs.EVERYBODY,
        Needs.NOTHING,
        Founding.ORDER,
        _GIVEN,
        _DELEGATED,
        GivenBy.PERSON,
    ),
    PowerKind.REPLACEMENT: PowerRule(
        WhoActs.EVERYBODY,
        Needs.ABSENCE,
        Founding.DECISION,
        _DECLARED,
        frozenset({StepKind.APPROVAL}),
    ),
    PowerKind.PROGRAM: PowerRule(
        WhoActs.EVERYBODY, Needs.NOTHING, Founding.DECISION, _OWN, frozenset()
    ),
    PowerKind.ADMINISTRATOR: PowerRule(
        WhoActs.EVERYBODY, Needs.NOTHING, Founding.DECISION, frozenset(), frozenset()
    ),
}
"""Of several powers that a person has at a desk, he acts by the first in this order."""

WHOLE_OFFICE = frozenset(kind for kind, rule in RULES.items() if rule.steps == _IN_FULL)
"""The powers that are the whole office: they deposit for the desk too."""


def powers_of(
    register: PowerRegister, person: PersonId, instant: datetime, facts: Facts = NO_FACTS
) -> tuple[Power, ...]:
    """Every power that the person has at a desk at the instant, each once, the best first at each.

    A power listed may still not cover a folder, or be set aside by another one: `entitlement`
    judges. Of `facts` only those barred count: a ranked list of replacements goes on to the next.
    The power of an administrator is asked for with `administrator_power`.
    """
    found = (
        one.power
        for desk in desks_within_reach(register, person, instant)
        for one in candidates(register, RULES, desk, facts, instant)
        if one.person == person
    )
    return tuple(dict.fromkeys((*found, *_programs_of(register, person, instant))))


def who_may_act(
    register: PowerRegister, step: Step, facts: Facts, instant: datetime, *, passing: bool = True
) -> WhoMayAct:
    """Everybody who may pass the step at the instant: inverse of `entitlement`, person by person
    and desk by desk. Says also what is missing where nobody can be counted upon. Without
    `passing`, everybody who may speak at it: inverse of `step_power`."""
    by_itself = passed_by_itself(step.kind)
    if by_itself is not None:
        return by_itself
    question = Question(register, RULES, step.kind, facts, instant, passing=passing)
    able = {desk: _able_at(question, desk) for desk in desks_of(step)}
    everybody = tuple(one for those in able.values() for one in those)
    idle = [
        desk
        for desk, those in able.items()
        if all(is_away(register, one.person, desk, instant) for one in those)
    ]
    if not able:
        return blocked((), (no_desk(None),), step.kind)
    if not idle or (step.mode is StepMode.ANY_OF and len(idle) < len(able)):
        return WhoMayAct(everybody)
    lacking = (one for desk in idle for one in _lacking_at(question, desk))
    return blocked(everybody, lacking, step.kind)


def entitlement(
    register: PowerRegister, actor: PersonAtDesk, step: Step, facts: Facts, instant: datetime
) -> Power:
    """The power by which the actor may pass (approve, sign, seal, archive) the step now.

    Raises UnknownDesk, DeskNotConcerned, NoPower, PersonRecused, DutyConflict, HolderReplaced,
    PowerGivenAway, OutOfScope (the detail names the amount), or NoFitCertificate at a signature.
    """
    if step.kind not in PERSON_STEPS:
        raise DeskNotConcerned
    return _best_power(Question(register, RULES, step.kind, facts, instant), actor, step)


def is_accepted(
    register: PowerRegister, by: Authorship, kind: StepKind, facts: Facts, instant: datetime
) -> bool:
    """Whether an act by which somebody passed a step of this kind at the instant is accepted with
    these facts too: they bar nobody in it, his power covers them, no other one sets it aside.

    That he had the power then is not asked again; a grant that the register does not hold any
    more covers nothing.
    """
    grant = next((one for one in register.grants if one.id == by.power.id), None)
    if grant is None and RULES[by.power.kind].given_by is not GivenBy.NO_GRANT:
        return False
    question = Question(register, RULES, kind, facts, instant)
    return obstacle(question, Candidate(by.person, by.power, grant)) is None


def step_power(
    register: PowerRegister,
    actor: PersonAtDesk,
    step: Step,
    instant: datetime,
    facts: Facts | None = None,
) -> Power:
    """The power by which the actor speaks at the step: rejects, transfers, asks or gives an
    opinion, takes back what he did there. It asks for no certificate, and duties do not forbid it.

    With `facts`, scopes and recusals are judged too. Raises as `entitlement` does.
    """
    return _best_power(
        Question(register, RULES, step.kind, facts, instant, passing=False), actor, step
    )


def desk_power(
    register: PowerRegister, actor: PersonAtDesk, instant: datetime, facts: Facts = NO_FACTS
) -> Power:
    """The power by which the actor deposits for the desk: that of its holder, of whoever stands
    in for him in full, for what his scopes cover, or of its program.

    Of a folder that is only opened nothing is known (`facts`): no narrow scope covers it. Raises
    UnknownDesk or NoPower.
    """
    if actor.desk not in register.desks:
        raise UnknownDesk
    own = (
        one.power
        for one in candidates(register, RULES, actor.desk, facts, instant)
        if one.person == actor.person and _deposits(register, one, facts)
    )
    programs = _programs_of(register, actor.person, instant)
    found = (*own, *(one for one in programs if one.desk == actor.desk))
    if not found:
        raise NoPower
    return found[0]


def administrator_power(register: PowerRegister, actor: PersonAtDesk, instant: datetime) -> Power:
    """The power by which the actor administers what waits at the desk, even one that is gone.

    The role has no dates of its own: the register holds those of `instant`. Raises
    NotAdministrator.
    """
    for one in register.administrators:
        if one.person == actor.person and (one.desks is None or actor.desk in one.desks):
            return Power(PowerKind.ADMINISTRATOR, actor.desk)
    raise NotAdministrator


def superior_of(register: PowerRegister, desk: DeskId) -> DeskId | None:
    """The desk above this one, None where there is none or where it is gone."""
    superior = register.superiors.get(desk)
    return superior if superior in register.desks else None


def _programs_of(register: PowerRegister, person: PersonId, instant: datetime) -> Iterator[Power]:
    for one in register.programs:
        if one.program == person and one.desk in register.desks and one.period.covers(instant):
            yield Power(PowerKind.PROGRAM, one.desk)


def _deposits(register: PowerRegister, candidate: Candidate, facts: Facts) -> bool:
    if candidate.power.kind not in WHOLE_OFFICE:
        return False
    scopes = scopes_of(register, candidate.grant) if candidate.grant is not None else ()
    return all(excess(one, facts) is None for one in scopes)


def _best_power(question: Question, actor: PersonAtDesk, step: Step) -> Power:
    if actor.desk not in question.register.desks:
        raise UnknownDesk
    if actor.desk not in desks_of(step):
        raise DeskNotConcerned
    refusals: list[NotEntitled] = []
    for candidate in _serving(question, actor.desk):
        if candidate.person == actor.person:
            found = obstacle(question, candidate)
            if found is None:
                return candidate.power
            refusals.append(found.refusal)
    raise refusals[0] if refusals else NoPower()


def _able_at(question: Question, desk: DeskId) -> tuple[Authorship, ...]:
    best: dict[PersonId, Authorship] = {}
    for one in _serving(question, desk):
        if one.person not in best and obstacle(question, one) is None:
            best[one.person] = Authorship(one.person, one.power)
    return tuple(best.values())


def _lacking_at(question: Question, desk: DeskId) -> Iterator[Lacking]:
    register, instant = question.register, question.instant
    if desk not in register.desks:
        yield no_desk(desk)
        return
    if not holders_of(register, desk, instant):
        yield no_holder(register, desk)
    for one in _entitled(question, desk):
        yield from _lacking_of(question, one)
    if question.kind in RULES[PowerKind.REPLACEMENT].steps:
        yield from _replacements_kept_out(question, desk)
    for grant in register.grants:
        if grant.office == desk and _awaits_its_document(question, grant):
            yield not_executory(grant)


def _lacking_of(question: Question, candidate: Candidate) -> Iterator[Lacking]:
    register, person, power = question.register, candidate.person, candidate.power
    found = obstacle(question, candidate)
    closed = person in register.inactive
    # No certificate is asked of somebody who cannot sign with it anyway.
    if closed and (found is None or found.what is NobodyAble.NO_FIT_CERTIFICATE):
        yield account_closed(register, person, power)
        return
    if not closed and is_away(register, person, power.desk, question.instant):
        yield absent(register, person, power)
    if found is not None:
        yield Lacking(found.what, power.desk, found.detail, person, power.id)


def _replacements_kept_out(question: Question, desk: DeskId) -> Iterator[Lacking]:
    """Those named by an absent holder whom the history of the folder keeps out."""
    register, instant = question.register, question.instant
    why = {one.person: fragment(one.detail) for one in (question.facts or NO_FACTS).barred}
    named = (
        (absence, person)
        for holder in holders_of(register, desk, instant)
        for absence in absences_from(register, holder, desk, instant)
        for person in absence.replacements
        if person in why
    )
    for absence, person in named:
        detail = f"le remplaçant désigné est écarté : {why[person]}"
        yield Lacking(NobodyAble.BARRED, desk, detail, person, PowerId(absence.id))


def _awaits_its_document(question: Question, grant: Grant) -> bool:
    rule, instant = RULES[grant.kind], question.instant
    return (
        question.kind in rule.steps
        and grant.period.covers(instant)
        and (grant.repealed_at is None or instant < grant.repealed_at)
        and not is_executory(grant, rule, instant)
    )


def _serving(question: Question, desk: DeskId) -> tuple[Candidate, ...]:
    """Those whose power is one for this kind of step, the best power of each person first."""
    inactive = question.register.inactive
    return tuple(one for one in _entitled(question, desk) if one.person not in inactive)


def _entitled(question: Question, desk: DeskId) -> tuple[Candidate, ...]:
    """The same, with those whose account is closed."""
    facts = question.facts or NO_FACTS
    return tuple(
        one
        for one in entitled(question.register, RULES, desk, facts, question.instant)
        if question.kind in RULES[one.power.kind].steps
    )
