"""`parapheur migrate`: the schema of the database."""

from __future__ import annotations

from typing import Annotated

import typer
from alembic.util.exc import CommandError
from pydantic import SecretStr

from app.cli.terminal import refuse
from app.db.migrate import go_to
from app.errors import Unprocessable
from app.serving import equipped
from app.settings import Settings, load_settings

cli = typer.Typer(add_completion=False)


@cli.command()
def migrate(
    to: Annotated[
        str, typer.Option("--to", metavar="REV", help="Révision voulue, la dernière par défaut.")
    ] = "head",
) -> None:
    """Met la base de données à la révision voulue, par PARAPHEUR_DATABASE_OWNER_URL.

    Sans PARAPHEUR_DATABASE_URL, c'est la base livrée avec le logiciel qui est mise à jour. Une
    révision antérieure défait les suivantes : sauvegardez d'abord.
    """
    with equipped(load_settings()) as settings:
        try:
            before, after = go_to(_owner_url(settings).get_secret_value(), to)
        except CommandError as e:
            refuse(f"Révision inconnue : {to} ({e}).", code="unknown_revision")
    if before == after:
        typer.echo(f"La base est déjà à la révision {after or 'vide'}.")
    else:
        typer.echo(f"Base passée de la révision {before or 'vide'} à {after or 'vide'}.")


def _owner_url(settings: Settings) -> SecretStr:
    if settings.database.owner_url is None:
        raise Unprocessable(
            "Le réglage PARAPHEUR_DATABASE_OWNER_URL manque : donnez l'adresse de la base sous le "
            "rôle parapheur_owner, qui sert aux migrations seulement.",
            code="missing_setting",
        )
    return settings.database.owner_url
