"""`parapheur bench`: the measures, each a ratio inside one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.bench.run import LEAST_ROUNDS, main

cli = typer.Typer(add_completion=False)


@cli.command()
def bench(
    rounds: Annotated[int, typer.Option(help="Tours de chaque mesure.")] = LEAST_ROUNDS,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Cette mesure seulement : deposit, pades ou xades (répétable)."),
    ] = None,
    schemas: Annotated[Path | None, typer.Option(help="Répertoire des schémas officiels.")] = None,
) -> None:
    """Mesure le logiciel sur cette machine et imprime des rapports, comparables d'une machine à
    l'autre : dépôt de 100 Mo, signature d'un PDF, signature d'un flux PES."""
    asked = ["--rounds", str(rounds)]
    for name in only or []:
        asked += ["--only", name]
    if schemas is not None:
        asked += ["--schemas", str(schemas)]
    main(asked)
