"""The one guarded HTTP client: checked addresses, verified TLS, bounds, no redirect."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

import h11
import httpcore2
import httpx2

from connectors.addresses import GuardedNetwork, HostPort, Resolver, system_resolver
from connectors.base import ByteSource
from connectors.errors import Ambiguous, ForbiddenAddress, RefusedByRemote, Unreachable

MIB = 1024 * 1024
MAX_UPLOAD_BYTES = 150 * MIB


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds to connect, seconds for the whole exchange, largest reply body in bytes."""

    connect_s: float
    total_s: float
    max_reply_bytes: int


CERTIFICATE_BOUNDS = Bounds(connect_s=5, total_s=5, max_reply_bytes=1_000_000)
"""Addresses named by a certificate: AIA, OCSP (threat 22)."""
CRL_BOUNDS = Bounds(connect_s=5, total_s=5, max_reply_bytes=20_000_000)
CALL_BOUNDS = Bounds(connect_s=10, total_s=60, max_reply_bytes=10 * MIB)
UPLOAD_BOUNDS = Bounds(connect_s=10, total_s=300, max_reply_bytes=10 * MIB)


@dataclass(frozen=True, slots=True)
class Body:
    """A request body of known size, opened anew at each sending."""

    content_type: str
    size_bytes: int
    open: ByteSource


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer; redirects are answers like any other."""

    status: int
    content_type: str
    body: bytes

    @property
    def is_redirect(self) -> bool:
        return 300 <= self.status < 400


@dataclass(frozen=True, slots=True)
class OutboundRules:
    """Where a client may go. `allow`: host:port entries of the operator (never of a tenant) that
    may be private. `hosts`: when given, the only host names. `schemes`: https for connectors."""

    allow: frozenset[HostPort] = frozenset()
    schemes: frozenset[str] = frozenset({"https"})
    hosts: frozenset[str] | None = None


def certificate_rules(
    hosts: frozenset[str], *, allow: frozenset[HostPort] = frozenset()
) -> OutboundRules:
    """For addresses found in certificates: http too, but only listed hosts (threat 22)."""
    return OutboundRules(allow=allow, schemes=frozenset({"http", "https"}), hosts=hosts)


_FAILURES = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    h11.ProtocolError,  # a body of another size than announced: httpcore2 lets it through
    ssl.SSLError,
    OSError,
    TimeoutError,
)


class OutboundClient:
    """HTTP/1.1 to the addresses that `rules` allow, over at most `connections` connections.

    A failure is Unreachable while no byte of a request body was handed to the network, Ambiguous
    from then on; ForbiddenAddress before any connection. Errors of a ByteSource pass through.
    `resolver` and `network` are seams for tests.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext,
        rules: OutboundRules,
        resolver: Resolver = system_resolver,
        network: httpcore2.AsyncNetworkBackend | None = None,
        connections: int = 4,
    ) -> None:
        self._rules = rules
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            keepalive_expiry=5,
            network_backend=GuardedNetwork(
                allow=rules.allow,
                resolver=resolver,
                network=network or httpcore2.AnyIOBackend(),
            ),
        )

    async def get(
        self, url: str, *, bounds: Bounds = CALL_BOUNDS, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One GET. Raises Unreachable, ForbiddenAddress, or RefusedByRemote (reply too large)."""
        return await self._exchange(self._request("GET", url, headers, bounds), bounds, _Upload())

    async def digest(
        self, url: str, *, bounds: Bounds, headers: Mapping[str, str] | None = None
    ) -> tuple[Reply, str]:
        """One GET whose body is hashed and dropped: the reply without body, SHA-256 in hex."""
        sink = hashlib.sha256()
        request = self._request("GET", url, headers, bounds)
        reply = await self._exchange(request, bounds, _Upload(), sink.update)
        return reply, sink.hexdigest()

    async def post(
        self,
        url: str,
        body: Body,
        *,
        bounds: Bounds = UPLOAD_BOUNDS,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One POST, never repeated here. Raises as `get`, and Ambiguous once bytes left."""
        upload = _Upload(body)
        own = {"Content-Type": body.content_type, "Content-Length": str(body.size_bytes)}
        request = self._request("POST", url, {**(headers or {}), **own}, bounds, upload)
        return await self._exchange(request, bounds, upload)

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def __aenter__(self) -> OutboundClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        bounds: Bounds,
        upload: _Upload | None = None,
    ) -> httpcore2.Request:
        target = self._checked_url(url)
        request = httpx2.Request(
            method,
            target,
            headers={"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})},
            content=upload,
        )
        per_step = {"connect": bounds.connect_s, "pool": bounds.connect_s}
        return httpcore2.Request(
            method=method,
            url=httpcore2.URL(
                scheme=target.raw_scheme,
                host=target.raw_host,
                port=target.port,
                target=target.raw_path,
            ),
            headers=request.headers.raw,
            content=upload,
            extensions={"timeout": {**per_step, "read": bounds.total_s, "write": bounds.total_s}},
        )

    def _checked_url(self, url: str) -> httpx2.URL:
        try:
            target = httpx2.URL(url)
        except httpx2.InvalidURL as e:
            raise ForbiddenAddress("L'adresse à appeler n'est pas une URL.") from e
        if target.scheme not in self._rules.schemes or not target.host or target.userinfo:
            raise ForbiddenAddress(
                "L'adresse à appeler n'est pas permise : elle doit commencer par "
                f"{' ou '.join(sorted(self._rules.schemes))}:// et ne porter aucun mot de passe."
            )
        if self._rules.hosts is not None and target.host.lower() not in self._rules.hosts:
            raise ForbiddenAddress(
                f"L'adresse de {target.host} vient d'un fichier déposé et n'est pas dans la liste "
                "des serveurs autorisés : demandez à l'exploitant de l'ajouter."
            )
        return target

    async def _exchange(
        self,
        request: httpcore2.Request,
        bounds: Bounds,
        upload: _Upload,
        sink: Callable[[bytes], None] | None = None,
    ) -> Reply:
        try:
            async with asyncio.timeout(bounds.total_s):
                response = await self._pool.handle_async_request(request)
                try:
                    body = await _read(response, bounds.max_reply_bytes, sink)
                finally:
                    await response.aclose()
        except _FAILURES as e:
            raise _failure(e, request.url.host.decode("ascii"), sent=upload.started) from e
        except _ReplyTooLarge as e:
            if upload.started:
                raise Ambiguous("La réponse du serveur dépasse la taille permise.") from e
            raise RefusedByRemote("La réponse du serveur dépasse la taille permise.") from e
        return Reply(response.status, _content_type(response), body)


class _ReplyTooLarge(Exception):
    """The bound of the call is passed."""


class _Upload:
    """The body as handed to the network; `started` once its first byte was pulled."""

    def __init__(self, body: Body | None = None) -> None:
        self._body = body
        self.started = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._body is None:
            return
        async for chunk in self._body.open():
            if chunk:
                self.started = True
                yield chunk


async def _read(
    response: httpcore2.Response, limit: int, sink: Callable[[bytes], None] | None
) -> bytes:
    kept = bytearray()
    count = 0
    async for chunk in response.aiter_stream():
        count += len(chunk)
        if count > limit:
            raise _ReplyTooLarge
        if sink is None:
            kept += chunk
        else:
            sink(chunk)
    return bytes(kept)


def _content_type(response: httpcore2.Response) -> str:
    for name, value in response.headers:
        if name.lower() == b"content-type":
            return value.decode("latin-1")
    return ""


def _failure(error: Exception, host: str, *, sent: bool) -> Unreachable | Ambiguous:
    if sent:
        return Ambiguous(
            f"L'envoi à {host} est parti mais aucune réponse exploitable n'est revenue : "
            "le serveur est interrogé avant tout nouvel envoi."
        )
    if _is_certificate_fault(error):
        return Unreachable(
            f"La connexion sécurisée avec {host} a échoué : vérifiez le certificat client, son "
            "échéance, et l'autorité du serveur dans le connecteur.",
            alert=True,
        )
    return Unreachable(f"Le serveur {host} est injoignable : un nouvel essai sera fait plus tard.")


def _is_certificate_fault(error: BaseException | None) -> bool:
    """A TLS refusal anywhere in the chain of causes; an abrupt end of file is only a cut line.

    With TLS 1.3 the refusal of a client certificate comes at the first read, at times bare."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
        error = error.__cause__ or error.__context__
    return False
