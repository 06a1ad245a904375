"""`parapheur serve`: the whole service on one machine."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from app.cli.terminal import progress_console, refuse
from app.db.session import UnsafeRole
from app.errors import Unavailable
from app.kit.secrets import BadSecret
from app.local.supervisor import Supervisor, signals_as_interrupt
from app.process import open_context
from app.serving import (
    API,
    Installation,
    announced,
    answers,
    api_program,
    environment_of,
    equip,
    installation_of,
    refuse_second,
    refuse_taken_port,
    worker_program,
)
from app.settings import Settings, load_settings

cli = typer.Typer(add_completion=False)
_START_S = 120


@cli.command()
def serve(
    workers: Annotated[int, typer.Option(min=1, help="Processus du service HTTP.")] = 1,
) -> None:
    """Lance le service : serveurs, API et exécuteur de tâches, jusqu'à Ctrl-C.

    PostgreSQL et Valkey sont ceux des réglages PARAPHEUR_DATABASE_URL et PARAPHEUR_REDIS_URL ;
    sans eux, ceux trouvés sur la machine (PostgreSQL 15 ou plus, Valkey 8 ou Redis 6.2), sinon
    ceux livrés avec le logiciel, dont les données vont dans PARAPHEUR_DATA_DIR. La base livrée
    est mise à jour au démarrage ; une autre l'est par « migrate ».
    """
    settings = load_settings()
    place = installation_of(settings)
    refuse_second(settings, place)
    refuse_taken_port(settings.server.host, settings.server.port)
    try:
        with signals_as_interrupt(), Supervisor() as supervisor:
            _serve(supervisor, settings, place, workers)
    except KeyboardInterrupt:
        typer.echo("Service arrêté.")
    except (UnsafeRole, BadSecret) as e:
        refuse(str(e), code="unsafe_configuration")


def _serve(supervisor: Supervisor, settings: Settings, place: Installation, workers: int) -> None:
    console = progress_console()
    with console.status("Démarrage des serveurs…"):
        complete = equip(supervisor, settings, place)
        # The same refusals as in the children, but said here and before they are started.
        asyncio.run(_try(complete))
        environment = environment_of(complete)
        supervisor.start(api_program(environment, place.logs, workers=workers))
        supervisor.start(worker_program(environment, place.logs))
        supervisor.await_ready(API, lambda: answers(complete), timeout_s=_START_S)
    typer.echo(f"Service prêt : {settings.server.origin} (Ctrl-C pour arrêter).")
    typer.echo(f"Données : {place.directory} ; journaux des programmes : {place.logs}")
    with announced(complete, place):
        ended = supervisor.wait()
    raise Unavailable(
        f"Le programme « {ended} » s'est arrêté : lisez {place.logs}.", code="program_ended"
    )


async def _try(settings: Settings) -> None:
    async with open_context(settings):
        pass
