"""The remotes that take part, and the two kinds of submission."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from app.demo.s2low import S2lowDouble
from connectors.base import Submission
from tests.builders.submissions import make_act, make_act_with_signature, make_pes
from tests.builders.tdt import TdtPki
from tests.connectors.contract.remotes import Remote, S2lowRemote

MakeSubmission = Callable[[], Submission]

_REMOTES = ("s2low_archivist", "s2low_ordinary")


@pytest.fixture(params=_REMOTES)
async def remote(
    request: pytest.FixtureRequest, double: S2lowDouble, tdt_pki: TdtPki
) -> AsyncIterator[Remote]:
    opened = S2lowRemote(double, tdt_pki, with_login=request.param == "s2low_ordinary")
    yield opened
    await opened.connector.aclose()


@pytest.fixture(params=["act", "act_with_signature", "pes"])
def submission(request: pytest.FixtureRequest) -> Submission:
    makers: dict[str, MakeSubmission] = {
        "act": make_act,
        "act_with_signature": make_act_with_signature,
        "pes": make_pes,
    }
    return makers[request.param]()
