"""Whether a grant stands at an instant, as the rule of its kind says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workflows.definition import StepKind
from workflows.presence import (
    all_absent,
    comes_at,
    holders_of,
    holds_since,
    is_joined,
    stays,
)
from workflows.register import Grant, PowerKind, PowerRegister


class WhoActs(StrEnum):
    """Who may still act once a power is in force, beside its grantee.

    `everybody`: the holder too, and whoever acts in his name. `not_the_holder`: no holder in
    person, but whoever acts in his name. `grantee_only`: neither the grantor nor whoever acts in
    his name, a substitute included.
    """

    EVERYBODY = "everybody"
    NOT_THE_HOLDER = "not_the_holder"
    GRANTEE_ONLY = "grantee_only"


class Needs(StrEnum):
    """What must be true of the office for the power to serve."""

    NOTHING = "nothing"
    ABSENCE = "absence"
    VACANCY = "vacancy"


class Founding(StrEnum):
    """What founds a power. An order or a deliberation always is a document; the law needs none,
    nor does the decision to assign a person."""

    ORDER = "order"
    DELIBERATION = "deliberation"
    LAW_OR_ORDER = "law_or_order"
    DECISION = "decision"


class Ends(StrEnum):
    """What ends a power."""

    DATE = "date"
    REPEAL = "repeal"
    GRANTOR_LEAVES = "grantor_leaves"
    GRANTEE_LEAVES = "grantee_leaves"
    HOLDER_COMES = "holder_comes"


class GivenBy(StrEnum):
    """Whether a power is a grant, and who gives it: a person by name, or a body too (its grants
    name no grantor), or nobody (the law, or an order about an office)."""

    NO_GRANT = "no_grant"
    PERSON = "person"
    PERSON_OR_BODY = "person_or_body"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class PowerRule:
    """What tells one power from another. `steps` are the kinds that it passes or speaks at."""

    who_acts: WhoActs
    needs: Needs
    founded_on: Founding
    ends_with: frozenset[Ends]
    steps: frozenset[StepKind]
    given_by: GivenBy = GivenBy.NO_GRANT


Rules = Mapping[PowerKind, PowerRule]


def stands(register: PowerRegister, grant: Grant, rules: Rules, instant: datetime) -> bool:
    """Whether the grant can be used at the instant, for what its scope covers.

    A grant to oneself never stands, nor one founded by a document that is not executory; one
    that re-delegates stands only with the other, one level deep.
    """
    rule = rules[grant.kind]
    return (
        rule.given_by is not GivenBy.NO_GRANT
        and grant.office in register.desks
        and grant.grantee != grant.grantor
        and is_executory(grant, rule, instant)
        and lasts(register, grant, rules, instant)
        and _MET[rule.needs](register, grant, instant)
        and _is_carried(register, grant, rules, instant)
    )


def _is_carried(register: PowerRegister, grant: Grant, rules: Rules, instant: datetime) -> bool:
    """Whether the power that the grant re-delegates, if any, may be and stands: as it re-delegates
    nothing itself, a circle that appeared in the register is not walked round."""
    if grant.regrants is None:
        return True
    parent = parent_of(register, grant)
    return (
        parent is not None
        and may_regrant(parent, grant, rules)
        and stands(register, parent, rules, instant)
    )


def lasts(register: PowerRegister, grant: Grant, rules: Rules, instant: datetime) -> bool:
    """Whether the instant lies in the life of the grant: it has begun and nothing has ended it,
    the holdings that it rests on included. It may still not serve then: its document need not be
    executory, nor the office be as the power needs it."""
    return not ended_by(register, grant, rules, instant)


def ended_by(
    register: PowerRegister, grant: Grant, rules: Rules, instant: datetime
) -> tuple[Ends, ...]:
    """What of its rule has ended the grant at the instant, in the order of `Ends`; nothing while
    it lasts. One that has not begun is ended by its date."""
    ends_with = rules[grant.kind].ends_with
    return tuple(
        end for end in Ends if end in ends_with and _ENDED[end](register, grant, rules, instant)
    )


def has_lapsed(register: PowerRegister, grant: Grant, rules: Rules, instant: datetime) -> bool:
    """Whether the grant lasts at no instant from this one on at which it may serve.

    What has ended never begins again: a life can only begin once the grant is usable, or where
    what it rests on begins, a holding or the grant that it re-delegates. One that waits for its
    document to be executory may so find there those who come by then.
    """
    soonest = max(instant, usable_from(grant))
    parent = parent_of(register, grant)
    starts = [one.period.start for one in register.holders]
    if parent is not None:
        starts.append(usable_from(parent))
    instants = (soonest, *(one for one in starts if one > soonest))
    return not any(lasts(register, grant, rules, at) for at in instants)


def is_executory(grant: Grant, rule: PowerRule, instant: datetime) -> bool:
    """Whether what founds the grant lets it be used: its document where it has one, and it
    always has one but for the law and for decisions."""
    if grant.executory_at is not None:
        return grant.executory_at <= instant
    return grant.document is None and rule.founded_on in {Founding.LAW_OR_ORDER, Founding.DECISION}


def usable_from(grant: Grant) -> datetime:
    """The first instant at which the grant may serve: it starts and its document is executory."""
    return max(grant.period.start, grant.executory_at or grant.period.start)


def awaits_its_document(grant: Grant) -> bool:
    """Whether a document founds the grant of which nobody knows yet when it is executory."""
    return grant.document is not None and grant.executory_at is None


def parent_of(register: PowerRegister, grant: Grant) -> Grant | None:
    """The power that this one re-delegates, where the register has it."""
    if grant.regrants is None:
        return None
    return next((one for one in register.grants if one.id == grant.regrants), None)


def may_regrant(parent: Grant, grant: Grant, rules: Rules) -> bool:
    """Whether the parent is a competence that moved to the grantor of the other, in the same
    office, and may move on: its document says so, and it was not re-delegated to him."""
    return (
        rules[parent.kind].who_acts is WhoActs.GRANTEE_ONLY
        and rules[parent.kind].needs is Needs.NOTHING
        and parent.may_be_regranted
        and parent.regrants is None
        and parent.office == grant.office
        and parent.grantee == grant.grantor
    )


def _date_passed(_: PowerRegister, grant: Grant, __: Rules, instant: datetime) -> bool:
    return not grant.period.covers(instant)


def _repealed(_: PowerRegister, grant: Grant, __: Rules, instant: datetime) -> bool:
    return grant.repealed_at is not None and grant.repealed_at <= instant


def _grantor_left(register: PowerRegister, grant: Grant, rules: Rules, instant: datetime) -> bool:
    if grant.regrants is not None:
        parent = parent_of(register, grant)
        return (
            parent is None
            or not may_regrant(parent, grant, rules)
            or not lasts(register, parent, rules, instant)
        )
    if grant.grantor is None:
        return rules[grant.kind].given_by is not GivenBy.PERSON_OR_BODY
    return not holds_since(
        register, grant.grantor, grant.office, _counted_from(grant, instant), instant
    )


def _grantee_left(register: PowerRegister, grant: Grant, _: Rules, instant: datetime) -> bool:
    """Whether the grantee has left the office that the grant names; where it names none, every
    desk that he held since the grant started: who holds none has no office to leave."""
    since = _counted_from(grant, instant)
    if grant.grantee_office is not None:
        return not holds_since(register, grant.grantee, grant.grantee_office, since, instant)
    until = max(since, instant)
    came = comes_at(register, grant.grantee, grant.period.start)
    if came is None or came > until:
        return False
    return not stays(register, grant.grantee, max(since, came), until)


def _holder_came(register: PowerRegister, grant: Grant, _: Rules, instant: datetime) -> bool:
    """Whether the vacancy that the grant was given for has been filled: it does not serve in
    the next one."""
    return is_joined(register, grant.office, grant.period.start, instant)


def _counted_from(grant: Grant, instant: datetime) -> datetime:
    """Since when one holding has to last. While the document is not executory nobody knows when
    the grant will start to serve: holding the desk at the instant is then enough."""
    return instant if awaits_its_document(grant) else usable_from(grant)


_ENDED: Mapping[Ends, Callable[[PowerRegister, Grant, Rules, datetime], bool]] = {
    Ends.DATE: _date_passed,
    Ends.REPEAL: _repealed,
    Ends.GRANTOR_LEAVES: _grantor_left,
    Ends.GRANTEE_LEAVES: _grantee_left,
    Ends.HOLDER_COMES: _holder_came,
}

_MET: Mapping[Needs, Callable[[PowerRegister, Grant, datetime], bool]] = {
    Needs.NOTHING: lambda _register, _grant, _instant: True,
    Needs.ABSENCE: lambda register, grant, instant: all_absent(register, grant.office, instant),
    Needs.VACANCY: lambda register, grant, instant: not holders_of(register, grant.office, instant),
}
