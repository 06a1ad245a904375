"""A scripted server, a token and a paired state directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.device_key import FileStore
from agent.state import Pairing, StateDirectory
from tests.builders.agent_documents import PreparedItem
from tests.builders.agent_process import AgentProcess, Finished, started_agent
from tests.builders.agent_server import AgentServer, QueuedJob, agent_server
from tests.builders.tokens import PIN, TokenAndSigner, create_token


@dataclass(frozen=True, slots=True)
class Station:
    """A paired computer with its token, and the server it is paired with."""

    server: AgentServer
    kit: TokenAndSigner
    state: Path

    @property
    def certificate(self) -> bytes:
        return self.kit.signer.der

    @property
    def journal(self) -> Path:
        return self.state / "signed.jsonl"

    def job(self, items: list[PreparedItem], **overrides: object) -> QueuedJob:
        return self.server.prepare_job(items, certificate=self.certificate, **overrides)

    def sign_once(self, pin: str = PIN) -> tuple[Finished, int]:
        """One job by `run --once`; what it printed, and how much of the PIN nobody read."""
        with self.start("--once", pin=pin) as agent:
            return agent.finished(), agent.pin_unread()

    def start(self, *more: str, pin: str = PIN) -> AbstractContextManager[AgentProcess]:
        options = ["--state-dir", str(self.state), "--module", str(self.kit.token.module)]
        return started_agent(*options, *more, pin=pin, environment=self.kit.token.environment)


@pytest.fixture
def server() -> Iterator[AgentServer]:
    with agent_server() as scripted:
        yield scripted


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> TokenAndSigner:
    """One token for the tests that leave it as it is."""
    return create_token(tmp_path_factory.mktemp("token") / "t")


@pytest.fixture
def station(server: AgentServer, kit: TokenAndSigner, tmp_path: Path) -> Station:
    return paired(server, kit, tmp_path / "state")


@pytest.fixture
def own_station(server: AgentServer, tmp_path: Path) -> Station:
    """With a token that a test may spoil."""
    return paired(server, create_token(tmp_path / "token"), tmp_path / "state")


def paired(server: AgentServer, kit: TokenAndSigner, directory: Path) -> Station:
    """A station whose pairing is already done."""
    pair_directly(server, directory)
    return Station(server, kit, directory)


def pair_directly(server: AgentServer, directory: Path) -> None:
    """The outcome of a pairing; the pairing itself has its own tests."""
    key = Ed25519PrivateKey.generate()
    state = StateDirectory(directory)
    FileStore(state).save(key.private_bytes_raw())
    state.save_pairing(
        Pairing(
            origin=server.origin,
            device_id=UUID(server.device_id),
            server_job_key=server.server_job_key,
            tenant_name="Commune de Sainte-Fiction",
            user_name="Camille Duval",
            device_key_place="file",
            authorities_pem=None,
        )
    )
    server.confirm(key.public_key())
