"""Types: which format each protocol takes, deadlines, and what keeps a type from going."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.context import Context
from app.demo.town import Town
from app.kit.ids import new_id
from app.models import AuditValue, Grant
from tests.app.conftest import PersonOf
from tests.builders.accounts import an_account
from tests.builders.catalog import active, bind, bound, make_type, sending, signature, told, visa
from tests.builders.people import ApiPerson
from tests.builders.towns import DrivenClock


class TestType:
    async def test_each_protocol_takes_its_formats(self, administrator: ApiPerson) -> None:
        taken = {
            "HELIOS": ["PES_V2"],
            "ACTES": ["PADES", "PKCS7"],
            "NONE": ["AUTO", "PADES", "PKCS7", "XADES_DETACHED"],
        }
        kept: dict[str, list[str]] = {protocol: [] for protocol in taken}
        for protocol in taken:
            for form in sorted({one for formats in taken.values() for one in formats}):
                answer = await make_type(
                    administrator, protocol, name=f"{protocol} {form}", signature_format=form
                )
                if answer.status_code == 201:
                    kept[protocol].append(answer.json()["signature_format"])
                else:
                    assert told(answer) == (422, "format_not_of_protocol")
        assert kept == taken

    async def test_its_name_is_its_own(self, administrator: ApiPerson) -> None:
        assert told(await make_type(administrator, "NONE", name="Actes")) == (
            409,
            "type_name_taken",
        )

    async def test_without_account_is_told_where_its_folders_would_wait_to_be_sent(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        workflow_id = await active(administrator, signature(town), sending())
        account = (await administrator.client.post("/connector-accounts", json=an_account())).json()
        type_id = (await make_type(administrator, "ACTES", name="Arrêtés")).json()["id"]
        made = (await bind(administrator, type_id, workflow_id)).json()
        circuit = (await administrator.client.get(f"/workflows/{workflow_id}")).json()
        await administrator.client.patch(
            f"/folder-types/{type_id}", json={"connector_account_id": account["id"]}
        )
        after = (await administrator.client.get(f"/folder-subtypes/{made['id']}")).json()
        (found,) = made["findings"]
        assert [found] == circuit["versions"][0]["findings"]
        assert (found["code"], found["severity"]) == ("type_without_account", "warning")
        assert found["detail"].startswith("Le type « Arrêtés » n'a pas de compte")
        assert after["findings"] == []

    async def test_threat_33_an_account_of_another_tenant_is_unknown(
        self, administrator: ApiPerson, other_town: Town, person_of: PersonOf
    ) -> None:
        neighbour = await person_of(other_town, "administrateur")
        account = (await neighbour.client.post("/connector-accounts", json=an_account())).json()
        answer = await make_type(administrator, "ACTES", connector_account_id=account["id"])
        assert told(answer) == (422, "unknown_account")

    @pytest.mark.parametrize(
        ("protocol", "form"), [("NONE", "AUTO"), ("NONE", "PKCS7"), ("ACTES", "PKCS7")]
    )
    async def test_a_circuit_signs_apart(
        self, administrator: ApiPerson, protocol: str, form: str
    ) -> None:
        made = await make_type(administrator, protocol, signature_format=form)
        signing = await active(administrator, signature(administrator.town), name="Signe")
        bound = await bind(administrator, made.json()["id"], signing)
        assert bound.status_code == 201, bound.text

    async def test_a_circuit_does_not_sign_in_a_format_that_is_not_made_yet(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        made = await make_type(administrator, "NONE", signature_format="XADES_DETACHED")
        type_id = made.json()["id"]
        signing = await active(administrator, signature(town), name="Signe")
        without = await active(administrator, visa(town), name="Ne signe pas")
        refused = await bind(administrator, type_id, signing)
        taken = await bind(administrator, type_id, without)
        assert refused.json()["findings"] == ["format_not_available"]
        assert taken.status_code == 201

    async def test_acts_are_to_be_transmitted_within_days_and_nothing_else_is(
        self, administrator: ApiPerson
    ) -> None:
        acts = await make_type(administrator, "ACTES", transmit_within_days=15)
        letters = await make_type(administrator, "NONE", name="Notes", transmit_within_days=15)
        assert (acts.status_code, acts.json()["transmit_within_days"]) == (201, 15)
        assert told(letters) == (422, "deadline_without_act")


class TestStamp:
    """Where the signatures of a type show."""

    POSITION = {"page": -1, "x": 64, "y": 84}

    @pytest.mark.parametrize("form", ["AUTO", "PADES"])
    async def test_is_kept_and_taken_away(self, administrator: ApiPerson, form: str) -> None:
        made = await make_type(administrator, "NONE", signature_format=form, stamp=self.POSITION)
        path = f"/folder-types/{made.json()['id']}"
        renamed = await administrator.client.patch(path, json={"name": "Notes"})
        gone = await administrator.client.patch(path, json={"stamp": None})
        assert (made.status_code, made.json()["stamp"]) == (201, self.POSITION)
        assert renamed.json()["stamp"] == self.POSITION
        assert (gone.status_code, gone.json()["stamp"]) == (200, None)

    async def test_a_type_has_none_unless_it_is_asked(self, administrator: ApiPerson) -> None:
        assert (await make_type(administrator, "NONE")).json()["stamp"] is None

    @pytest.mark.parametrize(
        ("protocol", "form"),
        [("HELIOS", "PES_V2"), ("ACTES", "PKCS7"), ("NONE", "XADES_DETACHED")],
    )
    async def test_only_a_pades_signature_shows_one(
        self, administrator: ApiPerson, protocol: str, form: str
    ) -> None:
        refused = await make_type(
            administrator, protocol, signature_format=form, stamp=self.POSITION
        )
        assert told(refused) == (422, "stamp_without_pades")

    async def test_neither_the_stamp_nor_the_format_changes_alone(
        self, administrator: ApiPerson
    ) -> None:
        made = await make_type(administrator, "NONE", signature_format="PKCS7")
        path = f"/folder-types/{made.json()['id']}"
        with_stamp = await administrator.client.patch(path, json={"stamp": self.POSITION})
        both = {"stamp": self.POSITION, "signature_format": "PADES"}
        taken = await administrator.client.patch(path, json=both)
        back = await administrator.client.patch(path, json={"signature_format": "PKCS7"})
        assert told(with_stamp) == (422, "stamp_without_pades")
        assert (taken.status_code, taken.json()["stamp"]) == (200, self.POSITION)
        assert told(back) == (422, "stamp_without_pades")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"page": 0},
            {"page": 20_001},
            {"x": -1},
            {"y": 14_401},
            {"x": 1.5},
            {"width": 300},
            {"page": None},
        ],
        ids=["page-0", "page-far", "left", "above", "half", "size", "no-page"],
    )
    async def test_a_position_that_is_none_is_refused(
        self, administrator: ApiPerson, wrong: dict[str, object]
    ) -> None:
        refused = await make_type(administrator, "NONE", stamp=self.POSITION | wrong)
        assert told(refused) == (422, "invalid_request")

    async def test_the_journal_tells_what_it_was_and_becomes(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        made = (await make_type(administrator, "NONE", stamp=self.POSITION)).json()
        later = self.POSITION | {"page": 1}
        await administrator.client.patch(f"/folder-types/{made['id']}", json={"stamp": later})
        async with context.unit(administrator.town.tenant_id) as session:
            kept = select(AuditValue.value).where(AuditValue.field == "rows")
            values = [json.loads(one or "[]") for one in await session.scalars(kept)]
        changes = [one for each in values for one in each if one["id"] == made["id"]]
        assert changes[-1]["before"] == {"stamp": self.POSITION}
        assert changes[-1]["after"]["stamp"] == later


class TestChange:
    async def test_what_is_given_changes_and_nothing_else(self, administrator: ApiPerson) -> None:
        made = (await make_type(administrator, "ACTES", transmit_within_days=15)).json()
        path = f"/folder-types/{made['id']}"
        renamed = await administrator.client.patch(path, json={"name": "Arrêtés"})
        cleared = await administrator.client.patch(path, json={"transmit_within_days": None})
        taken = await administrator.client.patch(path, json={"name": "ACTES"})
        protocol = await administrator.client.patch(path, json={"protocol": "NONE"})
        assert renamed.json() == made | {"name": "Arrêtés"}
        assert cleared.json() == made | {"name": "Arrêtés", "transmit_within_days": None}
        assert told(taken) == (409, "type_name_taken")
        assert told(protocol) == (422, "invalid_request")

    async def test_the_format_does_not_change_under_folders(
        self, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        listed = (await administrator.client.get("/folder-types")).json()
        path = f"/folder-types/{next(one['id'] for one in listed if one['name'] == 'Courriers')}"
        free = await administrator.client.patch(path, json={"signature_format": "AUTO"})
        unmade = await administrator.client.patch(path, json={"signature_format": "XADES_DETACHED"})
        await finances.create("letters")
        refused = await administrator.client.patch(path, json={"signature_format": "PADES"})
        assert (free.status_code, free.json()["signature_format"]) == (200, "AUTO")
        assert told(unmade) == (422, "format_not_available")
        assert told(refused) == (409, "signature_format_in_use")


class TestDelete:
    async def test_changelog_row_10_a_type_in_use_is_kept_and_its_uses_are_told(
        self, context: Context, clock: DrivenClock, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        workflow_id = await active(administrator, visa(town))
        subtype_id = await bound(administrator, workflow_id, name="Notes")
        types = (await administrator.client.get("/folder-types")).json()
        type_id = next(one["id"] for one in types if one["name"] == "Type d'essai")
        async with context.unit(town.tenant_id) as session:
            grant = a_grant(town, clock, type_ids=[type_id], subtype_ids=[subtype_id])
            session.add(grant)
        answers = [
            await administrator.client.delete(f"/folder-subtypes/{subtype_id}"),
            await administrator.client.delete(f"/folder-types/{type_id}"),
        ]
        assert [told(one) for one in answers] == [(409, "subtype_in_use"), (409, "type_in_use")]
        assert [one.json()["uses"] for one in answers] == [
            ["délégation n° 2026-12"],
            ["sous-type « Notes »", "délégation n° 2026-12"],
        ]

    async def test_what_is_unused_is_deleted(self, administrator: ApiPerson) -> None:
        workflow_id = await active(administrator, visa(administrator.town))
        subtype_id = await bound(administrator, workflow_id)
        subtype = (await administrator.client.get(f"/folder-subtypes/{subtype_id}")).json()
        answers = [
            await administrator.client.delete(f"/folder-subtypes/{subtype_id}"),
            await administrator.client.delete(f"/folder-types/{subtype['type_id']}"),
            await administrator.client.delete(f"/workflows/{workflow_id}"),
        ]
        assert [one.status_code for one in answers] == [204] * 3


def a_grant(
    town: Town, clock: DrivenClock, *, type_ids: list[str], subtype_ids: list[str]
) -> Grant:
    return Grant(
        id=new_id(),
        tenant_id=town.tenant_id,
        kind="signature_delegation",
        office_desk_id=town.desks["maire"],
        grantor_id=town.users["maire"],
        grantee_id=town.users["direction"],
        capacity="Directrice générale",
        starts_at=clock.now - timedelta(days=1),
        type_ids=[uuid.UUID(one) for one in type_ids],
        subtype_ids=[uuid.UUID(one) for one in subtype_ids],
        document_number="2026-12",
        created_by=town.users["administrateur"],
    )
