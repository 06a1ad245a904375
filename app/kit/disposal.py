"""How blobs leave the storage: put aside, and removed a whole grace later unless a row names them.

A storage can look at a blob and it can move it, never both at once: equal bytes may be deposited
in between. Moved bytes are therefore kept long enough for the row of such a deposit to be there
when they are asked about again; reads bring them back meanwhile.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import obstore
from obstore.store import LocalStore, S3Store

Store = LocalStore | S3Store
Named = Callable[[list[str]], Awaitable[set[str]]]
"""Answers which of these digests a row names, in whatever tenant."""

_BATCH: Final = 500
_BLOBS, _ASIDE = "sha256", "aside"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ASIDE_NAME = re.compile(r"([0-9a-f]{64})\.([0-9]+)\.[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Rules:
    """`now`, and how long bytes wait: longer than any deposit lasts between the end of its bytes
    and the commit of the row that names them."""

    now: datetime
    grace: timedelta
    named: Named

    @property
    def before(self) -> datetime:
        return self.now - self.grace


@dataclass(frozen=True, slots=True)
class _PutAside:
    path: str
    sha256: str
    at: datetime


def blob_key(sha256: str) -> str:
    """Where these bytes stand. Raises ValueError for what is no digest (threat 15)."""
    if _SHA256.fullmatch(sha256) is None:
        raise ValueError("not a SHA-256 in lower-case hexadecimal")
    return f"{_BLOBS}/{sha256[:2]}/{sha256}"


async def old_blobs(store: Store, before: datetime) -> AsyncIterator[list[str]]:
    """Digests last written before this moment, a few hundred at a time."""
    async for batch in obstore.list(store, prefix=_BLOBS, chunk_size=_BATCH):
        old = [m["path"].rpartition("/")[2] for m in batch if m["last_modified"] < before]
        yield sorted(one for one in old if _SHA256.fullmatch(one))


async def put_aside_orphans(store: Store, digests: list[str], rules: Rules) -> int:
    """Puts aside those of these blobs that nobody names and nobody wrote lately; how many."""
    if not digests:
        return 0
    named = await rules.named(digests)
    moved = 0
    for sha256 in digests:
        if sha256 not in named and await _is_old(store, blob_key(sha256), rules.before):
            moved += await put_aside(store, sha256, rules.now)
    return moved


async def put_aside(store: Store, sha256: str, now: datetime) -> bool:
    """Moves one blob aside, whoever names it; false when it is not there."""
    aside = f"{_ASIDE}/{sha256[:2]}/{sha256}.{int(now.timestamp())}.{uuid.uuid4().hex}"
    return await _moved(store, blob_key(sha256), aside)


async def bring_back(store: Store, sha256: str) -> None:
    """Puts a blob back where reads find it, if it stands aside."""
    async for one in _all_aside(store, sha256[:2]):
        if one.sha256 == sha256 and await _moved(store, one.path, blob_key(sha256)):
            return


async def settle(store: Store, rules: Rules, only: Iterable[str] | None = None) -> tuple[int, int]:
    """Brings back what a row names after all, and removes the rest once its grace is over: how
    many it removed, how many still wait. `only` these digests, or all."""
    chosen = None if only is None else frozenset(only)
    aside = [one async for one in _all_aside(store) if chosen is None or one.sha256 in chosen]
    removed = waiting = 0
    for start in range(0, len(aside), _BATCH):
        batch = aside[start : start + _BATCH]
        named = await rules.named(sorted({one.sha256 for one in batch}))
        for one in batch:
            if one.sha256 in named:
                await _moved(store, one.path, blob_key(one.sha256))
            elif one.at <= rules.before:
                removed += await delete(store, one.path)
            else:
                waiting += 1
    return removed, waiting


async def remove_if_old(store: Store, key: str, before: datetime) -> bool:
    """Removes an object that nothing but its age decides about."""
    return await _is_old(store, key, before) and await delete(store, key)


async def delete(store: Store, key: str) -> bool:
    """False when it is gone already."""
    try:
        await obstore.delete_async(store, key)
    except FileNotFoundError:
        return False
    return True


async def _is_old(store: Store, key: str, before: datetime) -> bool:
    try:
        return (await obstore.head_async(store, key))["last_modified"] < before
    except FileNotFoundError:
        return False


async def _moved(store: Store, source: str, target: str) -> bool:
    try:
        await obstore.rename_async(store, source, target)
    except FileNotFoundError:
        return False
    return True


async def _all_aside(store: Store, start: str | None = None) -> AsyncIterator[_PutAside]:
    prefix = _ASIDE if start is None else f"{_ASIDE}/{start}"
    async for batch in obstore.list(store, prefix=prefix, chunk_size=_BATCH):
        for meta in batch:
            found = _ASIDE_NAME.fullmatch(meta["path"].rpartition("/")[2])
            if found is not None:
                at = datetime.fromtimestamp(int(found[2]), UTC)
                yield _PutAside(meta["path"], found[1], at)
