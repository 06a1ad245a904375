"""The double's HTTPS: client certificate asked, account found, modes played."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app.demo.s2low_life import advance
from app.demo.s2low_model import ACCEPTING, Channel, DoubleAccount, Mode, Store, Verdict
from app.demo.s2low_pages import (
    PROBES,
    READS,
    SUBMISSIONS,
    Call,
    Page,
    login_page,
    not_authenticated,
    redirect,
    scripted_refusal,
)
from app.demo.s2low_upload import Form, receive

_BLOCK = 65536
_CONTROL = "/_control/"
_ERROR_HTML = b"<html><body><h1>500 Internal Server Error</h1></body></html>"
_GARBAGE = b"<?xml version='1.0'?><b>Notice: undefined index"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server of the double is made of."""

    accounts: Sequence[DoubleAccount]
    store: Store
    tls: ssl.SSLContext
    control_token: str | None = None
    hang_s: float = 600


class DoubleServer(ThreadingHTTPServer):
    """One thread per connection; the TLS handshake is made in that thread."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], settings: Settings) -> None:
        self.settings = settings
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, _Handler)

    def stop(self) -> None:
        """Ends hanging requests, cuts the open connections, waits for their threads."""
        self.stopping.set()
        self.shutdown()
        with self._guard:
            for connection in self._open:
                try:
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                except OSError:
                    continue
        self.server_close()

    def opened(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A refused handshake or a cut line is the client's affair: no trace on the terminal."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    disable_nagle_algorithm = True
    server: DoubleServer
    _certificate: bytes

    def setup(self) -> None:
        self.request.settimeout(self.timeout)
        connection = self.server.settings.tls.wrap_socket(self.request, server_side=True)
        self.request = connection
        self.server.opened(connection)
        self._certificate = connection.getpeercert(binary_form=True) or b""
        super().setup()

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.server.closed(self.request)
            self.request.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Quiet: what happened is in the store."""

    def do_GET(self) -> None:
        path, query = self._target()
        if path.startswith(_CONTROL):
            self._write(self._control(path.removeprefix(_CONTROL), {}))
            return
        if path == "/admin/users/api-list-login.php":
            self._write(self._logins())
            return
        account = self._account()
        if account is None:
            self._write(not_authenticated(query))
            return
        endpoint = PROBES.get(path) or READS.get(path)
        if endpoint is None:
            self._write(redirect("/index.php"))
            return
        channel = Channel.PROBE if path in PROBES else Channel.READ
        mode = self.server.settings.store.next_mode(channel)
        if self._play_before(mode):
            return
        self._play_after(mode, endpoint(self.server.settings.store, Call(query, account)))

    def do_POST(self) -> None:
        path, query = self._target()
        if path.startswith(_CONTROL):
            content = json.loads(b"".join(self._body()) or b"{}")
            self._write(self._control(path.removeprefix(_CONTROL), content))
            return
        account = self._account()
        endpoint = SUBMISSIONS.get(path)
        if account is None or endpoint is None:
            for _ in self._body():
                continue
            missing = self._logins() if path.endswith("/api-list-login.php") else None
            self._write(missing or not_authenticated(query))
            return
        mode = self.server.settings.store.next_mode(Channel.SUBMIT)
        if mode is Mode.LOST_REQUEST:
            next(self._body(), None)
            self.close_connection = True
            return
        form = self._form()
        if form is None:
            self._write(Page(b"KO\nrequete illisible\n"))
            return
        self._submit(path, Call(query, account, form, mode))

    def _submit(self, path: str, call: Call) -> None:
        store = self.server.settings.store
        refusal = scripted_refusal(store, path, call)
        if refusal is not None:
            self._write(refusal)
            return
        if call.mode not in ACCEPTING:
            call.form.discard()
            self._play_before(call.mode)
            return
        self._play_after(call.mode, SUBMISSIONS[path](store, call))

    def _play_before(self, mode: Mode) -> bool:
        """Modes that answer without the page having been made; whether it did."""
        pages = {
            Mode.KO: Page(b"KO\nrefus de d\xe9monstration\n"),
            Mode.HTTP_500: Page(_ERROR_HTML, status=500, content_type="text/html"),
            Mode.MALFORMED: Page(_GARBAGE),
            Mode.LOGIN_PAGE: login_page(),
            Mode.REDIRECT: redirect("/connexion-status.php"),
        }
        if mode in pages:
            self._write(pages[mode])
            return True
        if mode is Mode.HANG:
            self._hang()
            return True
        return False

    def _play_after(self, mode: Mode, page: Page) -> None:
        if mode is Mode.LOST_ANSWER:
            self.close_connection = True
        elif mode is Mode.ACCEPTED_HANG:
            self._hang()
        elif mode is Mode.ACCEPTED_HTTP_500:
            self._write(Page(_ERROR_HTML, status=500, content_type="text/html"))
        elif mode is Mode.ACCEPTED_MALFORMED:
            self._write(Page(_GARBAGE))
        elif mode is Mode.ACCEPTED_TRUNCATED:
            self._write(page, cut=True)
        else:
            self._write(page)

    def _hang(self) -> None:
        self.server.stopping.wait(self.server.settings.hang_s)
        self.close_connection = True

    def _control(self, verb: str, content: dict[str, Any]) -> Page:
        """Run-time switching, for the holder of the control token alone."""
        settings = self.server.settings
        shown = self.headers.get("X-Control-Token", "")
        if settings.control_token is None or not hmac.compare_digest(
            shown.encode(), settings.control_token.encode()
        ):
            return Page(b"", status=404)
        store = settings.store
        if verb == "script":
            store.script(Channel(content["channel"]), map(Mode, content["modes"]))
        elif verb == "default":
            store.set_default(Channel(content["channel"]), Mode(content["mode"]))
        elif verb == "verdict":
            _set_verdict(store, content.get("key"), Verdict(content["verdict"]))
        elif verb == "advance":
            advance(store, store.transactions[int(content["id"])], int(content.get("steps", 1)))
        elif verb != "state":
            return Page(b"", status=404)
        body = json.dumps(store.as_json(), ensure_ascii=False).encode("utf-8")
        return Page(body, content_type="application/json")

    def _logins(self) -> Page:
        """Empty when several accounts share the certificate: a login is then required."""
        mine = self._accounts_of_certificate()
        if len(mine) > 1 and self._account() is None:
            return Page(b"")
        return Page("".join(f"{one.login or 'compte'}\n" for one in mine).encode("utf-8"))

    def _accounts_of_certificate(self) -> list[DoubleAccount]:
        shown = hashlib.sha256(self._certificate).hexdigest()
        return [one for one in self.server.settings.accounts if one.certificate_sha256 == shown]

    def _account(self) -> DoubleAccount | None:
        mine = self._accounts_of_certificate()
        login, password = self._basic()
        if len(mine) == 1 and login is None:
            return mine[0]
        for one in mine:
            if one.login == login and one.password == password:
                return one
        return None

    def _basic(self) -> tuple[str | None, str | None]:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None, None
        try:
            login, _, password = base64.b64decode(value).decode("iso-8859-1").partition(":")
        except binascii.Error:
            return None, None
        return login, password

    def _target(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return parts.path, dict(parse_qsl(parts.query))

    def _body(self) -> Iterator[bytes]:
        left = int(self.headers.get("Content-Length") or 0)
        while left > 0:
            block = self.rfile.read(min(_BLOCK, left))
            if not block:
                raise ConnectionError("the client left before the end of the body")
            left -= len(block)
            yield block

    def _form(self) -> Form | None:
        _, _, boundary = self.headers.get("Content-Type", "").partition("boundary=")
        if not boundary:
            return None
        try:
            return receive(self._body(), boundary.strip('"'), self.server.settings.store.directory)
        except ValueError:
            self.close_connection = True
            return None

    def _write(self, page: Page, *, cut: bool = False) -> None:
        size = page.file.stat().st_size if page.file is not None else len(page.body)
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(size))
        if page.location is not None:
            self.send_header("Location", page.location)
        self.end_headers()
        if page.file is not None:
            with page.file.open("rb") as source:
                shutil.copyfileobj(source, self.wfile)
        else:
            self.wfile.write(page.body[: size // 2] if cut else page.body)
        if cut:
            self.close_connection = True


def _set_verdict(store: Store, key: str | None, verdict: Verdict) -> None:
    with store.lock:
        if key is None:
            store.default_verdict = verdict
        else:
            store.verdicts[key] = verdict
        store.save()
