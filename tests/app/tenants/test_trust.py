"""What a tenant trusts: anchors, intermediates, revocation lists."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import httpx2
import pytest

from app.auth.principal import Role
from app.context import Context
from app.demo import pki
from app.demo.town import Town
from app.tenants.schemas import TrustKind
from app.tenants.service import add_trust, trust_material
from app.worker import drain
from signing.trust import lapse_of
from tests.app.conftest import Client, PersonOf
from tests.builders.people import ApiPerson, approved
from tests.builders.principals import add_person
from tests.builders.signing_agents import b64
from tests.builders.towns import DrivenClock, a_signer
from tests.builders.traces import journal_entry, mailed


@pytest.fixture
def root() -> pki.Issued:
    return pki.make_authority("Autre racine", validity=pki.valid_for(30))


async def add(person: Client, kind: str, content: bytes) -> httpx2.Response:
    body = {"kind": kind, "label": "Autre autorité", "content": b64(content)}
    return await person.post("/trust-anchors", json=body)


async def test_an_anchor_is_added_with_its_fingerprint(
    administrator: ApiPerson, root: pki.Issued
) -> None:
    answer = await add(administrator.client, "anchor", root.der)
    listed = await administrator.client.get("/trust-anchors")
    assert answer.json()["sha256"] == hashlib.sha256(root.der).hexdigest()
    assert answer.json() in listed.json()


async def test_each_kind_reaches_the_engine_under_its_name(
    context: Context, administrator: ApiPerson, root: pki.Issued
) -> None:
    crl = pki.make_crl(root)
    for kind, content in (("anchor", root.der), ("crl", crl)):
        assert (await add(administrator.client, kind, content)).status_code == 201
    async with context.unit(administrator.town.tenant_id) as session:
        trust = await trust_material(session)
    assert (root.der in trust.anchors, crl in trust.crls) == (True, True)


async def test_threat_33_it_is_trusted_by_this_tenant_only(
    administrator: ApiPerson, other_town: Town, person_of: PersonOf, root: pki.Issued
) -> None:
    await add(administrator.client, "anchor", root.der)
    neighbour = await person_of(other_town, "administrateur")
    listed = await neighbour.client.get("/trust-anchors")
    assert hashlib.sha256(root.der).hexdigest() not in listed.text


async def test_the_same_content_twice_is_a_conflict_that_names_what_is_known(
    administrator: ApiPerson, root: pki.Issued
) -> None:
    await add(administrator.client, "anchor", root.der)
    answer = await add(administrator.client, "anchor", root.der)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_trusted")
    assert "« Autre autorité »" in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["anchor", "intermediate", "crl"])
async def test_what_is_neither_certificate_nor_list_is_refused(
    administrator: ApiPerson, kind: str
) -> None:
    answer = await add(administrator.client, kind, b"rien de tel")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_trust_content")


async def test_a_certificate_is_not_a_list(administrator: ApiPerson, root: pki.Issued) -> None:
    answer = await add(administrator.client, "crl", root.der)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_trust_content")
    assert "liste de révocation" in answer.json()["detail"]


async def test_the_certificate_manager_adds_too_and_it_is_journaled(
    context: Context, administrator: ApiPerson, person_of: PersonOf, root: pki.Issued
) -> None:
    town = administrator.town
    await add_person(context, town, "certificats", Role.CERTIFICATE_MANAGER)
    manager = await person_of(town, "certificats")
    assert (await add(manager.client, "anchor", root.der)).status_code == 201
    assert str(town.users["certificats"]) in await journal_entry(administrator, "trust.added")


async def test_a_list_as_long_as_real_ones_passes_the_bound(administrator: ApiPerson) -> None:
    answer = await add(administrator.client, "crl", b"\0" * (3 << 20))
    assert answer.json()["code"] == "bad_trust_content"


async def test_the_tenant_is_read_by_its_people(finances: ApiPerson) -> None:
    read = (await finances.client.get("/tenant")).json()
    assert (read["id"], read["timezone"]) == (str(finances.town.tenant_id), "Europe/Paris")


class TestSignersAreLookedAtAgain:
    """What waits for a signature is never stuck, nor signable again, in silence."""

    async def test_once_a_list_revokes_the_only_signer(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await approved(finances, direction)
        await drain(context)
        before = await mailed(administrator, folder_id, "nobody_able")
        clock.advance(minutes=1)
        signer = a_signer()
        revoked = pki.make_crl(signer.issuer, revoked=[signer.mayor.certificate])
        assert (await add(administrator.client, "crl", revoked)).status_code == 201
        await drain(context)
        after = await mailed(administrator, folder_id, "nobody_able")
        assert (before, after) == ([], ["administrateur", "finances"])

    async def test_when_the_lists_lapse_and_when_new_ones_come(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await approved(finances, direction)
        lapse = await renewed(context, administrator, clock)
        clock.now = lapse - timedelta(seconds=1)
        await drain(context)
        before = await mailed(administrator, folder_id, "nobody_able")
        clock.now = lapse
        await drain(context)
        after = await mailed(administrator, folder_id, "nobody_able")
        clock.advance(minutes=1)
        await renewed(context, administrator, clock)
        await drain(context)
        called = await mailed(administrator, folder_id, "to_sign")
        assert (before, after) == ([], ["administrateur", "finances"])
        assert called == ["maire", "maire"]


async def renewed(context: Context, administrator: ApiPerson, clock: DrivenClock) -> datetime:
    """New lists of the town's authorities; when they lapse."""
    signer, ends = a_signer(), []
    for authority in (signer.root, signer.issuer):
        content = pki.make_crl(authority, now=clock() + timedelta(minutes=1))
        ends.append(lapse_of(content))
        async with context.unit(administrator.town.tenant_id) as session:
            await add_trust(
                session, kind=TrustKind.CRL, label="Liste", content=content, now=clock()
            )
    return max(one for one in ends if one is not None)
