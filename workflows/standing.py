"""Whether a grant stands at an instant, as the rule of its kind says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workflows.definition import StepKind
from workflows.presence import all_absent, holders_of, holds_since
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
        and not any(_ENDED[end](register, grant, rules, instant) for end in rule.ends_with)
        and _MET[rule.needs](register, grant, instant)
    )


def is_executory(grant: Grant, rule: PowerRule, instant: datetime) -> bool:
    """Whether what founds the grant lets it be used: its document where it has one, and it
    always has one but for the law and for decisions."""
    if grant.executory_at is not None:
        return grant.executory_at <= instant
    return grant.document is None and rule.founded_on in {Founding.LAW_OR_ORDER, Founding.DECISION}


def usable_from(grant: Grant) -> datetime:
    """The first instant at which the grant may serve: it starts and its document is executory."""
    return max(grant.period.start, grant.executory_at or grant.period.start)


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
            or not stands(register, parent, rules, instant)
        )
    if grant.grantor is None:
        return rules[grant.kind].given_by is not GivenBy.PERSON_OR_BODY
    return not holds_since(register, grant.grantor, grant.office, usable_from(grant), instant)


def _grantee_left(register: PowerRegister, grant: Grant, _: Rules, instant: datetime) -> bool:
    return grant.grantee_office is not None and not holds_since(
        register, grant.grantee, grant.grantee_office, usable_from(grant), instant
    )


_ENDED: Mapping[Ends, Callable[[PowerRegister, Grant, Rules, datetime], bool]] = {
    Ends.DATE: _date_passed,
    Ends.REPEAL: _repealed,
    Ends.GRANTOR_LEAVES: _grantor_left,
    Ends.GRANTEE_LEAVES: _grantee_left,
}

_MET: Mapping[Needs, Callable[[PowerRegister, Grant, datetime], bool]] = {
    Needs.NOTHING: lambda _register, _grant, _instant: True,
    Needs.ABSENCE: lambda register, grant, instant: all_absent(register, grant.office, instant),
    Needs.VACANCY: lambda register, grant, instant: not holders_of(register, grant.office, instant),
}
