"""Documents by their SHA-256, on local disk and, where a server is given, in a bucket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from app.errors import TooLarge, Unavailable
from app.kit import disposal
from app.kit.disposal import Rules
from app.storage import (
    BlobMissing,
    BlobStore,
    Corrupted,
    DigestMismatch,
    S3Parameters,
    StoredBlob,
    local_store,
    s3_store,
)

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * 4096 * 3  # 3 MiB: several parts for the writer
DIGEST = sha256(CONTENT).hexdigest()
ABSENT = sha256(b"absent").hexdigest()
HAS_S3 = "PARAPHEUR_TEST_S3_ENDPOINT" in os.environ
LATER = datetime.now(UTC) + timedelta(days=2)

HOSTILE_NAMES = [
    "",
    ".",
    "..",
    "../secret",
    "../../etc/passwd",
    "/etc/passwd",
    "//server/share",
    "C:\\Windows\\system.ini",
    "..\\..\\boot.ini",
    "\\\\?\\C:\\x",
    "file:///etc/passwd",
    "sha256/../../x",
    "tmp/../sha256",
    "a/b",
    "a\0b",
    "\0",
    "CON",
    "NUL.pdf",
    "COM1",
    "LPT1.txt",
    "AUX",
    "name.",
    "name ",
    " name",
    "a:b",
    "a\nb",
    "%2e%2e%2f",
    "..%c0%af",
    "\u202efdp.exe",
    "é" * 300,
    "~root",
    "$HOME",
    "-rf",
    DIGEST.upper(),
    DIGEST + "/..",
    DIGEST + "\n",
]


async def _chunks(content: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def _write(
    store: BlobStore,
    content: bytes = CONTENT,
    *,
    limit_bytes: int = 100 * MIB,
    expected_sha256: str | None = None,
) -> StoredBlob:
    return await store.write(
        _chunks(content), limit_bytes=limit_bytes, expected_sha256=expected_sha256
    )


GRACE = timedelta(days=1)


def _rules(now: datetime, *named: str) -> Rules:
    async def answer(digests: list[str]) -> set[str]:
        return set(named).intersection(digests)

    return Rules(now=now, grace=GRACE, named=answer)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def local(root: Path) -> BlobStore:
    return local_store(root)


def _bucket(prefix: str) -> BlobStore:
    """The bucket must exist; what the tests leave stands under their own prefix."""
    return s3_store(
        S3Parameters(
            bucket=os.environ.get("PARAPHEUR_TEST_S3_BUCKET", "parapheur-tests"),
            endpoint=os.environ["PARAPHEUR_TEST_S3_ENDPOINT"],
            region="us-east-1",
            access_key_id=os.environ.get("PARAPHEUR_TEST_S3_ACCESS_KEY_ID", "test"),
            secret_access_key=os.environ.get("PARAPHEUR_TEST_S3_SECRET_ACCESS_KEY", "test"),
            prefix=prefix,
            allow_http=True,
        )
    )


@pytest.fixture(params=["local", "s3"] if HAS_S3 else ["local"])
def store(request: pytest.FixtureRequest, root: Path) -> BlobStore:
    """The same promises on each kind of storage."""
    return local_store(root) if request.param == "local" else _bucket(uuid.uuid4().hex)


def _files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


class TestWrite:
    async def test_returns_digest_and_size(self, store: BlobStore) -> None:
        assert await _write(store) == StoredBlob(DIGEST, len(CONTENT))

    async def test_stores_the_bytes_under_their_digest(self, store: BlobStore) -> None:
        await _write(store)
        assert await store.read(DIGEST, limit_bytes=100 * MIB) == CONTENT

    async def test_twice_the_same_bytes_are_one_blob(self, local: BlobStore, root: Path) -> None:
        assert await _write(local) == await _write(local)
        assert _files(root) == {f"sha256/{DIGEST[:2]}/{DIGEST}"}

    async def test_at_once_the_same_bytes_are_one_blob(self, local: BlobStore, root: Path) -> None:
        await asyncio.gather(*(_write(local) for _ in range(8)))
        assert _files(root) == {f"sha256/{DIGEST[:2]}/{DIGEST}"}

    async def test_again_heals_an_altered_blob(self, local: BlobStore) -> None:
        await _write(local)
        _altered_on_disk(local)
        await _write(local)
        assert await local.verify(DIGEST) == StoredBlob(DIGEST, len(CONTENT))

    async def test_accepts_exactly_the_limit(self, store: BlobStore) -> None:
        assert (await _write(store, limit_bytes=len(CONTENT))).size_bytes == len(CONTENT)

    async def test_refuses_one_byte_more_than_the_limit(self, store: BlobStore) -> None:
        with pytest.raises(TooLarge, match="limite de 2 Mio"):
            await _write(store, limit_bytes=len(CONTENT) - 1)

    async def test_stops_reading_once_over_the_limit(self, local: BlobStore) -> None:
        given = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal given
            while True:
                given += MIB
                yield bytes(MIB)

        with pytest.raises(TooLarge):
            await local.write(endless(), limit_bytes=5 * MIB)
        assert given == 6 * MIB

    async def test_accepts_the_announced_digest(self, store: BlobStore) -> None:
        assert (await _write(store, expected_sha256=DIGEST.upper())).sha256 == DIGEST

    async def test_refuses_another_digest_than_announced(self, store: BlobStore) -> None:
        with pytest.raises(DigestMismatch):
            await _write(store, expected_sha256=ABSENT)

    async def test_keeps_nothing_over_the_limit(self, local: BlobStore, root: Path) -> None:
        with pytest.raises(TooLarge):
            await _write(local, limit_bytes=2 * MIB)
        assert _files(root) == set()

    async def test_keeps_nothing_of_another_digest(self, local: BlobStore, root: Path) -> None:
        with pytest.raises(DigestMismatch):
            await _write(local, expected_sha256=ABSENT)
        assert _files(root) == set()

    async def test_keeps_nothing_when_the_sender_fails(self, local: BlobStore, root: Path) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield CONTENT
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await local.write(broken(), limit_bytes=100 * MIB)
        assert _files(root) == set()

    @pytest.mark.parametrize("turns", range(1, 60, 4))
    async def test_keeps_nothing_when_cancelled(
        self, local: BlobStore, root: Path, turns: int
    ) -> None:
        started, endless = asyncio.Event(), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            for _ in range(turns):
                yield bytes(65536)
            started.set()
            yield bytes(2 * MIB)
            await endless.wait()

        task = asyncio.create_task(local.write(slow(), limit_bytes=100 * MIB))
        await started.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert _files(root) == set()

    async def test_a_disk_that_refuses_is_unavailable(self, local: BlobStore, root: Path) -> None:
        (root / "tmp").write_bytes(b"a file where a folder is needed")
        with pytest.raises(Unavailable) as caught:
            await _write(local)
        assert caught.value.code == "storage_unavailable"


class TestLocalStore:
    def test_makes_a_folder_for_its_owner_only(self, root: Path) -> None:
        local_store(root)
        assert root.stat().st_mode & 0o777 == 0o700

    def test_leaves_the_permissions_of_a_given_folder(self, root: Path) -> None:
        root.mkdir()
        root.chmod(0o750)
        local_store(root)
        assert root.stat().st_mode & 0o777 == 0o750


@pytest.mark.skipif(not HAS_S3, reason="optional S3 server")
class TestS3Store:
    async def test_cleans_up_after_a_refused_document(self) -> None:
        bucket = _bucket(uuid.uuid4().hex)
        with pytest.raises(TooLarge):
            await _write(bucket, CONTENT * 8, limit_bytes=20 * MIB)
        swept = await bucket.sweep(_rules(LATER))
        assert (swept.put_aside, swept.temporary) == (0, 0)


class TestRead:
    async def test_streams_the_whole(self, store: BlobStore) -> None:
        await _write(store)
        assert b"".join([chunk async for chunk in await store.open(DIGEST)]) == CONTENT

    async def test_streams_in_bounded_pieces(self, local: BlobStore) -> None:
        await _write(local)
        assert max([len(chunk) async for chunk in await local.open(DIGEST)]) <= MIB

    @pytest.mark.parametrize(
        ("start", "end"), [(0, 1), (100, 300), (MIB, None), (5, 10**9), (len(CONTENT) - 1, None)]
    )
    async def test_streams_a_range(self, store: BlobStore, start: int, end: int | None) -> None:
        await _write(store)
        stream = await store.open(DIGEST, start=start, end=end)
        assert b"".join([chunk async for chunk in stream]) == CONTENT[start:end]

    async def test_knows_the_size(self, store: BlobStore) -> None:
        await _write(store)
        assert await store.size_of(DIGEST) == len(CONTENT)

    async def test_refuses_more_than_the_caller_can_hold(self, store: BlobStore) -> None:
        await _write(store)
        with pytest.raises(TooLarge):
            await store.read(DIGEST, limit_bytes=len(CONTENT) - 1)

    @pytest.mark.parametrize("ask", [BlobStore.open, BlobStore.size_of, BlobStore.verify])
    async def test_says_at_once_that_a_blob_is_missing(
        self, store: BlobStore, ask: Callable[..., object]
    ) -> None:
        with pytest.raises(BlobMissing):
            await ask(store, ABSENT)  # type: ignore[misc]

    async def test_the_empty_blob_can_be_read(self, store: BlobStore) -> None:
        blob = await _write(store, b"")
        assert await store.read(blob.sha256, limit_bytes=0) == b""


def _altered_on_disk(store: BlobStore) -> None:
    path = store.local_path(DIGEST)
    assert path is not None
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


class TestIntegrity:
    async def test_sound_bytes_are_given(self, store: BlobStore) -> None:
        await _write(store)
        assert await store.read_verified(DIGEST, limit_bytes=100 * MIB) == CONTENT

    async def test_threat_06_altered_bytes_are_not_read(self, local: BlobStore) -> None:
        await _write(local)
        _altered_on_disk(local)
        with pytest.raises(Corrupted):
            await local.read_verified(DIGEST, limit_bytes=100 * MIB)

    async def test_threat_06_altered_bytes_are_found_in_flat_memory(self, local: BlobStore) -> None:
        await _write(local)
        _altered_on_disk(local)
        with pytest.raises(Corrupted):
            await local.verify(DIGEST)

    async def test_threat_06_altered_bytes_are_not_given_to_a_child(self, local: BlobStore) -> None:
        await _write(local)
        _altered_on_disk(local)
        with pytest.raises(Corrupted):
            async with local.materialise(DIGEST):
                pytest.fail("given")


class TestFiles:
    async def test_a_local_blob_is_given_where_it_is(self, local: BlobStore) -> None:
        await _write(local)
        async with local.materialise(DIGEST) as path:
            assert path == local.local_path(DIGEST)

    async def test_any_blob_can_be_given_as_a_file(self, store: BlobStore) -> None:
        await _write(store)
        async with store.materialise(DIGEST) as path:
            assert path.read_bytes() == CONTENT

    async def test_a_copy_is_removed_afterwards(self, store: BlobStore, tmp_path: Path) -> None:
        await _write(store)
        copies = tmp_path / "copies"
        copies.mkdir()
        async with store.materialise(DIGEST, directory=copies):
            pass
        assert list(copies.iterdir()) == []

    async def test_a_bucket_has_no_local_path(self) -> None:
        elsewhere = s3_store(S3Parameters("bucket", "https://s3.example.test", "fr", "id", "key"))
        assert elsewhere.local_path(DIGEST) is None

    def test_the_secret_of_a_bucket_is_not_shown(self) -> None:
        shown = repr(S3Parameters("bucket", "https://s3.example.test", "fr", "id", "hidden-key"))
        assert "hidden-key" not in shown


class TestNames:
    @pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
    async def test_threat_15_a_name_is_never_a_key(
        self, local: BlobStore, tmp_path: Path, name: str
    ) -> None:
        (tmp_path / "secret").write_bytes(b"outside")
        await _write(local)
        before = _files(tmp_path)
        for ask in (local.open, local.size_of, local.verify):
            with pytest.raises(ValueError, match="not a SHA-256"):
                await ask(name)
        with pytest.raises(ValueError, match="not a SHA-256"):
            local.local_path(name)
        assert _files(tmp_path) == before


class TestSweep:
    """A blob goes in two visits, a grace apart."""

    async def test_removes_what_no_row_names(self, store: BlobStore) -> None:
        await _write(store)
        first = await store.sweep(_rules(LATER))
        second = await store.sweep(_rules(LATER + GRACE))
        assert ((first.put_aside, first.removed), second.removed) == ((1, 0), 1)
        with pytest.raises(BlobMissing):
            await store.size_of(DIGEST)

    async def test_removes_nothing_at_the_first_visit(self, store: BlobStore) -> None:
        await _write(store)
        await store.sweep(_rules(LATER))
        swept = await store.sweep(_rules(LATER + GRACE / 2))
        assert swept.removed == 0
        assert await store.read(DIGEST, limit_bytes=100 * MIB) == CONTENT

    async def test_keeps_what_a_row_names(self, store: BlobStore) -> None:
        await _write(store)
        other = await _write(store, b"other")
        for now in (LATER, LATER + GRACE):
            await store.sweep(_rules(now, DIGEST))
        assert await store.size_of(DIGEST) == len(CONTENT)
        with pytest.raises(BlobMissing):
            await store.size_of(other.sha256)

    async def test_keeps_what_was_just_written(self, store: BlobStore) -> None:
        await _write(store)
        assert (await store.sweep(_rules(datetime.now(UTC)))).put_aside == 0

    async def test_keeps_an_old_blob_deposited_again(self, local: BlobStore) -> None:
        await _write(local)
        _age(local)
        await _write(local)
        assert (await local.sweep(_rules(datetime.now(UTC)))).put_aside == 0

    async def test_keeps_a_blob_deposited_again_while_it_asks(self, local: BlobStore) -> None:
        await _write(local)
        _age(local)

        async def deposit_meanwhile(_digests: list[str]) -> set[str]:
            await _write(local)
            return set()

        rules = Rules(now=datetime.now(UTC), grace=GRACE, named=deposit_meanwhile)
        assert (await local.sweep(rules)).put_aside == 0

    async def test_asks_about_a_few_hundred_at_a_time(self, local: BlobStore, root: Path) -> None:
        for number in range(1100):
            name = sha256(str(number).encode()).hexdigest()
            (root / "sha256" / name[:2]).mkdir(parents=True, exist_ok=True)
            (root / "sha256" / name[:2] / name).write_bytes(b"")
        asked: list[int] = []

        async def count(digests: list[str]) -> set[str]:
            asked.append(len(digests))
            return set(digests)

        await local.sweep(Rules(now=LATER, grace=GRACE, named=count))
        assert (sum(asked), max(asked) <= 500) == (1100, True)

    async def test_removes_what_a_killed_process_left(self, local: BlobStore, root: Path) -> None:
        _kill_while_writing(root)
        left = len(_files(root))
        swept = await local.sweep(_rules(LATER))
        assert (left, swept.temporary, _files(root)) == (1, 1, set())


class TestPutAside:
    """A deposit of equal bytes may slip between the look at a blob's age and its removal: it is
    the blob of that deposit which is put aside then."""

    async def _slip_in(self, store: BlobStore) -> None:
        await _write(store)
        assert await disposal.put_aside(store._store, DIGEST, LATER)

    @pytest.mark.parametrize("ask", [BlobStore.size_of, BlobStore.verify, BlobStore.open])
    async def test_bytes_are_still_read(
        self, store: BlobStore, ask: Callable[..., Awaitable[object]]
    ) -> None:
        await self._slip_in(store)
        await ask(store, DIGEST)
        assert await store.read_verified(DIGEST, limit_bytes=100 * MIB) == CONTENT

    async def test_bytes_are_still_given_to_a_child(self, store: BlobStore) -> None:
        await self._slip_in(store)
        async with store.materialise(DIGEST) as path:
            assert path.read_bytes() == CONTENT

    async def test_bytes_are_put_back_once_their_row_is_there(
        self, local: BlobStore, root: Path
    ) -> None:
        await self._slip_in(local)
        await local.sweep(_rules(LATER + GRACE, DIGEST))
        assert _files(root) == {f"sha256/{DIGEST[:2]}/{DIGEST}"}

    async def test_bytes_deposited_again_meanwhile_stay(self, store: BlobStore) -> None:
        await self._slip_in(store)
        await _write(store)
        assert (await store.sweep(_rules(datetime.now(UTC) + 3 * GRACE))).removed == 1
        assert await store.size_of(DIGEST) == len(CONTENT)

    async def test_what_is_not_there_is_not_put_aside(self, store: BlobStore) -> None:
        assert not await disposal.put_aside(store._store, ABSENT, LATER)

    async def test_no_deposit_among_visits_loses_its_bytes(self, store: BlobStore) -> None:
        """The same forty documents deposited again, and visits for which every age is enough."""
        contents = [f"document {number}".encode() * 100 for number in range(40)]
        digests = [sha256(content).hexdigest() for content in contents]
        named: set[str] = set()
        deposited = asyncio.Event()

        async def deposit() -> None:
            for content in contents:
                blob = await _write(store, content)
                await asyncio.sleep(0)
                named.add(blob.sha256)
            deposited.set()

        async def visit() -> int:
            moving = 0
            while not deposited.is_set():
                moving += not await store.reclaim(digests, _rules(LATER, *named))
            return moving

        for content in contents:
            await _write(store, content)
        moving, _ = await asyncio.gather(visit(), deposit())
        assert moving > 0
        await store.reclaim(digests, _rules(LATER + GRACE, *named))
        for digest, content in zip(digests, contents, strict=True):
            assert await store.read_verified(digest, limit_bytes=MIB) == content


class TestReclaim:
    async def test_takes_these_blobs_only_in_two_visits(self, store: BlobStore) -> None:
        await _write(store)
        other = await _write(store, b"other")
        assert not await store.reclaim([DIGEST], _rules(LATER))
        assert await store.reclaim([DIGEST], _rules(LATER + GRACE))
        assert await store.size_of(other.sha256) == len(b"other")
        with pytest.raises(BlobMissing):
            await store.size_of(DIGEST)

    async def test_has_nothing_to_do_with_what_a_row_names(self, store: BlobStore) -> None:
        await _write(store)
        assert await store.reclaim([DIGEST], _rules(LATER, DIGEST))
        assert await store.size_of(DIGEST) == len(CONTENT)

    async def test_leaves_what_was_just_deposited_again_to_a_later_night(
        self, store: BlobStore
    ) -> None:
        await _write(store)
        assert await store.reclaim([DIGEST], _rules(datetime.now(UTC)))
        assert await store.size_of(DIGEST) == len(CONTENT)

    async def test_of_bytes_long_gone_is_over(self, store: BlobStore) -> None:
        assert await store.reclaim([ABSENT], _rules(LATER))

    async def test_of_nothing_asks_nothing(self, local: BlobStore) -> None:
        async def never(_digests: list[str]) -> set[str]:
            pytest.fail("asked")

        assert await local.reclaim([], Rules(now=LATER, grace=GRACE, named=never))


def _age(store: BlobStore) -> None:
    path = store.local_path(DIGEST)
    assert path is not None
    os.utime(path, (0, 0))


_KILLED_WRITER = """
    import asyncio, os, pathlib, signal, sys
    from app.storage import local_store

    async def chunks():
        for _ in range(64):
            yield bytes(65536)
        os.kill(os.getpid(), signal.SIGKILL)

    store = local_store(pathlib.Path(sys.argv[1]))
    asyncio.run(store.write(chunks(), limit_bytes=10**9))
"""


def _kill_while_writing(root: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(_KILLED_WRITER), str(root)]
    assert subprocess.run(command, check=False).returncode == -9


_MEASURED_WRITER = """
    import asyncio, pathlib, resource, sys
    from app.storage import local_store

    def peak_kb():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def chunks(count):
        block = bytes(range(256)) * 256
        for _ in range(count):
            yield block

    async def main():
        store = local_store(pathlib.Path(sys.argv[1]))
        await store.write(chunks(1), limit_bytes=10**9)
        idle = peak_kb()
        blob = await store.write(chunks(1600), limit_bytes=10**9)
        written = peak_kb()
        await store.verify(blob.sha256)
        print(blob.size_bytes, written - idle, peak_kb() - idle)

    asyncio.run(main())
"""


def test_threat_17_a_document_of_100_mb_costs_flat_memory(root: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_MEASURED_WRITER), str(root)],
        capture_output=True,
        text=True,
        check=True,
    )
    size_bytes, written_kb, read_kb = map(int, ran.stdout.split())
    assert size_bytes == 100 * MIB
    assert written_kb <= 24 * 1024
    assert read_kb <= 24 * 1024
