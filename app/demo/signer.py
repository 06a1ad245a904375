"""The mayor's certificate and key, and the agent that drives them on his PC."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from app.demo import pki
from app.demo.person import Person
from app.demo.token import SoftToken, TokenOrder, make_token
from app.errors import Unavailable
from app.local.runtime import CHECKOUT
from app.local.supervisor import Program, Supervisor
from app.tenants.schemas import TrustKind

AGENT, PAIRING = "agent", "agent-pair"
ORGANISATION = "Commune fictive de Saint-Exemple"
_CODE = re.compile(r"Code d'appairage : (\S+)")
_PAUSE_S = 0.2
_WAIT_S = 180.0
# The shell keeps the named pipe open for reading and writing: the agent reads its PIN from
# descriptor 3, which no file, argument or variable ever holds.
_WITH_PIPE = 'pipe=$1; shift; exec 3<>"$pipe"; exec "$@"'


Trust: TypeAlias = tuple[tuple[TrustKind, bytes], ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A fictional authority and the certificate that it gave the mayor."""

    root: pki.Issued
    issuer: pki.Issued
    mayor: pki.Issued
    root_crl: bytes
    issuer_crl: bytes

    @property
    def trust(self) -> Trust:
        """What the local authority trusts: nothing is fetched, the lists are handed in."""
        return (
            (TrustKind.ANCHOR, self.root.der),
            (TrustKind.INTERMEDIATE, self.issuer.der),
            (TrustKind.CRL, self.root_crl),
            (TrustKind.CRL, self.issuer_crl),
        )


@dataclass(frozen=True, slots=True)
class Key:
    """Where the mayor's key is: a token, or the file that stands in for one."""

    chain: Chain
    pin: str
    token: SoftToken | None
    file: Path | None

    @property
    def certificate_sha256(self) -> str:
        return hashlib.sha256(self.chain.mayor.der).hexdigest()

    @property
    def environment(self) -> Mapping[str, str]:
        return self.token.environment if self.token else {}

    @property
    def arguments(self) -> tuple[str, ...]:
        """How the agent is told which key to use."""
        if self.token is not None:
            return ("--module", str(self.token.module), "--token-label", self.token.label)
        return ("--software-key", str(self.file))


def make_chain(siren: str) -> Chain:
    """A root, an issuing authority, the mayor's certificate and both revocation lists."""
    validity = pki.valid_for(365)
    root = pki.make_authority("Racine fictive", validity=validity)
    issuer = pki.make_authority("AC fictive de signature", issuer=root, validity=validity)
    mayor = pki.make_signer(
        "Camille Exemple",
        issuer=issuer,
        validity=validity,
        organisation=ORGANISATION,
        siren=siren,
    )
    return Chain(root, issuer, mayor, pki.make_crl(root), pki.make_crl(issuer))


def make_key(directory: Path, chain: Chain, module: Path | None) -> Key:
    """A SoftHSM token through `module`, or without it an encrypted key file."""
    directory.mkdir(mode=0o700, parents=True)
    pin = "".join(secrets.choice("0123456789") for _ in range(6))
    if module is None:
        return Key(chain, pin, None, _key_file(directory / "cle-logicielle.pem", chain, pin))
    order = TokenOrder(
        module=module,
        label="Jeton de demonstration",
        pin=pin,
        so_pin=secrets.token_hex(4),
        issued=chain.mayor,
        authorities=(chain.issuer,),
    )
    return Key(chain, pin, make_token(directory, order), None)


def _key_file(file: Path, chain: Chain, pin: str) -> Path:
    encrypted = chain.mayor.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(pin.encode())
    )
    file.touch(mode=0o600)
    file.write_bytes(encrypted + chain.mayor.pem + chain.issuer.pem)
    return file


class SigningPost:
    """The mayor's PC: its agent runs as a child, its PIN is typed when a batch is asked for."""

    def __init__(self, directory: Path, key: Key, origin: str, logs: Path) -> None:
        self.key = key
        self.state_directory = directory / "agent"
        self._pipe = directory / "pin"
        self._origin = origin
        self._logs = logs
        os.mkfifo(self._pipe, 0o600)

    def open(self, supervisor: Supervisor, mayor: Person) -> None:
        """Pairs the agent, then runs it until its certificate is known to the server."""
        self._pair(supervisor, mayor)
        self._start(supervisor, mayor)

    def _pair(self, supervisor: Supervisor, mayor: Person) -> None:
        """The agent shows a code, the mayor types it in his session."""
        log = self._logs / f"{PAIRING}.log"
        child = supervisor.start(
            Program(
                name=PAIRING,
                argv=(
                    *self._agent("pair"),
                    *("--server", self._origin, "--loopback-http", "--key-store", "file"),
                ),
                log=log,
                environment=self._environment(),
            )
        )
        _await(lambda: child.exit_status is not None or _CODE.search(_text(log)) is not None)
        found = _CODE.search(_text(log))
        if found is None:
            raise Unavailable(f"L'agent n'a pas pu s'appairer : lisez {log}.", code="not_paired")
        mayor.get(f"/device-pairings/{found[1]}")
        mayor.post(f"/device-pairings/{found[1]}/confirm")
        _await(lambda: child.exit_status is not None)
        if child.exit_status != 0:
            raise Unavailable(f"L'agent n'a pas pu s'appairer : lisez {log}.", code="not_paired")

    def _start(self, supervisor: Supervisor, mayor: Person) -> None:
        log = self._logs / f"{AGENT}.log"
        run = (*self._agent("run"), *self.key.arguments, "--yes", "--pin-fd", "3")
        child = supervisor.start(
            Program(
                name=AGENT,
                argv=("/bin/sh", "-c", _WITH_PIPE, "sh", str(self._pipe), *run),
                log=log,
                environment=self._environment(),
            )
        )
        _await(lambda: child.exit_status is not None or self._is_known(mayor))
        if child.exit_status is not None:
            raise Unavailable(f"L'agent s'est arrêté : lisez {log}.", code="agent_ended")

    def type_pin(self) -> None:
        """What the mayor does once a batch is shown to him."""
        descriptor = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(descriptor, f"{self.key.pin}\n".encode())
        finally:
            os.close(descriptor)

    def command(self) -> str:
        """What a person types to run this agent himself."""
        own = {"PYTHONPATH": str(CHECKOUT), **self.key.environment}
        words = ["env", *(f"{name}={value}" for name, value in own.items())]
        words += [*self._agent("run"), *self.key.arguments]
        return shlex.join(words)

    def _agent(self, verb: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "agent", verb, "--state-dir", str(self.state_directory))

    def _environment(self) -> dict[str, str]:
        own = {"PYTHONPATH": str(CHECKOUT), "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}
        return {**os.environ, **own, **self.key.environment}

    def _is_known(self, mayor: Person) -> bool:
        known = mayor.get("/certificates")
        return any(one["sha256"] == self.key.certificate_sha256 and one["fit"] for one in known)


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""


def _await(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not fact():
        if time.monotonic() > deadline:
            raise Unavailable("L'agent de signature ne répond pas.", code="agent_silent")
        time.sleep(_PAUSE_S)
