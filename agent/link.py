"""The outbound channel to the one server of the pairing. Nothing here listens."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.errors import LinkError, ServerRefused, Unreachable
from agent.fields import Fields, Malformed, read_object, rfc3339
from agent.protocol import MAX_ENVELOPE_BYTES, Envelope, JobItem, SigningJob, read_envelope

API: Final = "/api/v1"
REQUEST_PREFIX: Final = "parapheur-device-request-v1"
LONG_POLL_S: Final = 25
_MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
_CONNECT_S: Final = 10.0
_READ_S: Final = 30.0
_NO_BODY: Final = b""


@dataclass(frozen=True, slots=True)
class Device:
    """Who signs the requests: the device id, or the pairing id while pairing."""

    id: UUID
    key: Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Server:
    """The one server spoken to. `authorities_pem` are the pinned TLS authorities, if not public."""

    client: httpx2.Client
    origin: str
    authorities_pem: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and whole body of a response."""

    status: int
    body: bytes


def origin_of(url: str, *, loopback_http: bool) -> str:
    """`https://host[:port]` of a server address, without path; http only for loopback, and only
    when `loopback_http` is given (embedded demonstration).

    Raises LinkError (`server_address_refused`)."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as e:
        raise _bad_address() from e
    bare = parsed.path in ("", "/") and not parsed.query and not parsed.fragment
    if not parsed.host or not bare or parsed.userinfo:
        raise _bad_address()
    is_local = parsed.scheme == "http" and _is_loopback(parsed.host)
    if is_local and not loopback_http:
        raise _bad_address(" Pour un essai sur ce poste même, ajoutez --loopback-http.")
    if parsed.scheme == "https" or is_local:
        host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
        return f"{parsed.scheme}://{host}" + (f":{parsed.port}" if parsed.port else "")
    raise _bad_address()


def open_server(origin: str, authorities_pem: str | None) -> Server:
    """The only HTTP client of the agent: certificate always verified, redirects never followed.

    `authorities_pem`, when given, are the only accepted authorities. A proxy of the environment is
    used except towards loopback. Raises LinkError (`authorities_unreadable`)."""
    loopback = _is_loopback(httpx2.URL(origin).host)
    try:
        context = ssl.create_default_context(cadata=authorities_pem)
    except (ssl.SSLError, ValueError) as e:
        raise LinkError(
            "Le fichier d'autorités n'est pas un fichier PEM lisible.",
            code="authorities_unreadable",
        ) from e
    client = httpx2.Client(
        verify=context,
        trust_env=not loopback,
        follow_redirects=False,
        timeout=httpx2.Timeout(_READ_S, connect=_CONNECT_S),
    )
    return Server(client, origin, authorities_pem)


class Link:
    """Requests of docs/agent-protocol.md, each signed by the device key.

    Every method raises Unreachable or ServerRefused. Safe to call from two threads."""

    def __init__(
        self,
        server: Server,
        device: Device,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = server.client
        self._origin = server.origin
        self._device = device
        self._clock = clock

    def pairing_state(self) -> Fields:
        """Where the pairing that this key asked for stands."""
        return self._fields("GET", f"{API}/agent/pairings/{self._device.id}")

    def report_certificates(
        self, certificates: list[tuple[bytes, tuple[bytes, ...]]]
    ) -> tuple[Fields, ...]:
        """Tells which certificates the token holds, with their chains; the server's judgements."""
        body = {
            "certificates": [
                {"certificate": _b64(leaf), "chain": [_b64(c) for c in chain]}
                for leaf, chain in certificates
            ]
        }
        fields = self._fields("PUT", f"{API}/agent/certificates", body)
        return fields.children("certificates", limit=len(certificates), least=0)

    def next_job(self, *, wait_s: int = LONG_POLL_S) -> Envelope | None:
        """Waits up to `wait_s` seconds for a job; None when there was none."""
        answer = self._send(
            "GET",
            f"{API}/agent/jobs/next?wait_s={wait_s}",
            limit=MAX_ENVELOPE_BYTES,
            read_s=wait_s + _READ_S,
        )
        return None if answer.status == httpx2.codes.NO_CONTENT else read_envelope(answer.body)

    def accept(self, job: SigningJob) -> None:
        """Takes the job; the server refuses the second time."""
        self._send("POST", f"{API}/agent/jobs/{job.job_id}/accept", {"nonce": job.nonce})

    def renew(self, job: SigningJob) -> None:
        """Keeps the lease."""
        self._send("POST", f"{API}/agent/jobs/{job.job_id}/renew", {})

    def document(self, job: SigningJob, item: JobItem) -> bytes:
        """The exact bytes that would be signed; more than announced is not read."""
        path = f"{API}/agent/jobs/{job.job_id}/items/{item.n}/document"
        return self._send("GET", path, limit=item.size_bytes).body

    def put_values(self, job: SigningJob, item: JobItem, values: Mapping[str, bytes]) -> None:
        """Returns the values of one document; the same call may be made again."""
        listed = [{"id": i, "value": _b64(v)} for i, v in values.items()]
        self._put_item(job, item, {"values": listed})

    def put_failure(self, job: SigningJob, item: JobItem, *, code: str, detail: str) -> None:
        """Says that this document will not be signed by this job."""
        self._put_item(job, item, {"failure": {"code": code, "detail": detail}})

    def end(
        self, job: SigningJob, outcome: str, *, code: str | None = None, detail: str | None = None
    ) -> None:
        """Nothing more will come for this job."""
        body = {"outcome": outcome, "code": code, "detail": detail}
        self._send("POST", f"{API}/agent/jobs/{job.job_id}/end", body)

    def _put_item(self, job: SigningJob, item: JobItem, body: Mapping[str, object]) -> None:
        path = f"{API}/signature-sessions/{job.session_id}/items/{item.n}"
        self._send("PUT", path, {"job_id": str(job.job_id), **body})

    def _fields(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Fields:
        return _read(self._send(method, path, body))

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        limit: int = _MAX_ANSWER_BYTES,
        read_s: float = _READ_S,
    ) -> Answer:
        content = _NO_BODY if body is None else json.dumps(body).encode()
        headers = signed_headers(
            self._device, method=method, path=path, body=content, now=self._clock()
        )
        request = self._client.build_request(
            method,
            f"{self._origin}{path}",
            content=content,
            headers=headers,
            timeout=httpx2.Timeout(read_s, connect=_CONNECT_S),
        )
        return exchange(self._client, request, limit=limit)


def create_pairing(server: Server, body: Mapping[str, object]) -> Fields:
    """The one request that is not signed: it brings the device's public key."""
    request = server.client.build_request(
        "POST",
        f"{server.origin}{API}/agent/pairings",
        content=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    return _read(exchange(server.client, request, limit=_MAX_ANSWER_BYTES))


def signed_headers(
    device: Device, *, method: str, path: str, body: bytes, now: datetime
) -> dict[str, str]:
    """The four headers that prove a request comes from the device."""
    nonce = _b64(secrets.token_bytes(16))
    date = rfc3339(now)
    text = "\n".join((REQUEST_PREFIX, method, path, hashlib.sha256(body).hexdigest(), nonce, date))
    return {
        "Content-Type": "application/json",
        "Parapheur-Device": str(device.id),
        "Parapheur-Date": date,
        "Parapheur-Nonce": nonce,
        "Parapheur-Signature": _b64(device.key.sign(text.encode())),
    }


def exchange(client: httpx2.Client, request: httpx2.Request, *, limit: int) -> Answer:
    """Sends, reads at most `limit` bytes, and turns all that is not a success into a LinkError."""
    try:
        response = client.send(request, stream=True)
        try:
            answer = Answer(response.status_code, _bounded(response, limit))
        finally:
            response.close()
    except (httpx2.HTTPError, httpx2.StreamError, OSError) as e:
        raise Unreachable(
            f"Le serveur ne répond pas ({type(e).__name__}) : vérifiez la connexion au réseau."
        ) from e
    if 200 <= answer.status < 300:
        return answer
    raise _refusal(answer)


def _bounded(response: httpx2.Response, limit: int) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > max(limit, _MAX_ANSWER_BYTES if response.is_error else limit):
            raise Unreachable(
                "Le serveur a envoyé plus de données qu'annoncé : prévenez votre administrateur.",
                code="answer_too_long",
            )
    return bytes(content)


def _refusal(answer: Answer) -> LinkError:
    try:
        fields = read_object(answer.body)
        code, detail = fields.text("code", limit=100), fields.text("detail")
    except Malformed:
        return Unreachable(
            f"Le serveur a répondu {answer.status} sans explication : réessayez plus tard."
        )
    return ServerRefused(detail, code=code, status=answer.status)


def _read(answer: Answer) -> Fields:
    try:
        return read_object(answer.body)
    except Malformed as e:
        raise Unreachable(
            "La réponse ne vient pas d'un serveur Parapheur : vérifiez l'adresse."
        ) from e


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bad_address(remedy: str = "") -> LinkError:
    form = "L'adresse du serveur doit être de la forme https://parapheur.exemple.fr, sans chemin."
    return LinkError(
        f"{form}{remedy}",
        code="server_address_refused",
    )


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
