"""`parapheur openapi`: the description of the API that is kept with the source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.cli.terminal import refuse
from app.main import build

cli = typer.Typer(add_completion=False)
FILE = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


@cli.command()
def openapi(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Compare sans écrire ; statut 1 si elle a changé.")
    ] = False,
    file: Annotated[Path, typer.Option("--file", help="Où elle est gardée.")] = FILE,
) -> None:
    """Écrit la description OpenAPI de l'API, ou vérifie que celle du dépôt est à jour."""
    described = describe()
    if not check:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(described, encoding="utf-8")
        typer.echo(f"Description écrite dans {file}.")
        return
    kept = file.read_text(encoding="utf-8") if file.is_file() else ""
    if kept != described:
        refuse(f"{file} n'est plus à jour : lancez « parapheur openapi ».", code="openapi_differs")
    typer.echo(f"{file} est à jour.")


def describe() -> str:
    """The description, the same bytes for the same routes."""
    return json.dumps(build().openapi(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
