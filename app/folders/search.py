"""The text by which a folder is found, folded by the application (DESIGN rule 7)."""

from __future__ import annotations

from typing import Any

from app.kit.folding import fold
from app.models import Folder

_MOST = 20_000


def folded_text(folder: Folder, pes_facts: dict[str, Any]) -> str:
    """Title, metadata, number and subject of the act, NomFic, slips and third parties: folded, on
    one line, bounded."""
    words = [folder.title]
    words += [str(value) for value in folder.folder_metadata.values() if value is not None]
    if folder.act:
        words += [folder.act["number"], folder.act["subject"]]
    header = pes_facts.get("header") or {}
    words += [str(header[key]) for key in ("file_name", "body_label") if header.get(key)]
    for slip in pes_facts.get("slips", ()):
        words.append(f"{slip['number']}")
        for item in slip["items"]:
            words += [item["number"], item["subject"], *item["third_parties"]]
    return fold(" ".join(words))[:_MOST]
