"""A mail catcher: keeps each message as a file, delivers nothing.

`python -m app.demo.mailbox DIRECTORY` prints its port on one line and stops on SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"


class Keeper:
    """Writes what comes in, numbered in the order of arrival."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._count = 0
        directory.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self._count += 1
        content = envelope.content
        assert isinstance(content, bytes)
        name = f"{self._count:03d}.eml"
        # Renamed once whole: a reader never sees half a message.
        beside = self._directory / f".{name}"
        beside.write_bytes(content)
        beside.rename(self._directory / name)
        return "250 kept"


async def catch(directory: Path) -> None:
    """Listens on a free port of the loopback until SIGTERM."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    keeper = Keeper(directory)
    server = await loop.create_server(lambda: SMTP(keeper, hostname="localhost"), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(catch(Path(sys.argv[1])))
