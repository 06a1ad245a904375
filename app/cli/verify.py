"""`parapheur verify`: what the signatures of a file are worth, without the server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.terminal import Status, progress_console, refuse_unreadable, refuse_usage, visible
from app.cli.verify_page import page
from signing.report import Verdict, VerificationReport, to_json
from signing.trust import TrustMaterial, read_trust_file
from signing.verification import verify as verify_bytes

cli = typer.Typer(add_completion=False)
MAX_BYTES = 512 * 1024 * 1024
_MAX_TRUST_BYTES = 32 * 1024 * 1024
_PEM_MARK = b"-----BEGIN "
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
    material = _material(trust or [])
    signed = _read(file, MAX_BYTES)
    detached = _read(content, MAX_BYTES) if content is not None else None
    with progress_console().status("Vérification…"):
        report = verify_bytes(
            signed, trust=material, now=datetime.now(UTC), detached_content=detached
        )
    typer.echo(_as_json(report) if as_json else page(visible(file.name), report))
    raise typer.Exit(STATUSES[report.verdict])


def _material(files: list[Path]) -> TrustMaterial:
    """All of it together: one file may hold the root, another an authority under it or a list."""
    contents = [_read(one, _MAX_TRUST_BYTES) for one in files]
    armoured = [one for one in contents if _PEM_MARK in one]
    apart = [one for one in contents if _PEM_MARK not in one]
    try:
        found = [read_trust_file(one) for one in _joined(armoured) + apart]
    except (ValueError, TypeError):
        refuse_usage(
            "« --trust » ne donne aucune autorité racine lisible : donnez des fichiers PEM."
        )
    return TrustMaterial(
        anchors=tuple(der for one in found for der in one.anchors),
        intermediates=tuple(der for one in found for der in one.intermediates),
        crls=tuple(der for one in found for der in one.crls),
    )


def _joined(armoured: list[bytes]) -> list[bytes]:
    return [b"\n".join(armoured)] if armoured else []


def _read(file: Path, limit_bytes: int) -> bytes:
    try:
        with file.open("rb") as source:
            content = source.read(limit_bytes + 1)
    except (OSError, ValueError):
        refuse_unreadable(file)
    if len(content) > limit_bytes:
        refuse_usage(f"{visible(file.name)} dépasse {limit_bytes // 1024**2} Mio.")
    return content


def _as_json(report: VerificationReport) -> str:
    return json.dumps(to_json(report), ensure_ascii=True, indent=2)
