"""Documents by their SHA-256: written before the row that names them, never changed (D14)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from app.errors import AppError, TooLarge, Unavailable, Unprocessable
from app.kit import disposal
from app.kit.disposal import Rules, Store, blob_key
from app.settings import MIB

_LOCAL_BUFFER_BYTES = MIB
_S3_BUFFER_BYTES = 5 * MIB  # the smallest part that S3 takes
_READ_BYTES = 256 * 1024
_SWEEP_BATCH = 500
_TEMPORARY = "tmp"
_T = TypeVar("_T")


class DigestMismatch(Unprocessable):
    """The bytes received do not have the announced SHA-256."""

    code = "digest_mismatch"

    def __init__(self) -> None:
        super().__init__(
            "L'empreinte SHA-256 annoncée n'est pas celle du fichier reçu. "
            "Vérifiez le fichier, puis envoyez-le de nouveau."
        )


class BlobMissing(AppError):
    """A row names bytes that the storage no longer holds: an incident, never a user's fault."""

    status = 500
    code = "blob_missing"
    title = "Document introuvable dans le stockage"

    def __init__(self) -> None:
        super().__init__(
            "Le contenu de ce document est introuvable dans le stockage. "
            "Prévenez l'administrateur de la plateforme."
        )


class Corrupted(AppError):
    """The stored bytes no longer hash to their key (threat 6)."""

    status = 500
    code = "blob_corrupted"
    title = "Document altéré dans le stockage"

    def __init__(self) -> None:
        super().__init__(
            "Le contenu de ce document a été altéré dans le stockage : il ne peut être ni montré "
            "ni signé. Prévenez l'administrateur de la plateforme."
        )


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """What a row keeps of a document's bytes."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class S3Parameters:
    """How to reach a bucket; `allow_http` is for a server on the same host only."""

    bucket: str
    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    prefix: str | None = None
    allow_http: bool = False


@dataclass(frozen=True, slots=True)
class Swept:
    """What a visit found: left-overs removed, blobs put aside, blobs removed for good."""

    temporary: int
    put_aside: int
    removed: int


Inspection = Callable[[Path, StoredBlob], Awaitable[None]]


def local_store(root: Path) -> BlobStore:
    """Keeps documents under `root`, made 0700 when absent."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return BlobStore(LocalStore(root), root=root)


def s3_store(parameters: S3Parameters) -> BlobStore:
    """Keeps documents in an S3 bucket."""
    return BlobStore(
        S3Store(
            parameters.bucket,
            prefix=parameters.prefix,
            endpoint=parameters.endpoint,
            region=parameters.region,
            access_key_id=parameters.access_key_id,
            secret_access_key=parameters.secret_access_key,
            virtual_hosted_style_request=False,
            # obstore's 30 s would also end the download of a large document to a slow reader.
            client_options={"allow_http": parameters.allow_http, "timeout": "10 minutes"},
        )
    )


class BlobStore:
    """Content-addressed bytes. Keys are made from digests alone: no name given by anybody ever
    reaches the storage (threat 15)."""

    def __init__(self, store: Store, *, root: Path | None = None) -> None:
        self._store = store
        self._root = root
        self._buffer_bytes = _S3_BUFFER_BYTES if root is None else _LOCAL_BUFFER_BYTES

    async def write(
        self,
        chunks: AsyncIterator[bytes],
        *,
        limit_bytes: int,
        expected_sha256: str | None = None,
        inspect: Inspection | None = None,
    ) -> StoredBlob:
        """Streams to a temporary key while hashing, then moves under the digest; nothing is kept
        on failure or cancellation. Raises TooLarge as soon as the limit is passed, and
        DigestMismatch. `inspect` reads the whole content from a file before it is kept: what it
        raises is a refusal like the others.

        Equal bytes already stored are replaced by these: the same content, but the age that
        `sweep` looks at starts again, so that a blob about to be named is never swept.
        """
        temporary, kept = f"{_TEMPORARY}/{uuid.uuid4().hex}", False
        try:
            blob = await self._receive(temporary, chunks, limit_bytes)
            if expected_sha256 is not None and blob.sha256 != expected_sha256.lower():
                raise DigestMismatch
            if inspect is not None:
                async with self._file_of(temporary) as path:
                    await inspect(path, blob)
            await self._keep(temporary, blob.sha256)
            kept = True
        finally:
            if not kept:
                await asyncio.shield(self._discard(temporary))
        return blob

    async def open(
        self, sha256: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes from `start` up to and without `end`, streamed. Raises BlobMissing at once,
        before any byte is asked for. The caller has compared the range with the size."""
        options: obstore.GetOptions = {}
        if end is not None:
            options["range"] = (start, end)
        elif start:
            options["range"] = {"offset": start}
        key = blob_key(sha256)
        return _stream(
            await self._found(sha256, lambda: obstore.get_async(self._store, key, options=options))
        )

    async def size_of(self, sha256: str) -> int:
        key = blob_key(sha256)
        meta = await self._found(sha256, lambda: obstore.head_async(self._store, key))
        return meta["size"]

    async def read(self, sha256: str, *, limit_bytes: int) -> bytes:
        """The whole content in memory, not verified. Raises TooLarge without reading."""
        if await self.size_of(sha256) > limit_bytes:
            raise _too_large(limit_bytes)
        return b"".join([chunk async for chunk in await self.open(sha256)])

    async def read_verified(self, sha256: str, *, limit_bytes: int) -> bytes:
        """The same, for what will be shown or signed: raises Corrupted when the bytes no longer
        hash to their key."""
        data = await self.read(sha256, limit_bytes=limit_bytes)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Corrupted
        return data

    async def verify(self, sha256: str) -> StoredBlob:
        """Hashes the stored bytes again in flat memory; raises Corrupted."""
        digest, size = hashlib.sha256(), 0
        async for chunk in await self.open(sha256):
            digest.update(chunk)
            size += len(chunk)
        if digest.hexdigest() != sha256:
            raise Corrupted
        return StoredBlob(sha256, size)

    def local_path(self, sha256: str) -> Path | None:
        """The file that holds the bytes, for a child process; None when they are not on this
        disk. Existence and content are not checked."""
        return None if self._root is None else self._root / blob_key(sha256)

    @asynccontextmanager
    async def materialise(
        self, sha256: str, *, directory: Path | None = None
    ) -> AsyncIterator[Path]:
        """A file with the verified bytes, for a child process: the stored one, or a temporary
        copy removed afterwards. Raises BlobMissing or Corrupted."""
        await self.size_of(sha256)
        async with self._file_of(blob_key(sha256), directory=directory) as path:
            with _found():
                digest = await asyncio.to_thread(_digest_of, path)
            if digest != sha256:
                raise Corrupted
            yield path

    async def sweep(self, rules: Rules) -> Swept:
        """One visit over the whole storage. A blob goes in two of them, a grace apart: nobody
        names it and nobody wrote it lately, so it is put aside; nobody names it still, so it is
        removed. Temporary objects go as soon as they are old."""
        removed, _ = await disposal.settle(self._store, rules)
        put_aside = 0
        async for digests in disposal.old_blobs(self._store, rules.before):
            put_aside += await disposal.put_aside_orphans(self._store, digests, rules)
        return Swept(await self._sweep_temporary(rules.before), put_aside, removed)

    async def reclaim(self, digests: Sequence[str], rules: Rules) -> bool:
        """The same for these blobs only; true when none waits for another visit."""
        _, waiting = await disposal.settle(self._store, rules, digests)
        return not waiting + await disposal.put_aside_orphans(self._store, [*digests], rules)

    @asynccontextmanager
    async def _file_of(self, key: str, *, directory: Path | None = None) -> AsyncIterator[Path]:
        if self._root is not None:
            yield self._root / key
            return
        with _found(), _reachable():
            result = await obstore.get_async(self._store, key)
        with tempfile.NamedTemporaryFile(dir=directory, prefix="blob-") as copy:
            async for chunk in _stream(result):
                await asyncio.to_thread(copy.write, chunk)
            await asyncio.to_thread(copy.flush)
            yield Path(copy.name)

    async def _found(self, sha256: str, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Asks again where the blob stood aside."""
        with _found(), _reachable():
            try:
                return await ask()
            except FileNotFoundError:
                await disposal.bring_back(self._store, sha256)
                return await ask()

    async def _receive(
        self, key: str, chunks: AsyncIterator[bytes], limit_bytes: int
    ) -> StoredBlob:
        digest, size = hashlib.sha256(), 0
        with _reachable():
            async with obstore.open_writer_async(
                self._store, key, buffer_size=self._buffer_bytes, max_concurrency=2
            ) as writer:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit_bytes:
                        raise _too_large(limit_bytes)
                    digest.update(chunk)
                    await writer.write(chunk)
        return StoredBlob(digest.hexdigest(), size)

    async def _keep(self, temporary: str, sha256: str) -> None:
        if self._root is not None:
            await asyncio.to_thread(_synchronise, self._root / temporary)
        with _reachable():
            await obstore.rename_async(self._store, temporary, blob_key(sha256))
        if self._root is not None:
            await asyncio.to_thread(_synchronise_parents, self._root / blob_key(sha256), self._root)

    async def _discard(self, key: str) -> None:
        """What cannot be deleted now is swept later; the reason of the failure goes first."""
        with suppress(FileNotFoundError, BaseError):
            await obstore.delete_async(self._store, key)

    async def _sweep_temporary(self, before: datetime) -> int:
        if self._root is not None:
            # obstore does not list the parts that a killed process leaves (`<uuid>#1`).
            return await asyncio.to_thread(_remove_old_files, self._root / _TEMPORARY, before)
        removed = 0
        async for batch in obstore.list(self._store, prefix=_TEMPORARY, chunk_size=_SWEEP_BATCH):
            for meta in batch:
                removed += await disposal.remove_if_old(self._store, meta["path"], before)
        return removed


def _digest_of(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


async def _stream(result: obstore.GetResult) -> AsyncIterator[bytes]:
    with _reachable():
        async for chunk in result.stream(min_chunk_size=_READ_BYTES):
            yield bytes(chunk)


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(
        f"Le fichier dépasse la limite de {_size_text(limit_bytes)}. "
        "Réduisez-le ou répartissez son contenu en plusieurs dossiers."
    )


def _size_text(size_bytes: int) -> str:
    return f"{size_bytes // MIB} Mio" if size_bytes >= MIB else f"{size_bytes} octets"


@contextmanager
def _found() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as e:
        raise BlobMissing from e


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except BaseError as e:
        raise Unavailable(
            "Le stockage des documents ne répond pas. Réessayez dans quelques minutes.",
            code="storage_unavailable",
        ) from e


def _synchronise(path: Path) -> None:
    """Onto the disk: obstore renames without it, and an acknowledged deposit survives a power
    cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _synchronise_parents(path: Path, root: Path) -> None:
    for parent in path.parents:
        _synchronise(parent)
        if parent == root:
            return


def _remove_old_files(directory: Path, before: datetime) -> int:
    if not directory.is_dir():
        return 0
    removed = 0
    for path in directory.iterdir():
        # A deposit that ends meanwhile moves its file away.
        with suppress(FileNotFoundError):
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                path.unlink()
                removed += 1
    return removed
