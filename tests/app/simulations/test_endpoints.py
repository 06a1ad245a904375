"""`POST /folder-subtypes/{id}/simulate` in a town of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, update

from app.context import Context
from app.demo import pki
from app.demo.town import Town
from app.models import Certificate, Desk, FolderSubtype
from tests.app.conftest import PersonOf
from tests.builders.catalog import activate, bound, visa
from tests.builders.people import ApiPerson, approve
from tests.builders.towns import DrivenClock, a_signer, a_town, certify, random_id


async def simulate(person: ApiPerson, subtype: str = "letters", **body: Any) -> httpx2.Response:
    """Asked of the subtype, for the desk of finance."""
    town = person.town
    return await person.client.post(
        f"/folder-subtypes/{town.subtypes[subtype]}/simulate",
        json={"desk_id": str(town.desks["finances"]), **body},
    )


class TestSimulate:
    async def test_the_path_says_who_may_act_and_why(self, finances: ApiPerson) -> None:
        said = (await simulate(finances)).json()
        assert (said["outcome"], said["workflow_version"]) == ("completed", 1)
        visa, signature = said["stages"]
        assert [one["user_id"] for one in visa["able"]] == [str(finances.town.users["direction"])]
        assert [(one["power"], one["mention"]) for one in signature["able"]] == [("holder", None)]
        assert said["explanation"][-1].startswith("Conclusion. Le dossier arrive au bout")

    async def test_an_assumed_absence_blocks_and_ends(
        self, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        back = clock.now + timedelta(days=3)
        absence = {
            "user_id": str(finances.town.users["maire"]),
            "period": {"starts_at": clock.now.isoformat(), "ends_at": back.isoformat()},
        }
        said = (await simulate(finances, absences=[absence])).json()
        (wait,) = said["stages"][1]["waits"]
        assert (said["outcome"], wait["code"]) == ("blocked", "absent")
        assert wait["detail"].startswith("Aucun signataire habilité")
        assert [one["is_away"] for one in wait["then"]] == [False]

    async def test_a_certificate_that_expires_on_the_way_blocks_the_folder(
        self, context: Context, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        async with context.unit(finances.town.tenant_id) as session:
            expiry = await session.scalar(select(Certificate.not_after))
        assert expiry is not None
        back = expiry + timedelta(days=1)
        absence = {
            "user_id": str(finances.town.users["direction"]),
            "period": {"starts_at": clock.now.isoformat(), "ends_at": back.isoformat()},
        }
        said = (await simulate(finances, absences=[absence])).json()
        (wait,) = said["stages"][1]["waits"]
        assert (wait["code"], wait["until"]) == ("no_fit_certificate", None)
        assert datetime.fromisoformat(wait["since"]) == back

    async def test_a_certificate_to_come_ends_the_wait(
        self, context: Context, clock: DrivenClock, person_of: PersonOf
    ) -> None:
        town = await a_town(context, certified=False)
        issuer, validity = a_signer().issuer, pki.valid_for(30, now=clock.now + timedelta(days=1))
        own = pki.make_signer(
            "Camille Exemple",
            issuer=issuer,
            validity=validity,
            organisation="Commune fictive de Saint-Exemple",
            siren="219900016",
            key=ec.generate_private_key(ec.SECP256R1()),
        )
        await certify(context, town, "maire", own.der, (issuer.der,))
        said = (await simulate(await person_of(town, "finances"))).json()
        (wait,) = said["stages"][1]["waits"]
        start = validity.start.replace(microsecond=0)
        assert datetime.fromisoformat(wait["until"]) == start
        assert [one["user_id"] for one in wait["then"]] == [str(town.users["maire"])]

    async def test_nothing_is_kept(self, finances: ApiPerson) -> None:
        await simulate(finances)
        assert (await finances.client.get("/folders")).json()["items"] == []

    async def test_past_folders_tell_how_long_a_step_takes(
        self, finances: ApiPerson, direction: ApiPerson, clock: DrivenClock
    ) -> None:
        for minutes in (1, 2, 4):
            folder_id = await finances.submitted("letters")
            clock.advance(minutes=minutes)
            await approve(direction, folder_id)
        visa, signature = (await simulate(finances)).json()["stages"]
        assert (visa["usual_seconds"], signature["usual_seconds"]) == (120, None)

    async def test_an_administrator_of_circuits_asks_for_any_desk(
        self, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        said = (await simulate(administrator)).json()
        assert said["submitter_id"] == str(finances.town.users["finances"])

    async def test_a_program_deposits_and_no_duty_binds_a_person_by_it(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        duties = [{"kind": "submitter_does_not_approve"}]
        drawn = {"name": "Visa d'un autre", "steps": [visa(town)], "duties": duties}
        workflow = (await administrator.client.post("/workflows", json=drawn)).json()
        assert (await activate(administrator, workflow["id"])).status_code == 200
        subtype_id = await bound(administrator, workflow["id"])
        path = f"/folder-subtypes/{subtype_id}/simulate"
        asked = {"desk_id": str(town.desks["direction"])}
        by_person = (await administrator.client.post(path, json=asked)).json()
        by_program = (
            await administrator.client.post(path, json=asked | {"by_program": True})
        ).json()
        assert (by_person["outcome"], by_program["outcome"]) == ("blocked", "completed")
        assert by_program["submitter_id"] is None
        assert by_program["explanation"][0].startswith("Dépôt. Un programme dépose un dossier")


class TestRefusals:
    async def test_somebody_else_s_desk(self, direction: ApiPerson) -> None:
        answer = await simulate(direction)
        assert (answer.status_code, answer.json()["code"]) == (403, "desk_not_yours")

    async def test_threat_33_the_subtype_of_another_tenant(
        self, finances: ApiPerson, other_town: Town
    ) -> None:
        answer = await finances.client.post(
            f"/folder-subtypes/{other_town.subtypes['letters']}/simulate",
            json={"desk_id": finances.desk},
        )
        assert answer.status_code == 404

    async def test_a_person_that_nobody_knows(self, finances: ApiPerson) -> None:
        absence = {"user_id": str(random_id()), "period": {}}
        answer = await simulate(finances, absences=[absence])
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_person")

    async def test_what_could_not_be_registered_is_not_assumed(
        self, administrator: ApiPerson
    ) -> None:
        nobody, mayor = str(random_id()), str(administrator.town.users["maire"])
        away = {"user_id": mayor, "period": {}}
        cases: tuple[tuple[dict[str, Any], str, str], ...] = (
            ({"desk_id": nobody}, "unknown_desk", nobody),
            ({"submitter_id": nobody}, "unknown_person", nobody),
            ({"absences": [away | {"desk_id": nobody}]}, "unknown_desk", "L'absence supposée n° 1"),
            (
                {"absences": [away | {"replacement_ids": [mayor]}]},
                "absence_replacement_refused",
                "L'absence supposée n° 1, de ",
            ),
            ({"absences": [away, away]}, "absence_contradictory", "L'absence supposée n° 2, de "),
        )
        for given, code, named in cases:
            answer = await simulate(administrator, **given)
            assert (answer.status_code, answer.json()["code"]) == (422, code)
            assert named in answer.json()["detail"]

    async def test_a_desk_that_serves_no_more_is_named(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        async with context.unit(town.tenant_id) as session:
            desk = await session.get_one(Desk, town.desks["finances"])
            desk.is_active = False
        answer = await simulate(administrator)
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_desk")
        assert f"« {desk.name} », qui ne sert plus" in answer.json()["detail"]

    async def test_a_date_out_of_sight(self, finances: ApiPerson) -> None:
        answer = await simulate(finances, deposited_at="9999-06-01T00:00:00Z")
        assert answer.json()["code"] == "deposit_date_out_of_range"

    async def test_a_desk_that_may_not_deposit(
        self, context: Context, town: Town, person_of: PersonOf
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                update(FolderSubtype)
                .where(FolderSubtype.id == town.subtypes["letters"])
                .values(deposit_desk_ids=[town.desks["direction"]])
            )
        answer = await simulate(await person_of(town, "finances"))
        assert (answer.status_code, answer.json()["code"]) == (403, "desk_may_not_deposit")
