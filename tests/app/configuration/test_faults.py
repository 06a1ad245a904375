"""What refuses a document, in sentences that name the objects; what is only doubtful."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.configuration.drawing import drawn
from app.configuration.faults import Judged, faults_in, workflow_findings
from app.configuration.merging import merged
from app.configuration.shipped import TEMPLATES, template
from app.configuration.text import read_text
from tests.builders.configurations import HEAD, desk
from workflows.definition import Severity
from workflows.register import PersonId

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PEOPLE = """
persons:
  - {login: anne, first_name: Anne, last_name: Exemple, email: a@b.example}
  - {login: bruno, first_name: Bruno, last_name: Exemple, email: b@b.example}
"""
DESKS = """
desks:
  - {name: Maire, holders: [{login: anne}]}
  - {name: Adjoint, holders: [{login: bruno}]}
"""
TOWN = HEAD + PEOPLE + DESKS
WORKFLOW = """
workflows:
  - name: Visa seul
    steps: [{id: visa, kind: approval, name: Visa, actors: [{desk: Maire}]}]
"""
GONE = "bureau supprimé 7a1c0d7e-0000-4000-8000-000000000001"
MANDATE = "{person: anne, body: Conseil, function: Maire, starts_on: 2026-03-22}"
INTERIM = "{kind: interim, office: Maire, capacity: intérimaire, grantee: "
ACT = "document: {number: D1, signed_on: 2019-01-05, published_on: 2019-01-06}"
DELIBERATION = (
    "{kind: power_delegation, office: Maire, grantor: anne, grantee: bruno, capacity: x, "
    f"may_be_regranted: true, executory_from: 2019-01-06, {ACT}"
)
PASSED_ON = (
    "{kind: signature_delegation, office: Maire, grantor: bruno, grantee: anne, capacity: x, "
    f"regrants: D1, executory_from: 2019-01-06, {ACT.replace('D1', 'D2')}"
)


def faults(text: str) -> list[tuple[str, str]]:
    judged = Judged(read_text(text.encode()))
    return [(one.code, one.detail) for one in faults_in(judged, NOW)]


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_has_no_fault_and_lacks_only_certificates_and_accounts(name: str) -> None:
    document = template(name)
    assert faults_in(Judged(document), NOW) == ()
    everybody = frozenset(one.login for one in document.persons)
    bare, furnished = drawn(document, now=NOW), drawn(document, now=NOW, fit=everybody)

    without = workflow_findings(bare, NOW, frozenset[PersonId]())
    with_certificates = workflow_findings(furnished, NOW, furnished.fit)

    lacking = {"no_fit_certificate", "type_without_account"}
    assert {one.code for found in without.values() for one in found} == lacking
    assert any(one.severity is Severity.ERROR for found in without.values() for one in found)
    assert {one.code for found in with_certificates.values() for one in found} == {
        "type_without_account"
    }


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        (HEAD + "desks:\n" + desk("Accueil", superior="Mairie"), "unknown_desk", "« Mairie »"),
        (TOWN + "absences: [{person: cleo}]", "unknown_person", "« cleo »"),
        (
            HEAD + "types: [{name: Actes, protocol: ACTES, signature_format: PADES, account: TdT}]",
            "unknown_account",
            "« TdT »",
        ),
        (
            HEAD
            + "types: [{name: A, protocol: NONE, signature_format: PADES, "
            + "subtypes: [{name: B, workflow: C}]}]",
            "unknown_workflow",
            "« A / B »",
        ),
        (
            TOWN + "powers: [" + INTERIM + "bruno, types: [Actes], subtypes: [A / B]}]",
            "unknown_type",
            "« Actes »",
        ),
        (TOWN + "powers: [" + INTERIM + "bruno, regrants: D1}]", "unknown_grant", "D1"),
        (HEAD + "desks:\n" + desk("Élus") + desk("ELUS"), "name_conflict", "« Élus »"),
        (HEAD + WORKFLOW + WORKFLOW.split("\n", 2)[2], "name_conflict", "« Visa seul »"),
        (HEAD + "tenant: {timezone: Europe/Mars}", "bad_timezone", "Europe/Paris"),
        (HEAD + "tenant: {timezone: Europe}", "bad_timezone", "Europe/Paris"),
        (
            HEAD + "desks:\n" + desk("A", superior="B") + desk("B", superior="A"),
            "desk_cycle",
            "A → B → A",
        ),
        (
            HEAD + "desks:\n" + desk("A", superior="A"),
            "desk_cycle",
            "A → A",
        ),
        (
            TOWN + "absences: [{person: anne, from: 2027-02-10, until: 2027-02-01}]",
            "period_reversed",
            "anne",
        ),
        (
            HEAD
            + PEOPLE
            + "desks: [{name: Maire, holders: "
            + "[{login: anne, from: 2027-02-10, until: 2027-02-01}]}]",
            "period_reversed",
            "« Maire » par anne",
        ),
        (
            TOWN
            + "mandates: [{person: anne, body: Conseil, function: Maire, starts_on: 2026-04-01, "
            + "ends_on: 2026-03-01}]",
            "period_reversed",
            "Conseil",
        ),
        (
            TOWN + "absences: [{person: anne, until: 9999-12-31}]",
            "day_out_of_range",
            "L'absence de anne",
        ),
        (
            TOWN + "powers: [" + INTERIM + "anne}, " + INTERIM + "bruno}]",
            "grant_contradictory",
            "bruno",
        ),
        (
            TOWN + "powers: [" + INTERIM + "anne}, " + INTERIM + "anne}]",
            "name_conflict",
            "anne",
        ),
        (
            TOWN + f"mandates: [{MANDATE}, {MANDATE}]",
            "name_conflict",
            "Le mandat de anne, Maire (Conseil)",
        ),
        (
            TOWN
            + "workflows: [{name: Visa seul, steps: [{id: visa, kind: approval, name: Visa, "
            + f"actors: [{{desk: {GONE}}}]}}]}}]",
            "unknown_desk",
            f"« {GONE} »",
        ),
        (
            TOWN + "powers: [{kind: signature_delegation, office: Maire, grantor: bruno, "
            "grantee: anne, capacity: x}]",
            "grant_grantor_not_holder",
            "« Maire »",
        ),
        (
            TOWN
            + f"powers: [{DELIBERATION}, until: 2027-01-31}}, {PASSED_ON}, from: 2027-02-01}}]",
            "grant_lapsed",
            "celui qu'il redonne",
        ),
        (
            TOWN + f"powers: [{DELIBERATION}, until: 2020-01-31}}, {PASSED_ON}}}]",
            "grant_lapsed",
            "celui qu'il redonne",
        ),
        (
            HEAD + PEOPLE + "desks: [{name: Maire, holders: [{login: bruno, until: 2020-01-31}]}]\n"
            "powers: [{kind: signature_delegation, office: Maire, grantor: bruno, grantee: anne, "
            "from: 2019-02-01, capacity: x}]",
            "grant_grantor_not_holder",
            "« Maire »",
        ),
        (
            TOWN + "absences: [{person: anne}, {person: anne, from: 2027-01-01}]",
            "absence_contradictory",
            "anne",
        ),
        (
            TOWN
            + WORKFLOW
            + "types: [{name: A, protocol: NONE, signature_format: PADES, "
            + "subtypes: [{name: B, workflow: Visa seul, rules: []}]}]",
            "rules_empty",
            "« A / B »",
        ),
        (
            TOWN
            + WORKFLOW
            + "types: [{name: A, protocol: NONE, signature_format: PADES, subtypes: [{name: B, "
            + "workflow: Visa seul, metadata: [{key: deposit_desk, label: X, type: text}]}]}]",
            "metadata_key_reserved",
            "« A / B »",
        ),
        (
            TOWN
            + WORKFLOW
            + "types: [{name: A, protocol: NONE, signature_format: PADES, subtypes: [{name: B, "
            + "workflow: Visa seul, rules: [{workflow: Visa seul, desks: "
            + "[{step: visa, desk: Maire}]}]}]}]",
            "rules_step_not_variable",
            "« Visa seul »",
        ),
        (
            TOWN
            + WORKFLOW
            + "types: [{name: Actes, protocol: NONE, signature_format: PADES, "
            + "subtypes: [{name: RH / Paie, workflow: Visa seul}]}, {name: Actes / RH, "
            + "protocol: NONE, signature_format: PADES, "
            + "subtypes: [{name: Paie, workflow: Visa seul}]}]",
            "name_conflict",
            "« Actes / RH / Paie »",
        ),
        (
            HEAD + "types: [{name: Actes, protocol: ACTES, signature_format: PADES, account: X}]",
            "unknown_account",
            "Ouvrez d'abord ce compte",
        ),
    ],
    ids=lambda value: value if "_" in value and " " not in value else "",
)
def test_a_document_is_refused_by_name(text: str, code: str, named: str) -> None:
    found = faults(text)

    assert code in [one for one, _ in found]
    assert named in " ".join(detail for one, detail in found if one == code)


def test_a_power_that_is_over_is_history_that_a_file_may_keep() -> None:
    past = "powers: [" + INTERIM + "bruno, from: 2020-01-01, until: 2020-01-31}]"
    assert faults(TOWN + past) == []


def test_names_are_said_before_what_would_follow_from_them() -> None:
    found = faults(TOWN + "absences: [{person: cleo, from: 2027-02-10, until: 2027-02-01}]")

    assert [code for code, _ in found] == ["unknown_person"]


def test_threat_48_a_file_does_not_give_more_powers_than_can_be_judged() -> None:
    several = ", ".join(INTERIM + f"bruno, types: [T{number}]}}" for number in range(201))
    kinds = ", ".join(
        f"{{name: T{number}, protocol: NONE, signature_format: PADES}}" for number in range(201)
    )

    found = faults(f"{TOWN}powers: [{several}]\ntypes: [{kinds}]")

    assert [code for code, _ in found] == ["too_many_powers"]


SETTINGS = (
    HEAD
    + "tenant: {subdivision: Bretagne, mentions: {interim: 'Le {chef}'}}"
    + PEOPLE
    + DESKS
    + WORKFLOW
    + """
types:
  - name: Flux
    protocol: HELIOS
    signature_format: PADES
    transmit_within_days: 15
    stamp: {page: 1, x: 10, y: 10}
    subtypes:
      - {name: Dépenses, workflow: Visa seul, amount_field: montant, paper_signature: true}
  - name: Courriers
    protocol: NONE
    signature_format: AUTO
    subtypes: [{name: Notes, workflow: Visa seul, helios_intake: to_sign, amount_field: objet,
      metadata: [{key: objet, label: Objet, type: text}]}]
"""
)


def test_settings_that_do_not_go_together_are_all_said_with_what_they_are_of() -> None:
    assert [(code, detail.split(" : ")[0]) for code, detail in faults(SETTINGS)] == [
        ("unknown_subdivision", "La collectivité"),
        ("mention_placeholder_unknown", "La collectivité"),
        ("format_not_of_protocol", "Le type « Flux »"),
        ("deadline_without_act", "Le type « Flux »"),
        ("helios_intake_missing", "Le sous-type « Flux / Dépenses »"),
        ("amount_field_under_helios", "Le sous-type « Flux / Dépenses »"),
        ("paper_signature_under_helios", "Le sous-type « Flux / Dépenses »"),
        ("intake_without_helios", "Le sous-type « Courriers / Notes »"),
        ("amount_field_unfit", "Le sous-type « Courriers / Notes »"),
    ]


def test_settings_that_stand_already_are_not_the_fault_of_a_file() -> None:
    standing = read_text(SETTINGS.encode())

    assert faults_in(Judged(standing, standing), NOW) == ()


def test_what_stands_twice_already_is_not_the_fault_of_a_file() -> None:
    text = f"{TOWN}mandates: [{MANDATE}, {MANDATE}]\npowers: [{INTERIM}anne}}, {INTERIM}anne}}]"
    standing = read_text(text.encode())

    assert faults_in(Judged(standing, standing), NOW) == ()


def test_a_circuit_that_stands_may_name_a_desk_that_is_gone() -> None:
    standing = read_text((TOWN + WORKFLOW.replace("desk: Maire", f"desk: {GONE}")).encode())
    renamed = read_text((TOWN + WORKFLOW.replace("desk: Maire", "desk: Mairie")).encode())

    assert faults_in(Judged(standing, standing), NOW) == ()
    assert [one.code for one in faults_in(Judged(renamed, renamed), NOW)] == ["unknown_desk"]


@pytest.mark.parametrize("since", ["", ", from: 2020-07-03", ", from: 2021-01-01"])
def test_a_power_contradicts_one_that_stands_since_whenever_the_file_says(since: str) -> None:
    def text(holding: str, power: str, number: str) -> bytes:
        return (
            f"{HEAD}{PEOPLE}desks: [{{name: Maire, holders: [{{login: anne{holding}}}]}}]\n"
            "powers: [{kind: power_delegation, office: Maire, grantor: anne, capacity: x, "
            f"{power}, document: {{number: '{number}', signed_on: 2020-07-04, "
            "published_on: 2020-07-04}, executory_from: 2020-07-10}]"
        ).encode()

    standing = read_text(text(", from: 2020-07-03", "grantee: bruno, from: 2020-07-10", "1"))
    wanted = read_text(text(since, "grantee: carla", "2").replace(b"bruno", b"carla"))
    result = merged(standing, wanted, ZoneInfo("Europe/Paris"), NOW)
    found = faults_in(Judged(result, standing), NOW)
    assert [one.code for one in found] == ["grant_contradictory"]
