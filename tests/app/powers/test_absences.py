"""Absences through the API: by whom, from when to when, and what follows for waiting folders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.auth.principal import Role
from app.context import Context
from app.demo.town import Town
from tests.app.conftest import PersonOf
from tests.builders.administration import around, be_away, give, made, said
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock, a_signer, certify, random_id


async def declare(by: ApiPerson, **body: Any) -> tuple[int, str | None]:
    return said(await by.client.post("/absences", json={"period": {}} | body))


async def approve(by: ApiPerson, folder_id: str, desk: str) -> tuple[int, str | None]:
    """Gives the visa through somebody's desk."""
    body = {"action": "approve", "step": "visa", "desk_id": str(by.town.desks[desk])}
    return said(await by.client.post(f"/folders/{folder_id}/actions", json=body))


class TestPeriod:
    @pytest.mark.parametrize(
        ("timezone", "starts_at", "ends_at"),
        [
            # The night of the change to summer time lies between the two days.
            ("Europe/Paris", "2099-03-27T23:00:00Z", "2099-03-29T22:00:00Z"),
            ("Pacific/Noumea", "2099-03-27T13:00:00Z", "2099-03-29T13:00:00Z"),
        ],
    )
    async def test_days_count_whole_in_the_tenant_s_time_zone(
        self,
        administrator: ApiPerson,
        mayor: ApiPerson,
        timezone: str,
        starts_at: str,
        ends_at: str,
    ) -> None:
        await administrator.client.patch("/tenant", json={"timezone": timezone})
        days = {"first_day": "2099-03-28", "last_day": "2099-03-29"}
        read = made(await mayor.client.post("/absences", json={"period": days}))
        assert (read["starts_at"], read["ends_at"]) == (starts_at, ends_at)

    async def test_from_now_and_open_ended_is_allowed(
        self, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        read = made(await mayor.client.post("/absences", json={"period": {}}))
        assert (read["standing"], read["ends_at"]) == ("in_force", None)
        assert read["starts_at"] == clock().isoformat().replace("+00:00", "Z")

    async def test_what_began_before_it_was_declared_counts_from_now(
        self, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        period = {"starts_at": (clock() - timedelta(days=3)).isoformat()}
        read = made(await mayor.client.post("/absences", json={"period": period}))
        assert read["starts_at"] == clock().isoformat().replace("+00:00", "Z")

    @pytest.mark.parametrize(
        ("period", "code"),
        [
            ({"first_day": "2099-03-28", "last_day": "2099-03-27"}, "period_reversed"),
            ({"first_day": "2020-02-01", "last_day": "2020-01-01"}, "period_reversed"),
            ({"last_day": "2020-01-01"}, "period_over"),
            ({"first_day": "2020-01-01", "last_day": "2020-02-01"}, "period_over"),
            ({"first_day": "2099-01-01", "starts_at": "2099-01-01T00:00:00Z"}, "period_ambiguous"),
            ({"last_day": "9999-12-31"}, "day_out_of_range"),
        ],
        ids=["reversed", "reversed_before", "over", "whole_over", "twice", "too_far"],
    )
    async def test_a_period_that_cannot_be_is_refused(
        self, mayor: ApiPerson, period: dict[str, str], code: str
    ) -> None:
        assert await declare(mayor, period=period) == (422, code)


class TestWho:
    async def test_the_holder_his_administrators_and_an_assistant_who_may_declare_it(
        self, context: Context, administrator: ApiPerson, person_of: PersonOf
    ) -> None:
        town, client = administrator.town, administrator.client
        desk, other = str(town.desks["maire"]), str(town.desks["direction"])
        for key, roles in {"here": (Role.DESK_ADMIN,), "there": (Role.DESK_ADMIN,)}.items():
            await add_person(context, town, key, *roles)
        for key, listed in {"here": desk, "there": other}.items():
            administered = {"administered_desk_ids": [listed]}
            made(await client.patch(f"/users/{town.users[key]}", json=administered))
        for key, may in {"secretary": True, "clerk": False}.items():
            await add_person(context, town, key)
            body = {"user_id": str(town.users[key]), "role": "assistant"}
            made(
                await client.post(f"/desks/{desk}/staff", json=body | {"may_declare_absence": may})
            )
        keys = ("maire", "administrateur", "here", "secretary", "there", "clerk", "direction")
        answers = {}
        for week, key in enumerate(keys, start=1):
            person = await person_of(town, key)
            day = f"2099-01-{week:02d}"
            answers[key] = await declare(
                person,
                user_id=str(town.users["maire"]),
                desk_id=desk,
                period={"first_day": day, "last_day": day},
            )
        refused = (403, "not_your_absence")
        assert answers == {
            "maire": (201, None),
            "administrateur": (201, None),
            "here": (201, None),
            "secretary": (201, None),
            "there": refused,
            "clerk": refused,
            "direction": refused,
        }
        seen = {}
        for key in keys:
            person = await person_of(town, key)
            seen[key] = len(made_list(await person.client.get("/absences")))
        assert seen == {key: 4 if answers[key][0] == 201 else 0 for key in keys}

    async def test_threat_36_nobody_makes_himself_the_replacement_of_somebody_else(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        answer = await declare(
            administrator,
            user_id=str(town.users["maire"]),
            replacement_ids=[str(town.users["administrateur"])],
        )
        assert answer == (403, "self_granted")

    async def test_threat_33_an_absence_of_others_does_not_exist(
        self, administrator: ApiPerson, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        path = f"/absences/{(await be_away(administrator, 'maire'))['id']}"
        answers = [
            said(await finances.client.get(f"{path}/effects")),
            said(await finances.client.patch(path, json={"ends_now": True})),
            said(await finances.client.delete(path)),
        ]
        assert answers == [(404, "not_found")] * 3
        assert said(await mayor.client.patch(path, json={"ends_now": True})) == (200, None)

    async def test_what_contradicts_or_names_nobody_is_refused(
        self, administrator: ApiPerson, mayor: ApiPerson, other_town: Town
    ) -> None:
        town = administrator.town
        maire, direction = str(town.users["maire"]), str(town.users["direction"])
        await be_away(administrator, "maire")
        assert [
            await declare(mayor),
            await declare(administrator, user_id=direction, replacement_ids=[direction]),
            await declare(administrator, user_id=direction, desk_id=str(town.desks["maire"])),
            await declare(administrator, user_id=str(other_town.users["maire"])),
            await declare(administrator, user_id=direction, replacement_ids=[str(random_id())]),
            await declare(administrator, user_id=maire, unknown=1),
        ] == [
            (422, "absence_contradictory"),
            (422, "absence_replacement_refused"),
            (422, "absence_without_desk"),
            (404, "not_found"),
            (404, "not_found"),
            (422, "invalid_request"),
        ]


def made_list(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()
    return found


class TestChange:
    async def test_an_absence_is_withdrawn_before_it_starts_and_ended_afterwards(
        self, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        start = clock() + timedelta(minutes=5)
        read = made(
            await mayor.client.post("/absences", json={"period": {"starts_at": start.isoformat()}})
        )
        path = f"/absences/{read['id']}"
        early = said(await mayor.client.patch(path, json={"ends_now": True}))
        clock.now = start
        late = said(await mayor.client.delete(path))
        end = (start + timedelta(hours=2)).isoformat()
        moved = made(await mayor.client.patch(path, json={"ends_at": end}))
        clock.advance(minutes=5)
        ended = made(await mayor.client.patch(path, json={"ends_now": True}))
        again = said(await mayor.client.patch(path, json={"ends_now": True}))
        assert (early, late) == ((409, "absence_not_started"), (409, "absence_started"))
        assert (moved["standing"], moved["ends_at"]) == ("in_force", end.replace("+00:00", "Z"))
        assert (ended["standing"], again) == ("ended", (409, "absence_ended"))

    async def test_its_end_is_moved_and_removed_or_is_now_and_never_both(
        self, administrator: ApiPerson, mayor: ApiPerson
    ) -> None:
        read = await be_away(administrator, "maire", period={"last_day": "2099-12-31"})
        path = f"/absences/{read['id']}"
        untouched = made(await mayor.client.patch(path, json={}))
        others: list[dict[str, Any]] = [{"last_day": "2099-01-01"}, {"replacement_ids": []}]
        both = [
            said(await mayor.client.patch(path, json={"ends_now": True} | more)) for more in others
        ]
        open_ended = made(await mayor.client.patch(path, json={"ends_at": None}))
        assert untouched["ends_at"] == read["ends_at"] is not None
        assert both == [(422, "absence_change_ambiguous")] * 2
        assert (open_ended["ends_at"], open_ended["repealed_at"]) == (None, None)

    async def test_what_has_not_started_leaves_no_trace_but_in_the_journal(
        self, administrator: ApiPerson
    ) -> None:
        period = {"first_day": "2099-01-01"}
        read = await be_away(administrator, "maire", "direction", period=period)
        assert (await administrator.client.delete(f"/absences/{read['id']}")).status_code == 204
        assert made_list(await administrator.client.get("/absences")) == []
        journal = (await administrator.client.get("/journal")).text
        assert '"absence.declared"' in journal
        assert str(administrator.town.users["direction"]) in journal
        assert '"absence.withdrawn"' in journal


class TestFolders:
    async def test_threat_36_a_replacement_approves_during_the_absence_and_not_a_second_more(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        person_of: PersonOf,
        clock: DrivenClock,
    ) -> None:
        town = administrator.town
        await add_person(context, town, "adjoint")
        folders = [await finances.submitted() for _ in range(2)]
        start, end = clock() + timedelta(minutes=10), clock() + timedelta(minutes=20)
        await be_away(
            administrator,
            "direction",
            "adjoint",
            period={"starts_at": start.isoformat(), "ends_at": end.isoformat()},
        )
        answers, seen = [], []
        for instant, folder_id in zip(
            (*around(start), *around(end)),
            (folders[0], folders[0], folders[1], folders[1]),
            strict=True,
        ):
            clock.now = instant
            adjoint = await person_of(town, "adjoint")
            seen.append((await adjoint.client.get(f"/folders/{folder_id}")).status_code)
            if instant != end - timedelta(seconds=1):
                answers.append((await approve(adjoint, folder_id, "direction"))[0])
        assert seen == [404, 200, 200, 404]
        assert answers == [404, 200, 404]
        [entry] = [one for one in await finances.history(folders[0]) if one["kind"] == "approved"]
        assert "absence" in str(entry)

    async def test_an_absence_never_creates_a_power_to_sign(
        self, context: Context, administrator: ApiPerson, direction: ApiPerson
    ) -> None:
        town = administrator.town
        signer = a_signer()
        await certify(context, town, "direction", signer.mayor.der, (signer.issuer.der,))
        absence = await be_away(administrator, "maire", "direction")
        path = f"/absences/{absence['id']}/effects"
        before = by_kind(made(await administrator.client.get(path)))
        await give(
            administrator,
            "maire",
            "direction",
            kind="substitution",
            grantor_id=None,
            ceiling_cents=5_000,
        )
        after = by_kind(made(await administrator.client.get(path)))
        able = {
            kind: {(one["power"], one["is_away"]) for one in effect["able"]}
            for kind, effect in before.items()
        }
        assert able["approval"] == {("holder", True), ("replacement", False)}
        assert able["signature"] == {("holder", True)}
        assert before["signature"]["nobody"].startswith("Aucun signataire habilité")
        assert before["signature"]["missing"]
        substitute = next(one for one in after["signature"]["able"] if not one["is_away"])
        assert (substitute["user_id"], substitute["ceiling_cents"]) == (
            str(town.users["direction"]),
            5_000,
        )
        assert substitute["mention"] == "Pour le Maire empêché, premier adjoint"
        assert after["signature"]["nobody"] is None


def by_kind(effects: Any) -> dict[str, Any]:
    """The effects at the one desk concerned, where subtypes make no difference."""
    return {one["kind"]: one for one in effects["effects"]}
