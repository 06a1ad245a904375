"""What every XML signature is asked: its references, and the time at which it was made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from signing import xml
from signing.policies import HELIOS_2018
from signing.xades import build, complete, identify
from signing.xades_checks import (
    CLOCK_SKEW,
    Fault,
    check_mathematics,
    open_document,
    resolve,
    time_faults,
)
from signing.xades_reading import ReadSignature, Transform, read
from signing.xmldsig import INCLUSIVE
from tests.builders.pes import NOW, parameters, rsa_value, signer

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def found() -> ReadSignature:
    """A signature as it is read, over nothing in particular."""
    one = build("cible", b"", identify(parameters(), HELIOS_2018))
    return read(xml.parse(complete(one.xml, rsa_value(signer().issued.key, one.tbs))))


def codes(faults: tuple[Fault, ...]) -> list[str]:
    return [one.finding.code for one in faults]


def codes_of_time(found: ReadSignature, at: datetime, now: datetime) -> list[str]:
    """What is said of a signature made at that instant."""
    signed = replace(found, properties=replace(found.properties, signing_time=at))
    return codes(time_faults(signed, signer().issued.certificate, now))


class TestTimeFaults:
    @pytest.mark.parametrize(
        ("end", "after", "expected"),
        [
            ("not_valid_before_utc", -SECOND, ["certificate_not_yet_valid_at_signing"]),
            ("not_valid_before_utc", 0 * SECOND, []),
            ("not_valid_after_utc", 0 * SECOND, []),
            ("not_valid_after_utc", SECOND, ["certificate_expired_at_signing"]),
        ],
        ids=["before", "first", "last", "after"],
    )
    def test_threat_12_the_time_of_signing_is_judged_to_the_second(
        self, found: ReadSignature, end: str, after: timedelta, expected: list[str]
    ) -> None:
        at = getattr(signer().issued.certificate, end) + after
        assert codes_of_time(found, at, now=at) == expected

    @pytest.mark.parametrize(
        ("ahead", "expected"),
        [(CLOCK_SKEW, []), (CLOCK_SKEW + SECOND, ["signing_time_in_future"])],
        ids=["just", "beyond"],
    )
    def test_the_clock_of_the_signer_may_be_five_minutes_ahead(
        self, found: ReadSignature, ahead: timedelta, expected: list[str]
    ) -> None:
        assert timedelta(minutes=5) == CLOCK_SKEW
        assert codes_of_time(found, NOW + ahead, NOW) == expected


class TestReferences:
    def test_threat_08_an_identifier_borne_twice_names_nothing(self) -> None:
        root = xml.parse(b'<r><a Id="x"/><b Id="x"/><c Id="y"/></r>')
        document = open_document(root, b"", ("Id",))
        target = resolve(document, "#y")
        assert target is not None
        assert (target.element.tag, resolve(document, "#x")) == ("c", None)

    @pytest.mark.parametrize("bare", [True, False])
    def test_threat_11_a_transform_takes_no_parameter(
        self, found: ReadSignature, bare: bool
    ) -> None:
        transform = Transform(INCLUSIVE, (), bare=bare)
        references = tuple(replace(one, transforms=(transform,)) for one in found.references)
        document = open_document(xml.parse(b"<vide/>"), b"", ("Id",))
        outcome = check_mathematics(document, replace(found, references=references), None)
        assert ("transform_forbidden" in codes(outcome.faults)) is not bare
