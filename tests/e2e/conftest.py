"""One stage for the walks of a module: every program of the demonstration, for real."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.demo.narrator import silent
from app.demo.people import SIRET
from app.demo.play import Cast, Play, signed_in
from app.demo.signer import Key, SigningPost, make_chain, make_key
from app.demo.stage import FAST_CLOCKS, Plan, Stage, make_directory, open_stage
from app.local.supervisor import Supervisor

# A post whose outcome is unknown is looked up after this long: short, as the double is near.
CLOCKS = {**FAST_CLOCKS, "PARAPHEUR_TDT_SEND_S": "5", "PARAPHEUR_WORKER_LEASE_S": "2"}


@pytest.fixture(scope="session")
def key(softhsm_module: Path) -> Iterator[Key]:
    directory = make_directory()
    yield make_key(directory / "signer", make_chain(SIRET[:9]), softhsm_module)
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def stage(key: Key) -> Iterator[Stage]:
    directory = make_directory()
    with open_stage(Plan(directory, lambda: key.chain, clocks=CLOCKS)) as opened:
        yield opened
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def cast(stage: Stage) -> Iterator[Cast]:
    with signed_in(stage) as people:
        yield people


@pytest.fixture(scope="module")
def post(stage: Stage, cast: Cast, key: Key) -> Iterator[SigningPost]:
    """The mayor's agent, paired and running."""
    with _running(stage, cast, key) as opened:
        yield opened


@pytest.fixture(scope="module")
def play(stage: Stage, cast: Cast) -> Play:
    return Play(stage, cast, silent())


@contextmanager
def _running(stage: Stage, cast: Cast, key: Key) -> Iterator[SigningPost]:
    folder = stage.directory / "post"
    folder.mkdir(mode=0o700)
    post = SigningPost(folder, key, stage.origin, stage.logs)
    with Supervisor() as desk:
        post.open(desk, cast.mayor)
        yield post
