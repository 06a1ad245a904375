"""The figures of a job."""

from __future__ import annotations

import pytest

from app.signing_jobs.service import summary_of


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        (["300.00"], "300.00"),
        (["106.045", "0.005"], "106.050"),
        (["106.04", "-106.04"], "0.00"),
        (["-0.50", "-0.25"], "-0.75"),
        (["12"], "12"),
        ([], "0"),
    ],
)
def test_the_amount_of_a_flow_is_the_exact_sum_of_its_slips(amounts: list[str], total: str) -> None:
    facts = {"slips": [{"amount_incl_tax": amount} for amount in amounts]}
    assert summary_of(facts) == {"slips": len(amounts), "amount_incl_tax": total}


def test_what_is_no_flow_has_no_figures() -> None:
    assert summary_of(None) == {"slips": None, "amount_incl_tax": None}
