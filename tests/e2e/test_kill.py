"""kill -9 of the worker and a queue that forgets everything: the walk ends, nothing is doubled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from redis import Redis

from app.demo.play import Piece, Play
from app.demo.signer import SigningPost
from app.demo.stage import Stage
from app.errors import Unavailable
from app.serving import WORKER
from tests.builders.processes import await_fact
from tests.builders.walks import a_flow, an_act, emissions, kill_worker

pytestmark = pytest.mark.slow_process

Accident = Callable[[Stage], None]
POINTS = ("deposited", "approved", "signed", "emitted", "transmitted")
SENT = ("transmitted", "acknowledged")


def flush_queue(stage: Stage) -> None:
    """The queue's server loses all that it knew."""
    url = stage.settings.redis.url
    assert url is not None
    with Redis.from_url(url.get_secret_value()) as client:
        client.flushall()


def kill_and_flush(stage: Stage) -> None:
    kill_worker(stage)
    flush_queue(stage)


class Walk:
    """Pieces on their way, interrupted once at a chosen point."""

    def __init__(self, stage: Stage, play: Play, post: SigningPost) -> None:
        self._stage = stage
        self._play = play
        self._post = post

    def walk(self, pieces: Sequence[Piece], point: str, accident: Accident) -> None:
        try:
            self._go(pieces, point, accident)
        except Unavailable as e:
            for piece in pieces:
                e.add_note(f"{piece.key}: {piece.folder.get('status')}")
            e.add_note(self._stage.supervisor.child(WORKER).log_tail())
            raise

    def _go(self, pieces: Sequence[Piece], point: str, accident: Accident) -> None:
        for piece in pieces:
            self._play.deposit(piece)
        self._maybe(point, "deposited", accident)
        for piece in pieces:
            self._play.approve(piece)
        self._maybe(point, "approved", accident)
        self._play.sign(pieces, self._post)
        self._maybe(point, "signed", accident)
        if point == "emitted":
            keys = {piece.key for piece in pieces}
            assert await_fact(lambda: bool(keys & set(emissions(self._stage))), timeout_s=120)
            accident(self._stage)
        if point == "transmitted":
            self._play.follow(pieces[0], lambda: pieces[0].folder["status"] in SENT)
            accident(self._stage)
        for piece in pieces:
            self._play.await_answer(piece)

    def _maybe(self, point: str, here: str, accident: Accident) -> None:
        if point == here:
            accident(self._stage)


@pytest.fixture
def walk(stage: Stage, play: Play, post: SigningPost) -> Walk:
    return Walk(stage, play, post)


@pytest.mark.parametrize("point", POINTS)
def test_threat_39_a_killed_worker_loses_and_doubles_nothing(
    walk: Walk, stage: Stage, tmp_path: Path, point: str
) -> None:
    number = 100 + POINTS.index(point)
    pieces = [an_act(tmp_path, number), a_flow(tmp_path, number)]
    walk.walk(pieces, point, kill_worker)
    assert [emissions(stage)[piece.key] for piece in pieces] == [1, 1]


@pytest.mark.parametrize("point", ["approved", "signed", "emitted"])
def test_threat_39_a_flushed_queue_loses_and_doubles_nothing(
    walk: Walk, stage: Stage, tmp_path: Path, point: str
) -> None:
    number = 200 + POINTS.index(point)
    pieces = [an_act(tmp_path, number), a_flow(tmp_path, number)]
    walk.walk(pieces, point, flush_queue)
    assert [emissions(stage)[piece.key] for piece in pieces] == [1, 1]


def test_threat_39_many_folders_are_each_emitted_once(
    walk: Walk, stage: Stage, tmp_path: Path, scaled: Callable[[int, int], int]
) -> None:
    count = scaled(200, 6)
    makers = (an_act, a_flow)
    pieces = [makers[n % 2](tmp_path, 1000 + n) for n in range(count)]
    walk.walk(pieces, "emitted", kill_and_flush)
    counted = emissions(stage)
    assert {piece.key: counted[piece.key] for piece in pieces} == {piece.key: 1 for piece in pieces}
