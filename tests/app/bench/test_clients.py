"""Work shared out among clients is all done, once."""

from __future__ import annotations

from threading import Event

import pytest

from app.bench.clients import share_out


class TestShareOut:
    def test_each_item_is_done_once_and_nobody_waits_for_a_slow_client(self) -> None:
        done: list[int] = []
        begun, all_others_done = Event(), Event()

        def act_slowly(item: int) -> None:
            begun.set()
            assert all_others_done.wait(30)
            done.append(item)

        def act(item: int) -> None:
            assert begun.wait(30)
            done.append(item)
            if len(done) == 6:
                all_others_done.set()

        assert share_out([act_slowly, act], range(7)) > 0
        assert sorted(done) == list(range(7))

    def test_a_refusal_ends_the_measure(self) -> None:
        def refuse(_item: int) -> None:
            raise ValueError("refused")

        with pytest.raises(ValueError, match="refused"):
            share_out([refuse], [1])
