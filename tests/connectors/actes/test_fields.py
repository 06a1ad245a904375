from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from connectors.actes.fields import check, to_latin1
from connectors.base import ActSubmission
from tests.builders.submissions import DECIDED_ON, make_act, make_annex, make_attachment


def codes(submission: ActSubmission, *, today: date | None = DECIDED_ON) -> set[str]:
    return {fault.code for fault in check(submission, today=today)}


def make_budget(**changes: object) -> ActSubmission:
    document = make_attachment(b"<?xml version='1.0'?><b/>", media_type="application/xml")
    base = replace(make_act(document=document), nature_code=5, classification=(7, 1))
    return replace(base, **changes)  # type: ignore[arg-type]  # values of the parametrised tests


def test_a_correct_act_has_no_fault() -> None:
    assert codes(make_act(annexes=(make_annex(),))) == set()


@pytest.mark.parametrize("number", ["A", "1", "A_B", "CL20250314_06", "A" * 15])
def test_accepts_a_number(number: str) -> None:
    assert codes(make_act(number=number)) == set()


@pytest.mark.parametrize("number", ["_A", "A_", "a1", "A" * 16, "A-1", "É1", "A 1", "A\n"])
def test_refuses_a_number(number: str) -> None:
    assert codes(make_act(number=number)) == {"act_number"}


@pytest.mark.parametrize(("days", "expected"), [(0, set()), (1, {"act_date_in_future"})])
def test_refuses_a_decision_of_tomorrow(days: int, expected: set[str]) -> None:
    act = replace(make_act(), decided_on=DECIDED_ON + timedelta(days=days))

    assert codes(act) == expected


def test_leaves_the_date_unchecked_without_a_day() -> None:
    assert codes(replace(make_act(), decided_on=date(2999, 1, 1)), today=None) == set()


@pytest.mark.parametrize(
    ("length", "expected"),
    [(1, set()), (498, set()), (499, set()), (500, {"act_subject_length"})],
)
def test_bounds_the_subject(length: int, expected: set[str]) -> None:
    assert codes(make_act(subject="x" * length)) == expected


def test_measures_the_subject_as_it_will_be_sent() -> None:
    assert codes(make_act(subject="€" * 167)) == {"act_subject_length"}


def test_refuses_an_empty_subject() -> None:
    assert codes(make_act(subject="  ")) == {"act_subject_length"}


@pytest.mark.parametrize("subject", ["deux\nlignes", "tabulation\t", "nul\x00"])
def test_refuses_a_subject_with_control_characters(subject: str) -> None:
    assert codes(make_act(subject=subject)) == {"act_subject_control"}


def test_refuses_a_subject_that_cannot_be_written() -> None:
    assert codes(make_act(subject="Żółw")) == {"act_subject_characters"}


def test_replaces_typographic_characters() -> None:
    assert to_latin1("L’œuvre – « 10 € »…") == "L'oeuvre - « 10 EUR »..."


def test_composes_decomposed_accents() -> None:
    assert to_latin1("e\u0301te\u0301") == "été"


@pytest.mark.parametrize("nature", [0, 7])
def test_refuses_an_unknown_nature(nature: int) -> None:
    assert codes(replace(make_act(), nature_code=nature)) == {"act_nature"}


@pytest.mark.parametrize("levels", [(), (7,), (7, 0), (1, 2, 3, 4, 5, 6)])
def test_refuses_a_classification(levels: tuple[int, ...]) -> None:
    assert codes(replace(make_act(), classification=levels)) == {"act_classification"}


@pytest.mark.parametrize("code", ["", "99DE", "99_DEL", "99_de"])
def test_refuses_a_type_code(code: str) -> None:
    assert codes(replace(make_act(), type_code=code)) == {"act_type_code"}


def test_refuses_an_annex_without_a_type_code() -> None:
    assert codes(make_act(annexes=(make_annex(type_code=None),))) == {"act_type_code"}


def test_refuses_an_annex_of_another_format() -> None:
    annex = replace(make_annex("tableur.ods"), media_type="application/vnd.oasis.opendocument")

    assert codes(make_act(annexes=(annex,))) == {"act_annex_type"}


def test_accepts_twenty_annexes_and_no_more() -> None:
    annexes = tuple(make_annex() for _ in range(21))

    assert codes(make_act(annexes=annexes[:20])) == set()
    assert codes(make_act(annexes=annexes)) == {"act_annex_count"}


def test_accepts_an_xml_budget() -> None:
    assert codes(make_budget()) == set()


@pytest.mark.parametrize("changes", [{"nature_code": 1}, {"classification": (7, 2)}])
def test_refuses_another_xml_act(changes: dict[str, object]) -> None:
    assert codes(make_budget(**changes)) == {"act_file_type"}


def test_an_xml_budget_takes_pdf_annexes_only() -> None:
    image = replace(make_annex("plan.png"), media_type="image/png")

    assert codes(make_budget(annexes=(image,))) == {"act_annex_type"}


def test_bounds_the_sum_of_the_files() -> None:
    heavy = replace(make_annex(), size_bytes=150 * 1024 * 1024)

    assert codes(make_act(annexes=(heavy,))) == {"act_size"}
