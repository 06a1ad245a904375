"""`parapheur worker`: runs the jobs."""

from __future__ import annotations

import asyncio

import typer

from app.cli.terminal import refuse
from app.db.session import UnsafeRole
from app.errors import Unavailable
from app.kit.secrets import BadSecret
from app.settings import load_settings
from app.worker import work

cli = typer.Typer(add_completion=False)


@cli.command()
def worker() -> None:
    """Exécute les tâches de fond (contrôles, télétransmission, courriels) jusqu'à l'arrêt.

    Demande PARAPHEUR_DATABASE_URL, PARAPHEUR_REDIS_URL et PARAPHEUR_SECRET_KEY ; « serve » en
    lance déjà un.
    """
    settings = load_settings()
    if settings.redis.url is None:
        raise Unavailable(
            "Le réglage PARAPHEUR_REDIS_URL manque : donnez l'adresse de Valkey ou de Redis.",
            code="missing_setting",
        )
    try:
        asyncio.run(work(settings))
    except (UnsafeRole, BadSecret) as e:
        refuse(str(e), code="unsafe_configuration")
