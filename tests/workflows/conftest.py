"""Prints, at the end of the run, the table action × state that the model met."""

from __future__ import annotations

import pytest

from tests.workflows.action_table import TABLE_PROPERTY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table travels as a property of its test, so that parallel runs print it too."""
    reports: list[pytest.TestReport] = terminalreporter.stats.get("passed", [])
    tables = [
        value for one in reports for key, value in one.user_properties if key == TABLE_PROPERTY
    ]
    for table in tables:
        terminalreporter.section("circuits: action × state")
        terminalreporter.write_line(str(table))
