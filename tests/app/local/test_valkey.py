"""The embedded Valkey, really started and spoken to by the client of the queue."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from app.local.runtime import Premises, Runtime, make_private_folder
from app.local.supervisor import Supervisor
from app.local.valkey import (
    ValkeyServer,
    choose_program,
    program_on_path,
    start_valkey,
    wheel_program,
)


@pytest.fixture
def premises(server_runtime: Runtime) -> Iterator[Premises]:
    base = make_private_folder(server_runtime)
    yield Premises(base / "data", base / "logs", server_runtime)
    shutil.rmtree(base)


class TestStart:
    def test_answers_on_its_socket(self, valkey_server: ValkeyServer) -> None:
        with Redis.from_url(valkey_server.url) as client:
            assert client.ping() is True

    def test_opens_no_port(self, valkey_server: ValkeyServer) -> None:
        with Redis.from_url(valkey_server.url) as client:
            assert client.config_get("port") == {"port": "0"}

    def test_keeps_what_it_took_when_it_is_killed(self, premises: Premises) -> None:
        with Supervisor() as supervisor:
            server = start_valkey(supervisor, premises)
            with Redis.from_url(server.url) as client:
                client.config_set("appendfsync", "always")
                client.set("kept", "yes")
            os.kill(supervisor.child("valkey").pid, signal.SIGKILL)
            assert supervisor.wait(timeout_s=20) == "valkey"
        with Supervisor() as supervisor:
            server = start_valkey(supervisor, premises)
            with Redis.from_url(server.url) as client:
                assert client.get("kept") == b"yes"


class TestProgram:
    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("valkey-server", "Valkey server v=8.0.1 sha=0"),
            ("redis-server", "Redis server v=6.2.14 sha=0"),
        ],
    )
    def test_a_recent_program_on_path_comes_first(
        self, server_runtime: Runtime, monkeypatch: pytest.MonkeyPatch, name: str, told: str
    ) -> None:
        binaries = pretend(server_runtime, name, told)
        monkeypatch.setenv("PATH", str(binaries))
        assert choose_program(server_runtime, search_path=True) == binaries / name
        shutil.rmtree(binaries)

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("valkey-server", "Valkey server v=7.2.5 sha=0"),
            ("redis-server", "Redis server v=6.0.16 sha=0"),
            ("redis-server", "something else"),
        ],
    )
    def test_a_program_out_of_range_is_left_alone(
        self, server_runtime: Runtime, monkeypatch: pytest.MonkeyPatch, name: str, told: str
    ) -> None:
        binaries = pretend(server_runtime, name, told)
        monkeypatch.setenv("PATH", str(binaries))
        assert program_on_path(server_runtime) is None
        shutil.rmtree(binaries)

    def test_path_is_not_looked_at_unless_asked(
        self, server_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        binaries = pretend(server_runtime, "valkey-server", "Valkey server v=8.0.1 sha=0")
        monkeypatch.setenv("PATH", str(binaries))
        chosen = choose_program(server_runtime, search_path=False)
        assert chosen == wheel_program(server_runtime)
        shutil.rmtree(binaries)


def pretend(runtime: Runtime, name: str, told: str) -> Path:
    binaries = make_private_folder(runtime)
    program = binaries / name
    program.write_text(f"#!/bin/sh\necho '{told}'\n")
    program.chmod(0o755)
    return binaries
