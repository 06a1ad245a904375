from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connectors.actes.messages import concerns, read_answer
from connectors.base import AnswerError, Outcome
from connectors.errors import UnreadableAnswer
from tests.builders.acknowledgements import make_anomaly, make_ar
from tests.builders.submissions import make_act


class TestAcknowledgement:
    def test_gives_reference_and_date(self) -> None:
        answer = read_answer(make_ar(number="D7", received_on="2025-03-17"))

        assert answer.outcome is Outcome.ACKNOWLEDGED
        assert answer.reference == "999-000000000-20250314-D7-DE"
        assert answer.received_on == date(2025, 3, 17)

    def test_keeps_the_bytes(self) -> None:
        content = make_ar()

        assert read_answer(content).raw == content

    @pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-8"])
    def test_is_read_in_its_encoding(self, encoding: str) -> None:
        assert read_answer(make_ar(encoding=encoding)).outcome is Outcome.ACKNOWLEDGED

    @pytest.mark.parametrize("received_on", ["", "hier", "2025-13-45"])
    def test_without_a_date_acknowledges_nothing(self, received_on: str) -> None:
        with pytest.raises(UnreadableAnswer):
            read_answer(make_ar(received_on=received_on))

    def test_without_a_reference_acknowledges_nothing(self) -> None:
        with pytest.raises(UnreadableAnswer):
            read_answer(make_ar(reference=""))


class TestAnomaly:
    def test_refuses_with_its_detail(self) -> None:
        answer = read_answer(make_anomaly(nature="002", detail="classification périmée"))

        assert answer.outcome is Outcome.REFUSED
        assert answer.errors == (AnswerError("002", "classification périmée", "acte"),)

    def test_accepts_a_nature_outside_the_schema(self) -> None:
        assert read_answer(make_anomaly(nature="2")).errors[0].code == "2"

    def test_without_detail_still_says_something(self) -> None:
        assert read_answer(make_anomaly(nature="5", detail="")).errors[0].label


class TestOtherMessages:
    @pytest.mark.parametrize("content", [b"<a/>", b"<CourrierSimple/>", b"<html/>", b"OK", b""])
    def test_are_unreadable(self, content: bytes) -> None:
        with pytest.raises(UnreadableAnswer):
            read_answer(content)


class TestConcerns:
    def test_the_act_echoed(self) -> None:
        assert concerns(make_ar(number="D7"), make_act(number="D7"))

    def test_threat_29_not_another_number(self) -> None:
        assert not concerns(make_ar(number="D8"), make_act(number="D7"))

    def test_threat_29_not_another_date(self) -> None:
        assert not concerns(make_ar(number="D7", decided_on="2025-03-13"), make_act(number="D7"))

    def test_threat_29_not_another_reference(self) -> None:
        forged = make_ar(number="D7", reference="999-000000000-20250314-D8-DE")

        assert not concerns(forged, make_act(number="D7"))


class TestOfficialSamples:
    @pytest.mark.parametrize(
        ("name", "reference", "received_on"),
        [
            (
                "006-210600235-20180522-684-AI-1-2_5279.xml",
                "006-210600235-20180522-684-AI",
                date(2018, 5, 28),
            ),
            (
                "034-000000000-20170701-20170721D-AI-1-2_0.xml",
                "034-000000000-20170701-20170721D-AI",
                date(2017, 7, 21),
            ),
            (
                "034-491011698-20171207-CL20171227_06-DE-1-2.xml",
                "034-491011698-20171207-CL20171227_06-DE",
                date(2017, 12, 27),
            ),
        ],
    )
    def test_acknowledgements(
        self, shared_data: Path, name: str, reference: str, received_on: date
    ) -> None:
        answer = read_answer((shared_data / "actes/samples" / name).read_bytes())

        assert (answer.outcome, answer.reference, answer.received_on) == (
            Outcome.ACKNOWLEDGED,
            reference,
            received_on,
        )

    @pytest.mark.parametrize(
        ("name", "nature", "where"),
        [
            ("044-214400152----1-3_1.xml", "002", "acte"),
            ("034-000000000-20170701-20170721D-AI-1-3_0.xml", "2", "acte"),
            ("ANO_EACT--214400152--20180925-1.xml", "999", "enveloppe"),
        ],
    )
    def test_anomalies(self, shared_data: Path, name: str, nature: str, where: str) -> None:
        answer = read_answer((shared_data / "actes/samples" / name).read_bytes())

        assert answer.outcome is Outcome.REFUSED
        assert (answer.errors[0].code, answer.errors[0].where) == (nature, where)
        assert "\ufffd" not in answer.errors[0].label

    @pytest.mark.parametrize(
        "name",
        [
            "034-000000000-20170701-20170725A-AI-2-1_0.xml",
            "034-000000000-20170701-20170725A-AI-5-1_0.xml",
            "044-214400152-20181106-TEST_DGCL_4-DE-6-2_10.xml",
            "999-1234----7-2_1.xml",
        ],
    )
    def test_other_messages_are_not_answers(self, shared_data: Path, name: str) -> None:
        with pytest.raises(UnreadableAnswer):
            read_answer((shared_data / "actes/samples" / name).read_bytes())
