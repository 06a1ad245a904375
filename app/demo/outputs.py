"""What a run leaves behind: signed files, answers of the TdT, journal, and how to judge them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.demo.judges import commands
from app.demo.play import Cast, Piece
from app.demo.signer import Chain
from app.demo.stage import Stage

ACT, FLOW = "act", "flow"
SIGNED_FILES = {ACT: "act-signed.pdf", FLOW: "pes-signed.xml"}
JOURNAL, TDT, COMMANDS = "journal.jsonl", "tdt.json", "commands.txt"
ROOT, ISSUER, TRUST = "ca.pem", "issuer.pem", "trust.pem"
_EXTENSIONS = {"application/xml": "xml", "text/xml": "xml", "text/plain": "txt"}


def write_outputs(
    directory: Path, stage: Stage, cast: Cast, chain: Chain, pieces: Sequence[Piece]
) -> list[Path]:
    """Writes all that there is to show; the files, most interesting first."""
    directory.mkdir(parents=True, exist_ok=True)
    _forget_earlier(directory)
    written = [*_signed(directory, cast, pieces), *_emissions(directory, cast, pieces)]
    cast.administrator.download("/journal", directory / JOURNAL)
    written += [directory / JOURNAL, *_trust(directory, chain), *_mails(directory, stage)]
    flow = directory / SIGNED_FILES[FLOW]
    told = commands(
        pdf=SIGNED_FILES[ACT] if directory / SIGNED_FILES[ACT] in written else None,
        flow=flow if flow in written else None,
        root=ROOT,
        issuer=ISSUER,
        trust=TRUST,
        journal=JOURNAL,
    )
    (directory / COMMANDS).write_text(told, encoding="utf-8")
    return [*written, directory / COMMANDS]


def _forget_earlier(directory: Path) -> None:
    """Removes what an earlier run left under the names that this one may not write."""
    for name in (*SIGNED_FILES.values(), TDT, JOURNAL, COMMANDS, ROOT, ISSUER, TRUST):
        (directory / name).unlink(missing_ok=True)
    for pattern in (f"tdt-{ACT}-*.*", f"tdt-{FLOW}-*.*", "mail-[0-9][0-9][0-9].eml"):
        for left in directory.glob(pattern):
            left.unlink()


def _signed(directory: Path, cast: Cast, pieces: Sequence[Piece]) -> list[Path]:
    written = []
    for piece in pieces:
        revision = piece.signed_revision() if piece.folder.get("documents") else None
        if revision is None:
            continue
        target = directory / SIGNED_FILES[piece.key]
        cast.finances.download(f"/folders/{piece.folder_id}/revisions/{revision}/content", target)
        written.append(target)
    return written


def _emissions(directory: Path, cast: Cast, pieces: Sequence[Piece]) -> list[Path]:
    """tdt.json, and beside it the bytes of each answer as they were received."""
    told: dict[str, Any] = {}
    written = [directory / TDT]
    for piece in pieces:
        if not piece.folder:
            continue
        emissions = cast.finances.get(f"/folders/{piece.folder_id}/transmissions")
        for emission in emissions:
            for number, receipt in enumerate(emission["receipts"], start=1):
                extension = _EXTENSIONS.get(receipt["media_type"], "bin")
                target = directory / f"tdt-{piece.key}-{number}-{receipt['kind']}.{extension}"
                cast.finances.download(
                    f"/transmissions/{emission['id']}/receipts/{receipt['id']}/content", target
                )
                receipt["file"] = target.name
                written.append(target)
        told[piece.key] = emissions
    text = json.dumps(told, ensure_ascii=False, indent=2)
    (directory / TDT).write_text(text + "\n", encoding="utf-8")
    return written


def _trust(directory: Path, chain: Chain) -> list[Path]:
    lists = b"".join(
        x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
        for der in (chain.root_crl, chain.issuer_crl)
    )
    contents = {
        ROOT: chain.root.pem,
        ISSUER: chain.issuer.pem,
        TRUST: chain.root.pem + chain.issuer.pem + lists,
    }
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    return [directory / name for name in contents]


def _mails(directory: Path, stage: Stage) -> list[Path]:
    found = sorted(stage.mails.glob("[0-9]*.eml"))
    return [Path(shutil.copyfile(one, directory / f"mail-{one.name}")) for one in found]
