"""What makes a local authority: SIRET, time zone."""

from __future__ import annotations

import uuid

import pytest

from app.errors import Unprocessable
from app.tenants.service import NewTenant, check_siret, make_tenant
from tests.builders.towns import a_siret


@pytest.mark.parametrize(
    "siret",
    [
        "21990001600011",
        "00000000000000",
        "35600000000048",  # La Poste's head office follows the common rule
        "35600000009075",  # its offices another: the sum of the digits is a multiple of five
    ],
)
def test_a_siret_with_its_checksum_is_taken(siret: str) -> None:
    check_siret(siret)


@pytest.mark.parametrize("_time", range(20))
def test_any_siret_made_with_its_checksum_is_taken(_time: int) -> None:
    check_siret(a_siret())


@pytest.mark.parametrize(
    "siret",
    [
        "21990001600014",
        "12990001600011",
        "35600000000049",
        "2199000160001",
        "219900016000140",
        "",
        "2199000160001A",
        "219 900 016 00014",
        "٢١٩٩٠٠٠١٦٠٠٠١٤",
        "2199000160001²",
        "-2199000160001",
    ],
)
def test_another_text_is_refused(siret: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        check_siret(siret)
    assert refused.value.code == "bad_siret"


@pytest.mark.parametrize("place", range(14))
def test_one_wrong_digit_is_found(place: int) -> None:
    right = a_siret()
    wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
    with pytest.raises(Unprocessable):
        check_siret(wrong)


@pytest.mark.parametrize("timezone", ["Europe/Paris", "America/Martinique", "Indian/Reunion"])
def test_a_tenant_lives_in_its_time_zone(timezone: str) -> None:
    new = NewTenant(a_siret(), "Commune fictive", "Saint-Exemple", "99000", timezone=timezone)
    assert make_tenant(uuid.uuid4(), new).timezone == timezone


@pytest.mark.parametrize(
    "timezone",
    ["Europe/Nulle-Part", "Europe", "", "../etc/passwd", "/etc/localtime", "a" * 300, "a\0b"],
)
def test_an_unknown_time_zone_is_refused(timezone: str) -> None:
    new = NewTenant(a_siret(), "Commune fictive", "Saint-Exemple", "99000", timezone=timezone)
    with pytest.raises(Unprocessable) as refused:
        make_tenant(uuid.uuid4(), new)
    assert refused.value.code == "bad_timezone"
