"""The text by which a folder is found, folded by the application (DESIGN rule 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.kit.folding import fold
from app.models import Folder

_MOST = 40_000
"""Some 2 000 items with third parties of their own. A flow of that size has nearly every trigram:
each search reads its text again, which costs the more the longer it is."""


def folded_text(folder: Folder, pes_facts: Mapping[str, Any]) -> str:
    """The words by which a folder is found, folded, each once: a search asks for each by itself.
    What is short and what names the folder comes first, for what is beyond the bound is left out:
    title, NomFic and body, number and subject of the act, metadata, then slips."""
    parts = [folder.title]
    header = pes_facts.get("header") or {}
    parts += [str(header[key]) for key in ("file_name", "body_label") if header.get(key)]
    if folder.act:
        parts += [folder.act["number"], folder.act["subject"]]
    parts += [str(value) for value in folder.folder_metadata.values() if value is not None]
    parts += _of_slips(pes_facts.get("slips", ()))
    words = fold(" ".join(parts)).split()
    return " ".join(dict.fromkeys(words))[:_MOST]


def _of_slips(slips: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Third parties are sought most, subjects least."""
    items = [item for slip in slips for item in slip["items"]]
    yield from (f"{slip['number']}" for slip in slips)
    for item in items:
        yield from item["third_parties"]
    for key in ("number", "subject"):
        yield from (item[key] for item in items)
