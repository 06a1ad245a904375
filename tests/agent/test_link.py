"""The channel: https to one origin, certificate verified, no redirect, bounded answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.errors import LinkError, ServerRefused, Unreachable
from agent.link import Device, Link, Server, open_server, origin_of
from app.demo.pki import make_authority, make_tls_server, valid_for
from tests.builders.agent_tls import tls_echo

Handler = Callable[[httpx2.Request], httpx2.Response]


def link_to(handler: Handler) -> Link:
    client = httpx2.Client(transport=httpx2.MockTransport(handler))
    server = Server(client, "https://parapheur.invalid", None)
    device = Device(uuid4(), Ed25519PrivateKey.generate())
    return Link(server, device, clock=lambda: datetime.now(UTC))


class TestOrigin:
    @pytest.mark.parametrize(
        ("url", "origin"),
        [
            ("https://parapheur.exemple.fr", "https://parapheur.exemple.fr"),
            ("https://parapheur.exemple.fr/", "https://parapheur.exemple.fr"),
            ("https://PARAPHEUR.exemple.fr:443", "https://parapheur.exemple.fr"),
            ("https://parapheur.exemple.fr:8443", "https://parapheur.exemple.fr:8443"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ],
    )
    def test_keeps_scheme_host_and_port(self, url: str, origin: str) -> None:
        assert origin_of(url, loopback_http=False) == origin

    @pytest.mark.parametrize(
        "url",
        [
            "http://parapheur.exemple.fr",
            "http://192.0.2.1:8000",
            "http://localhost:8000",
            "https://parapheur.exemple.fr/chemin",
            "https://a:b@parapheur.exemple.fr",
            "https://",
            "ftp://parapheur.exemple.fr",
            "parapheur.exemple.fr",
            "",
        ],
    )
    def test_refuses_everything_else_even_with_the_loopback_flag(self, url: str) -> None:
        with pytest.raises(LinkError) as refused:
            origin_of(url, loopback_http=True)
        assert refused.value.code == "server_address_refused"

    def test_loopback_http_needs_its_flag(self) -> None:
        assert origin_of("http://127.0.0.1:8000", loopback_http=True) == "http://127.0.0.1:8000"
        with pytest.raises(LinkError, match="--loopback-http"):
            origin_of("http://127.0.0.1:8000", loopback_http=False)

    def test_loopback_is_told_of_its_flag_and_nobody_else_is(self) -> None:
        with pytest.raises(LinkError) as refused:
            origin_of("http://192.0.2.1:8000", loopback_http=False)
        assert "--loopback-http" not in refused.value.detail


class TestAnswers:
    def test_a_redirect_is_not_followed(self) -> None:
        asked: list[str] = []

        def redirect(request: httpx2.Request) -> httpx2.Response:
            asked.append(str(request.url))
            return httpx2.Response(302, headers={"Location": "https://ailleurs.invalid/"})

        with pytest.raises(Unreachable):
            link_to(redirect).next_job()
        assert len(asked) == 1

    def test_no_job_is_none(self) -> None:
        assert link_to(lambda _: httpx2.Response(204)).next_job() is None

    def test_a_problem_keeps_its_code_and_sentence(self) -> None:
        problem = {"code": "job_lapsed", "detail": "Trop tard."}
        with pytest.raises(ServerRefused) as refused:
            link_to(lambda _: httpx2.Response(409, json=problem)).next_job()
        assert (refused.value.code, refused.value.detail) == ("job_lapsed", "Trop tard.")

    def test_an_html_error_is_not_taken_for_the_server(self) -> None:
        with pytest.raises(Unreachable):
            link_to(lambda _: httpx2.Response(502, text="<html>")).next_job()

    def test_an_endless_answer_is_cut(self) -> None:
        body = b" " * (5 * 1024 * 1024)
        with pytest.raises(Unreachable) as refused:
            link_to(lambda _: httpx2.Response(200, content=body)).pairing_state()
        assert refused.value.code == "answer_too_long"

    def test_a_network_error_is_unreachable(self) -> None:
        def fail(_: httpx2.Request) -> httpx2.Response:
            raise httpx2.ConnectError("no route")

        with pytest.raises(Unreachable):
            link_to(fail).next_job()

    def test_each_request_has_its_own_nonce(self) -> None:
        nonces: set[str] = set()

        def note(request: httpx2.Request) -> httpx2.Response:
            nonces.add(request.headers["Parapheur-Nonce"])
            return httpx2.Response(204)

        link = link_to(note)
        link.next_job()
        link.next_job()
        assert len(nonces) == 2


class TestTls:
    def test_the_pinned_authority_is_accepted(self, tmp_path: Path) -> None:
        authority = make_authority("AC TLS", validity=valid_for(2))
        issued = make_tls_server("127.0.0.1", issuer=authority, validity=valid_for(2))
        with tls_echo(issued, tmp_path) as origin:
            server = open_server(origin, authority.pem.decode())
            assert server.client.get(origin).status_code == 200
            server.client.close()

    def test_a_certificate_of_another_authority_is_refused(self, tmp_path: Path) -> None:
        authority, other = (make_authority(n, validity=valid_for(2)) for n in ("AC 1", "AC 2"))
        issued = make_tls_server("127.0.0.1", issuer=other, validity=valid_for(2))
        with tls_echo(issued, tmp_path) as origin:
            server = open_server(origin, authority.pem.decode())
            device = Device(uuid4(), Ed25519PrivateKey.generate())
            with pytest.raises(Unreachable):
                Link(server, device, clock=lambda: datetime.now(UTC)).next_job()
            server.client.close()

    def test_an_unreadable_authority_file_is_said_so(self) -> None:
        with pytest.raises(LinkError) as refused:
            open_server("https://parapheur.invalid", "pas un PEM")
        assert refused.value.code == "authorities_unreadable"
