"""The full report of a signed revision."""

from __future__ import annotations

import pytest

from app.context import Context
from app.worker import drain
from tests.builders.people import ApiPerson
from tests.builders.signatories import Signatory, newest


@pytest.mark.parametrize("subtype", ["acts", "flows"])
async def test_the_full_report_of_what_was_signed_follows_by_a_job(
    signatory: Signatory, context: Context, finances: ApiPerson, subtype: str
) -> None:
    folder_id = await signatory.signed(subtype)
    await drain(context)
    report = newest(await finances.read(folder_id))["report"]
    assert report["verdict"] == "valid"
