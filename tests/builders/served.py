"""The service as an administrator starts it: `serve`, a process of its own, until the test ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.local.runtime import discard, find_runtime
from tests.builders.command_line import ROOT, clean_environment
from tests.builders.processes import await_fact


@contextmanager
def a_place(directory: Path) -> Iterator[dict[str, str]]:
    """The environment of an installation under `directory`, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield {
        "PARAPHEUR_DATA_DIR": str(directory / "data"),
        "PARAPHEUR_SERVER_PORT": str(port),
        "PARAPHEUR_SERVER_ORIGIN": f"http://127.0.0.1:{port}",
    }
    # As root the servers' data stand apart, where their account can reach them.
    for name in ("postgres", "valkey"):
        discard(directory / "data" / name, find_runtime())


@contextmanager
def serving(
    environment: dict[str, str], said: Path, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The service once it says that it is ready; ended as a service manager does."""
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", *options],
            cwd=ROOT,
            env={**clean_environment(), **environment, "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=output,
        )
    try:
        ready = await_fact(
            lambda: process.poll() is not None or "Service prêt" in said.read_text("utf-8"),
            timeout_s=180,
        )
        assert ready, said.read_text("utf-8")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
