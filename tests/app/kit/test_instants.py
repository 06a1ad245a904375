"""Instants in requests: what no clock could show is refused before anything keeps it."""

from __future__ import annotations

import httpx2

from tests.builders.administration import a_grant, said
from tests.builders.handovers import PATH, a_plan, an_office
from tests.builders.people import ApiPerson

FOR_EVER, BEYOND, BEFORE = (
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00+02:00",
)


async def test_an_instant_at_an_end_of_the_calendar_is_refused_wherever_one_is_given(
    administrator: ApiPerson,
) -> None:
    for instant in (FOR_EVER, BEYOND, BEFORE):
        answers = await _asked(administrator, instant)
        assert [said(one) for one in answers] == [(422, "day_out_of_range")] * len(answers)
    assert (await administrator.client.get("/configuration")).status_code == 200


async def _asked(by: ApiPerson, instant: str) -> list[httpx2.Response]:
    mayor, desk = str(by.town.users["maire"]), str(by.town.desks["maire"])
    ends, grant = {"ends_at": instant}, a_grant(by, "maire", "direction")
    letters = by.town.subtypes["letters"]
    return [
        await by.client.post("/grants", json=grant | {"period": ends}),
        await by.client.post("/grants", json=grant | {"executory_at": instant}),
        await by.client.post("/absences", json={"user_id": mayor, "period": ends}),
        await by.client.post(
            f"/desks/{desk}/holders", json={"user_id": mayor, "starts_at": instant}
        ),
        await by.client.post(PATH, json=a_plan(an_office(by, "maire") | ends)),
        await by.client.post(
            f"/folder-subtypes/{letters}/simulate",
            json={"desk_id": desk, "deposited_at": instant},
        ),
        await by.client.get(f"/people/{mayor}/powers", params={"at": instant}),
    ]
