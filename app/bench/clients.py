"""Callers of the API: one kept connection each, as little of their own as can be."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from app.auth.http import COOKIE
from app.errors import Unavailable
from app.settings import ServerSettings

PASSWORD = "une phrase de passe de mesure"  # noqa: S105  of a town that lasts one run
_PATIENCE_S = 60.0
_IDLE_S = 2.0
Item = TypeVar("Item")


class Client:
    """One person's connection to the API."""

    def __init__(self, server: ServerSettings) -> None:
        self._origin = server.origin
        self._connection = http.client.HTTPConnection(server.host, server.port, timeout=_PATIENCE_S)
        self._cookie = ""
        self._used_at = 0.0

    def log_in(self, login: str) -> None:
        """Opens a session with the password of the measures."""
        self.ask("POST", "/session", {"login": login, "password": PASSWORD})

    def ask(self, method: str, path: str, body: object = None, *, kind: str = "") -> Any:
        """The JSON of the answer, None without a body; bytes are sent as they are, as `kind`.

        Raises Unavailable with the service's own words when it refuses."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "Cookie": self._cookie,
            "Content-Type": kind or "application/json",
            "Origin": self._origin,
        }
        sent = None if body is None else content
        if time.monotonic() - self._used_at > _IDLE_S:
            # The server ends idle connections; this one is opened again by the request.
            self._connection.close()
        self._connection.request(method, f"/api/v1{path}", sent, headers)
        answer = self._connection.getresponse()
        read = answer.read()
        self._used_at = time.monotonic()
        if answer.status >= http.client.BAD_REQUEST:
            raise Unavailable(
                f"Le service a refusé une demande de la mesure ({answer.status}) : "
                f"{read.decode(errors='replace')}",
                code="bench_refused",
            )
        given = answer.headers.get("Set-Cookie", "")
        if given.startswith(f"{COOKIE}="):
            self._cookie = given.partition(";")[0]
        return json.loads(read) if read else None

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def share_out(actions: Sequence[Callable[[Item], object]], items: Sequence[Item]) -> float:
    """Seconds until every item is done, each action in a thread of its own, taking the next one
    as soon as it is free: none is idle while others still have a share to finish."""
    waiting = SimpleQueue[Item]()
    for one in items:
        waiting.put(one)
    with ThreadPoolExecutor(max_workers=len(actions)) as threads:
        start = time.perf_counter()
        running = [threads.submit(_work_through, action, waiting) for action in actions]
        for each in running:
            each.result()
        return time.perf_counter() - start


def _work_through(action: Callable[[Item], object], waiting: SimpleQueue[Item]) -> None:
    with suppress(Empty):
        while True:
            action(waiting.get_nowait())
