"""HTTP with one S²LOW account: client certificate, optional login, probe before each post."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Mapping, Sequence

import httpcore2
import httpx2

from connectors.addresses import HostPort, Resolver, system_resolver
from connectors.errors import Ambiguous, RefusedByRemote, Unreachable
from connectors.multipart import Part, form_data
from connectors.outbound import (
    CALL_BOUNDS,
    MAX_UPLOAD_BYTES,
    UPLOAD_BOUNDS,
    Bounds,
    OutboundClient,
    OutboundRules,
    Reply,
)
from connectors.s2low import parsing
from connectors.s2low.account import S2lowAccount
from connectors.tls import client_context

Params = Mapping[str, str | int]

_UNSAFE_IN_NAME = re.compile(rb"[^A-Za-z0-9._ -]")


class S2lowClient:
    """Reads over shared connections; each post over its own, opened by a probe.

    Raises Unreachable(alert=True) at construction when a certificate or key is unreadable."""

    def __init__(
        self,
        account: S2lowAccount,
        *,
        allow: frozenset[HostPort] = frozenset(),
        resolver: Resolver = system_resolver,
        network: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self.account = account
        context = client_context(
            ca_pem=account.ca_pem,
            certificate_pem=account.client_certificate_pem,
            key_pem=account.client_key_pem,
        )
        self._open: Callable[[int], OutboundClient] = lambda connections: OutboundClient(
            tls=context,
            rules=OutboundRules(allow=allow),
            resolver=resolver,
            network=network,
            connections=connections,
        )
        self._reads = self._open(4)
        self._headers = _authorization(account)

    async def get(self, path: str, params: Params | None = None) -> Reply:
        """A read; harmless, so an unusable answer is Unreachable (ask again later).

        Raises RefusedByRemote on a redirect, a login page, a 4xx; KO texts are the caller's."""
        reply = await self.get_any(path, params)
        if reply.is_redirect:
            raise parsing.authentication_refusal()
        return reply

    async def get_any(self, path: str, params: Params | None = None) -> Reply:
        """As `get`, but a redirect is returned: some S²LOW pages mean « nothing yet » by it."""
        bounds = _within(CALL_BOUNDS, self.account.call_timeout_s)
        reply = await self._reads.get(self._url(path, params), bounds=bounds, headers=self._headers)
        return _usable(reply)

    async def download(self, path: str, params: Params) -> Reply:
        """A file of up to 150 MiB, whole; redirects are returned."""
        bounds = Bounds(CALL_BOUNDS.connect_s, self.account.upload_timeout_s, MAX_UPLOAD_BYTES)
        url = self._url(path, params)
        return _usable(await self._reads.get(url, bounds=bounds, headers=self._headers))

    async def download_digest(self, path: str, params: Params) -> str | None:
        """SHA-256 of a file, in hex, None where the server shows a page instead."""
        bounds = Bounds(CALL_BOUNDS.connect_s, self.account.upload_timeout_s, MAX_UPLOAD_BYTES)
        reply, digest = await self._reads.digest(
            self._url(path, params), bounds=bounds, headers=self._headers
        )
        return None if _usable(reply).is_redirect else digest

    async def post(self, path: str, parts: Sequence[Part]) -> Reply:
        """Sends once, after one probe over the same connection (s2low-api.md §5.5).

        TLS 1.3 refuses a client certificate only after the handshake, so the probe is what tells
        a refused account (nothing sent) from an unknown outcome. Raises Unreachable before the
        first body byte, Ambiguous after it and on 5xx, RefusedByRemote on a redirect or a 4xx."""
        body = form_data(parts, boundary=secrets.token_hex(20))
        async with self._open(1) as connection:
            await self._test_connection(connection)
            reply = await connection.post(
                self._url(path, {"api": 1}),
                body,
                bounds=_within(UPLOAD_BOUNDS, self.account.upload_timeout_s),
                headers=self._headers,
            )
        return _posted(reply)

    async def probe(self) -> None:
        """The account answers and may transmit. Raises Unreachable or RefusedByRemote."""
        try:
            await self._test_connection(self._reads)
        except RefusedByRemote as e:
            if self.account.login is None and await self._login_is_required():
                raise RefusedByRemote(
                    "Plusieurs comptes partagent ce certificat : renseignez l'identifiant et le "
                    "mot de passe du compte dans le connecteur.",
                    remote_text=e.remote_text,
                ) from e
            raise
        reply = await self.get("/api/test-rgs.php")
        if not reply.body.lstrip().startswith(b"OK"):
            raise RefusedByRemote(
                "Le TdT n'accepte pas ce certificat pour télétransmettre : installez un "
                "certificat RGS.",
                remote_text=parsing.decode(reply.body),
            )

    async def aclose(self) -> None:
        await self._reads.aclose()

    async def _test_connection(self, connection: OutboundClient) -> None:
        bounds = _within(CALL_BOUNDS, self.account.call_timeout_s)
        url = self._url("/api/test-connexion.php", None)
        reply = _usable(await connection.get(url, bounds=bounds, headers=self._headers))
        if reply.is_redirect or not reply.body.lstrip().startswith(b"OK"):
            text = None if reply.is_redirect else parsing.decode(reply.body)
            raise parsing.authentication_refusal(text)

    async def _login_is_required(self) -> bool:
        reply = await self.get_any("/admin/users/api-list-login.php")
        return reply.is_redirect or not reply.body.strip()

    def _url(self, path: str, params: Params | None) -> str:
        query = {"api": "1", **{name: str(value) for name, value in (params or {}).items()}}
        base = self.account.base_url.rstrip("/")
        return str(httpx2.URL(f"{base}{path}", params=query))


def safe_file_name(name: str) -> str:
    """Every byte of the UTF-8 form outside `[A-Za-z0-9._ -]` becomes `_` (s2low-api.md §1.7)."""
    return _UNSAFE_IN_NAME.sub(b"_", name.encode("utf-8")).decode("ascii") or "_"


def _authorization(account: S2lowAccount) -> dict[str, str]:
    if account.login is None:
        return {}
    pair = f"{account.login}:{account.password or ''}"
    try:
        raw = pair.encode("iso-8859-1")
    except UnicodeEncodeError:
        raw = pair.encode("utf-8")
    return {"Authorization": "Basic " + base64.b64encode(raw).decode("ascii")}


def _within(bounds: Bounds, total_s: float) -> Bounds:
    return Bounds(min(bounds.connect_s, total_s), total_s, bounds.max_reply_bytes)


def _usable(reply: Reply) -> Reply:
    if reply.status >= 500 or reply.status == 429:
        raise Unreachable(
            f"Le TdT répond par une erreur ({reply.status}) : un nouvel essai sera fait plus tard.",
            remote_text=parsing.decode(reply.body),
        )
    if reply.is_redirect:
        return reply
    if reply.status in {401, 403} or parsing.is_login_page(reply.body):
        raise parsing.authentication_refusal(None)
    if reply.status >= 400:
        raise parsing.refusal(parsing.decode(reply.body))
    return reply


def _posted(reply: Reply) -> Reply:
    if reply.is_redirect or reply.status in {401, 403}:
        raise parsing.authentication_refusal()
    if 400 <= reply.status < 500:
        raise parsing.refusal(parsing.decode(reply.body))
    if reply.status != 200:
        raise Ambiguous(
            f"Le TdT a répondu à l'envoi par une erreur ({reply.status}) : il est interrogé avant "
            "tout nouvel envoi.",
            remote_text=parsing.decode(reply.body),
        )
    return reply
