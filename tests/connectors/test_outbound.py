from __future__ import annotations

import asyncio
import http.server
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.addresses import Resolver
from connectors.errors import Ambiguous, ForbiddenAddress, RefusedByRemote, Unreachable
from connectors.outbound import (
    CERTIFICATE_BOUNDS,
    CRL_BOUNDS,
    Body,
    Bounds,
    OutboundClient,
    OutboundRules,
    certificate_rules,
)
from connectors.tls import client_context
from tests.builders.tdt import TdtPki, make_server_context
from tests.connectors.network import RecordingNetwork, answering, unknown_name

PUBLIC = "93.184.216.34"
OTHER_PUBLIC = "8.8.8.8"
QUICK = Bounds(connect_s=2, total_s=2, max_reply_bytes=1000)
PLAIN = OutboundRules(schemes=frozenset({"http", "https"}))


def make_client(
    network: RecordingNetwork,
    resolver: Resolver,
    rules: OutboundRules = PLAIN,
) -> OutboundClient:
    return OutboundClient(
        tls=ssl.create_default_context(), rules=rules, resolver=resolver, network=network
    )


def make_body(content: bytes = b"corps") -> Body:
    async def read() -> AsyncIterator[bytes]:
        yield content

    return Body("text/plain", len(content), read)


class TestAddresses:
    async def test_connects_to_the_address_that_was_checked(self) -> None:
        network = RecordingNetwork()
        async with make_client(network, answering([PUBLIC])) as client:
            await client.get("http://tdt.example/", bounds=QUICK)

        assert network.connected == [f"{PUBLIC}:80"]

    @pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1"])
    async def test_threat_22_refuses_a_private_address(self, address: str) -> None:
        network = RecordingNetwork()
        async with make_client(network, answering([address])) as client:
            with pytest.raises(ForbiddenAddress):
                await client.get("http://tdt.example/", bounds=QUICK)

        assert network.connected == []

    async def test_threat_22_refuses_a_name_with_one_private_address_among_others(self) -> None:
        network = RecordingNetwork()
        async with make_client(network, answering([PUBLIC, "127.0.0.1"])) as client:
            with pytest.raises(ForbiddenAddress):
                await client.get("http://tdt.example/", bounds=QUICK)

        assert network.connected == []

    async def test_threat_22_a_name_that_turns_private_never_moves_a_connection(self) -> None:
        network = RecordingNetwork()
        resolver = answering([PUBLIC], ["127.0.0.1"])
        async with make_client(network, resolver) as client:
            await client.get("http://tdt.example/", bounds=QUICK)
        async with make_client(network, resolver) as client:
            with pytest.raises(ForbiddenAddress):
                await client.get("http://tdt.example/", bounds=QUICK)

        assert network.connected == [f"{PUBLIC}:80"]

    @pytest.mark.parametrize(
        "host",
        [
            *("127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1"),
            *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "[fe80::1]"),
        ],
    )
    async def test_threat_22_refuses_every_spelling_of_a_local_address(self, host: str) -> None:
        network = RecordingNetwork()
        async with OutboundClient(
            tls=ssl.create_default_context(), rules=PLAIN, network=network
        ) as client:
            with pytest.raises(ForbiddenAddress):
                await client.get(f"http://{host}/", bounds=QUICK)

        assert network.connected == []

    @pytest.mark.parametrize("entry", [("tdt.interne", 80), ("10.0.0.7", 80)])
    async def test_the_operator_may_list_a_private_address(self, entry: tuple[str, int]) -> None:
        network = RecordingNetwork()
        rules = OutboundRules(allow=frozenset({entry}), schemes=PLAIN.schemes)
        async with make_client(network, answering(["10.0.0.7"]), rules) as client:
            await client.get("http://TDT.interne/", bounds=QUICK)

        assert network.connected == ["10.0.0.7:80"]

    async def test_a_listed_host_is_listed_for_its_port_alone(self) -> None:
        rules = OutboundRules(allow=frozenset({("tdt.interne", 8443)}), schemes=PLAIN.schemes)
        async with make_client(RecordingNetwork(), answering(["10.0.0.7"]), rules) as client:
            with pytest.raises(ForbiddenAddress):
                await client.get("http://tdt.interne/", bounds=QUICK)

    async def test_an_unknown_name_is_unreachable(self) -> None:
        async with make_client(RecordingNetwork(), unknown_name) as client:
            with pytest.raises(Unreachable) as caught:
                await client.get("http://nulle-part.example/", bounds=QUICK)

        assert not caught.value.alert


class TestUrls:
    @pytest.mark.parametrize(
        "url",
        [
            *("http://tdt.example/", "ftp://tdt.example/", "file:///etc/passwd", "tdt.example"),
            *("https://login:secret@tdt.example/", "https:///chemin", "", "https://[::1/"),
        ],
    )
    async def test_threat_22_a_connector_speaks_https_only(self, url: str) -> None:
        network = RecordingNetwork()
        async with make_client(network, answering([PUBLIC]), OutboundRules()) as client:
            with pytest.raises(ForbiddenAddress):
                await client.get(url, bounds=QUICK)

        assert network.connected == []

    async def test_threat_22_a_redirect_is_given_back_and_not_followed(self) -> None:
        redirect = (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/admin\r\nContent-Length: 0\r\n\r\n"
        )
        network = RecordingNetwork([redirect])
        async with make_client(network, answering([PUBLIC])) as client:
            reply = await client.get("http://tdt.example/", bounds=QUICK)

        assert reply.is_redirect
        assert network.connected == [f"{PUBLIC}:80"]


class TestCertificateAddresses:
    """AIA, OCSP and CRL addresses come from uploaded files."""

    def test_threat_22_bounds_are_small(self) -> None:
        assert (CERTIFICATE_BOUNDS.total_s, CERTIFICATE_BOUNDS.max_reply_bytes) == (5, 1_000_000)
        assert (CRL_BOUNDS.total_s, CRL_BOUNDS.max_reply_bytes) == (5, 20_000_000)

    async def test_threat_22_an_unlisted_host_gets_no_connection(self) -> None:
        network = RecordingNetwork()
        rules = certificate_rules(frozenset({"ocsp.ac.example"}))
        async with make_client(network, answering([PUBLIC]), rules) as client:
            with pytest.raises(ForbiddenAddress):
                await client.get("http://autre.example/ca.crt", bounds=CERTIFICATE_BOUNDS)

        assert network.connected == []

    async def test_threat_22_a_listed_host_that_is_local_gets_no_connection(self) -> None:
        network = RecordingNetwork()
        rules = certificate_rules(frozenset({"ocsp.ac.example"}))
        async with make_client(network, answering(["127.0.0.1"]), rules) as client:
            with pytest.raises(ForbiddenAddress):
                await client.get("http://ocsp.ac.example/", bounds=CERTIFICATE_BOUNDS)

        assert network.connected == []

    async def test_a_listed_host_is_read_over_plain_http(self) -> None:
        rules = certificate_rules(frozenset({"ocsp.ac.example"}))
        async with make_client(RecordingNetwork(), answering([PUBLIC]), rules) as client:
            reply = await client.get("http://ocsp.ac.example/", bounds=CERTIFICATE_BOUNDS)

        assert reply.body == b"OK"

    async def test_threat_22_stops_at_one_megabyte(self) -> None:
        answer = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n", b"x" * 1_000_001]
        async with make_client(RecordingNetwork(answer), answering([PUBLIC])) as client:
            with pytest.raises(RefusedByRemote):
                await client.get("http://ocsp.ac.example/", bounds=CERTIFICATE_BOUNDS)

    async def test_stops_a_server_that_drips(self) -> None:
        started = asyncio.get_running_loop().time()
        bounds = Bounds(connect_s=5, total_s=0.5, max_reply_bytes=1_000_000)
        with serving(_Dripping) as port:
            async with OutboundClient(
                tls=ssl.create_default_context(),
                rules=OutboundRules(frozenset({("127.0.0.1", port)}), frozenset({"http"})),
            ) as client:
                with pytest.raises(Unreachable):
                    await client.get(f"http://127.0.0.1:{port}/", bounds=bounds)

        assert asyncio.get_running_loop().time() - started < 5


class TestPost:
    async def test_is_unreachable_before_a_body_byte_left(self) -> None:
        async with make_client(RecordingNetwork(), unknown_name) as client:
            with pytest.raises(Unreachable):
                await client.post("http://tdt.example/", make_body(), bounds=QUICK)

    async def test_is_ambiguous_when_the_line_breaks_after(self) -> None:
        async with make_client(RecordingNetwork([b""]), answering([PUBLIC])) as client:
            with pytest.raises(Ambiguous):
                await client.post("http://tdt.example/", make_body(), bounds=QUICK)

    async def test_is_ambiguous_when_the_answer_is_too_large(self) -> None:
        answer = [b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", b"x" * 1001]
        async with make_client(RecordingNetwork(answer), answering([PUBLIC])) as client:
            with pytest.raises(Ambiguous):
                await client.post("http://tdt.example/", make_body(), bounds=QUICK)

    async def test_an_error_of_the_source_passes_through(self) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"co"
            raise LookupError("the blob is gone")

        async with make_client(RecordingNetwork(), answering([PUBLIC])) as client:
            with pytest.raises(LookupError):
                await client.post("http://tdt.example/", Body("text/plain", 5, broken))

    async def test_a_body_shorter_than_announced_is_ambiguous(self) -> None:
        async def short() -> AsyncIterator[bytes]:
            yield b"co"

        async with make_client(RecordingNetwork(), answering([PUBLIC])) as client:
            with pytest.raises(Ambiguous):
                await client.post("http://tdt.example/", Body("text/plain", 5, short))


class TestTls:
    async def test_threat_29_refuses_a_server_outside_the_pinned_authority(
        self, tdt_pki: TdtPki, tmp_path: Path
    ) -> None:
        context = client_context(ca_pem=tdt_pki.foreign_authority.pem)
        with serving(_Quiet, tls=server_tls(tdt_pki, tmp_path)) as port:
            async with open_local(context, port) as client:
                with pytest.raises(Unreachable) as caught:
                    await client.post(f"https://127.0.0.1:{port}/", make_body(), bounds=QUICK)

        assert caught.value.alert

    async def test_threat_29_refuses_a_certificate_made_for_another_name(
        self, tdt_pki: TdtPki, tmp_path: Path
    ) -> None:
        context = client_context(ca_pem=tdt_pki.authority.pem)
        with serving(_Quiet, tls=server_tls(tdt_pki, tmp_path)) as port:
            rules = OutboundRules(allow=frozenset({("tdt.example", port)}))
            resolver = answering(["127.0.0.1"])
            async with OutboundClient(tls=context, rules=rules, resolver=resolver) as client:
                with pytest.raises(Unreachable) as caught:
                    await client.get(f"https://tdt.example:{port}/", bounds=QUICK)

        assert caught.value.alert

    async def test_accepts_the_pinned_authority(self, tdt_pki: TdtPki, tmp_path: Path) -> None:
        context = client_context(ca_pem=tdt_pki.authority.pem)
        with serving(_Quiet, tls=server_tls(tdt_pki, tmp_path)) as port:
            async with open_local(context, port) as client:
                reply = await client.get(f"https://127.0.0.1:{port}/", bounds=QUICK)

        assert reply.body == b"OK"


def open_local(context: ssl.SSLContext, port: int) -> OutboundClient:
    return OutboundClient(tls=context, rules=OutboundRules(allow=frozenset({("127.0.0.1", port)})))


def server_tls(pki: TdtPki, folder: Path) -> ssl.SSLContext:
    context = make_server_context(pki, folder)
    context.verify_mode = ssl.CERT_NONE
    return context


class _Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing on the terminal."""


class _Dripping(_Quiet):
    """One byte every tenth of a second, for longer than any test waits."""

    stopped = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(100):
            if self.stopped.wait(0.1):
                return
            try:
                self.wfile.write(b"x")
            except OSError:
                return


@contextmanager
def serving(
    handler: Callable[..., http.server.BaseHTTPRequestHandler],
    *,
    tls: ssl.SSLContext | None = None,
) -> Iterator[int]:
    server = _Server(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05))
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(http.server.HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves is part of the tests."""
