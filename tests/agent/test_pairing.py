"""Pairing pins one server; the device key stays on this computer."""

from __future__ import annotations

from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring

from agent.device_key import FileStore, SystemStore, load_key, usable
from agent.errors import StateError
from agent.state import StateDirectory
from tests.builders.agent_process import Finished, run_agent
from tests.builders.agent_server import AgentServer


class MemoryKeyring(KeyringBackend):
    """A system key store that lasts as long as the test."""

    priority = 5

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def pair(server: AgentServer, state: Path, *more: str) -> Finished:
    options = ["--server", server.origin, "--state-dir", str(state), "--key-store", "file"]
    return run_agent("pair", *options, *more, environment={})


class TestPairCommand:
    def test_shows_the_code_and_pins_the_server(self, server: AgentServer, tmp_path: Path) -> None:
        done = pair(server, tmp_path / "s", "--loopback-http")
        assert done.status == 0, done.output
        assert "ABCD-EFGH" in done.output
        pairing = StateDirectory(tmp_path / "s").pairing()
        assert (pairing.origin, str(pairing.device_id)) == (server.origin, server.device_id)
        assert pairing.server_job_key == server.server_job_key

    def test_an_expired_code_pairs_nothing(self, server: AgentServer, tmp_path: Path) -> None:
        server.pairing_state = "expired"
        done = pair(server, tmp_path / "s", "--loopback-http")
        assert (done.status, "[pairing_expired]" in done.output) == (3, True)
        assert sorted(p.name for p in (tmp_path / "s").iterdir()) == ["accepted"]

    def test_plain_http_is_refused_without_the_flag(
        self, server: AgentServer, tmp_path: Path
    ) -> None:
        done = pair(server, tmp_path / "s")
        assert (done.status, "[server_address_refused]" in done.output) == (6, True)
        assert server.requests == []

    def test_a_second_pairing_is_refused(self, server: AgentServer, tmp_path: Path) -> None:
        StateDirectory(tmp_path / "s").write_private("pairing.json", b"{}")
        done = pair(server, tmp_path / "s", "--loopback-http")
        assert (done.status, "[already_paired]" in done.output) == (3, True)

    def test_running_unpaired_says_what_to_do(self, tmp_path: Path) -> None:
        done = run_agent("run", "--state-dir", str(tmp_path / "s"), environment={})
        assert (done.status, "[not_paired]" in done.output) == (3, True)


class TestDeviceKey:
    def test_is_kept_in_the_system_store(self) -> None:
        store = SystemStore(MemoryKeyring(), "https://parapheur.invalid /s")
        store.save(b"s" * 32)
        assert load_key(store).private_bytes_raw() == b"s" * 32

    def test_is_kept_in_a_private_file(self, tmp_path: Path) -> None:
        store = FileStore(StateDirectory(tmp_path / "s"))
        store.save(b"s" * 32)
        assert load_key(store).private_bytes_raw() == b"s" * 32

    @pytest.mark.parametrize("content", [b"", b"AAAA", b"\xff"])
    def test_a_missing_or_damaged_key_is_said_so(self, tmp_path: Path, content: bytes) -> None:
        state = StateDirectory(tmp_path / "s")
        state.write_private("device.key", content)
        with pytest.raises(StateError) as refused:
            load_key(FileStore(state))
        assert refused.value.code == "device_key_missing"

    def test_only_a_real_system_store_is_usable(self) -> None:
        judged = [usable(k) for k in (MemoryKeyring(), _fail(), _null())]
        assert judged == [True, False, False]


def _null() -> KeyringBackend:
    return NullKeyring()  # type: ignore[no-untyped-call]


def _fail() -> KeyringBackend:
    return FailKeyring()  # type: ignore[no-untyped-call]
