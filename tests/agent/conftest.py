"""A scripted server, a token and a paired state directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders.agent_documents import PreparedItem
from tests.builders.agent_process import AgentProcess, Finished, run_agent, started_agent
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
    def options(self) -> list[str]:
        return ["--state-dir", str(self.state), "--module", str(self.kit.token.module)]

    @property
    def journal(self) -> Path:
        return self.state / "signed.jsonl"

    def job(self, items: list[PreparedItem], **overrides: object) -> QueuedJob:
        return self.server.prepare_job(items, certificate=self.certificate, **overrides)

    def sign_once(self, pin: str = PIN) -> tuple[Finished, bytes]:
        """One job by `run --once`; what it printed, and what nobody read of the PIN."""
        with self.start("--once", pin=pin) as agent:
            return agent.finished(), agent.pin_left()

    def start(self, *more: str, pin: str = PIN) -> AbstractContextManager[AgentProcess]:
        return started_agent(*self.options, *more, pin=pin, environment=self.kit.token.environment)


@pytest.fixture
def server() -> Iterator[AgentServer]:
    with agent_server() as scripted:
        yield scripted


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> TokenAndSigner:
    """One token for the tests that leave it as it is."""
    return create_token(tmp_path_factory.mktemp("token") / "t")


@pytest.fixture
def own_kit(tmp_path: Path) -> TokenAndSigner:
    """A token that a test may spoil."""
    return create_token(tmp_path / "own-token")


@pytest.fixture
def station(server: AgentServer, kit: TokenAndSigner, tmp_path: Path) -> Station:
    return paired(server, kit, tmp_path / "state")


@pytest.fixture
def own_station(server: AgentServer, own_kit: TokenAndSigner, tmp_path: Path) -> Station:
    return paired(server, own_kit, tmp_path / "state")


def paired(server: AgentServer, kit: TokenAndSigner, state: Path) -> Station:
    """Pairs through the real command."""
    options = ["--server", server.origin, "--loopback-http", "--key-store", "file"]
    done = run_agent("pair", *options, "--state-dir", str(state), environment={})
    assert done.status == 0, done.output
    return Station(server, kit, state)
