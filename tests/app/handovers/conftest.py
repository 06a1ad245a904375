"""An election, and who is elected."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.context import Context
from tests.builders.handovers import Election
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock


@pytest.fixture
async def election(context: Context, administrator: ApiPerson, clock: DrivenClock) -> Election:
    """In ten minutes, of somebody who holds nothing yet."""
    await add_person(context, administrator.town, "elue")
    elected = str(administrator.town.users["elue"])
    return Election(administrator, elected, clock() + timedelta(minutes=10))
