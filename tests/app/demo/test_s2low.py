"""The S²LOW double itself: what it speaks, keeps and lets be switched."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lxml import etree

from app.demo.s2low import (
    CA_FILE,
    CLIENT_FILES,
    HOST,
    S2lowDouble,
    open_double,
    write_pki,
)
from app.demo.s2low_life import advance
from app.demo.s2low_model import Channel, Kind, Mode, Store, Transaction, Verdict
from app.demo.s2low_pes import make_acquit, read_flow
from connectors import registry
from connectors.base import Connector
from connectors.s2low.account import S2lowAccount
from tests.builders.submissions import make_act, make_flow, make_pes
from tests.builders.tdt import TdtPki, allowed, make_account, make_double, now_valid

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "jeton-de-commande"
PES_STATUS = "/modules/helios/api/helios_transac_get_status.php?transaction={}"
MULTIPART = (
    b"--limite\r\nContent-Disposition: form-data; name=api\r\n\r\n1\r\n"
    b"--limite\r\nContent-Disposition: form-data; name=number\r\n\r\na-1\r\n--limite--\r\n"
)


@pytest.fixture(scope="module")
def tdt_pki() -> TdtPki:
    return TdtPki.make()


@pytest.fixture
def double(tdt_pki: TdtPki, tmp_path: Path) -> Iterator[S2lowDouble]:
    with make_double(tdt_pki, tmp_path, control_token=TOKEN) as running:
        yield running


@contextmanager
def browsing(port: int, context: ssl.SSLContext) -> Iterator[http.client.HTTPSConnection]:
    connection = http.client.HTTPSConnection(HOST, port, context=context, timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def make_context(pki: TdtPki, folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=pki.authority.pem.decode("ascii"))
    (folder / "own.pem").write_bytes(pki.client.pem + pki.client.key_pem)
    context.load_cert_chain(folder / "own.pem")
    return context


def get(
    port: int, context: ssl.SSLContext, path: str, *, token: str = ""
) -> tuple[int, bytes, str]:
    with browsing(port, context) as connection:
        connection.request("GET", path, headers={"X-Control-Token": token})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("Location", "")


def post(
    port: int,
    context: ssl.SSLContext,
    path: str,
    body: bytes,
    *,
    token: str = "",
) -> tuple[int, bytes]:
    headers = {
        "X-Control-Token": token,
        "Content-Type": "multipart/form-data; boundary=limite",
    }
    with browsing(port, context) as connection:
        connection.request("POST", path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


async def submit_twice(connector: Connector) -> tuple[str, str]:
    act = await connector.submit(make_act())
    flow = await connector.submit(make_pes())
    await connector.aclose()
    return act.remote_id, flow.remote_id


class TestDialect:
    def test_error_texts_are_escaped_latin_1(
        self, double: S2lowDouble, tdt_pki: TdtPki, tmp_path: Path
    ) -> None:
        path = "/modules/actes/actes_transac_create.php?api=1"

        status, body = post(double.port, make_context(tdt_pki, tmp_path), path, MULTIPART)

        assert (status, body) == (200, "KO\nLe numéro n&#039;est pas correct\n".encode("latin-1"))

    @pytest.mark.parametrize(
        "path", ["/modules/helios/helios_download_acquit.php?id=1", "/inconnu.php"]
    )
    def test_redirects_to_a_page_where_the_real_one_does(
        self, double: S2lowDouble, tdt_pki: TdtPki, tmp_path: Path, path: str
    ) -> None:
        status, body, location = get(double.port, make_context(tdt_pki, tmp_path), path)

        assert status == 302
        assert location.endswith("index.php")
        assert body.startswith(b"<!DOCTYPE html>")

    def test_redirects_a_stranger_who_does_not_say_api(
        self, double: S2lowDouble, tdt_pki: TdtPki, tmp_path: Path
    ) -> None:
        context = ssl.create_default_context(cadata=tdt_pki.authority.pem.decode("ascii"))
        stranger = tdt_pki.unregistered_client
        (tmp_path / "stranger.pem").write_bytes(stranger.pem + stranger.key_pem)
        context.load_cert_chain(tmp_path / "stranger.pem")

        assert get(double.port, context, "/api/test-connexion.php")[0] == 302
        assert get(double.port, context, "/api/test-connexion.php?api=1")[1].startswith(b"KO\n")

    async def test_shows_8_for_a_flow_with_an_acquit(
        self, double: S2lowDouble, tdt_pki: TdtPki, tmp_path: Path
    ) -> None:
        account = make_account(double.base_url, tdt_pki)
        _, flow = await submit_twice(registry.get("s2low", account, allow=allowed(double)))
        double.advance(flow, steps=3)

        _, body, _ = get(double.port, make_context(tdt_pki, tmp_path), PES_STATUS.format(flow))

        assert b"<status>8</status>" in body
        assert "Acquittement reçu".encode() in body


class TestControl:
    @pytest.mark.parametrize("token", ["", "faux"])
    def test_is_not_found_without_the_token(
        self, double: S2lowDouble, tdt_pki: TdtPki, tmp_path: Path, token: str
    ) -> None:
        context = make_context(tdt_pki, tmp_path)

        assert get(double.port, context, "/_control/state", token=token)[0] == 404
        assert post(double.port, context, "/_control/default", b"{}", token=token)[0] == 404

    def test_does_not_exist_when_no_token_is_set(self, tdt_pki: TdtPki, tmp_path: Path) -> None:
        with make_double(tdt_pki, tmp_path) as closed:
            context = make_context(tdt_pki, tmp_path)

            assert get(closed.port, context, "/_control/state", token="")[0] == 404

    def test_switches_modes_and_verdicts(
        self, double: S2lowDouble, tdt_pki: TdtPki, tmp_path: Path
    ) -> None:
        context = make_context(tdt_pki, tmp_path)
        orders = {
            "default": {"channel": "submit", "mode": "http_500"},
            "script": {"channel": "submit", "modes": ["ko", "hang"]},
            "verdict": {"key": "F1", "verdict": "refused"},
        }
        for verb, order in orders.items():
            body = json.dumps(order).encode()
            assert post(double.port, context, f"/_control/{verb}", body, token=TOKEN)[0] == 200

        modes = [double.store.next_mode(Channel.SUBMIT) for _ in range(3)]
        assert modes == [Mode.KO, Mode.HANG, Mode.HTTP_500]
        assert double.store.verdict_for("F1") is Verdict.REFUSED

    async def test_shows_what_was_taken(
        self, double: S2lowDouble, tdt_pki: TdtPki, tmp_path: Path
    ) -> None:
        account = make_account(double.base_url, tdt_pki)
        await submit_twice(registry.get("s2low", account, allow=allowed(double)))

        _, body, _ = get(
            double.port, make_context(tdt_pki, tmp_path), "/_control/state", token=TOKEN
        )

        shown = json.loads(body)
        assert [one["kind"] for one in shown["transactions"]] == ["act", "pes"]
        assert all(one["accepted"] for one in shown["attempts"])


class TestAcquit:
    @pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.REFUSED, Verdict.TECHNICAL])
    @pytest.mark.parametrize(
        "sample",
        [
            "A01-depense-simple.xml",
            "A03-depense-pj-corrige.xml",
            "A05-recette-2-titres.xml",
            "A06-depense-recette-3-bordereaux-pj.xml",
        ],
    )
    def test_is_valid_against_the_official_schema(
        self, shared_data: Path, verdict: Verdict, sample: str
    ) -> None:
        schema = _schema(shared_data)
        flow = read_flow(shared_data / "pes/samples" / sample)

        acquit = etree.fromstring(make_acquit(flow, verdict))  # noqa: TID251 - our own bytes

        schema.assertValid(acquit)

    @pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.REFUSED, Verdict.TECHNICAL])
    def test_of_our_own_flow_is_valid_too(
        self, shared_data: Path, tmp_path: Path, verdict: Verdict
    ) -> None:
        (tmp_path / "flow.xml").write_bytes(make_flow(nomfic="FLUX_1"))

        acquit = make_acquit(read_flow(tmp_path / "flow.xml"), verdict)

        _schema(shared_data).assertValid(etree.fromstring(acquit))  # noqa: TID251 - our own bytes


class TestState:
    async def test_survives_a_restart(self, tdt_pki: TdtPki, tmp_path: Path) -> None:
        with make_double(tdt_pki, tmp_path) as first:
            account = make_account(first.base_url, tdt_pki)
            connector = registry.get("s2low", account, allow=allowed(first))
            act, flow = await submit_twice(connector)
            before = first.store.as_json()

        restarted = Store(tmp_path / "uploads", tmp_path / "state.json")

        assert restarted.as_json() == before
        assert sorted(restarted.transactions) == sorted([int(act), int(flow)])

    def test_a_silent_verdict_stops_before_the_end(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.default_verdict = Verdict.SILENT
        act = Transaction(1, Kind.ACT, "000000000", "", "", 1, "f", "f", number="A")

        advance(store, act, steps=9)

        assert act.status == 3

    async def test_refused_uploads_leave_no_file(
        self, double: S2lowDouble, tdt_pki: TdtPki, tmp_path: Path
    ) -> None:
        account = make_account(double.base_url, tdt_pki)
        connector = registry.get("s2low", account, allow=allowed(double))
        submission = make_pes()
        await connector.submit(submission)
        double.script(Channel.SUBMIT, Mode.DUPLICATE)

        for _ in range(2):
            with pytest.raises(Exception, match="doublon"):
                await connector.submit(submission)

        await connector.aclose()
        assert len(list((tmp_path / "uploads").iterdir())) == 1


@pytest.mark.slow_process
class TestProcess:
    def test_prints_its_port_serves_and_ends_on_sigterm(self, tmp_path: Path) -> None:
        write_pki(tmp_path, now_valid())
        (tmp_path / "token").write_text(TOKEN, "utf-8")
        with subprocess.Popen(
            _command(tmp_path), stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            asyncio.run(_use(_demo_account(tmp_path, port), port))
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0

        with open_double(tmp_path, state_file=tmp_path / "state.json") as again:
            assert len(again.transactions()) == 2

    def test_keys_are_private(self, tmp_path: Path) -> None:
        write_pki(tmp_path, now_valid())

        assert (tmp_path / CLIENT_FILES[1]).stat().st_mode & 0o077 == 0


def _command(folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "app.demo.s2low", "--port", "0", "--pki", str(folder)),
        *("--state", str(folder / "state.json")),
        *("--control-token-file", str(folder / "token")),
    ]


async def _use(account: S2lowAccount, port: int) -> None:
    connector = registry.get("s2low", account, allow=frozenset({(HOST, port)}))
    await connector.probe()
    await submit_twice(connector)


def _demo_account(folder: Path, port: int) -> S2lowAccount:
    return S2lowAccount(
        base_url=f"https://{HOST}:{port}",
        client_certificate_pem=(folder / CLIENT_FILES[0]).read_bytes(),
        client_key_pem=(folder / CLIENT_FILES[1]).read_bytes(),
        ca_pem=(folder / CA_FILE).read_bytes(),
        archivist=True,
    )


def _schema(shared_data: Path) -> etree.XMLSchema:
    file = shared_data / "pes/xsd/PES_V2/Rev0/PES_V2_Acquit_Autonome_V2.xsd"
    return etree.XMLSchema(file=str(file))
