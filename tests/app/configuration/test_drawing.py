"""A document as the values of `workflows`: enough to ask who may act, without a database."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from app.configuration.document import FoundingPart, PowerPart
from app.configuration.drawing import DrawnTenant, drawn, parent_of
from app.configuration.shipped import template
from workflows.definition import Phase, StepKind
from workflows.periods import Period
from workflows.powers import who_may_act
from workflows.register import Absence, AbsenceId, Facts, NamedAmount, PowerKind
from workflows.rules import choose

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
MAYOR = "camille.exemple@saint-exemple.example"
FINANCE = "alix.specimen@saint-exemple.example"
FIRST = "dominique.modele@saint-exemple.example"


def town(*fit: str) -> DrawnTenant:
    return drawn(template("petite-commune"), now=NOW, fit=frozenset(fit))


def signers(place: DrawnTenant, *, cents: int, absent: bool = False) -> list[tuple[str, PowerKind]]:
    """Who may sign an expense, and by which power."""
    register = place.register
    if absent:
        two_days = Period(NOW, NOW + timedelta(days=2))
        away = Absence(AbsenceId("essai"), place.logins[MAYOR], two_days)
        register = dataclasses.replace(register, absences=(away,))
    subtype = place.subtypes["Finances / Dépenses"]
    facts = Facts(
        fit_signers=place.fit,
        type=subtype.type,
        subtype=subtype.id,
        amounts=(NamedAmount("bordereau 1", cents),),
    )
    steps = place.workflow(subtype.workflow).steps
    signature = next(one for one in steps if one.kind is StepKind.SIGNATURE)
    able = who_may_act(register, signature, facts, NOW).able
    return [(place.persons[one.person], one.power.kind) for one in able]


def test_a_delegate_signs_up_to_his_ceiling() -> None:
    place = town(MAYOR, FINANCE)

    assert signers(place, cents=2_000_000) == [
        ("Camille Exemple", PowerKind.HOLDER),
        ("Alix Spécimen", PowerKind.FUNCTION_DELEGATION),
    ]
    assert signers(place, cents=2_000_001) == [("Camille Exemple", PowerKind.HOLDER)]


def test_a_substitute_acts_only_while_the_holder_is_away() -> None:
    place = town(FIRST)

    assert signers(place, cents=1) == []
    assert signers(place, cents=1, absent=True) == [("Dominique Modèle", PowerKind.SUBSTITUTION)]


def test_the_rule_table_chooses_a_circuit_by_its_name() -> None:
    place = town()
    table = place.subtypes["Finances / Dépenses"].table
    assert table is not None

    small = choose(table, {"pes_largest_slip": Decimal("19999.99")})
    large = choose(table, {"pes_largest_slip": Decimal("20000")})

    assert place.workflow_names[small.workflow] == "Finances courantes"
    assert place.workflow(large.workflow).name == "Finances importantes"


def test_ids_are_the_same_at_each_drawing() -> None:
    assert town() == town()
    assert town().desk_named("Maire") in town().register.desks


def test_what_a_subtype_asks_of_folders_is_drawn_with_it() -> None:
    place = drawn(template("communaute-de-communes"), now=NOW)
    market = place.subtypes["Contrats / Marchés publics"]
    flow = place.subtypes["Finances / Recettes"]

    assert (market.amount_field, market.several_documents) == ("montant", True)
    assert market.rules.mandatory_reading
    assert flow.rules.single_signature
    assert flow.facts["pes_largest_slip"].value == "decimal"
    assert market.deposit_desks == (place.desk_named("Marchés publics"),)
    assert place.workflows["Actes"].steps[0].phase is Phase.PREPARATION
    assert (place.timezone, place.subdivision) == ("Europe/Paris", None)


def test_a_person_whose_account_is_closed_may_nothing() -> None:
    document = template("petite-commune")
    for one in document.persons:
        one.active = one.login != FINANCE

    place = drawn(document, now=NOW, fit=frozenset({MAYOR, FINANCE}))

    assert signers(place, cents=1) == [("Camille Exemple", PowerKind.HOLDER)]
    assert place.register.inactive == {place.logins[FINANCE]}


def test_a_power_is_regranted_from_the_period_in_which_it_begins() -> None:
    """One order may give the same power for several periods."""
    document = template("petite-commune")
    founding = FoundingPart(number="DEL-1", signed_on=date(2026, 4, 16))
    spring, summer = (
        PowerPart(
            kind=PowerKind.POWER_DELEGATION,
            office="Maire",
            grantor=MAYOR,
            grantee=FIRST,
            capacity="la première adjointe",
            document=founding,
            starts=starts,
        )
        for starts in (datetime(2027, 1, 4, tzinfo=UTC), date(2027, 7, 1))
    )
    given = summer.model_copy(update={"grantor": FIRST, "grantee": FINANCE, "regrants": "DEL-1"})
    document.powers = [summer, spring]

    parents = [
        parent_of(document, given.model_copy(update={"starts": starts}))
        for starts in (date(2027, 8, 1), date(2027, 2, 1), None)
    ]

    assert [one is summer for one in parents] == [True, False, False]
    assert parents[1] is parents[2] is spring
    assert parent_of(document, given.model_copy(update={"regrants": "DEL-2"})) is None
