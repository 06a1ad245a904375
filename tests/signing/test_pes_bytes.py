"""Edits of a flow on its bytes: end tags and insertions."""

from __future__ import annotations

import re

import pytest

from app.demo.flows import Flow, make_pes
from signing.errors import UnsupportedDocument
from signing.pes_bytes import EXPAT_ROOT, end_offsets, only_inserted, splice


class TestEndOffsets:
    def test_offsets_are_those_of_the_end_tags(self) -> None:
        content = make_pes(Flow(expense_slips=3))
        expected = [match.start() for match in re.finditer(rb"</Bordereau>", content)]
        assert list(end_offsets(content, "Bordereau")) == expected

    def test_an_end_tag_in_a_comment_is_no_end_tag(self) -> None:
        content = make_pes(Flow(expense_slips=2))
        expected = end_offsets(content, "Bordereau")
        after = content.replace(b"</PES_DepenseAller>", b"<!-- </Bordereau> --></PES_DepenseAller>")
        assert end_offsets(after, "Bordereau") == expected

    def test_a_comment_after_the_root_is_not_taken_for_it(self) -> None:
        content = make_pes()
        expected = end_offsets(content, EXPAT_ROOT)
        assert end_offsets(content + b"<!-- </n:PES_Aller> -->", EXPAT_ROOT) == expected

    def test_a_slip_without_end_tag_is_refused(self) -> None:
        content = re.sub(
            rb"<Bordereau .*</Bordereau>", b'<Bordereau Id="B"/>', make_pes(), flags=re.S
        )
        with pytest.raises(UnsupportedDocument) as caught:
            end_offsets(content, "Bordereau")
        assert caught.value.code == "pes_empty_slip"


class TestSplice:
    def test_pieces_go_where_they_are_said_to(self) -> None:
        assert splice(b"abcd", [(3, b"Y"), (1, b"X")]) == b"aXbcYd"

    def test_a_splice_only_inserts(self) -> None:
        pieces = [(3, b"Y"), (1, b"X")]
        assert only_inserted(b"abcd", splice(b"abcd", pieces), pieces)

    @pytest.mark.parametrize(
        "spliced", [b"aZbcYd", b"aXbcYe", b"aXbcY", b"aXbcYdd", b"abcd", b"zXbcYd"]
    )
    def test_any_other_byte_is_seen(self, spliced: bytes) -> None:
        assert not only_inserted(b"abcd", spliced, [(1, b"X"), (3, b"Y")])
