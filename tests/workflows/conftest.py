"""Prints, at the end of the run, the table action × state that the circuit tests met."""

from __future__ import annotations

import pytest

from tests.workflows.action_table import LEAST_ALLOWED, LEAST_REFUSED, MET


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not MET.refused:
        return
    terminalreporter.section("circuits: action × state")
    for line in MET.lines():
        terminalreporter.write_line(line)
    terminalreporter.write_line(
        f"n+ accepted in that state (each ≥ {LEAST_ALLOWED}), "
        f"-n refused in that state, always (each ≥ {LEAST_REFUSED})"
    )
