"""InfoDematerialisee at 1: one value or one element per domain, and no other byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.demo.flows import Flow, make_pes
from signing.errors import UnsupportedDocument
from signing.pes import dematerialised_edits, inspect, mark_dematerialised
from tests.builders.pes import sign_flow

BOTH = Flow(expense_slips=1, revenue_slips=1, dematerialised=False)


def flags(content: bytes) -> tuple[tuple[str, bool], ...]:
    return inspect([content], require_latin1=False).dematerialised


def flow_with(flag: str) -> bytes:
    """A flow whose only domain has this text in the place of its flag."""
    content = make_pes(Flow(dematerialised=False))
    found = b'<InfoDematerialisee V="0"/>'
    assert content.count(found) == 1
    return content.replace(found, flag.encode())


class TestMarkDematerialised:
    def test_each_domain_that_holds_a_slip_is_marked(self) -> None:
        marked = mark_dematerialised(make_pes(BOTH))
        assert flags(marked) == (("PES_DepenseAller", True), ("PES_RecetteAller", True))

    def test_one_byte_changes_for_each_domain(self) -> None:
        source = make_pes(BOTH)
        marked = mark_dematerialised(source)
        assert len(marked) == len(source)
        assert sum(a != b for a, b in zip(source, marked, strict=True)) == 2

    def test_a_marked_flow_comes_back_as_it_is(self) -> None:
        source = make_pes()
        assert mark_dematerialised(source) is source

    def test_true_counts_as_marked(self) -> None:
        source = flow_with('<InfoDematerialisee V="true"/>')
        assert mark_dematerialised(source) is source

    @pytest.mark.parametrize(
        "flag",
        [
            '<InfoDematerialisee V="0"></InfoDematerialisee>',
            "<InfoDematerialisee V='0' />",
            '<InfoDematerialisee\n  V = "false"/>',
            "<InfoDematerialisee/>",
            '<InfoDematerialisee V=""/>',
            "",
        ],
    )
    def test_every_way_of_writing_the_flag(self, flag: str) -> None:
        assert flags(mark_dematerialised(flow_with(flag))) == (("PES_DepenseAller", True),)

    def test_a_missing_flag_is_made_right_after_the_version(self) -> None:
        marked = mark_dematerialised(flow_with(""))
        assert b'<IdVer V="2"/><InfoDematerialisee V="1"/>' in marked

    def test_a_version_with_an_end_tag_is_stepped_over(self) -> None:
        source = flow_with("").replace(b'<IdVer V="2"/>', b'<IdVer V="2"></IdVer >', 1)
        assert b'</IdVer ><InfoDematerialisee V="1"/>' in mark_dematerialised(source)

    def test_the_flag_inside_a_comment_is_left_alone(self) -> None:
        comment = b'<!-- <InfoDematerialisee V="0"/> -->'
        source = flow_with('<InfoDematerialisee V="0"/>').replace(
            b"<EnTeteDepense>", b"<EnTeteDepense>" + comment
        )
        marked = mark_dematerialised(source)
        assert comment in marked
        assert flags(marked) == (("PES_DepenseAller", True),)

    def test_a_domain_without_slip_is_left_alone(self) -> None:
        source = re.sub(
            rb"<Bordereau .*</Bordereau>", b"", make_pes(Flow(dematerialised=False)), flags=re.S
        )
        assert mark_dematerialised(source) is source

    def test_a_byte_order_mark_shifts_nothing(self) -> None:
        flow = Flow(encoding="UTF-8", dematerialised=False)
        marked = mark_dematerialised(b"\xef\xbb\xbf" + make_pes(flow))
        assert flags(marked) == (("PES_DepenseAller", True),)

    def test_a_signed_flow_is_refused(self) -> None:
        with pytest.raises(UnsupportedDocument) as caught:
            mark_dematerialised(sign_flow(make_pes()))
        assert caught.value.code == "pes_already_signed"

    def test_a_domain_without_version_is_refused(self) -> None:
        source = flow_with("").replace(b'<IdVer V="2"/>', b"", 1)
        with pytest.raises(UnsupportedDocument) as caught:
            mark_dematerialised(source)
        assert caught.value.code == "pes_missing_field"

    @pytest.mark.parametrize("name", ["A01", "A04", "A05", "A06"])
    def test_samples_stay_as_long_as_they_were(self, shared_data: Path, name: str) -> None:
        source = next((shared_data / "pes/samples").glob(f"{name}-*.xml")).read_bytes()
        marked = mark_dematerialised(source)
        assert all(done for _, done in flags(marked))
        assert len(marked) == len(source)


class TestEdits:
    def test_edits_of_a_file_give_the_marked_flow(self, tmp_path: Path) -> None:
        source, path = make_pes(BOTH), tmp_path / "flow.xml"
        path.write_bytes(source)
        marked = bytearray(source)
        for edit in reversed(dematerialised_edits(path)):
            marked[edit.start : edit.end] = edit.replacement
        assert bytes(marked) == mark_dematerialised(source)

    def test_a_marked_file_needs_no_edit(self, tmp_path: Path) -> None:
        path = tmp_path / "flow.xml"
        path.write_bytes(make_pes())
        assert dematerialised_edits(path) == ()

    def test_a_flow_larger_than_a_block_is_edited_at_the_right_place(self, tmp_path: Path) -> None:
        flow = Flow(expense_slips=9, items_per_slip=40, revenue_slips=1, dematerialised=False)
        path = tmp_path / "flow.xml"
        path.write_bytes(make_pes(flow))
        assert len(dematerialised_edits(path)) == 2
        assert [path.read_bytes()[one.start : one.end] for one in dematerialised_edits(path)] == [
            b"0",
            b"0",
        ]
