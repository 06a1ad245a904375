"""`parapheur demo`: the main job, played for real on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.cli.terminal import Status
from app.demo.run import TokenKind, Wish, run

cli = typer.Typer(add_completion=False)


@cli.command()
def demo(
    *,
    leaves: Annotated[
        bool, typer.Option("--exit", help="S'arrête à la fin, au lieu de rester ouvert.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Où copier les résultats ; avec --exit, ./parapheur-demo par défaut."),
    ] = None,
    pdf: Annotated[Path | None, typer.Option(help="Votre acte en PDF, au lieu du nôtre.")] = None,
    pes: Annotated[Path | None, typer.Option(help="Votre flux PES, au lieu du nôtre.")] = None,
    token: Annotated[
        TokenKind, typer.Option(help="Où mettre la clé fictive du maire.")
    ] = TokenKind.AUTO,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port du service ; libre par défaut.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Où garder les données, effacées à la fin sans cela.")
    ] = None,
    module: Annotated[
        Path | None,
        typer.Option(envvar="PARAPHEUR_PKCS11_MODULE", help="Bibliothèque PKCS#11 de SoftHSM."),
    ] = None,
    ci: Annotated[str, typer.Option(envvar="CI", hidden=True)] = "",
) -> None:
    """Joue tout le métier pour de vrai sur cette machine, puis reste ouvert.

    Une commune fictive dépose un acte et un flux PES, les vise, les signe par l'agent et une clé
    PKCS#11, les télétransmet à un TdT fictif et reçoit leurs accusés. Rien ne sort de la machine
    et rien n'a de valeur juridique. Statut : 0 tout est allé au bout ; 1 un fichier a été refusé.
    """
    wish = Wish(
        leaves=leaves,
        out=out,
        data=data,
        pdf=pdf,
        pes=pes,
        token=token,
        module=module,
        port=port,
        is_ci=ci == "true",
    )
    try:
        succeeded = run(wish, Console(highlight=False))
    except KeyboardInterrupt:
        typer.echo("Interrompu : tout est arrêté.", err=True)
        raise typer.Exit(Status.INTERRUPTED) from None
    raise typer.Exit(Status.DONE if succeeded else Status.REFUSED)
