"""What a run says of the documents it deposits."""

from __future__ import annotations

from app.demo.play import joined, warnings


def test_each_warning_is_told_with_its_code() -> None:
    facts = {"findings": [{"code": "pes_a", "detail": "Une phrase."}]}
    assert list(warnings({"facts": facts})) == ["Une phrase. [pes_a]"]


def test_a_document_without_facts_has_no_warning() -> None:
    assert list(warnings({"facts": None})) == []


def test_many_warnings_are_counted_after_the_first_ones() -> None:
    facts = {"findings": [{"code": f"pes_{n}", "detail": "Une phrase."} for n in range(9)]}
    told = list(warnings({"facts": facts}))
    assert (len(told), told[-1]) == (6, "et 4 autre(s) : lisez-les dans le dossier.")


def test_labels_keep_their_capitals_inside_a_sentence() -> None:
    assert joined(["Acte", "Flux PES"]) == "acte et flux PES"
