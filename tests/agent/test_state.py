"""The state directory: private, one pairing, each job once."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from agent.errors import JobRefused, StateError
from agent.state import JournalLine, Pairing, StateDirectory, default_directory

PAIRING = Pairing(
    origin="https://parapheur.invalid",
    device_id=uuid4(),
    server_job_key=b"k" * 32,
    tenant_name="Commune de Sainte-Fiction",
    user_name="Camille Duval",
    device_key_place="file",
    authorities_pem="-----BEGIN CERTIFICATE-----",
)


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path / "state")


def test_keeps_the_pairing(state: StateDirectory) -> None:
    state.save_pairing(PAIRING)
    assert state.pairing() == PAIRING


def test_files_are_for_their_owner_alone(state: StateDirectory) -> None:
    state.save_pairing(PAIRING)
    modes = {stat.S_IMODE(f.stat().st_mode) for f in [state.path, *state.path.iterdir()]}
    assert modes == {0o700, 0o600}


def test_refuses_a_directory_open_to_others(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(StateError):
        StateDirectory(tmp_path / "open")


def test_says_that_nothing_is_paired(state: StateDirectory) -> None:
    with pytest.raises(StateError) as refused:
        state.pairing()
    assert refused.value.code == "not_paired"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"origin": 1}'])
def test_refuses_a_damaged_pairing(state: StateDirectory, content: bytes) -> None:
    state.write_private("pairing.json", content)
    with pytest.raises(StateError) as refused:
        state.pairing()
    assert refused.value.code == "state_unusable"


def test_a_job_is_claimed_once_even_by_another_program(state: StateDirectory) -> None:
    job_id = uuid4()
    state.claim_job(job_id)
    with pytest.raises(JobRefused) as refused:
        StateDirectory(state.path).claim_job(job_id)
    assert refused.value.code == "job_replayed"


def test_a_new_pairing_replaces_the_first(state: StateDirectory) -> None:
    state.save_pairing(PAIRING)
    state.save_pairing(replace(PAIRING, user_name="Dominique Martin"))
    assert state.pairing().user_name == "Dominique Martin"


def test_the_journal_only_grows(state: StateDirectory) -> None:
    for title in ("premier", "second"):
        state.record(JournalLine("t", "s", "u", title, "d", "h", "c", "j"))
    lines = (state.path / "signed.jsonl").read_text("utf-8").splitlines()
    assert ["premier" in lines[0], "second" in lines[1], len(lines)] == [True, True, 2]


def test_the_usual_place_follows_the_environment() -> None:
    assert default_directory({"XDG_STATE_HOME": "/x"}) == Path("/x/parapheur-agent")
