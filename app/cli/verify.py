"""`parapheur verify`: what the signatures of a file are worth, without the server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.terminal import Status, progress_console, refuse, visible
from app.cli.verify_page import page
from signing.report import Verdict, VerificationReport, to_json
from signing.trust import TrustMaterial, read_trust_file
from signing.verification import verify as verify_bytes

cli = typer.Typer(add_completion=False)
MAX_BYTES = 512 * 1024 * 1024
_MAX_TRUST_BYTES = 32 * 1024 * 1024
STATUSES = {
    Verdict.VALID: Status.DONE,
    Verdict.INVALID: Status.REFUSED,
    Verdict.CANNOT_VOUCH: Status.CANNOT_VOUCH,
    Verdict.UNSIGNED: Status.UNSIGNED,
}


@cli.command()
def verify(
    file: Annotated[Path, typer.Argument(help="PDF, XML (PES) ou signature détachée .p7s.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Rapport complet en JSON.")] = False,
    trust: Annotated[
        list[Path] | None,
        typer.Option(metavar="PEM", help="Autorités admises et listes de révocation (répétable)."),
    ] = None,
    content: Annotated[
        Path | None, typer.Option(help="Fichier sur lequel porte une signature détachée.")
    ] = None,
) -> None:
    """Vérifie les signatures d'un fichier, sans serveur ni réseau.

    Statut : 0 toutes valables ; 1 l'une ne l'est pas ; 3 impossible de se prononcer (autorité ou
    révocation inconnue : donnez --trust) ; 4 pas de signature ; 2 commande ou fichier illisible.
    """
    material = merged([_trust_of(one) for one in trust or []])
    signed = _read(file, MAX_BYTES)
    detached = _read(content, MAX_BYTES) if content is not None else None
    with progress_console().status("Vérification…"):
        report = verify_bytes(
            signed, trust=material, now=datetime.now(UTC), detached_content=detached
        )
    typer.echo(_as_json(report) if as_json else page(visible(file.name), report))
    raise typer.Exit(STATUSES[report.verdict])


def merged(materials: list[TrustMaterial]) -> TrustMaterial:
    """All of it together."""
    return TrustMaterial(
        anchors=tuple(der for one in materials for der in one.anchors),
        intermediates=tuple(der for one in materials for der in one.intermediates),
        crls=tuple(der for one in materials for der in one.crls),
    )


def _trust_of(file: Path) -> TrustMaterial:
    try:
        return read_trust_file(_read(file, _MAX_TRUST_BYTES))
    except (ValueError, TypeError) as e:
        raise typer.BadParameter(
            f"{visible(file.name)} ne contient pas d'autorité lisible : donnez un fichier PEM.",
            param_hint="--trust",
        ) from e


def _read(file: Path, limit_bytes: int) -> bytes:
    try:
        with file.open("rb") as source:
            content = source.read(limit_bytes + 1)
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or "nom impossible"
        refuse(f"{visible(str(file))} ne peut pas être lu : {reason}.", status=Status.USAGE)
    if len(content) > limit_bytes:
        refuse(f"{visible(file.name)} dépasse {limit_bytes // 1024**2} Mio.", status=Status.USAGE)
    return content


def _as_json(report: VerificationReport) -> str:
    return json.dumps(to_json(report), ensure_ascii=True, indent=2)
