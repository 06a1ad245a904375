"""`parapheur journal verify`: an exported journal, judged without the server."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import wrap_file

from app.audit.export import SignedCheckpoint
from app.audit.verification import (
    JournalReport,
    UnreadableCheckpoint,
    load_checkpoint,
    verify_journal,
)
from app.cli.terminal import Status, progress_console, refuse_unreadable, refuse_usage, visible

cli = typer.Typer(help="Le journal des actes.", no_args_is_help=True, add_completion=False)
_SHOWN_FROM_BYTES = 20_000_000


@cli.callback()
def journal() -> None:
    """Le journal des actes, tel que le service l'exporte."""


@cli.command()
def verify(
    file: Annotated[Path, typer.Argument(help="Journal exporté (journal.jsonl).")],
    *,
    since: Annotated[
        Path | None,
        typer.Option(metavar="CHECKPOINT", help="Export antérieur, ou sa dernière ligne."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="HEX", help="Clé publique de journal attendue.")
    ] = None,
) -> None:
    """Vérifie un journal exporté : rien de modifié, de supprimé, d'ajouté ni de réécrit.

    Statut : 0 intègre ; 1 altéré, la première mauvaise ligne est nommée ; 2 commande ou fichier
    illisible. Sans --key ni --since, comparez la clé affichée avec celle que publie la
    collectivité : un journal refait en entier porterait une autre clé.
    """
    expected = _key(key)
    checkpoint = _checkpoint(since)
    report = _verified(file, checkpoint, expected)
    typer.echo(_page(report))
    raise typer.Exit(Status.DONE if report.ok else Status.REFUSED)


def _verified(
    file: Path, checkpoint: SignedCheckpoint | None, expected: bytes | None
) -> JournalReport:
    try:
        with ExitStack() as stack:
            stream: BinaryIO = stack.enter_context(file.open("rb"))
            size = file.stat().st_size
            if size >= _SHOWN_FROM_BYTES:
                console = progress_console()
                progress = wrap_file(stream, size, description="Vérification", console=console)
                stream = stack.enter_context(progress)
            return verify_journal(stream, since=checkpoint, key=expected)
    except (OSError, ValueError):
        refuse_unreadable(file)


def _key(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        refuse_usage("« --key » attend 64 chiffres hexadécimaux : corrigez la commande.")
    return key


def _checkpoint(file: Path | None) -> SignedCheckpoint | None:
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            return load_checkpoint(stream)
    except UnreadableCheckpoint as e:
        refuse_usage(f"{visible(str(file))} : {e}")
    except (OSError, ValueError):
        refuse_unreadable(file)


def _page(report: JournalReport) -> str:
    lines = [report.detail]
    if report.code is not None:
        lines.append(f"  Code : {report.code.value}")
    if report.head is not None:
        lines.append(f"  Évènements bons : {report.count} ; dernière empreinte : {report.head}")
    if report.erased:
        lines.append(f"  Valeurs personnelles effacées, engagements gardés : {report.erased}")
    if report.public_key is not None:
        lines.append(f"  Clé de signature du journal : {report.public_key}")
    if report.checkpoint_at is not None:
        lines.append(f"  Point de contrôle du {report.checkpoint_at:%d/%m/%Y à %H:%M:%S (UTC)}")
    return "\n".join(lines)
