from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.demo.s2low import S2lowDouble
from app.demo.s2low_model import Verdict
from connectors.base import LookupResult, Outcome, RemoteState
from connectors.errors import InvalidSubmission, Unreachable, UnreadableAnswer
from connectors.outbound import Reply
from connectors.s2low import actes
from connectors.s2low.account import S2lowAccount
from connectors.s2low.client import Params, S2lowClient
from tests.builders.submissions import make_act, make_act_with_signature
from tests.builders.tdt import TdtPki, allowed, make_account


@pytest.fixture
async def client(double: S2lowDouble, tdt_pki: TdtPki) -> AsyncIterator[S2lowClient]:
    opened = S2lowClient(make_account(double.base_url, tdt_pki), allow=allowed(double))
    yield opened
    await opened.aclose()


class TestSignature:
    """What is signed apart goes as text beside the act (s2low-api.md §2.1)."""

    async def test_arrives_in_the_armour_that_openssl_reads(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        act = make_act_with_signature()
        assert act.signature is not None
        receipt = await actes.submit(client, act)

        taken = double.store.transactions[int(receipt.remote_id)]

        assert taken.sha256 == act.document.sha256
        lines = taken.signature.splitlines()
        assert (lines[0], lines[-1]) == ("-----BEGIN PKCS7-----", "-----END PKCS7-----")
        assert max(len(line) for line in lines) == 64
        content = b"".join([chunk async for chunk in act.signature.open()])
        assert b64decode("".join(lines[1:-1])) == content

    async def test_of_an_act_that_has_none_is_not_sent(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        receipt = await actes.submit(client, make_act())

        assert double.store.transactions[int(receipt.remote_id)].signature == ""

    async def test_threat_06_changed_in_the_store_is_sent_to_nobody(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        act = make_act_with_signature()
        assert act.signature is not None
        changed = replace(act, signature=replace(act.signature, sha256="0" * 64))

        with pytest.raises(InvalidSubmission) as refused:
            await actes.submit(client, changed)

        assert (refused.value.code, double.attempts()) == ("signature_changed", [])


class TestStatus:
    async def test_walks_to_the_acknowledgement(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        receipt = await actes.submit(client, make_act())

        seen = [(await actes.status(client, receipt.remote_id)).code for _ in range(4)]

        assert seen == [2, 3, 4, 4]

    async def test_shows_the_text_of_an_error(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        double.set_verdict(Verdict.ERROR)
        receipt = await actes.submit(client, make_act())

        status = await actes.status(client, receipt.remote_id)

        assert status.state is RemoteState.ERROR
        assert status.message == "Erreur de démonstration : la signature n'est pas « valide »"

    async def test_shows_the_detail_of_an_anomaly(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        double.set_verdict(Verdict.REFUSED)
        receipt = await actes.submit(client, make_act())
        double.advance(receipt.remote_id, steps=4)

        status = await actes.status(client, receipt.remote_id)

        assert status.state is RemoteState.ERROR
        assert status.message.startswith("ODT-VERIF-01 : classification périmée")


class TestAnswer:
    @pytest.mark.parametrize("code", [4, 5, 7, 12, 13])
    async def test_is_the_ar_whatever_came_after_it(
        self, client: S2lowClient, double: S2lowDouble, code: int
    ) -> None:
        act = make_act()
        receipt = await actes.submit(client, act)
        double.set_status(receipt.remote_id, code)

        answer = await actes.answer(client, act, receipt.remote_id)

        assert answer is not None
        assert answer.outcome is Outcome.ACKNOWLEDGED

    @pytest.mark.parametrize("code", [17, 18, 21, 999, 16, 0])
    async def test_is_none_for_a_status_that_promises_nothing(
        self, client: S2lowClient, double: S2lowDouble, code: int
    ) -> None:
        act = make_act()
        receipt = await actes.submit(client, act)
        double.set_status(receipt.remote_id, code)

        assert await actes.answer(client, act, receipt.remote_id) is None

    async def test_is_none_for_an_error_without_an_anomaly(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        double.set_verdict(Verdict.ERROR)
        act = make_act()
        receipt = await actes.submit(client, act)

        assert await actes.answer(client, act, receipt.remote_id) is None

    async def test_threat_29_of_another_act_is_not_taken(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        receipt = await actes.submit(client, make_act())
        double.advance(receipt.remote_id, steps=4)

        with pytest.raises(UnreadableAnswer):
            await actes.answer(client, make_act(), receipt.remote_id)


class TestLookUp:
    async def test_of_an_empty_account_is_absent(self, client: S2lowClient) -> None:
        assert await actes.highest_known_id(client) == 0
        assert (await actes.look_up(client, make_act(), above_id=0)).result is LookupResult.ABSENT

    async def test_wants_the_same_decision_date(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        act = make_act()
        receipt = await actes.submit(client, act)
        double.store.transactions[int(receipt.remote_id)].decided_on = "2025-03-13"

        assert (await actes.look_up(client, act, above_id=0)).result is LookupResult.ABSENT

    @pytest.mark.parametrize("code", [17, 2, 3, 4, 13, 16, -1, 0, 999])
    async def test_finds_in_every_status(
        self, client: S2lowClient, double: S2lowDouble, code: int
    ) -> None:
        act = make_act()
        receipt = await actes.submit(client, act)
        double.set_status(receipt.remote_id, code)

        found = await actes.look_up(client, act, above_id=None)

        assert found.remote_id == receipt.remote_id


class Lists(S2lowClient):
    """A client whose lists are in memory; after `moves_after` pages twenty acts leave it."""

    def __init__(
        self,
        account: S2lowAccount,
        ids: list[int],
        *,
        wanted: int = 1000,
        moves_after: int = 0,
    ) -> None:
        super().__init__(account)
        self.posted = sorted(ids, reverse=True)
        self._wanted = wanted
        self.pages = 0
        self._moves_after = moves_after

    async def get(self, path: str, params: Params | None = None) -> Reply:
        asked = {name: int(value) for name, value in (params or {}).items()}
        rows = self.posted if asked["status_id"] == 1 else []
        page = rows[asked["offset"] : asked["offset"] + asked["limit"]]
        self.pages += 1
        if self.pages == self._moves_after:
            self.posted = self.posted[20:]
        return Reply(200, "application/json", self._json(page))

    def _json(self, page: list[int]) -> bytes:
        rows = [
            {
                "id": str(one),
                "type": "1",
                "date": "2025-03-14",
                "number": "D1" if one == self._wanted else f"X{one}",
            }
            for one in page
        ]
        return json.dumps({"transactions": rows}).encode()


@pytest.fixture
def account(tdt_pki: TdtPki) -> S2lowAccount:
    return make_account("https://tdt.example", tdt_pki)


class TestPages:
    async def test_are_all_read(self, account: S2lowAccount) -> None:
        client = Lists(account, list(range(1000, 1350)))

        found = await actes.look_up(client, make_act(number="D1"), above_id=0)

        assert found.remote_id == "1000"

    async def test_stop_at_the_highest_id_known_before(self, account: S2lowAccount) -> None:
        client = Lists(account, list(range(1000, 1350)))

        found = await actes.look_up(client, make_act(number="D1"), above_id=1300)

        assert found.result is LookupResult.ABSENT
        assert client.pages == 25

    async def test_that_lose_rows_meanwhile_are_read_again(self, account: S2lowAccount) -> None:
        client = Lists(account, list(range(1000, 1350)), wanted=1154, moves_after=4)

        found = await actes.look_up(client, make_act(number="D1"), above_id=0)

        assert found.remote_id == "1154"

    async def test_that_never_stand_still_are_asked_later(self, account: S2lowAccount) -> None:
        class Restless(Lists):
            async def get(self, path: str, params: Params | None = None) -> Reply:
                reply = await super().get(path, params)
                self.posted = self.posted[20:]
                return reply

        client = Restless(account, list(range(1000, 3000)))

        with pytest.raises(Unreachable):
            await actes.look_up(client, make_act(number="D1"), above_id=0)

    async def test_with_the_number_twice_need_a_person(self, account: S2lowAccount) -> None:
        class Twice(Lists):
            def _json(self, page: list[int]) -> bytes:
                return super()._json(page).replace(b'"X1001"', b'"D1"')

        client = Twice(account, [1000, 1001])

        found = await actes.look_up(client, make_act(number="D1"), above_id=0)

        assert found.result is LookupResult.SEVERAL
        assert found.remote_id is None
