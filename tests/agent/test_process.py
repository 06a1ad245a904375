"""What the running agent shows to the rest of the computer: no socket that listens, no PIN."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from tests.agent.conftest import Station
from tests.builders.agent_documents import prepared_pdf
from tests.builders.tokens import create_token

_LISTEN = "0A"
CANARY = "73915580264"


def test_threat_28_no_socket_listens_while_the_agent_runs(station: Station) -> None:
    with station.start() as agent:
        assert station.server.polled.wait(30)
        assert _sockets(agent.process.pid)
        assert _listening(agent.process.pid) == set()


def test_the_search_for_listening_sockets_finds_one(station: Station) -> None:
    assert _listening(os.getpid())


def test_threat_53_the_pin_is_neither_argument_nor_environment_nor_output(
    station: Station, tmp_path: Path
) -> None:
    kit = create_token(tmp_path / "canary", pin=CANARY)
    seen: list[bytes] = []
    paired = Station(station.server, kit, station.state)
    job = paired.job([prepared_pdf(kit.signer) for _ in range(2)])
    started = threading.Event()
    process_id: list[int] = []

    def look(_n: int) -> None:
        started.wait(30)
        proc = Path(f"/proc/{process_id[0]}")
        seen.extend([(proc / "cmdline").read_bytes(), (proc / "environ").read_bytes()])

    station.server.before_put = look
    station.server.send(job)
    with paired.start("--once", pin=CANARY) as agent:
        process_id.append(agent.process.pid)
        started.set()
        done = agent.finished()
    assert done.status == 0, done.output
    written = [f.read_bytes() for f in station.state.rglob("*") if f.is_file()]
    assert len(seen) == 4
    assert not [c for c in [*seen, *written, done.output.encode()] if CANARY.encode() in c]


def test_threat_53_the_pin_never_reaches_the_server(station: Station) -> None:
    bodies: list[bytes] = []
    answer = station.server.answer

    def listen(method: str, path: str, body: bytes, headers: object) -> object:
        bodies.append(body)
        return answer(method, path, body, headers)

    station.server.answer = listen  # type: ignore[method-assign, assignment]
    station.server.send(station.job([prepared_pdf(station.kit.signer)]))
    done, _ = station.sign_once()
    assert done.status == 0
    assert not [b for b in bodies if b"428517" in b]


def _sockets(pid: int) -> set[str]:
    """Inodes of the sockets that the process holds."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found.add(target.removeprefix("socket:[").removesuffix("]"))
    return found


def _listening(pid: int) -> set[str]:
    """Inodes of its TCP sockets in state LISTEN, IPv4 and IPv6."""
    listening = set()
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        rows = [line.split() for line in lines]
        listening |= {row[9] for row in rows if row[3] == _LISTEN}
    return listening & _sockets(pid)
