"""`parapheur check-config`: what each setting resolves to, and whether what it names answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

import typer
from pydantic import BaseModel, SecretStr, ValidationError

from app.cli.configuration_checks import Outcome, State, check_everything
from app.cli.terminal import Status, refuse
from app.settings import Settings, load_settings

cli = typer.Typer(add_completion=False)
_MARKS = {State.GOOD: "oui", State.NOTE: "note", State.BAD: "NON"}


@cli.command("check-config")
def check_config(
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ne montre que les valeurs, sans rien joindre.")
    ] = False,
) -> None:
    """Dit ce que valent les réglages, secrets masqués, et si ce qu'ils nomment répond.

    Statut : 0 le service peut démarrer ; 1 quelque chose l'en empêche.
    """
    try:
        settings = load_settings()
    except ValidationError as e:
        refuse(_invalid(e), code="invalid_setting")
    typer.echo("Réglages (secrets masqués) :")
    for name, value in described(settings):
        typer.echo(f"  {name:<34} {value}")
    if offline:
        return
    typer.echo("\nContrôles :")
    outcomes = asyncio.run(_checked(settings))
    if any(one.state is State.BAD for one in outcomes):
        raise typer.Exit(Status.REFUSED)


async def _checked(settings: Settings) -> list[Outcome]:
    outcomes = []
    async for one in check_everything(settings):
        typer.echo(f"  {_MARKS[one.state]:<5} {one.subject} : {one.detail}")
        outcomes.append(one)
    return outcomes


def described(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every setting under the name of its variable, without anything secret."""
    for name, value in settings:
        if isinstance(value, BaseModel):
            for member, inner in value:
                yield f"PARAPHEUR_{name}_{member}".upper(), _shown(member, inner)
        else:
            yield f"PARAPHEUR_{name}".upper(), _shown(name, value)


def _shown(name: str, value: object) -> str:
    if value is None or value == "":
        return "(absent)"
    if isinstance(value, bool):
        return "oui" if value else "non"
    if not isinstance(value, SecretStr):
        return str(value)
    return _without_password(value.get_secret_value()) if name.endswith("url") else "(masqué)"


def _without_password(url: str) -> str:
    """Who and where, never the password nor what the query may hold."""
    try:
        parts = urlsplit(url)
        given, separator, where = parts.netloc.rpartition("@")
        user = given.partition(":")[0]
    except ValueError:
        return "(illisible)"
    return urlunsplit((parts.scheme, f"{user}{separator}{where}", parts.path, "", ""))


def _invalid(error: ValidationError) -> str:
    names = sorted(
        {"PARAPHEUR_" + "_".join(map(str, one["loc"])).upper() for one in error.errors()}
    )
    return f"Valeur refusée : {', '.join(names)}. Corrigez-la dans l'environnement."
