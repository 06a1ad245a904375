"""PES v2 flows: the public face of inspection, marking and signature."""

from __future__ import annotations

from signing.pes_inspection import DEFAULT_LIMITS, Limits, PesInspector, inspect, intake_kind
from signing.pes_marking import Edit, dematerialised_edits, mark_dematerialised
from signing.pes_schema import schema_findings
from signing.pes_signature import finish, prepare

__all__ = [
    "DEFAULT_LIMITS",
    "Edit",
    "Limits",
    "PesInspector",
    "dematerialised_edits",
    "finish",
    "inspect",
    "intake_kind",
    "mark_dematerialised",
    "prepare",
    "schema_findings",
]
