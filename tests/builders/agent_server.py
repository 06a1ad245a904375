"""A scripted server side of docs/agent-protocol.md, over real HTTP on loopback.

It verifies every device signature; what it answers to jobs and documents is what the test queued.
"""

from __future__ import annotations

import base64
import hashlib
import json
import queue
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from tests.builders.agent_documents import PreparedItem, b64

JOB_PREFIX = b"parapheur-signing-job-v1\n"
MAX_POLL_S = 0.5
Reply = tuple[int, Any]


@dataclass(frozen=True, slots=True)
class Problem(Exception):
    """An RFC 9457 answer."""

    status: int
    code: str
    detail: str = "Refusé par le serveur d'essai."


@dataclass(slots=True)
class QueuedJob:
    """A job with what the agent did of it."""

    payload: dict[str, Any]
    documents: dict[int, bytes]
    accepted: int = 0
    renewals: int = 0
    downloads: list[int] = field(default_factory=list)
    values: dict[int, list[dict[str, str]]] = field(default_factory=dict)
    failures: dict[int, dict[str, str]] = field(default_factory=dict)
    puts: int = 0
    end: dict[str, Any] | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def id(self) -> str:
        return str(self.payload["job_id"])


class AgentServer:
    """State of the scripted server. `before_put(n)` runs before the values of item n are taken;
    it may raise Problem, or ConnectionAbortedError to cut the connection without an answer."""

    def __init__(self) -> None:
        self.job_key = Ed25519PrivateKey.generate()
        self.origin = ""
        self.device_id = str(uuid.uuid4())
        self.devices: dict[str, Ed25519PublicKey] = {}
        self.pairing_state = "confirmed"
        self.certificates: list[bytes] = []
        self.certificate_reports = 0
        self.jobs: dict[str, QueuedJob] = {}
        self.waiting: queue.Queue[bytes] = queue.Queue()
        self.requests: list[str] = []
        self.nonces: set[str] = set()
        self.before_put: Callable[[int], None] = lambda _n: None
        self.before_renew: Callable[[], None] = lambda: None
        self.polled = threading.Event()

    def calm(self) -> None:
        """Forgets what a test scripted."""
        self.before_put = lambda _n: None
        self.before_renew = lambda: None

    def confirm(self, device_key: Ed25519PublicKey) -> None:
        """Considers this device paired."""
        self.devices[self.device_id] = device_key

    @property
    def server_job_key(self) -> bytes:
        return self.job_key.public_key().public_bytes_raw()

    def prepare_job(
        self, items: list[PreparedItem], *, certificate: bytes, **overrides: Any
    ) -> QueuedJob:
        """A job with valid clocks, not yet sent; `overrides` replace members of its payload."""
        now = datetime.now(UTC)
        payload: dict[str, Any] = {
            "job_id": str(uuid.uuid4()),
            "session_id": str(uuid.uuid4()),
            "device_id": self.device_id,
            "server": self.origin,
            "tenant_name": "Commune de Sainte-Fiction",
            "user_name": "Camille Duval",
            "nonce": b64(uuid.uuid4().bytes),
            "issued_at": moment(now),
            "accept_before": moment(now + timedelta(minutes=10)),
            "certificate_sha256": hashlib.sha256(certificate).hexdigest(),
            "items": [
                {
                    "n": n,
                    "item_id": str(uuid.uuid4()),
                    "folder_title": f"Dossier {n}",
                    "document_name": f"document-{n}",
                    **json.loads(json.dumps(item.entry)),
                }
                for n, item in enumerate(items, start=1)
            ],
        } | overrides
        documents = {n: item.document for n, item in enumerate(items, start=1)}
        return QueuedJob(payload, documents)

    def send(
        self,
        job: QueuedJob,
        *,
        key: Ed25519PrivateKey | None = None,
        alter: Callable[[bytes], bytes] = lambda payload: payload,
    ) -> None:
        """Signs the job and puts it in the queue; `alter` changes the bytes after the signature."""
        payload = json.dumps(job.payload).encode()
        signature = (key or self.job_key).sign(JOB_PREFIX + payload)
        self.jobs[job.id] = job
        envelope = {"payload": b64(alter(payload)), "signature": b64(signature)}
        self.waiting.put(json.dumps(envelope).encode())

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> Reply:
        """Status and body (None, bytes or JSON) of one request. Raises Problem."""
        self.requests.append(f"{method} {path}")
        if (method, path) == ("POST", "/api/v1/agent/pairings"):
            return self._create_pairing(json.loads(body))
        self._authenticate(method, path, body, headers)
        steps = path.partition("?")[0].removeprefix("/api/v1/").split("/")
        match (method, steps):
            case ("GET", ["agent", "pairings", pairing_id]):
                return 200, self._pairing(pairing_id)
            case ("PUT", ["agent", "certificates"]):
                return 200, self._certificates(json.loads(body))
            case ("GET", ["agent", "jobs", "next"]):
                return self._next()
            case ("POST" | "GET", ["agent", "jobs", job_id, *rest]):
                return self._job(self.jobs[job_id], rest, json.loads(body or b"{}"))
            case ("PUT", ["signature-sessions", session_id, "items", n]):
                return 200, self._put(session_id, int(n), json.loads(body))
            case _:
                raise Problem(404, "not_found")

    def _create_pairing(self, body: dict[str, Any]) -> Reply:
        pairing_id = str(uuid.uuid4())
        key = base64.b64decode(body["public_key"], validate=True)
        self.devices[pairing_id] = Ed25519PublicKey.from_public_bytes(key)
        expires = moment(datetime.now(UTC) + timedelta(minutes=10))
        code = {"pairing_id": pairing_id, "code": "ABCD-EFGH", "expires_at": expires}
        return 201, {**code, "poll_interval_s": 0}

    def _pairing(self, pairing_id: str) -> dict[str, Any]:
        if self.pairing_state != "confirmed":
            return {"state": self.pairing_state, "device_id": None, "server_job_key": None}
        self.devices[self.device_id] = self.devices[pairing_id]
        return {
            "state": "confirmed",
            "device_id": self.device_id,
            "server_job_key": b64(self.server_job_key),
            "tenant_name": "Commune de Sainte-Fiction",
            "user_name": "Camille Duval",
        }

    def _authenticate(self, method: str, path: str, body: bytes, headers: Any) -> None:
        nonce, date = headers["Parapheur-Nonce"], headers["Parapheur-Date"]
        digest = hashlib.sha256(body).hexdigest()
        text = "\n".join(("parapheur-device-request-v1", method, path, digest, nonce, date))
        key = self.devices.get(headers["Parapheur-Device"])
        if key is None or nonce in self.nonces:
            raise Problem(401, "device_unknown")
        self.nonces.add(nonce)
        try:
            key.verify(base64.b64decode(headers["Parapheur-Signature"]), text.encode())
        except InvalidSignature as e:
            raise Problem(401, "device_signature") from e
        if abs(datetime.now(UTC) - datetime.fromisoformat(date)) > timedelta(minutes=5):
            raise Problem(401, "device_clock")

    def _certificates(self, body: dict[str, Any]) -> dict[str, Any]:
        self.certificates = [base64.b64decode(c["certificate"]) for c in body["certificates"]]
        self.certificate_reports += 1
        judged = [
            {"sha256": hashlib.sha256(c).hexdigest(), "subject": "x", "fit": True, "reasons": []}
            for c in self.certificates
        ]
        return {"certificates": judged}

    def _next(self) -> Reply:
        self.polled.set()
        try:
            return 200, self.waiting.get(timeout=MAX_POLL_S)
        except queue.Empty:
            return 204, None

    def _job(self, job: QueuedJob, rest: list[str], body: dict[str, Any]) -> Reply:
        lease = {"lease_until": moment(datetime.now(UTC) + timedelta(minutes=3))}
        match rest:
            case ["accept"]:
                job.accepted += 1
                if job.accepted > 1 or body["nonce"] != job.payload["nonce"]:
                    raise Problem(409, "job_already_accepted")
                return 200, lease
            case ["renew"]:
                self.before_renew()
                job.renewals += 1
                return 200, lease
            case ["items", n, "document"]:
                job.downloads.append(int(n))
                return 200, job.documents[int(n)]
            case ["end"]:
                job.end = body
                job.ended.set()
                return 204, None
            case _:
                raise Problem(404, "not_found")

    def _put(self, session_id: str, n: int, body: dict[str, Any]) -> dict[str, str]:
        job = self.jobs[body["job_id"]]
        if job.payload["session_id"] != session_id:
            raise Problem(404, "not_found")
        job.puts += 1
        if "failure" in body:
            job.failures[n] = body["failure"]
            return {"state": "failed"}
        self.before_put(n)
        job.values[n] = body["values"]
        return {"state": "signed"}


@contextmanager
def agent_server() -> Iterator[AgentServer]:
    """A server on a free port of 127.0.0.1 for the duration of a test."""
    scripted = AgentServer()
    http = _QuietServer(("127.0.0.1", 0), _handler(scripted))
    scripted.origin = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield scripted
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def moment(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed agent resets its connection: expected, not worth a traceback."""


def _handler(scripted: AgentServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _exchange(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                status, value = scripted.answer(self.command, self.path, body, self.headers)
            except Problem as problem:
                status = problem.status
                value = {"code": problem.code, "detail": problem.detail, "status": status}
            except ConnectionAbortedError:
                self.close_connection = True
                return
            content = b"" if value is None else value
            if not isinstance(content, bytes):
                content = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _exchange  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    return Handler
