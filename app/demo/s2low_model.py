"""What the S²LOW double remembers: accounts, transactions, attempts, scripts."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Mode(StrEnum):
    """How one request ends. Those named `accepted_…` keep the submission."""

    OK = "ok"
    KO = "ko"
    DUPLICATE = "duplicate"
    HTTP_500 = "http_500"
    ACCEPTED_HTTP_500 = "accepted_http_500"
    HANG = "hang"
    ACCEPTED_HANG = "accepted_hang"
    LOST_REQUEST = "lost_request"
    LOST_ANSWER = "lost_answer"
    MALFORMED = "malformed"
    ACCEPTED_MALFORMED = "accepted_malformed"
    ACCEPTED_TRUNCATED = "accepted_truncated"
    LOGIN_PAGE = "login_page"
    REDIRECT = "redirect"


ACCEPTING = frozenset(
    {
        *(Mode.OK, Mode.ACCEPTED_HTTP_500, Mode.ACCEPTED_HANG, Mode.LOST_ANSWER),
        *(Mode.ACCEPTED_MALFORMED, Mode.ACCEPTED_TRUNCATED),
    }
)
"""Modes in which a valid submission is taken. `lost_answer` takes it, then closes the line."""


class Channel(StrEnum):
    """Which requests a script applies to."""

    SUBMIT = "submit"
    READ = "read"
    PROBE = "probe"


class Verdict(StrEnum):
    """What the State finally says of a transaction."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    TECHNICAL = "technical"
    ERROR = "error"
    SILENT = "silent"


class Kind(StrEnum):
    """The two modules."""

    ACT = "act"
    PES = "pes"


@dataclass(frozen=True, slots=True)
class DoubleAccount:
    """An account, found by the SHA-256 of its client certificate, then by login when shared."""

    certificate_sha256: str
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    archivist: bool = True
    rgs: bool = True
    authority: str = "Ville fictive de Démonstration"
    siren: str = "000000000"
    department: str = "999"


@dataclass(slots=True)
class Transaction:
    """One thing taken. `number` and `decided_on` are an act's, and `signature`, the text of the
    detached one that came beside it; `nomfic` and `codcol` a flow's."""

    id: int
    kind: Kind
    siren: str
    sha1: str
    sha256: str
    size_bytes: int
    file: str
    file_name: str
    status: int = 1
    message: str = "Posté par la collectivité"
    number: str = ""
    subject: str = ""
    decided_on: str = ""
    nature_code: int = 0
    classification: list[int] = field(default_factory=list)
    type_code: str = ""
    annexes: list[str] = field(default_factory=list)
    signature: str = ""
    reference: str = ""
    nomfic: str = ""
    codcol: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One complete submission request, taken or not. `key` is the act number, or NomFic."""

    kind: Kind
    key: str
    sha256: str
    mode: Mode
    accepted: bool


class Store:
    """All of it behind one lock, optionally kept in a JSON file over restarts.

    `directory` receives the uploaded files."""

    def __init__(self, directory: Path, file: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.directory = directory
        self.transactions: dict[int, Transaction] = {}
        self.attempts: list[Attempt] = []
        self.verdicts: dict[str, Verdict] = {}
        self.default_verdict = Verdict.ACCEPTED
        self._file = file
        self._queues: dict[Channel, deque[Mode]] = {channel: deque() for channel in Channel}
        self._defaults = dict.fromkeys(Channel, Mode.OK)
        directory.mkdir(parents=True, exist_ok=True)
        if file is not None and file.exists():
            self._load(json.loads(file.read_text("utf-8")))

    def script(self, channel: Channel, modes: Iterable[Mode]) -> None:
        """The next requests of the channel end so, one each."""
        with self.lock:
            self._queues[channel].extend(modes)

    def set_default(self, channel: Channel, mode: Mode) -> None:
        with self.lock:
            self._defaults[channel] = mode

    def next_mode(self, channel: Channel) -> Mode:
        with self.lock:
            queue = self._queues[channel]
            return queue.popleft() if queue else self._defaults[channel]

    def verdict_for(self, key: str) -> Verdict:
        return self.verdicts.get(key, self.default_verdict)

    def next_id(self) -> int:
        # High enough that a test which confuses an id with a status or a count is seen.
        return max(self.transactions, default=1000) + 1

    def save(self) -> None:
        """Written beside, then renamed: a killed process leaves the former state whole."""
        if self._file is None:
            return
        with self.lock:
            content = json.dumps(self.as_json(), ensure_ascii=False, indent=1)
            beside = self._file.with_suffix(".new")
            beside.write_text(content, "utf-8")
            beside.replace(self._file)

    def as_json(self) -> dict[str, Any]:
        with self.lock:
            return {
                "transactions": [asdict(one) for one in self.transactions.values()],
                "attempts": [asdict(one) for one in self.attempts],
                "verdicts": dict(self.verdicts),
                "default_verdict": self.default_verdict,
            }

    def _load(self, content: dict[str, Any]) -> None:
        for row in content["transactions"]:
            row["kind"] = Kind(row["kind"])
            self.transactions[row["id"]] = Transaction(**row)
        for row in content["attempts"]:
            row["kind"], row["mode"] = Kind(row["kind"]), Mode(row["mode"])
            self.attempts.append(Attempt(**row))
        self.verdicts = {key: Verdict(value) for key, value in content["verdicts"].items()}
        self.default_verdict = Verdict(content["default_verdict"])
