"""`parapheur api`: the HTTP service alone, as `serve` and `demo` start it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Self

import typer
from fastapi import FastAPI
from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess

from app.main import make_app
from app.settings import load_settings

cli = typer.Typer(add_completion=False)
# An agent's long poll would otherwise hold the end of the process for half a minute.
_GRACE_S = 5
# A process that does not answer for so long is replaced. Starting takes seconds of processor time,
# and all start at once: uvicorn's five seconds would kill them again and again where cores lack.
_SILENCE_S = 60


class SharedPort(socket.socket):
    """The service's port, which each of its processes opens for itself: the kernel then spreads
    connections over them (SO_REUSEPORT of Linux). Of one socket held in common, the same process
    takes nearly all."""

    @classmethod
    def opened(cls, host: str, port: int) -> Self:
        """Bound, not yet listening. Raises OSError when another account or service has the port."""
        one = cls(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind((host, port))
        return one

    def __reduce__(self) -> tuple[Callable[[str, int], SharedPort], tuple[str, int]]:
        """A process that is started with it opens its own."""
        host, port, *_ = self.getsockname()
        return SharedPort.opened, (host, port)


def application() -> FastAPI:
    """The application of one uvicorn process."""
    return make_app(load_settings())


@cli.command(hidden=True)
def api(
    workers: Annotated[int, typer.Option(min=1, help="Nombre de processus.")] = 1,
) -> None:
    """Le service HTTP seul, sur PARAPHEUR_SERVER_HOST et PARAPHEUR_SERVER_PORT."""
    settings = load_settings()
    host, port = settings.server.host, settings.server.port
    config = Config(
        "app.cli.api:application",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        # Addresses come from the peer; headers of a proxy are not believed (threat 24).
        proxy_headers=False,
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_worker_healthcheck=_SILENCE_S,
    )
    if workers > 1:
        Multiprocess(config, [SharedPort.opened(host, port)]).run()
        return
    _run_alone(config)


def _run_alone(config: Config) -> None:
    server = Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise typer.Exit(1)
