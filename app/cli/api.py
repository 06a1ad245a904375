"""`parapheur api`: the HTTP service alone, as `serve` and `demo` start it."""

from __future__ import annotations

from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from app.main import make_app
from app.settings import load_settings

cli = typer.Typer(add_completion=False)
# An agent's long poll would otherwise hold the end of the process for half a minute.
_GRACE_S = 5


def application() -> FastAPI:
    """The application of one uvicorn process."""
    return make_app(load_settings())


@cli.command(hidden=True)
def api(
    workers: Annotated[int, typer.Option(min=1, help="Nombre de processus.")] = 1,
) -> None:
    """Le service HTTP seul, sur PARAPHEUR_SERVER_HOST et PARAPHEUR_SERVER_PORT."""
    settings = load_settings()
    uvicorn.run(
        "app.cli.api:application",
        factory=True,
        host=settings.server.host,
        port=settings.server.port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        # Addresses come from the peer; headers of a proxy are not believed (threat 24).
        proxy_headers=False,
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
