from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.demo.s2low import S2lowDouble
from app.demo.s2low_model import Channel, Mode
from connectors import registry
from connectors.addresses import HostPort
from connectors.errors import (
    ConnectorError,
    ForbiddenAddress,
    InvalidSubmission,
    RefusedByRemote,
    Unreachable,
)
from connectors.outbound import OutboundClient, OutboundRules
from connectors.s2low.account import S2lowAccount
from connectors.s2low.client import S2lowClient, safe_file_name
from connectors.s2low.connector import S2lowConnector
from connectors.tls import client_context
from tests.builders.submissions import make_act, make_annex, make_pes
from tests.builders.tdt import PASSWORD, TdtPki, allowed, make_account
from tests.connectors.network import answering


async def submit_failure(
    account: S2lowAccount, allow: frozenset[HostPort]
) -> tuple[ConnectorError, str]:
    """How the sending of a PES ends, and the NomFic that must not have been received."""
    submission = make_pes()
    connector = registry.get("s2low", account, allow=allow)
    try:
        await connector.submit(submission)
    except ConnectorError as e:
        return e, submission.file_name
    finally:
        await connector.aclose()
    pytest.fail("the submission passed")


class TestClientCertificate:
    async def test_an_absent_one_gets_no_answer(self, double: S2lowDouble, tdt_pki: TdtPki) -> None:
        context = client_context(ca_pem=tdt_pki.authority.pem)
        rules = OutboundRules(allow=allowed(double))
        async with OutboundClient(tls=context, rules=rules) as client:
            with pytest.raises(Unreachable):
                await client.get(f"{double.base_url}/api/test-connexion.php?api=1")

    async def test_one_of_another_authority_is_unreachable_and_nothing_is_sent(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        account = make_account(double.base_url, tdt_pki, client=tdt_pki.foreign_client)

        error, nomfic = await submit_failure(account, allowed(double))

        assert type(error) is Unreachable
        assert double.attempts(key=nomfic) == []

    async def test_an_expired_one_is_unreachable_and_nothing_is_sent(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        account = make_account(double.base_url, tdt_pki, client=tdt_pki.expired_client)

        error, nomfic = await submit_failure(account, allowed(double))

        assert type(error) is Unreachable
        assert double.attempts(key=nomfic) == []

    async def test_one_without_an_account_is_refused_and_nothing_is_sent(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        account = make_account(double.base_url, tdt_pki, client=tdt_pki.unregistered_client)

        error, nomfic = await submit_failure(account, allowed(double))

        assert type(error) is RefusedByRemote
        assert double.attempts(key=nomfic) == []


class TestServerCertificate:
    async def test_threat_29_outside_the_pinned_authority_nothing_is_sent(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        account = make_account(double.base_url, tdt_pki, ca=tdt_pki.foreign_authority)

        error, nomfic = await submit_failure(account, allowed(double))

        assert isinstance(error, Unreachable)
        assert error.alert
        assert double.attempts(key=nomfic) == []


class TestAddress:
    async def test_threat_22_loopback_is_refused_unless_the_operator_lists_it(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        error, nomfic = await submit_failure(make_account(double.base_url, tdt_pki), frozenset())

        assert isinstance(error, ForbiddenAddress)
        assert double.attempts(key=nomfic) == []

    async def test_threat_23_plain_http_is_refused(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        account = make_account(f"http://127.0.0.1:{double.port}", tdt_pki)

        error, _ = await submit_failure(account, allowed(double))

        assert isinstance(error, ForbiddenAddress)

    async def test_threat_22_a_name_that_turns_local_is_refused_at_the_post(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        account = make_account(f"https://tdt.example:{double.port}", tdt_pki)
        client = S2lowClient(account, resolver=answering(["127.0.0.1"]))
        connector = S2lowConnector(client)

        with pytest.raises(ForbiddenAddress):
            await connector.submit(make_pes())

        await connector.aclose()

    async def test_a_closed_port_is_unreachable_without_alert(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        account = make_account("https://127.0.0.1:1", tdt_pki)

        error, _ = await submit_failure(account, frozenset({("127.0.0.1", 1)}))

        assert isinstance(error, Unreachable)
        assert not error.alert


class TestLogin:
    async def test_is_asked_for_when_accounts_share_a_certificate(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        account = make_account(double.base_url, tdt_pki, client=tdt_pki.shared_client)
        connector = registry.get("s2low", account, allow=allowed(double))

        with pytest.raises(RefusedByRemote, match="identifiant"):
            await connector.probe()

        await connector.aclose()

    async def test_wrong_is_refused(self, double: S2lowDouble, tdt_pki: TdtPki) -> None:
        account = replace(make_account(double.base_url, tdt_pki, with_login=True), password="faux")

        error, nomfic = await submit_failure(account, allowed(double))

        assert type(error) is RefusedByRemote
        assert double.attempts(key=nomfic) == []

    def test_threat_41_secrets_stay_out_of_representations(self, tdt_pki: TdtPki) -> None:
        shown = repr(make_account("https://tdt.example", tdt_pki, with_login=True))

        assert PASSWORD not in shown
        assert "PRIVATE KEY" not in shown


class TestProbeBeforePost:
    @pytest.mark.parametrize(
        ("mode", "expected"),
        [
            (Mode.HTTP_500, Unreachable),
            (Mode.LOST_ANSWER, Unreachable),
            (Mode.HANG, Unreachable),
            (Mode.REDIRECT, RefusedByRemote),
            (Mode.LOGIN_PAGE, RefusedByRemote),
            (Mode.KO, RefusedByRemote),
        ],
    )
    async def test_a_failed_probe_sends_nothing(
        self,
        double: S2lowDouble,
        tdt_pki: TdtPki,
        mode: Mode,
        expected: type[ConnectorError],
    ) -> None:
        double.script(Channel.PROBE, mode)
        account = make_account(double.base_url, tdt_pki, timeout_s=1)

        error, nomfic = await submit_failure(account, allowed(double))

        assert type(error) is expected
        assert double.attempts(key=nomfic) == []

    async def test_a_certificate_that_may_not_transmit_is_told(
        self, tdt_pki: TdtPki, double: S2lowDouble
    ) -> None:
        double.script(Channel.READ, Mode.KO)
        connector = registry.get(
            "s2low", make_account(double.base_url, tdt_pki), allow=allowed(double)
        )

        with pytest.raises(RefusedByRemote, match="RGS"):
            await connector.probe()

        await connector.aclose()


class TestActForm:
    async def test_latin_1_subject_and_file_names_arrive_readable(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        connector = registry.get(
            "s2low", make_account(double.base_url, tdt_pki), allow=allowed(double)
        )
        act = make_act(
            subject="L’été à Nîmes : « œuvre » à 10 €", annexes=(make_annex("Plan n° 2.pdf"),)
        )

        await connector.submit(act)

        await connector.aclose()
        (taken,) = double.transactions()
        assert taken.subject == "L'été à Nîmes : « oeuvre » à 10 EUR"
        assert taken.annexes == ["Plan n__ 2.pdf"]

    async def test_an_act_that_the_tdt_would_refuse_never_leaves(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        connector = registry.get(
            "s2low", make_account(double.base_url, tdt_pki), allow=allowed(double)
        )

        with pytest.raises(InvalidSubmission) as caught:
            await connector.submit(make_act(number="a-1"))

        await connector.aclose()
        assert caught.value.code == "act_number"
        assert double.attempts() == []

    async def test_an_act_may_wait_for_a_human_at_the_tdt(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        account = replace(make_account(double.base_url, tdt_pki), hold=True)
        connector = registry.get("s2low", account, allow=allowed(double))

        await connector.submit(make_act())

        await connector.aclose()
        assert [one.status for one in double.transactions()] == [17]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Délibération.pdf", "D__lib__ration.pdf"),
        ('a"b\r\nc/d\\e.pdf', "a_b__c_d_e.pdf"),
        ("PES-2025 01.xml", "PES-2025 01.xml"),
        ("", "_"),
    ],
)
def test_file_names_are_made_plain_byte_by_byte(name: str, sent: str) -> None:
    assert safe_file_name(name) == sent


def test_an_unknown_connector_is_a_key_error(tdt_pki: TdtPki, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        registry.get("inconnu", make_account("https://x", tdt_pki), allow=frozenset())
