"""An election, and who is elected."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.context import Context
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock


@pytest.fixture
def election(clock: DrivenClock) -> datetime:
    """When the new mayor is elected."""
    return clock() + timedelta(minutes=10)


@pytest.fixture
async def elected(context: Context, administrator: ApiPerson) -> str:
    """Somebody who holds nothing yet."""
    await add_person(context, administrator.town, "elue")
    return str(administrator.town.users["elue"])
