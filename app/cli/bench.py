"""`parapheur bench`: the measures, each a ratio inside one run."""

from __future__ import annotations

from importlib import import_module, util

import typer

from app.errors import Unavailable

cli = typer.Typer(add_completion=False)
_MODULE = "app.bench.run"


@cli.command()
def bench() -> None:
    """Mesure le logiciel sur cette machine et imprime des rapports, comparables d'une machine à
    l'autre : dépôt de 100 Mo, signature d'un PDF, signature d'un flux PES."""
    if util.find_spec(_MODULE) is None:
        raise Unavailable("Les mesures ne sont pas installées ici.", code="bench_missing")
    import_module(_MODULE).main()
