"""What gives power in a tenant, read whole in few statements; and the desks of a person."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import event

from app.auth.principal import Permission, Role
from app.context import Context
from app.models import User
from app.register.service import as_desk, as_person, load_register, places_of
from tests.builders.administration import be_away, give, hold, leave, made, powers_at
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person, make_token
from tests.builders.registers import a_step
from tests.builders.towns import DrivenClock
from workflows.definition import StepKind
from workflows.powers import powers_of, who_may_act
from workflows.register import (
    Administrator,
    Facts,
    Gender,
    Office,
    PowerKind,
    PowerRegister,
)


async def register_of(context: Context, town_id: Any, **since: Any) -> PowerRegister:
    async with context.unit(town_id) as session:
        return await load_register(session, **since)


@contextmanager
def statements(context: Context) -> Iterator[list[str]]:
    """The reads that the database is asked meanwhile."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "set_config" not in statement:
            seen.append(statement)

    engine = context.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


class TestLoadRegister:
    async def test_reads_everything_that_gives_power(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        town, client = administrator.town, administrator.client
        await add_person(context, town, "adjoint")
        token_id, _ = await make_token(context, town, Permission.FOLDER_DEPOSIT)
        maire, direction = str(town.desks["maire"]), str(town.desks["direction"])
        await client.patch(f"/desks/{direction}", json={"superior_id": maire})
        await client.patch(f"/desks/{maire}", json={"gender": "feminine"})
        await client.patch("/tenant", json={"mentions": {"interim": "{Le_titre} par intérim"}})
        grant = await give(administrator, "maire", "adjoint", ceiling_cents=4_000_000)
        absence = await be_away(administrator, "maire", "direction")
        with statements(context) as asked:
            register = await register_of(context, town.tenant_id)
        assert len(asked) <= 6
        assert register.desks == {as_desk(one) for one in town.desks.values()}
        assert {(one.person, one.desk) for one in register.holders} == {
            (as_person(town.users[key]), as_desk(desk)) for key, desk in town.desks.items()
        }
        assert [one.program for one in register.programs] == [token_id]
        assert register.administrators == (
            Administrator(as_person(town.users["administrateur"]), None),
        )
        assert register.superiors == {direction: maire}
        assert Office(as_desk(town.desks["maire"]), "Maire", Gender.FEMININE) in register.offices
        assert register.mentions == {PowerKind.INTERIM: "{Le_titre} par intérim"}
        assert [(one.id, one.scope.ceiling_cents) for one in register.grants] == [
            (grant["id"], 4_000_000)
        ]
        assert [(one.id, one.replacements) for one in register.absences] == [
            (absence["id"], (as_person(town.users["direction"]),))
        ]

    async def test_threat_36_who_is_not_active_has_no_power_whatever_stands_in_the_tables(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        await add_person(context, town, "adjoint", Role.WORKFLOW_ADMIN)
        await hold(administrator, "finances", "adjoint")
        await give(administrator, "maire", "adjoint")
        await be_away(administrator, "direction", "adjoint")
        async with context.unit(town.tenant_id) as session:
            (await session.get_one(User, town.users["adjoint"])).is_active = False
        register = await register_of(context, town.tenant_id)
        gone, now = as_person(town.users["adjoint"]), context.clock()
        assert gone not in {one.person for one in register.administrators}
        assert powers_of(register, gone, now) == ()
        assert [one.grantee for one in register.grants] == [gone]
        for key in ("finances", "maire", "direction"):
            step = a_step(StepKind.APPROVAL, as_desk(town.desks[key]))
            able = who_may_act(register, step, Facts(), now).able
            assert [one.person for one in able] == [as_person(town.users[key])]

    async def test_an_account_that_closes_changes_nothing_of_what_others_may(
        self, context: Context, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        """The arrival of a holder has ended an interim: it does not serve again once his account
        is closed."""
        town = administrator.town
        await add_person(context, town, "adjoint")
        await add_person(context, town, "nouveau")
        await leave(administrator, "maire", "maire")
        await give(administrator, "maire", "adjoint", kind="interim", grantor_id=None)
        clock.advance(minutes=1)
        arrived = clock()
        await hold(administrator, "maire", "nouveau")
        clock.advance(minutes=1)
        await leave(administrator, "maire", "nouveau")
        clock.advance(minutes=1)
        before = await powers_at(administrator, "adjoint", arrived)
        path = f"/users/{town.users['nouveau']}"
        made(await administrator.client.patch(path, json={"is_active": False}))
        assert await powers_at(administrator, "adjoint", clock()) == set()
        assert await powers_at(administrator, "adjoint", arrived) == before == set()

    async def test_a_desk_admin_administers_the_desks_of_his_list(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        await add_person(context, town, "referent", Role.DESK_ADMIN)
        answer = await administrator.client.patch(
            f"/users/{town.users['referent']}",
            json={"administered_desk_ids": [str(town.desks["finances"])]},
        )
        assert answer.status_code == 200
        register = await register_of(context, town.tenant_id)
        listed = frozenset({as_desk(town.desks["finances"])})
        assert Administrator(as_person(town.users["referent"]), listed) in register.administrators

    async def test_absences_that_are_over_are_left_out_when_asked(
        self, context: Context, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        ends_at = clock() + timedelta(hours=1)
        await be_away(administrator, "maire", period={"ends_at": ends_at.isoformat()})
        tenant_id = administrator.town.tenant_id
        counts = [
            len((await register_of(context, tenant_id, since=since)).absences)
            for since in (ends_at - timedelta(seconds=1), ends_at, None)
        ]
        assert counts == [1, 0, 1]


class TestPlacesOf:
    async def test_a_person_sees_desks_held_granted_replaced_and_those_he_serves(
        self, context: Context, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        town, client = administrator.town, administrator.client
        await add_person(context, town, "adjoint")
        adjoint = town.users["adjoint"]
        seen = []
        for change in (
            lambda: hold(administrator, "direction", "adjoint"),
            lambda: give(administrator, "maire", "adjoint"),
            lambda: client.post(
                f"/desks/{town.desks['finances']}/staff",
                json={"user_id": str(adjoint), "role": "supervisor"},
            ),
            lambda: be_away(administrator, "finances", "adjoint"),
        ):
            await change()
            async with context.unit(town.tenant_id) as session:
                seen.append(await places_of(session, adjoint, clock()))
        direction, maire, finances = (town.desks[key] for key in ("direction", "maire", "finances"))
        nothing: frozenset[uuid.UUID] = frozenset()
        assert [(one.acting, one.watched) for one in seen] == [
            (frozenset({direction}), nothing),
            (frozenset({direction, maire}), nothing),
            (frozenset({direction, maire}), frozenset({finances})),
            (frozenset({direction, maire, finances}), nothing),
        ]

    async def test_a_person_whom_no_grant_names_costs_one_statement(
        self, context: Context, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        town = administrator.town
        with statements(context) as asked:
            async with context.unit(town.tenant_id) as session:
                await places_of(session, town.users["maire"], clock())
        assert len(asked) == 1
