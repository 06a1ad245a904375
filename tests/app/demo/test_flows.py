"""The generator of fictional flows."""

from __future__ import annotations

from base64 import b64decode
from decimal import Decimal
from gzip import decompress
from io import BytesIO

import pytest

from app.demo.flows import Flow, grown_to, make_pes, write_pes
from signing import pes, xml


def test_the_same_flow_always_gives_the_same_bytes() -> None:
    assert make_pes(Flow(attachments=2)) == make_pes(Flow(attachments=2))


def test_two_numbers_give_two_names() -> None:
    names = {pes.inspect([make_pes(Flow(number=n))]).header.file_name for n in (1, 2)}
    assert names == {Flow(number=1).file_name, Flow(number=2).file_name}


def test_identifiers_are_those_of_one_flow_only() -> None:
    first, second = (
        {slip.id for slip in pes.inspect([make_pes(Flow(number=n, expense_slips=3))]).slips}
        for n in (1, 2)
    )
    assert first.isdisjoint(second)


@pytest.mark.parametrize("items", [1, 7, 100])
def test_declared_totals_are_those_of_the_lines(items: int) -> None:
    flow = Flow(expense_slips=2, revenue_slips=2, items_per_slip=items)
    assert all(
        slip.declared_excl_tax + slip.declared_tax == slip.summed_incl_tax
        for slip in pes.inspect([make_pes(flow)]).slips
    )


def test_the_yearly_total_grows_slip_after_slip() -> None:
    root = xml.parse(make_pes(Flow(expense_slips=3)))
    totals = [Decimal(one.get("V", "")) for one in root.iter("MtCumulAnnuel")]
    assert totals == sorted(totals)


def test_attachments_are_gzip_in_base64() -> None:
    root = xml.parse(make_pes(Flow(attachments=1, attachment_bytes=321)))
    (text,) = (one.text or "" for one in root.iter("Fichier"))
    assert len(decompress(b64decode(text))) == 321


@pytest.mark.parametrize("size", [50_000, 3_000_000])
def test_a_flow_grows_to_the_size_asked_for(size: int) -> None:
    assert abs(len(make_pes(grown_to(Flow(), size))) - size) < size * 0.03


def test_writing_gives_the_bytes_of_making() -> None:
    target = BytesIO()
    write_pes(Flow(attachments=2), target)
    assert target.getvalue() == make_pes(Flow(attachments=2))
