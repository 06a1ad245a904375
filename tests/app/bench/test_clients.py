"""Work shared out among clients is all done, once."""

from __future__ import annotations

from functools import partial

import pytest

from app.bench.clients import share_out


class TestShareOut:
    def test_each_item_is_done_once_and_by_every_client(self) -> None:
        done: list[tuple[str, int]] = []

        def act(client: str, item: int) -> None:
            done.append((client, item))

        actions = [partial(act, name) for name in "abc"]
        assert share_out(actions, range(7)) > 0
        assert sorted(item for _, item in done) == list(range(7))
        assert {client for client, _ in done} == set("abc")

    def test_a_refusal_ends_the_measure(self) -> None:
        def refuse(_item: int) -> None:
            raise ValueError("refused")

        with pytest.raises(ValueError, match="refused"):
            share_out([refuse], [1])
