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
        typer.Option(
            help="Cette mesure seulement : deposit, pades, xades, transition, inbox (répétable)."
        ),
    ] = None,
    schemas: Annotated[Path | None, typer.Option(help="Répertoire des schémas officiels.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="transition et inbox en petit, sans valeur de mesure.")
    ] = False,
) -> None:
    """Mesure le logiciel sur cette machine et imprime des rapports, comparables d'une machine à
    l'autre : dépôt de 100 Mo, signature d'un PDF, signature d'un flux PES, visa à huit, bannettes
    sur un million de dossiers."""
    asked = ["--rounds", str(rounds)]
    for name in only or []:
        asked += ["--only", name]
    if schemas is not None:
        asked += ["--schemas", str(schemas)]
    if quick:
        asked.append("--quick")
    main(asked)
