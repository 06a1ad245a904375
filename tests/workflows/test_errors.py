from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import pytest

import workflows
from workflows import errors
from workflows.errors import Refused, WorkflowError
from workflows.moments import NotYourTurn, WrongStepKind


def every_case(root: type[Refused] = Refused) -> Iterator[type[Refused]]:
    yield root
    for child in root.__subclasses__():
        yield from every_case(child)


def test_each_case_has_a_code_of_its_own() -> None:
    shared = [code for code, n in Counter(one.code for one in every_case()).items() if n > 1]
    assert shared == []


@pytest.mark.parametrize("case", list(every_case()), ids=lambda case: case.__name__)
def test_each_case_says_what_to_do_in_a_sentence(case: type[Refused]) -> None:
    assert case().detail.endswith(".")
    assert case().detail[0].isupper()


def test_a_case_may_say_it_more_precisely() -> None:
    refusal = WrongStepKind("Cette étape attend une signature.")
    assert refusal.detail == str(refusal) == "Cette étape attend une signature."


def test_the_usual_sentence_stands_otherwise() -> None:
    assert NotYourTurn().detail == NotYourTurn.sentence


def every_error(root: type[WorkflowError] = WorkflowError) -> Iterator[str]:
    for child in root.__subclasses__():
        if child.__module__.startswith("workflows."):
            yield child.__name__
            yield from every_error(child)


def test_the_tree_at_the_top_of_the_module_names_every_error_and_nothing_else() -> None:
    for module in iter_modules(workflows.__path__, "workflows."):
        import_module(module.name)
    assert errors.__doc__ is not None
    named = re.findall(r"[├└]── (\w+)", errors.__doc__)
    assert sorted(named) == sorted(every_error())
