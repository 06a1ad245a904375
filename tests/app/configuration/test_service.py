"""A whole configuration on a real tenant: exported, tried, applied at once or not at all."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from app.auth.principal import Role
from app.configuration.document import Configuration
from app.configuration.text import read_text, written
from app.context import Context
from app.demo.town import Town
from app.errors import AppError, Conflict, Unprocessable
from app.kit.ids import new_id
from app.models import (
    AuditEvent,
    AuditValue,
    Desk,
    DeskHolder,
    ElectedMandate,
    Grant,
    User,
    Workflow,
    WorkflowVersion,
)
from tests.app.conftest import AsPerson
from tests.builders.configurations import HEAD, Setup, an_empty_tenant, desk, setup_of
from tests.builders.people import ApiPerson
from tests.builders.towns import DrivenClock, random_id
from workflows.register import PowerKind

REDELEGATED = """
powers:
  - kind: power_delegation
    office: Présidente
    grantor: andrea.exemple@{domain}
    grantee: morgan.specimen@{domain}
    capacity: la vice-présidente
    types: [Actes]
    document: {{number: DEL-1, signed_on: 2026-04-16, published_on: 2026-04-17}}
    executory_from: 2026-04-17
    may_be_regranted: true
  - kind: power_delegation
    office: Présidente
    grantor: morgan.specimen@{domain}
    grantee: charlie.modele@{domain}
    capacity: le vice-président
    types: [Actes]
    document: {{number: DEL-2, signed_on: 2026-04-16, published_on: 2026-04-17}}
    executory_from: 2026-04-17
    regrants: DEL-1
"""
SIGNING = """
  - kind: signature_delegation
    office: Présidente
    grantor: morgan.specimen@{domain}
    grantee: noa.gabarit@{domain}
    capacity: le directeur général des services
    subtypes: [Actes / Arrêtés]
    document: {{number: DEL-3, signed_on: 2026-04-16, published_on: 2026-04-17}}
    executory_from: 2026-04-17
    regrants: DEL-1
"""


@pytest.fixture
async def empty(context: Context) -> Setup:
    return await an_empty_tenant(context)


async def test_an_export_applied_to_an_empty_tenant_exports_the_same_bytes(
    context: Context, empty: Setup
) -> None:
    planned = await empty.dry_run(empty.own("communaute-de-communes"))
    assert planned.valid, planned.faults
    plan = await empty.apply(empty.own("communaute-de-communes"))
    assert {one.workflow for one in plan.not_in_force} == {
        "Finances courantes",
        "Finances importantes",
    }
    assert plan.changes == planned.changes
    assert plan.not_in_force == planned.not_in_force
    assert (await empty.apply(HEAD + REDELEGATED.format(domain=empty.domain))).valid
    exported = await empty.export()
    assert "regrants: DEL-1" in exported
    assert exported.count("stamp:") == 3
    other = await an_empty_tenant(context)

    await other.apply(exported.replace(empty.domain, other.domain))

    assert await other.export() == exported.replace(empty.domain, other.domain)


async def test_what_is_applied_again_changes_nothing(
    context: Context, clock: DrivenClock, empty: Setup
) -> None:
    text = empty.own("petite-commune")
    await empty.apply(text)
    clock.advance(days=1)
    counted = select(
        func.count(AuditEvent.seq),
        select(func.count(Grant.id)).scalar_subquery(),
        select(func.count(WorkflowVersion.id)).scalar_subquery(),
    )
    async with context.unit(empty.principal.tenant_id) as session:
        before = (await session.execute(counted)).one()

    again = [await empty.apply(text), await empty.apply(await empty.export())]

    # What a certificate still holds back is asked for again by the file: it changes nothing.
    assert [one.workflow for one in again[0].not_in_force] == [
        "Finances courantes",
        "Finances importantes",
    ]
    assert [one.changes for one in again] == [[], []]
    async with context.unit(empty.principal.tenant_id) as session:
        events, *rows = (await session.execute(counted)).one()
    assert [*rows] == [*before[1:]]
    assert events == before[0]


async def test_a_file_changes_what_it_says_and_leaves_the_rest_alone(
    context: Context, clock: DrivenClock, empty: Setup
) -> None:
    await empty.apply(empty.own("petite-commune"))
    clock.advance(days=3)
    changed = (
        empty.own("petite-commune")
        .replace("capacity: Comptable", "capacity: Comptable public")
        .replace("ceiling_cents: 2000000", "ceiling_cents: 500000")
        .replace("name: Visa du secrétariat", "name: Visa de la mairie", 1)
        .replace("superior: Secrétariat de mairie", "superior: Maire")
        .replace("until: 2027-08-20", "until: 2027-08-27")
        .replace("city: Saint-Exemple", "city: Sainte-Exemple")
        .replace("label: Destinataire", "label: Adresse du destinataire")
    )

    plan = await empty.apply(changed)

    assert {(one.section, one.change) for one in plan.changes} == {
        ("tenant", "changed"),
        ("desk", "changed"),
        ("workflow", "changed"),
        ("subtype", "changed"),
        ("power", "changed"),
        ("absence", "changed"),
    }
    sentences = [one.sentence for one in plan.changes]
    assert "Le bureau « Comptabilité » : à modifier (qualité, bureau supérieur)." in sentences
    exported = await empty.export()
    for word in ("Comptable public", "500000", "Visa de la mairie", "2027-08-27", "Sainte-Exemple"):
        assert word in exported
    assert "2000000" not in exported
    assert [one for one in plan.left_alone if "administration@" in one]
    async with context.unit(empty.principal.tenant_id) as session:
        workflow = await session.scalar(select(Workflow).where(Workflow.name == "Arrêtés"))
        assert workflow is not None
        numbers = await session.scalars(
            select(WorkflowVersion.number).where(WorkflowVersion.workflow_id == workflow.id)
        )
        assert sorted(numbers) == [1, 2]


async def test_a_stamp_is_set_moved_and_taken_away(empty: Setup) -> None:
    await empty.apply(empty.own("petite-commune"))
    given = "    stamp: {page: -1, x: 286, y: 84}\n"
    assert given in empty.own("petite-commune")

    async def applied(text: str) -> tuple[list[str], list[str]]:
        tried = await empty.dry_run(text)
        plan = await empty.apply(text)
        assert plan.changes == tried.changes
        stamps = [
            f"{one.name} {one.stamp}"
            for one in read_text((await empty.export()).encode()).types
            if one.stamp
        ]
        return [one.sentence for one in plan.changes], stamps

    moved = empty.own("petite-commune").replace(given, given.replace("-1", "1"), 1)
    without = moved.replace(given.replace("-1", "1"), "")
    changed = ["Le type « Actes » : à modifier (tampon des signatures)."]
    assert await applied(moved) == (
        changed,
        ["Actes page=1 x=286 y=84", "Courriers page=-1 x=286 y=84"],
    )
    assert await applied(without) == (changed, ["Courriers page=-1 x=286 y=84"])


async def test_the_powers_of_a_holder_whose_end_is_lifted_stand(
    context: Context, empty: Setup
) -> None:
    text = empty.own("petite-commune")
    holder = f"      - login: camille.exemple@{empty.domain}\n"
    await empty.apply(text.replace(holder, f"{holder}        until: 2099-12-31\n", 1))
    async with context.unit(empty.principal.tenant_id) as session:
        held = select(DeskHolder.id, DeskHolder.starts_at).join(
            User,
            (User.id == DeskHolder.user_id) & (User.login == f"camille.exemple@{empty.domain}"),
        )
        before = (await session.execute(held)).one()

    plan = await empty.apply(text)

    assert [one.sentence for one in plan.changes] == [
        f"La personne camille.exemple@{empty.domain}, titulaire du bureau « Maire » : à modifier "
        "(dates)."
    ]
    async with context.unit(empty.principal.tenant_id) as session:
        assert (await session.execute(held)).one() == before
    exported = read_text((await empty.export()).encode())
    assert {one.document.number for one in exported.powers if one.document} == {
        "2026-12",
        "2026-13",
    }


async def test_what_was_re_delegated_is_given_anew_with_the_power_that_it_comes_from(
    context: Context, empty: Setup
) -> None:
    await empty.apply(empty.own("communaute-de-communes"))
    ended = "may_be_regranted: true\n    until: {}"
    # The competence for acts moves on for one part of them, their signature for another.
    powers = "Actes / Délibérations]".join(REDELEGATED.rsplit("Actes]", 1)) + SIGNING
    text = HEAD + powers.replace("types: [Actes / D", "subtypes: [Actes / D").format(
        domain=empty.domain
    )
    texts = [
        text.replace("may_be_regranted: true", ended.format(day))
        for day in ("2099-06-30", "2099-12-31")
    ]
    await empty.apply(texts[0])

    planned = await empty.dry_run(texts[1])
    plan = await empty.apply(texts[1])
    again = await empty.apply(texts[1])

    assert planned.faults == []
    assert planned.changes == plan.changes
    about = "Le pouvoir donné à {}@{} pour le bureau « Présidente » (acte {}) : à modifier ({})."
    anew = "redonné avec celui dont il vient"
    assert [one.sentence for one in plan.changes] == [
        about.format("morgan.specimen", empty.domain, "DEL-1", "dates"),
        about.format("charlie.modele", empty.domain, "DEL-2", anew),
        about.format("noa.gabarit", empty.domain, "DEL-3", anew),
    ]
    assert again.changes == []
    async with context.unit(empty.principal.tenant_id) as session:
        rows = await session.scalars(
            select(Grant).where(Grant.document_number.in_(["DEL-1", "DEL-2", "DEL-3"]))
        )
        standing = {one.document_number: one for one in rows if one.repealed_at is None}
    assert standing["DEL-1"].ends_at == datetime(2099, 12, 31, 23, tzinfo=UTC)
    assert {standing[one].regrants_id for one in ("DEL-2", "DEL-3")} == {standing["DEL-1"].id}


async def test_what_lapsed_with_a_departure_is_not_exported(
    context: Context, clock: DrivenClock, empty: Setup
) -> None:
    text = empty.own("petite-commune")
    holder = f"      - login: camille.exemple@{empty.domain}\n"
    last = f"        until: {clock().date().isoformat()}\n"
    await empty.apply(text.replace(holder, holder + last, 1))
    clock.advance(days=2)
    new = f"{{name: Maire, capacity: Maire, holders: [{{login: sacha.canevas@{empty.domain}}}]}}"
    await empty.apply(f"{HEAD}desks: [{new}]")

    exported = await empty.export()
    other = await an_empty_tenant(context)
    await other.apply(exported.replace(empty.domain, other.domain))

    for one in (exported, await other.export()):
        kinds = [power.kind for power in read_text(one.encode()).powers]
        assert kinds == [PowerKind.SUBSTITUTION]


async def test_a_trial_names_what_would_change_and_keeps_nothing(
    context: Context, town: Town
) -> None:
    setup = setup_of(context, town)
    before = await setup.export()

    plan = await setup.dry_run(
        HEAD + "desks:\n" + desk("Police municipale", capacity="Chef de service", superior="Maire")
    )

    assert [one.sentence for one in plan.changes] == [
        "Le bureau « Police municipale » : à ajouter."
    ]
    assert "Le bureau « Maire » n'est pas dans le fichier : rien ne change pour lui." in (
        plan.left_alone
    )
    assert await setup.export() == before


async def test_nothing_is_half_applied_when_the_last_service_refuses(
    context: Context, empty: Setup
) -> None:
    await empty.apply(empty.own("petite-commune"))
    before = await empty.export()
    async with context.unit(empty.principal.tenant_id) as session:
        events = await session.scalar(select(func.count(AuditEvent.seq)))
    # Everything in it is right, but its author gives himself a power: refused at the very end.
    text = (
        HEAD
        + "desks:\n"
        + desk("Urbanisme", superior="Maire")
        + f"""
workflows:
  - name: Permis
    steps: [{{id: visa, kind: approval, name: Visa, actors: [{{desk: Urbanisme}}]}}]
powers:
  - kind: substitution
    office: Urbanisme
    grantee: administration@{empty.domain}
    capacity: le remplaçant
"""
    )

    tried = await empty.dry_run(text)
    with pytest.raises(AppError) as refused:
        await empty.apply(text)

    assert [one.code for one in tried.faults] == ["self_granted"] == [refused.value.code]
    assert "« Urbanisme »" in refused.value.detail
    assert await empty.export() == before
    async with context.unit(empty.principal.tenant_id) as session:
        assert await session.scalar(select(func.count(AuditEvent.seq))) == events
        assert await session.scalar(select(Desk).where(Desk.name == "Urbanisme")) is None


async def test_pruning_removes_what_the_sections_do_not_list_and_nothing_that_is_used(
    context: Context, town: Town, empty: Setup
) -> None:
    setup = setup_of(context, town)
    await setup.apply(HEAD + "desks:\n" + desk("Archives") + desk("Accueil"))
    standing = read_text((await setup.export()).encode())
    listed = [one for one in standing.desks if not one.name.startswith("A")]
    kept = Configuration(version=1, prune=True, desks=listed)

    pruned = await setup.apply(written(kept))
    with pytest.raises(Unprocessable) as used:
        await setup.apply(f"{HEAD}prune: true\ndesks: []\n")
    with pytest.raises(Conflict) as own:
        await empty.apply(f"{HEAD}prune: true\npersons: []\n")

    assert [one.sentence for one in pruned.changes] == [
        "Le bureau « Accueil » : à retirer.",
        "Le bureau « Archives » : à retirer.",
    ]
    assert used.value.code == "unknown_desk"
    assert "Maire" in used.value.detail
    assert own.value.code == "own_account"


async def test_two_periods_of_one_power_are_exported_and_applied_again(
    context: Context, empty: Setup
) -> None:
    await empty.apply(empty.own("petite-commune"))
    periods = ("from: 2028-01-01, until: 2028-03-31", "from: 2028-07-01, until: 2028-09-30")
    power = (
        "{{kind: interim, office: Première adjointe, grantee: alix.specimen@{domain}, "
        "capacity: l'intérimaire, document: {{number: 2027-40, signed_on: 2027-12-01}}, {period}}}"
    )
    powers = ", ".join(power.format(domain=empty.domain, period=one) for one in periods)

    given = await empty.apply(f"{HEAD}powers: [{powers}]")
    exported = await empty.export()
    again = await empty.apply(exported)
    other = await an_empty_tenant(context)
    await other.apply(exported.replace(empty.domain, other.domain))

    assert [one.change for one in given.changes] == ["added", "added"]
    assert again.changes == []
    assert await other.export() == exported.replace(empty.domain, other.domain)


async def test_mandates_that_stand_twice_do_not_multiply(context: Context, empty: Setup) -> None:
    await empty.apply(empty.own("petite-commune"))
    async with context.unit(empty.principal.tenant_id) as session:
        for _ in range(2):
            session.add(
                ElectedMandate(
                    id=new_id(),
                    tenant_id=empty.principal.tenant_id,
                    user_id=empty.principal.id,
                    body="Conseil",
                    function="Maire",
                    starts_on=date(2026, 3, 22),
                )
            )
    exported = await empty.export()

    plans = [await empty.apply(text) for text in (HEAD + "desks:\n" + desk("Urbanisme"), exported)]

    assert [[one.section for one in plan.changes] for plan in plans] == [["desk"], []]


async def test_a_draft_that_names_a_desk_that_is_gone_is_exported_and_stays(
    as_person: AsPerson, context: Context, town: Town
) -> None:
    administrator, gone = await as_person("administrateur"), random_id()
    actors = [
        {"kind": "desk", "desk_id": str(gone)},
        {"kind": "variable", "choices": [str(gone)]},
    ]
    steps = [
        {"id": f"visa{n}", "kind": "approval", "name": "Visa", "actors": [one]}
        for n, one in enumerate(actors)
    ]
    drawn = await administrator.post("/workflows", json={"name": "Ébauche", "steps": steps})
    exported = await administrator.get("/configuration")
    setup = setup_of(context, town)
    other = await an_empty_tenant(context)

    tried = await setup.dry_run(HEAD + "desks:\n" + desk("Accueil"))
    again = await setup.apply(exported.text)
    elsewhere = await other.dry_run(exported.text)

    assert (drawn.status_code, exported.status_code) == (201, 200)
    assert f"desk: bureau supprimé {gone}" in exported.text
    assert [one.sentence for one in tried.changes] == ["Le bureau « Accueil » : à ajouter."]
    assert again.changes == []
    [fault] = [one for one in elsewhere.faults if one.code == "unknown_desk"]
    assert f"« Ébauche » : bureau inconnu, « bureau supprimé {gone} »" in fault.detail


async def test_subtypes_that_wait_for_their_circuits_are_said(
    context: Context, empty: Setup
) -> None:
    plans = [await empty.apply(empty.own("petite-commune")) for _ in range(2)]

    for plan in plans:
        assert {one.subtype: one.workflows for one in plan.waiting_subtypes} == {
            "Finances / Dépenses": ["Finances courantes", "Finances importantes"],
            "Finances / Recettes": ["Finances courantes"],
        }
        assert all("« Finances courantes »" in one.detail for one in plan.waiting_subtypes)


async def test_a_subtype_that_has_folders_is_not_moved_to_a_draft(
    context: Context, finances: ApiPerson
) -> None:
    setup = setup_of(context, finances.town)
    await finances.create("letters")
    draft = """workflows:
- name: À revoir
  active: true
  steps: [{id: visa, kind: approval, name: Visa}]
"""
    drafts = (await setup.export()).replace("workflows:\n", draft, 1)
    text = drafts.replace("workflow: Visa, signature\n", "workflow: À revoir\n")
    assert text != drafts

    tried = await setup.dry_run(text)
    with pytest.raises(AppError) as refused:
        await setup.apply(text)

    assert [one.code for one in tried.faults] == ["workflow_not_in_force"]
    assert refused.value.code == "workflow_not_in_force"
    assert "Lettres" in refused.value.detail
    assert "« À revoir »" in refused.value.detail


async def test_one_file_replaces_the_last_administrator(context: Context, empty: Setup) -> None:
    person = "{{login: {0}@{1}, first_name: A, last_name: B, email: {0}@{1}, roles: [{2}]}}"
    last, new = (
        person.format("administration", empty.domain, ""),
        person.format("zoe", empty.domain, "tenant_admin"),
    )

    none = await empty.dry_run(f"{HEAD}persons: [{last}]")
    tried = await empty.dry_run(f"{HEAD}persons: [{last}, {new}]")
    plan = await empty.apply(f"{HEAD}persons: [{last}, {new}]")

    assert [one.code for one in none.faults] == ["last_administrator"]
    assert tried.faults == []
    assert [one.change for one in plan.changes] == ["changed", "added"]


READ_FIRST = """      - {id: relecture, kind: approval, name: Relecture, actors: [{kind: variable}]}
"""
RULED = """        mandatory_reading: true
        rules:
          - {workflow: Arrêtés, desks: [{step: relecture, desk: Première adjointe}]}
"""


async def test_a_variable_step_comes_with_the_rule_that_fills_it(
    context: Context, empty: Setup
) -> None:
    text = empty.own("petite-commune")
    await empty.apply(text)
    ruled = text.replace("      - id: visa\n", f"{READ_FIRST}      - id: visa\n", 1).replace(
        "        mandatory_reading: true\n", RULED
    )

    tried = await empty.dry_run(ruled)
    plan = await empty.apply(ruled)

    assert tried.faults == []
    assert tried.changes == plan.changes
    assert [(one.section, one.change) for one in plan.changes] == [
        ("workflow", "changed"),
        ("subtype", "changed"),
    ]
    assert "Arrêtés" not in {one.workflow for one in plan.not_in_force}
    assert "step: relecture" in await empty.export()


async def test_a_rule_does_not_fill_a_step_of_a_circuit_that_stays_a_draft(
    context: Context, empty: Setup
) -> None:
    text = empty.own("petite-commune")
    await empty.apply(text)
    before = await empty.export()
    nobody = "      - {id: accord, kind: approval, name: Accord}\n"
    ruled = text.replace(
        "      - id: visa\n", f"{READ_FIRST}{nobody}      - id: visa\n", 1
    ).replace("        mandatory_reading: true\n", RULED)

    tried = await empty.dry_run(ruled)
    with pytest.raises(AppError) as refused:
        await empty.apply(ruled)

    assert [one.code for one in tried.faults] == ["rules_have_errors"] == [refused.value.code]
    assert "« Actes / Arrêtés »" in refused.value.detail
    assert "Le circuit « Arrêtés » n'est pas mis en vigueur : L'étape « Accord »" in (
        refused.value.detail
    )
    assert await empty.export() == before


async def test_every_log_in_name_that_is_taken_is_named(context: Context, empty: Setup) -> None:
    text = empty.own("petite-commune")
    await empty.apply(text)
    other = await an_empty_tenant(context)

    tried = await other.dry_run(text)
    with pytest.raises(Conflict) as refused:
        await other.apply(text)

    logins = [one.login for one in read_text(text.encode()).persons]
    assert [one.code for one in tried.faults] == ["login_taken"] == [refused.value.code]
    assert [one for one in logins if one not in refused.value.detail] == []


async def test_an_application_is_journaled_once_with_its_sentences(
    context: Context, empty: Setup
) -> None:
    await empty.apply(HEAD + "desks:\n" + desk("Maire", capacity="Maire"))

    async with context.unit(empty.principal.tenant_id) as session:
        applied = AuditEvent.kind == "configuration.applied"
        event = await session.scalar(select(AuditEvent).where(applied))
        told = await session.scalar(select(AuditValue).where(AuditValue.field == "changes"))
    assert event is not None
    assert told is not None
    entry = json.loads(event.entry)
    assert entry["kind"] == "configuration.applied"
    assert (entry["details"]["added"], entry["details"]["removed"]) == (1, 0)
    assert "« Maire »" in str(told.value)


async def test_threat_41_no_secret_of_a_tenant_is_exported(context: Context, town: Town) -> None:
    text = await setup_of(context, town).export()

    async with context.unit(town.tenant_id) as session:
        hashes = await session.scalars(select(User.password_hash))
    assert [one for one in hashes if one and one in text] == []
    assert "password" not in text
    assert "argon2" not in text


async def test_threat_34_who_does_not_administer_persons_sees_their_names_only(
    context: Context, town: Town
) -> None:
    setup = setup_of(context, town, Role.WORKFLOW_ADMIN)
    text = await setup.export()
    person = "{login: intrus, first_name: A, last_name: B, email: a@b.example}"

    unchanged = await setup.dry_run(text)
    more = await setup.dry_run(f"{HEAD}persons: [{person}]")

    assert (unchanged.valid, unchanged.changes) == (True, [])
    assert [one.code for one in more.faults] == ["persons_not_administered"]
    assert "last_name: Registre" in text
    assert "email:" not in text
    assert "roles:" not in text


async def test_the_api_hands_templates_out_and_takes_them_back(
    as_person: AsPerson, town: Town
) -> None:
    administrator = await as_person("administrateur")
    listed = await administrator.get("/configuration/templates")
    [first, *_] = [one["name"] for one in listed.json()]
    text = await administrator.get(f"/configuration/templates/{first}")
    checked = await administrator.post("/configuration/validate", content=text.content)
    refused = await administrator.post(
        "/configuration/apply",
        content=b"version: 1\ndesks: [{name: Accueil, superior: Nulle part}]",
    )
    exported = await administrator.get("/configuration")

    assert text.headers["content-type"].startswith("application/yaml")
    assert (checked.status_code, checked.json()["valid"]) == (200, True)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_desk")
    assert "« Nulle part »" in refused.json()["detail"]
    assert exported.text.startswith("version: 1\ntenant:\n")
    assert "Accueil" not in exported.text


async def test_threat_48_a_file_larger_than_the_bound_is_refused(as_person: AsPerson) -> None:
    administrator = await as_person("administrateur")

    answer = await administrator.post("/configuration/validate", content=b"#" * (2 * 1024**2 + 1))

    assert answer.status_code == 413
