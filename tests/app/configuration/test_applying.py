"""What no service takes: said alike when a document is checked, tried and applied."""

from __future__ import annotations

import pytest

from app.context import Context
from app.errors import AppError
from tests.builders.configurations import HEAD, Setup, an_empty_tenant

TOWN = """
persons:
  - {{login: anne@{0}, first_name: Anne, last_name: Exemple, email: a@b.example}}
  - {{login: bruno@{0}, first_name: Bruno, last_name: Exemple, email: b@b.example}}
  - {{login: carla@{0}, first_name: Carla, last_name: Exemple, email: c@b.example, active: false}}
desks:
  - {{name: Maire, capacity: Maire, holders: [{{login: anne@{0}}}]}}
  - {{name: Adjoint, superior: Maire, holders: [{{login: bruno@{0}}}]}}
  - {{name: Ancien, active: false}}
workflows:
  - name: Visa seul
    active: true
    steps: [{{id: visa, kind: approval, name: Visa, actors: [{{desk: Maire}}]}}]
  - name: Deux visas
    active: true
    steps:
      - {{id: visa, kind: approval, name: Visa, actors: [{{desk: Adjoint}}]}}
      - {{id: accord, kind: approval, name: Accord, required_to_pass: [objet],
         actors: [{{desk: Maire}}]}}
types:
  - name: Courriers
    protocol: NONE
    signature_format: AUTO
    subtypes: [{{name: Lettres, workflow: Visa seul}}]
  - name: Finances
    protocol: HELIOS
    signature_format: PES_V2
    subtypes: [{{name: Listes, workflow: Visa seul, helios_intake: nothing_to_sign}}]
"""
LETTERS = (
    "types: [{{name: Courriers, protocol: NONE, signature_format: AUTO, "
    "subtypes: [{{name: Notes, workflow: Visa seul, {}}}]}}]"
)
FLOWS = (
    "types: [{{name: Finances, protocol: HELIOS, signature_format: PES_V2, "
    "subtypes: [{{name: Flux, workflow: Visa seul, {}}}]}}]"
)
TEXT_FIELD = "metadata: [{key: objet, label: Objet, type: text}]"
PERSON = "first_name: A, last_name: B"
REFUSED = {
    # of the local authority
    "unknown_subdivision": "tenant: {subdivision: Bretagne}",
    "mention_placeholder_unknown": "tenant: {mentions: {interim: 'Le {chef}'}}",
    "mention_length": "tenant: {mentions: {interim: ''}}",
    "mention_without_power": "tenant: {mentions: {holder: Moi-même}}",
    # of persons
    "person_without_email": f"persons: [{{login: dora@@, {PERSON}}}]",
    "own_account": f"persons: [{{login: administration@@, {PERSON}, active: false}}]",
    "last_administrator": f"persons: [{{login: administration@@, {PERSON}, roles: []}}]",
    # of desks
    "superior_out_of_use": "desks: [{name: Adjoint, superior: Ancien}]",
    "desk_in_use": "desks: [{name: Adjoint, superior: Maire, active: false}]",
    "person_inactive": "desks: [{name: Ancien, holders: [{login: carla@@}]}]",
    "already_holder": "desks: [{name: Maire, capacity: Maire, holders: [{login: bruno@@, "
    "from: 2027-01-01}, {login: bruno@@, from: 2027-02-01}]}]",
    "already_staff": "desks: [{name: Maire, capacity: Maire, staff: [{login: bruno@@, "
    "role: assistant}, {login: bruno@@, role: assistant}]}]",
    "supervisor_watches": "desks: [{name: Maire, capacity: Maire, staff: [{login: bruno@@, "
    "role: supervisor, may_declare_absence: true}]}]",
    # of types
    "format_not_of_protocol": "types: [{name: Flux, protocol: HELIOS, signature_format: PADES}]",
    "deadline_without_act": "types: [{name: Notes, protocol: NONE, signature_format: AUTO, "
    "transmit_within_days: 15}]",
    "stamp_without_pades": "types: [{name: Notes, protocol: NONE, signature_format: PKCS7, "
    "stamp: {page: 1, x: 10, y: 10}}]",
    "protocol_kept": "types: [{name: Courriers, protocol: ACTES, signature_format: PADES}]",
    # of subtypes
    "amount_field_unfit": LETTERS.format(f"amount_field: objet, {TEXT_FIELD}"),
    "intake_without_helios": LETTERS.format("helios_intake: to_sign"),
    "helios_intake_missing": FLOWS.format("visible_desks: []"),
    "amount_field_under_helios": FLOWS.format(
        "helios_intake: nothing_to_sign, amount_field: objet"
    ),
    "several_documents_transmitted": FLOWS.format(
        "helios_intake: nothing_to_sign, several_documents: true"
    ),
    "paper_signature_under_helios": FLOWS.format(
        "helios_intake: nothing_to_sign, paper_signature: true"
    ),
    "unknown_desk": LETTERS.format("deposit_desks: [Ancien]"),
    "intake_kept": FLOWS.format("helios_intake: to_sign").replace("Flux", "Listes"),
    "workflow_has_errors": LETTERS.format("mandatory_reading: true").replace(
        "Visa seul", "Deux visas"
    ),
    # of powers and absences
    "grant_document_missing": "powers: [{kind: signature_delegation, office: Maire, "
    "grantor: anne@@, grantee: bruno@@, capacity: adjoint}]",
    "self_granted": "powers: [{kind: interim, office: Maire, grantee: administration@@, "
    "capacity: intérimaire}]",
    "grant_lapsed": "powers: [{kind: power_delegation, office: Maire, grantor: anne@@, "
    "grantee: bruno@@, capacity: adjoint, may_be_regranted: true, until: 2027-01-31, "
    "executory_from: 2026-04-02, "
    "document: {number: D1, signed_on: 2026-04-01, published_on: 2026-04-02}}, "
    "{kind: signature_delegation, office: Maire, grantor: bruno@@, grantee: anne@@, "
    "capacity: cheffe de service, regrants: D1, from: 2027-02-01, executory_from: 2026-04-02, "
    "document: {number: D2, signed_on: 2026-04-01, published_on: 2026-04-02}}]",
    "absence_without_desk": "absences: [{person: administration@@}]",
}


@pytest.fixture
async def town(context: Context) -> Setup:
    empty = await an_empty_tenant(context)
    assert (await empty.apply(HEAD + TOWN.format(empty.domain))).not_in_force == []
    return empty


async def codes_of(town: Setup, text: str) -> tuple[list[str], list[str], list[str]]:
    document = HEAD + text.replace("@@", f"@{town.domain}")
    checked, tried = await town.validate(document), await town.dry_run(document)
    try:
        await town.apply(document)
    except AppError as refusal:
        said = refusal.extra.get("faults")
        applied = said if isinstance(said, list) else [refusal.code]
    else:
        applied = []
    return [one.code for one in checked.faults], [one.code for one in tried.faults], applied


async def test_what_applying_refuses_is_refused_alike_when_it_is_checked_and_tried(
    town: Setup,
) -> None:
    before = await town.export()

    found = {code: await codes_of(town, text) for code, text in REFUSED.items()}

    assert found == {code: ([code], [code], [code]) for code in REFUSED}
    assert await town.export() == before


SEATED = """
persons: [{{login: dora@{0}, first_name: Dora, last_name: Exemple, email: d@b.example}}]
desks:
  - name: Maire
    capacity: Maire
    holders:
      - {{login: dora@{0}}}
      - {{login: anne@{0}}}
      - {{login: bruno@{0}, from: 2027-03-01, until: 2027-03-31}}
      - {{login: anne@{0}, from: 2020-07-01, until: 2020-07-31}}
    staff: [{{login: bruno@{0}, role: assistant}}]
powers:
  - kind: signature_delegation
    office: Maire
    grantor: anne@{0}
    grantee: bruno@{0}
    capacity: adjoint
    document: {{number: 2026-1, signed_on: 2026-04-01, published_on: 2026-04-02}}
    executory_from: 2026-04-02
absences: [{{person: anne@{0}, from: 2027-02-01, until: 2027-02-12, replacements: [bruno@{0}]}}]
"""
CLOSED = "persons: [{{login: anne@{0}, first_name: Anne, last_name: Exemple, active: false}}]"


async def test_a_closed_account_gets_its_seats_and_powers_before_it_is_closed(
    context: Context, town: Setup
) -> None:
    await town.apply(HEAD + SEATED.format(town.domain))
    await town.apply(HEAD + CLOSED.format(town.domain))
    exported = await town.export()
    other = await an_empty_tenant(context)
    text = exported.replace(town.domain, other.domain)

    checked = await other.validate(text)
    await other.apply(text)
    again = await other.apply(text)

    assert "number: 2026-1" in exported
    assert checked.faults == []
    assert await other.export() == text
    assert again.changes == []


async def test_a_seat_that_has_ended_is_history_for_a_closed_account_too(town: Setup) -> None:
    seat = "desks: [{name: Ancien, active: false, holders: [{login: carla@@, until: 2020-01-01}]}]"

    assert await codes_of(town, seat) == ([], [], [])


DEMANDING = """
workflows:
  - name: Accord seul
    active: true
    steps:
      - id: accord
        kind: approval
        name: Accord
        required_to_pass: [objet]
        actors: [{desk: Maire}]
types:
  - name: Courriers
    protocol: NONE
    signature_format: AUTO
    subtypes:
      - name: Notes
        workflow: Accord seul
        metadata: [{key: objet, label: Objet, type: text}]
"""
FREED = DEMANDING.replace("        required_to_pass: [objet]\n", "").replace(
    "        metadata: [{key: objet, label: Objet, type: text}]\n", ""
)


async def test_a_field_and_what_demands_it_are_added_and_removed_by_one_file(town: Setup) -> None:
    added = await town.apply(HEAD + DEMANDING)

    checked = await town.validate(HEAD + FREED)
    removed = await town.apply(HEAD + FREED)
    back = await town.apply(HEAD + DEMANDING)

    assert checked.faults == []
    assert [one.section for one in added.changes] == ["workflow", "subtype"]
    assert [one.section for one in removed.changes] == ["workflow", "subtype"]
    assert [one.section for one in back.changes] == ["workflow", "subtype"]
    assert [one.not_in_force for one in (added, removed, back)] == [[], [], []]
    assert (await town.apply(await town.export())).changes == []


SIGNING = """
workflows:
  - name: Signature seule
    active: true
    steps: [{{id: signature, kind: signature, name: Signature, actors: [{{desk: Maire}}]}}]
types:
  - name: Signés à part
    protocol: {protocol}
    signature_format: {form}
    subtypes: [{{name: Pièces, workflow: Signature seule}}]
"""


@pytest.mark.parametrize(
    ("protocol", "form"), [("NONE", "AUTO"), ("NONE", "PKCS7"), ("ACTES", "PKCS7")]
)
async def test_a_circuit_that_signs_apart_is_brought_by_a_file(
    town: Setup, protocol: str, form: str
) -> None:
    text = HEAD + SIGNING.format(protocol=protocol, form=form)

    checked = await town.validate(text)
    applied = await town.apply(text)

    assert (checked.faults, applied.not_in_force) == ([], [])
    assert [one.section for one in applied.changes] == ["type", "workflow", "subtype"]
    assert f"signature_format: {form}" in await town.export()
    assert (await town.apply(await town.export())).changes == []


async def test_a_circuit_that_signs_in_a_format_not_made_yet_stays_a_draft(town: Setup) -> None:
    applied = await town.apply(HEAD + SIGNING.format(protocol="NONE", form="XADES_DETACHED"))

    (kept,) = applied.not_in_force
    assert "XADES_DETACHED" in kept.detail


async def test_a_new_subtype_is_judged_on_the_circuit_that_its_file_brings(town: Setup) -> None:
    await town.apply(HEAD + DEMANDING)
    other = FREED.replace("      - name: Notes", "      - name: Avis").replace(
        "      - name: Avis", "      - {name: Notes, workflow: Accord seul}\n      - name: Avis"
    )

    assert (await town.validate(HEAD + other)).faults == []


@pytest.mark.parametrize(
    "kept",
    [
        FREED.replace("active: true", "active: false"),
        FREED.replace("steps:", "steps:\n      - {id: rien, kind: approval, name: Rien}"),
        FREED[FREED.index("\ntypes:") :],
    ],
    ids=["draft", "unfit", "untouched"],
)
async def test_a_field_that_the_circuit_left_in_force_demands_is_kept(
    town: Setup, kept: str
) -> None:
    await town.apply(HEAD + DEMANDING)
    before = await town.export()

    found = await codes_of(town, kept)

    assert found == (["workflow_has_errors"], ["workflow_has_errors"], ["workflow_has_errors"])
    assert await town.export() == before
