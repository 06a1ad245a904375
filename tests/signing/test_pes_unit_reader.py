"""The units of a flow: what is no sound flow, or too large a one, is refused."""

from __future__ import annotations

import pytest

from app.demo.flows import Flow, make_pes
from signing.errors import UnsupportedDocument
from signing.pes_unit_reader import read_units
from signing.pes_units import UnitKind, UnitLimits


def refusal(document: bytes, limits: UnitLimits | None = None) -> str:
    with pytest.raises(UnsupportedDocument) as caught:
        list(read_units(document, limits or UnitLimits()))
    return caught.value.code


class TestUnits:
    def test_come_after_those_below_them(self) -> None:
        kinds = [one.kind for one in read_units(make_pes(Flow(items_per_slip=1)))]
        assert kinds == [
            UnitKind.HEADER,
            UnitKind.HEADER,
            UnitKind.LINE,
            UnitKind.ITEM,
            UnitKind.SLIP,
            UnitKind.DOMAIN,
            UnitKind.HEADER,
        ]

    def test_slips_and_pieces_sum_their_lines_in_cents(self) -> None:
        units = list(read_units(make_pes(Flow(items_per_slip=2))))
        sums = {one.kind: one.cents for one in units if one.place.item in {None, "2"}}
        assert (sums[UnitKind.ITEM], sums[UnitKind.SLIP]) == (6104, 10604)


class TestBounds:
    @pytest.mark.parametrize(
        ("other", "code"),
        [
            pytest.param(b"<a/>", "pes_unknown_root", id="root"),
            pytest.param(make_pes()[:-20], "xml_not_well_formed", id="cut"),
            pytest.param(b"", "xml_not_well_formed", id="empty"),
            pytest.param(
                make_pes().replace(b"<n:PES", b"<!DOCTYPE a><n:PES", 1), "xml_doctype", id="doctype"
            ),
            pytest.param(
                make_pes().replace(b"<Enveloppe>", b"<a>" * 200 + b"</a>" * 200 + b"<Enveloppe>"),
                "xml_too_deep",
                id="deep",
            ),
        ],
    )
    def test_threat_16_what_is_no_sound_flow_is_refused(self, other: bytes, code: str) -> None:
        assert refusal(other) == code

    @pytest.mark.parametrize(
        "limits",
        [UnitLimits(max_bytes=1000), UnitLimits(max_units=5)],
        ids=["bytes", "units"],
    )
    def test_threat_17_beyond_its_bounds_nothing_is_compared(self, limits: UnitLimits) -> None:
        assert refusal(make_pes(), limits) == "comparison_too_large"
