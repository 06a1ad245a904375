"""What the bounded children run: plain answers, and no more libraries than they need."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from app.demo.acts import deliberation
from app.demo.flows import Flow, make_pes
from app.kit.bounded import run_bounded
from signing.bounded_pdf import inspect_pdf
from signing.bounded_verification import trust_from_json, trust_to_json, verify_file
from signing.facts import PesFacts
from signing.inspection import inspect_pes, plain, schema_findings
from signing.pes_inspection import Limits, inspect
from signing.trust import TrustMaterial

MIB = 1024 * 1024


def kept(content: bytes, folder: Path) -> Path:
    path = folder / "document"
    path.write_bytes(content)
    return path


async def in_child(function: Any, path: Path, *arguments: Any) -> Any:
    return await run_bounded(
        function, str(path), *arguments, memory_bytes=512 * MIB, cpu_s=20, wall_s=60
    )


class TestPlain:
    def test_amounts_and_dates_are_text(self) -> None:
        assert plain([Decimal("1.50"), datetime(2026, 1, 2, tzinfo=UTC)]) == [
            "1.50",
            "2026-01-02T00:00:00+00:00",
        ]


class TestInspectPes:
    async def test_facts_cross_the_process_boundary(self, tmp_path: Path) -> None:
        path = kept(make_pes(Flow(expense_slips=2)), tmp_path)
        answer = await in_child(inspect_pes, path, {"require_latin1": True})
        assert answer["facts"] == json.loads(json.dumps(plain(inspect([path.read_bytes()]))))

    async def test_a_refusal_is_an_answer_with_its_code(self, tmp_path: Path) -> None:
        path = kept(make_pes(Flow(encoding="UTF-8")), tmp_path)
        answer = await in_child(inspect_pes, path, {"require_latin1": True})
        assert answer["refused"]["code"] == "pes_encoding"

    async def test_a_tenant_may_accept_another_encoding(self, tmp_path: Path) -> None:
        path = kept(make_pes(Flow(encoding="UTF-8")), tmp_path)
        answer = await in_child(inspect_pes, path, {"require_latin1": False})
        assert answer["facts"]["encoding"] == "UTF-8"


class TestSchemaFindings:
    async def test_are_plain_findings(self, tmp_path: Path) -> None:
        path = kept(make_pes(Flow()), tmp_path)
        (finding,) = await in_child(schema_findings, path, str(tmp_path))
        assert finding["code"] == "pes_schema_absent"


class TestInspectPdf:
    async def test_facts_cross_the_process_boundary(self, tmp_path: Path) -> None:
        answer = await in_child(inspect_pdf, kept(deliberation(), tmp_path))
        assert answer["facts"]["page_count"] == 1

    async def test_a_refusal_is_an_answer_with_its_code(self, tmp_path: Path) -> None:
        answer = await in_child(inspect_pdf, kept(b"%PDF-", tmp_path))
        assert answer["refused"]["code"] == "pdf_broken"


class TestVerifyFile:
    async def test_the_report_crosses_the_process_boundary(self, tmp_path: Path) -> None:
        path = kept(deliberation(), tmp_path)
        now = datetime.now(UTC).isoformat()
        answer = await in_child(verify_file, path, trust_to_json(TrustMaterial()), now)
        assert answer["verdict"] == "unsigned"

    def test_trust_survives_the_journey(self) -> None:
        trust = TrustMaterial(anchors=(b"a", b"b"), crls=(b"c",))
        assert trust_from_json(json.loads(json.dumps(trust_to_json(trust)))) == trust


class TestImports:
    """What a child imports is memory that a deposit costs (64 MiB for 100 MB, all in all)."""

    @pytest.mark.parametrize("library", ["pyhanko", "pyhanko_certvalidator", "asn1crypto"])
    def test_the_child_that_reads_a_flow_does_without(self, library: str) -> None:
        program = f"import sys, signing.inspection; sys.exit({library!r} in sys.modules)"
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class TestListing:
    """Very long lists are counted and summed, not described one by one."""

    def facts(self, **limits: int) -> PesFacts:
        flow = Flow(expense_slips=2, items_per_slip=5, attachments=4)
        return inspect(BytesIO(make_pes(flow)), limits=Limits(**limits))

    def cuts(self, facts: PesFacts) -> int:
        return [one.code for one in facts.findings].count("pes_not_all_listed")

    def test_everything_is_described_up_to_the_limit(self) -> None:
        facts = self.facts(listed_items=10, listed_attachments=4)
        assert [len(slip.items) for slip in facts.slips] == [5, 5]
        assert len(facts.attachments) == 4
        assert self.cuts(facts) == 0

    def test_items_past_the_limit_are_left_out_and_a_finding_says_so(self) -> None:
        facts = self.facts(listed_items=7)
        assert [len(slip.items) for slip in facts.slips] == [5, 2]
        assert self.cuts(facts) == 1

    def test_totals_count_every_item(self) -> None:
        few, every = self.facts(listed_items=1), self.facts()
        assert [slip.summed_incl_tax for slip in few.slips] == [
            slip.summed_incl_tax for slip in every.slips
        ]

    def test_attachments_past_the_limit_are_left_out_and_a_finding_says_so(self) -> None:
        facts = self.facts(listed_attachments=3)
        assert len(facts.attachments) == 3
        assert self.cuts(facts) == 1

    def test_five_thousand_items_are_all_described(self) -> None:
        facts = inspect(BytesIO(make_pes(Flow(items_per_slip=5_000))))
        assert len(facts.slips[0].items) == 5_000
