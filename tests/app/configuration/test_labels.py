"""What people call each setting of the document, in the sentences about what changes."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from app.configuration.document import (
    DeskPart,
    MandatePart,
    PersonPart,
    StaffPart,
    SubtypePart,
    TenantPart,
    TypePart,
)
from app.configuration.labels import label

TOLD_APART = {"name", "login", "holders", "staff", "subtypes"}
"""What names the thing itself, and the parts that are compared on their own."""


@pytest.mark.parametrize(
    "part",
    [TenantPart, PersonPart, DeskPart, StaffPart, TypePart, SubtypePart, MandatePart],
    ids=lambda part: part.__name__,
)
def test_each_setting_that_may_change_has_french_words(part: type[BaseModel]) -> None:
    settings = set(part.model_fields) - TOLD_APART
    assert [one for one in sorted(settings) if label(one) == one] == []


def test_what_is_no_setting_of_the_document_is_said_as_it_is() -> None:
    assert label("dates") == "dates"
