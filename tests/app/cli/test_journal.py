"""`parapheur journal verify` on exports that are sound, altered, or something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.builders.command_line import call
from tests.builders.journal import KEY, OTHER_KEY, chain_of, export_of

CHAIN = chain_of(5)
LINES = export_of(CHAIN)
PUBLIC_KEY = KEY.public_key().public_bytes_raw().hex()
Save = Callable[[Sequence[bytes]], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(lines: Sequence[bytes]) -> Path:
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.jsonl"
        file.write_bytes(b"".join(lines))
        return file

    return write


def swapped(lines: Sequence[bytes]) -> list[bytes]:
    return [lines[1], lines[0], *lines[2:]]


MUTATIONS: dict[str, tuple[list[bytes], int]] = {
    "a changed byte": ([LINES[0], LINES[1].replace(b"F-1", b"F-2"), *LINES[2:]], 2),
    "a deleted line": ([LINES[0], *LINES[2:]], 2),
    "two swapped lines": (swapped(LINES), 1),
    "a cut tail": (LINES[:-1], 6),
    "a cut line": ([*LINES[:-1], LINES[-1][:-20]], 6),
    "a repeated line": ([LINES[0], LINES[0], *LINES[1:]], 2),
    "an added line": ([*LINES, LINES[0]], 7),
    "nothing": ([], 1),
    "binary": ([bytes(range(256))], 1),
    "a very long line": ([b"x" * 3_000_000], 1),
}


def test_a_sound_journal_is_status_0(save: Save) -> None:
    assert call("journal", "verify", save(LINES)).status == 0


def test_the_signing_key_is_shown(save: Save) -> None:
    assert PUBLIC_KEY in call("journal", "verify", save(LINES)).output


@pytest.mark.parametrize(("lines", "bad"), MUTATIONS.values(), ids=MUTATIONS.keys())
def test_threat_40_names_the_first_bad_line(save: Save, lines: list[bytes], bad: int) -> None:
    ended = call("journal", "verify", save(lines))
    assert (ended.failure, ended.status) == (None, 1)
    assert ended.output.startswith(f"Ligne {bad} :")


def test_threat_40_a_rewritten_chain_is_seen_since_an_earlier_export(save: Save) -> None:
    earlier = save(export_of(CHAIN[:3]))
    rewritten = save(export_of(chain_of(5, title="Autre")))
    assert call("journal", "verify", rewritten).status == 0
    assert call("journal", "verify", rewritten, "--since", earlier).status == 1


def test_a_journal_that_grew_is_sound_since_an_earlier_export(save: Save) -> None:
    earlier = save(export_of(CHAIN[:3]))
    assert call("journal", "verify", save(LINES), "--since", earlier).status == 0


def test_threat_40_another_key_is_refused(save: Save) -> None:
    forged = save(export_of(CHAIN, key=OTHER_KEY))
    assert call("journal", "verify", forged, "--key", PUBLIC_KEY).status == 1


@pytest.mark.parametrize("key", ["", "zz", "00" * 31, "é" * 64])
def test_a_key_that_is_not_one_is_a_usage_error(save: Save, key: str) -> None:
    ended = call("journal", "verify", save(LINES), "--key", key)
    assert (ended.status, ended.failure) == (2, None)


@pytest.mark.parametrize("content", [b"", b"rien\n", LINES[0]])
def test_a_checkpoint_that_is_not_one_is_a_usage_error(save: Save, content: bytes) -> None:
    ended = call("journal", "verify", save(LINES), "--since", save([content]))
    assert (ended.status, ended.failure) == (2, None)


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    assert call("journal", "verify", tmp_path).status == 2
    assert call("journal", "verify", tmp_path / "absent").status == 2
