"""Somebody who uses the public REST API: a session, requests, refusals read."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

_TIMEOUT_S = 60.0
_BLOCK = 256 * 1024


class Refusal(Exception):
    """The service said no: its stable code and its French sentence."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{detail} [{code}]")
        self.status = status
        self.code = code
        self.detail = detail


class Person:
    """A client of the API at `origin`. Raises Refusal for every answer that is not a success."""

    def __init__(self, origin: str) -> None:
        self._client = httpx2.Client(
            base_url=f"{origin}/api/v1", timeout=_TIMEOUT_S, trust_env=False
        )

    def __enter__(self) -> Person:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def sign_in(self, login: str, password: str) -> None:
        """Opens a session; the cookie stays in the client."""
        self.post("/session", {"login": login, "password": password})

    def get(self, path: str, **query: str) -> Any:
        """The JSON of an answer."""
        return self._read(self._client.get(path, params=query)).json()

    def post(self, path: str, body: Mapping[str, Any] | None = None, **query: str) -> Any:
        """One act, under a key of its own; the JSON of the answer, None when it is empty."""
        answer = self._client.post(path, json=body, params=query, headers=_key())
        return self._read(answer).json() if answer.content else self._read(answer)

    def upload(self, path: str, file: Path, media_type: str, **query: str) -> Any:
        """A raw body, streamed from a file."""
        headers = {
            **_key(),
            "Content-Type": media_type,
            "Content-Length": str(file.stat().st_size),
        }
        answer = self._client.post(path, content=_blocks(file), params=query, headers=headers)
        return self._read(answer).json()

    def download(self, path: str, target: Path) -> None:
        """The bytes of an answer, written to a file."""
        with self._streamed(path) as answer, target.open("wb") as written:
            for block in answer.iter_bytes(_BLOCK):
                written.write(block)

    @contextmanager
    def _streamed(self, path: str) -> Iterator[httpx2.Response]:
        with self._client.stream("GET", path) as answer:
            if not answer.is_success:
                answer.read()
                self._read(answer)
            yield answer

    def _read(self, answer: httpx2.Response) -> httpx2.Response:
        if answer.is_success:
            return answer
        try:
            problem = answer.json()
            code, detail = str(problem["code"]), str(problem["detail"])
        except (ValueError, KeyError, TypeError):
            code, detail = f"http_{answer.status_code}", "Réponse sans explication du service."
        raise Refusal(answer.status_code, code, detail)


def _key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while block := source.read(_BLOCK):
            yield block
