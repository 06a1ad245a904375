"""Lists and counters: they agree, with each other and with what the engine would accept."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from app.auth.principal import Principal
from app.context import Context
from app.demo.town import Town
from app.folders.facts import situation_of
from app.inbox.schemas import ListName
from app.inbox.service import counters_of, items_of
from app.kit.ids import new_id
from app.models import Absence, DeskHolder, Folder, Grant, InboxEntry, User
from tests.builders.administration import be_away, give, hold, said
from tests.builders.arrivals import principal_of
from tests.builders.catalog import visa
from tests.builders.people import ApiPerson, approve, counters
from tests.builders.subtypes import add_subtype, step
from tests.builders.towns import DrivenClock
from workflows.actions import ActionKind
from workflows.engine import allowed_actions
from workflows.register import PersonId, PowerKind

PEOPLE = ("finances", "direction", "maire")
_PASSING = frozenset(
    {ActionKind.APPROVE, ActionKind.SIGN_ON_PAPER, ActionKind.ARCHIVE, ActionKind.GIVE_OPINION}
)
_AMOUNT: dict[str, Any] = {
    "metadata_fields": [{"key": "montant", "label": "Montant", "type": "decimal"}],
    "amount_field": "montant",
    "paper_signature": True,
}


async def listed(person: ApiPerson, name: str, **params: Any) -> list[str]:
    """The folders of a list, all its pages."""
    found: list[str] = []
    cursor = None
    while True:
        more: dict[str, Any] = {"cursor": cursor} if cursor else {}
        answer = await person.client.get(f"/inbox/{name}", params={**params, **more})
        assert answer.status_code == 200, answer.text
        found += [one["folder"]["id"] for one in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


async def agreeing(person: ApiPerson) -> dict[str, list[str]]:
    """Every list of the person; its counter says how long it is."""
    lists = {name.value: await listed(person, name.value) for name in ListName}
    assert await counters(person) == {name: len(those) for name, those in lists.items()}
    return {name: those for name, those in lists.items() if those}


class TestLists:
    async def test_follow_a_folder_through_its_life(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.deposited("letters")
        assert await agreeing(finances) == {"draft": [folder_id]}
        assert await agreeing(direction) == {}
        await finances.submit(folder_id)
        assert await agreeing(finances) == {"retrievable": [folder_id], "under_way": [folder_id]}
        assert await agreeing(direction) == {"to_do": [folder_id]}
        await approve(direction, folder_id)
        assert await agreeing(finances) == {"under_way": [folder_id]}
        assert await agreeing(direction) == {"retrievable": [folder_id], "under_way": [folder_id]}
        assert await agreeing(mayor) == {"to_do": [folder_id]}
        await mayor.act(folder_id, "reject", step="signature", reason="Non")
        assert await agreeing(finances) == {"rejected": [folder_id]}
        assert await agreeing(mayor) == {"retrievable": [folder_id], "under_way": [folder_id]}
        await finances.act(folder_id, "cancel")
        assert await agreeing(finances) == {"finished": [folder_id]}
        assert await agreeing(mayor) == {"finished": [folder_id]}

    async def test_whoever_stood_back_is_not_offered_to_take_back_what_he_sent(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        await add_subtype(context, town, visa(town, "finances"), key="essai")
        folder_id = await finances.submitted("essai")
        assert (await agreeing(finances))["retrievable"] == [folder_id]
        await finances.act(folder_id, "recuse", reason="Un proche")
        assert "retrievable" not in await agreeing(finances)

    async def test_changelog_row_1_a_delegated_scope_agrees_with_its_counters(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        mayor: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        signature = step(town, "signature", "signature", "maire")
        await add_subtype(context, town, signature, key="marches", **_AMOUNT)
        await add_subtype(context, town, signature, key="autres", **_AMOUNT)
        ids = {}
        for key, amount in (
            ("marches", "10"),
            ("marches", "10.01"),
            ("marches", None),
            ("autres", "1"),
        ):
            folder_id = await finances.deposited(key)
            body = {"metadata": {"montant": amount}}
            await finances.client.patch(f"/folders/{folder_id}", json=body)
            await finances.submit(folder_id)
            ids[key, amount] = folder_id
        scope = {"subtype_ids": [str(town.subtypes["marches"])], "ceiling_cents": 1_000}
        await give(administrator, "maire", "direction", **scope)
        assert await agreeing(direction) == {"delegated": [ids["marches", "10"]]}
        assert (await agreeing(mayor))["to_do"] == list(reversed(ids.values()))
        refused = await mayor.client.patch(
            f"/folders/{ids['marches', '10.01']}", json={"metadata": {"montant": "1"}}
        )
        assert (refused.status_code, refused.json()["code"]) == (409, "amount_frozen")

    async def test_without_an_amount_a_folder_stays_with_who_gave_power_up_to_a_ceiling(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        signature = step(town, "signature", "signature", "maire")
        await add_subtype(context, town, signature, **_AMOUNT)
        await give(
            administrator, "maire", "direction", kind="power_delegation", ceiling_cents=1_000
        )
        folder_id = await finances.submitted("essai")
        assert await listed(mayor, "to_do") == [folder_id]

    async def test_threat_37_hold_nothing_that_its_submitter_finally_gives_the_power_for(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        signature = step(town, "signature", "signature", "maire")
        duties = {"duties": [{"kind": "submitter_does_not_sign"}]}
        paper: dict[str, Any] = {"paper_signature": True, "workflow": duties}
        await add_subtype(context, town, signature, **paper)
        await hold(administrator, "maire", "finances")
        moved = {"kind": "power_delegation", "may_be_regranted": True}
        giver = {"grantor_id": str(town.users["finances"])}
        given = await give(administrator, "maire", "maire", **moved, **giver)
        giver = {"grantor_id": str(town.users["maire"]), "regrants_id": given["id"]}
        await give(administrator, "maire", "direction", **giver)
        folder_id = await finances.submitted("essai")
        assert await agreeing(direction) == {}
        today, desk_id = str(context.clock().date()), str(town.desks["maire"])
        answer = await direction.act(
            folder_id, "sign_on_paper", step="signature", signed_on=today, desk_id=desk_id
        )
        assert said(answer) == (403, "duty_conflict")

    async def test_of_a_replacement_open_at_once_and_close_at_the_end(
        self,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await finances.submitted("letters")
        ends = (clock.now + timedelta(minutes=20)).isoformat()
        await be_away(administrator, "direction", "finances", period={"ends_at": ends})
        assert await listed(finances, "delegated") == [folder_id]
        assert await listed(direction, "to_do") == [folder_id]
        clock.advance(minutes=20)
        assert await listed(finances, "delegated") == []

    async def test_of_another_town_hold_nothing_of_this_one(
        self, finances: ApiPerson, other_town: Town, person_of: Any
    ) -> None:
        await finances.submitted("letters")
        for key in PEOPLE:
            assert await agreeing(await person_of(other_town, key)) == {}

    async def test_a_folder_met_through_two_desks_is_shown_once(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await give(administrator, "maire", "direction")
        await add_subtype(context, town, visa(town, "direction", "maire", mode="all_of"))
        folder_id = await finances.submitted("essai")
        clock.advance(minutes=1)
        asked = {"step": "visa", "of_desk_id": finances.desk, "question": "Ça va ?"}
        await direction.act(folder_id, "ask_opinion", **asked)
        found = await agreeing(direction)
        assert (found["to_do"], found["delegated"]) == ([folder_id], [folder_id])
        clock.advance(minutes=1)
        await approve(direction, folder_id)
        found = await agreeing(direction)
        assert (found["under_way"], found["delegated"]) == ([folder_id], [folder_id])

    async def test_changelog_row_7_beyond_two_hundred_rows_page_without_loss_or_double(
        self, context: Context, town: Town, direction: ApiPerson, finances: ApiPerson
    ) -> None:
        model = await finances.submitted("letters")
        made = await _copies(context, town, uuid.UUID(model), 460)
        wanted = {model, *made}
        for size in (50, 200):
            found = await listed(direction, "to_do", size=size)
            assert len(found) == len(set(found)) == len(wanted)
            assert set(found) == wanted
        assert (await counters(direction))["to_do"] == len(wanted)

    async def test_the_late_list_holds_what_is_due_and_pages_through_equal_instants(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await give(administrator, "direction", "maire")
        await add_subtype(context, town, visa(town, due_in_days=1))
        model = await finances.submitted("essai")
        wanted = {model, *await _copies(context, town, uuid.UUID(model), 20)}
        due_at = clock.now + timedelta(minutes=1)
        async with context.unit(town.tenant_id) as session:
            late = update(InboxEntry).where(InboxEntry.due_at.is_not(None))
            await session.execute(late.values(due_at=due_at))

        clock.now = due_at - timedelta(seconds=1)
        before = await agreeing(direction)
        clock.now = due_at
        found = [await listed(one, "late", size=6) for one in (direction, mayor)]

        assert "late" not in before
        assert [len(one) for one in found] == [len(wanted)] * 2
        assert [set(one) for one in found] == [wanted] * 2
        assert found[0] == await listed(direction, "to_do", size=200)
        assert "late" in await agreeing(direction)
        await approve(direction, model)
        assert set(await listed(direction, "late")) == wanted - {model}

    async def test_a_folder_that_waits_twice_for_one_person_is_shown_once(
        self,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await hold(administrator, "maire", "direction")
        folder_id = await finances.submitted("letters")
        maire = str(finances.town.desks["maire"])
        clock.advance(minutes=1)
        asked = {"step": "visa", "of_desk_id": maire, "question": "Ça va ?"}
        answer = await direction.act(folder_id, "ask_opinion", **asked)
        assert answer.status_code == 200, answer.text
        assert (await agreeing(direction))["to_do"] == [folder_id]

    async def test_a_list_of_unknown_name_or_size_is_refused(self, direction: ApiPerson) -> None:
        for path in ("/inbox/corbeille", "/inbox/to_do?size=201", "/inbox/to_do?cursor=x"):
            assert (await direction.client.get(path)).status_code == 422


async def _copies(context: Context, town: Town, model: uuid.UUID, count: int) -> list[str]:
    """Rows like those of the model, many of them at the same instant."""
    async with context.unit(town.tenant_id) as session:
        folder = await session.get_one(Folder, model)
        entries = list(
            await session.scalars(select(InboxEntry).where(InboxEntry.folder_id == model))
        )
        ids = [new_id() for _ in range(count)]

        def values(row: Folder | InboxEntry, **changes: Any) -> dict[str, Any]:
            columns = type(row).__mapper__.column_attrs
            return {one.key: getattr(row, one.key) for one in columns} | changes

        moments = [folder.created_at - timedelta(seconds=n // 7) for n in range(count)]
        await session.execute(
            insert(Folder),
            [values(folder, id=one, created_at=at) for one, at in zip(ids, moments, strict=True)],
        )
        await session.execute(
            insert(InboxEntry),
            [
                values(entry, folder_id=one, since=at)
                for one, at in zip(ids, moments, strict=True)
                for entry in entries
            ],
        )
    return [str(one) for one in ids]


class TestAgreement:
    """The database's conditions against the engine, folder by folder, for random powers."""

    async def test_lists_hold_what_the_engine_would_let_the_person_pass(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        scaled: Callable[[int, int], int],
    ) -> None:
        folders = await _situations(context, town, finances, direction, mayor)
        draw = random.Random(7)
        for _ in range(scaled(400, 25)):
            await _draw_powers(context, town, draw)
            for key in PEOPLE:
                assert await _shown(context, town, key) == await _open(context, town, key, folders)


async def _situations(
    context: Context, town: Town, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
) -> list[uuid.UUID]:
    """Folders at approvals and signatures, of several amounts, with duties, recusals, opinions."""
    both = step(town, "both", "approval", "direction", "maire", mode="all_of")
    signature = step(town, "signature", "signature", "maire")
    duties = {"duties": [{"kind": "submitter_does_not_approve"}]}
    await add_subtype(context, town, visa(town), signature, key="a", **_AMOUNT)
    await add_subtype(context, town, both, key="b", workflow=duties, **_AMOUNT)
    ids = []
    for key, amount in (("a", "5"), ("a", "50"), ("a", None), ("b", "5"), ("b", "50")):
        folder_id = await finances.deposited(key)
        await finances.client.patch(f"/folders/{folder_id}", json={"metadata": {"montant": amount}})
        assert (await finances.submit(folder_id)).status_code == 200
        ids.append(folder_id)
    await approve(direction, ids[1])
    await direction.act(ids[2], "recuse", reason="Un proche")
    asked = {"step": "both", "of_desk_id": finances.desk, "question": "Avis ?"}
    await mayor.act(ids[3], "ask_opinion", **asked)
    await mayor.act(ids[4], "recuse", reason="Un proche")
    return [uuid.UUID(one) for one in ids]


async def _draw_powers(context: Context, town: Town, draw: random.Random) -> None:
    """Other holders, grants and absences than before, and at times an account that is closed."""
    now = context.clock()
    users, desks = [town.users[key] for key in PEOPLE], [town.desks[key] for key in PEOPLE]
    since = now - timedelta(days=30)
    async with context.unit(town.tenant_id) as session:
        for table in (Grant, Absence, DeskHolder):
            await session.execute(delete(table))
        closed = draw.choice((*users, *[None] * 5))
        await session.execute(update(User).values(is_active=User.id.is_distinct_from(closed)))
        for desk in desks:
            for user in draw.sample(users, draw.choice((0, 1, 1, 2))):
                session.add(_holder(town, desk, user, since))
        for _ in range(draw.randrange(4)):
            given = _grant(town, draw, users, desks, since)
            session.add(given)
            await session.flush()
            if given.kind == PowerKind.POWER_DELEGATION and draw.random() < 0.7:
                session.add(_passed_on(town, draw, given))
        for _ in range(draw.randrange(3)):
            away = draw.choice(users)
            session.add(
                Absence(
                    id=new_id(),
                    tenant_id=town.tenant_id,
                    user_id=away,
                    starts_at=since,
                    replacement_ids=draw.sample(users, draw.randrange(3)),
                    declared_by=away,
                )
            )


def _holder(town: Town, desk: uuid.UUID, user: uuid.UUID, since: Any) -> DeskHolder:
    return DeskHolder(
        id=new_id(), tenant_id=town.tenant_id, desk_id=desk, user_id=user, starts_at=since
    )


def _grant(
    town: Town,
    draw: random.Random,
    users: Sequence[uuid.UUID],
    desks: Sequence[uuid.UUID],
    since: Any,
) -> Grant:
    kinds = [
        PowerKind.SUBSTITUTION,
        PowerKind.INTERIM,
        PowerKind.SIGNATURE_DELEGATION,
        PowerKind.FUNCTION_DELEGATION,
        PowerKind.POWER_DELEGATION,
    ]
    kind = draw.choice(kinds)
    given = kind in kinds[2:]
    subtypes = [town.subtypes[one] for one in draw.sample(("a", "b"), draw.choice((0, 0, 1)))]
    return Grant(
        id=new_id(),
        tenant_id=town.tenant_id,
        kind=kind.value,
        office_desk_id=draw.choice(desks),
        grantor_id=draw.choice(users) if given else None,
        grantee_id=draw.choice(users),
        capacity="adjoint",
        starts_at=since,
        subtype_ids=subtypes,
        ceiling_cents=draw.choice((None, None, 1_000)),
        document_number="1",
        document_signed_on=since.date(),
        executory_at=since,
        created_by=users[0],
    )


def _passed_on(town: Town, draw: random.Random, given: Grant) -> Grant:
    """What a delegate gives to somebody else, by preference, of what he was given."""
    given.may_be_regranted = True
    users = [town.users[key] for key in PEOPLE]
    others = [one for one in users if one not in {given.grantor_id, given.grantee_id}]
    passed_on = _grant(town, draw, users, [given.office_desk_id], given.starts_at)
    passed_on.kind = draw.choice((PowerKind.SIGNATURE_DELEGATION, PowerKind.POWER_DELEGATION)).value
    passed_on.grantor_id, passed_on.regrants_id = given.grantee_id, given.id
    passed_on.grantee_id = draw.choice(others)
    return passed_on


def _principal(town: Town, key: str) -> Principal:
    return principal_of(town, key)


async def _shown(context: Context, town: Town, key: str) -> set[uuid.UUID]:
    principal = _principal(town, key)
    found: set[uuid.UUID] = set()
    async with context.unit(town.tenant_id) as session:
        for name in (ListName.TO_DO, ListName.DELEGATED):
            items = await items_of(session, context, principal, name, after=None, size=50)
            found |= {one.folder.id for one in items}
            counted = (await counters_of(session, context, principal)).counters
            (counter,) = [one for one in counted if one.list is name]
            assert counter.count == len(items)
    return found


async def _open(
    context: Context, town: Town, key: str, folders: Sequence[uuid.UUID]
) -> set[uuid.UUID]:
    person = PersonId(str(town.users[key]))
    found = set()
    async with context.unit(town.tenant_id) as session:
        for folder_id in folders:
            folder = await session.get_one(Folder, folder_id)
            situation = await situation_of(session, context, folder)
            offered = allowed_actions(
                situation.state, person, situation.register, situation.facts, context.clock()
            )
            if _PASSING & {one.kind for one in offered}:
                found.add(folder_id)
    return found
