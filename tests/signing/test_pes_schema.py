"""The XSD pass: remarks with lines, in bounded memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from app.demo.flows import Flow, grown_to, make_pes, write_pes
from signing.pes_schema import KEPT_TEXT_BYTES, TextCutter, schema_findings


@pytest.fixture
def schemas(shared_data: Path) -> Path:
    return shared_data / "pes/xsd"


class TestSchemaFindings:
    def test_without_a_directory_one_remark_says_so(self) -> None:
        (finding,) = schema_findings(BytesIO(make_pes()), None)
        assert (finding.code, finding.blocking) == ("pes_schema_absent", False)

    def test_an_empty_directory_is_like_none(self, tmp_path: Path) -> None:
        (finding,) = schema_findings(BytesIO(make_pes()), tmp_path)
        assert finding.code == "pes_schema_absent"

    @pytest.mark.parametrize(
        "flow",
        [
            Flow(),
            Flow(expense_slips=2, revenue_slips=2, attachments=6),
            Flow(encoding="UTF-8", newline="\r\n"),
            Flow(expense_slips=0, revenue_slips=1, slip_ids=False, dematerialised=False),
        ],
    )
    def test_generated_flows_are_valid(self, schemas: Path, flow: Flow) -> None:
        assert schema_findings(BytesIO(make_pes(flow)), schemas) == ()

    def test_a_remark_gives_the_line_of_the_file(self, schemas: Path) -> None:
        content = make_pes(Flow(attachments=3)).replace(b'<TypePJ V="003"/>', b'<TypePJ V="9"/>')
        line = content[: content.index(b"<TypePJ")].count(b"\n") + 1
        assert f"ligne {line} " in schema_findings(BytesIO(content), schemas)[0].detail

    def test_a_file_on_one_line_is_checked_too(self, schemas: Path) -> None:
        content = make_pes(Flow(attachments=3, newline=" ")).replace(b'V="003"', b'V="9"')
        assert schema_findings(BytesIO(content), schemas)[0].code == "pes_schema"

    def test_the_samples_that_break_the_schema(self, schemas: Path, shared_data: Path) -> None:
        found = {
            path.name[:3]
            for path in (shared_data / "pes/samples").glob("[AMS]*.xml")
            if schema_findings(path, schemas)
        }
        assert found == {"A02", "A04", "M01", "M02", "M03", "M04", "M10", "S02"}

    def test_threat_17_large_attachments_cost_no_memory(
        self, schemas: Path, tmp_path: Path, scaled: Callable[[int, int], int]
    ) -> None:
        path = tmp_path / "big.xml"
        with path.open("wb") as target:
            write_pes(grown_to(Flow(), scaled(100, 25) * 1_000_000), target)
        program = """
import resource, sys
from pathlib import Path
from io import BytesIO
from app.demo.flows import make_pes
from signing.pes_schema import schema_findings
assert schema_findings(BytesIO(make_pes()), Path(sys.argv[2])) == ()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert schema_findings(Path(sys.argv[1]), Path(sys.argv[2])) == ()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
        done = subprocess.run(
            [sys.executable, "-c", program, str(path), str(schemas)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert int(done.stdout) < 16 * 1024


class TestTextCutter:
    def cut(self, content: bytes, block: int) -> bytes:
        cutter = TextCutter()
        return b"".join(cutter.cut(content[i : i + block]) for i in range(0, len(content), block))

    @pytest.mark.parametrize("block", [1, 3, 7, 8, 9, 4096, 100_000])
    def test_only_the_text_past_the_limit_is_dropped(self, block: int) -> None:
        content = b"<a><Fichier x='1'>" + b"Q" * 9_000 + b"</Fichier><FichierX>zz</FichierX></a>"
        kept = b"Q" * KEPT_TEXT_BYTES
        assert self.cut(content, block) == content.replace(b"Q" * 9_000, kept)

    @pytest.mark.parametrize("block", [1, 5, 1000])
    def test_short_texts_and_empty_elements_are_kept(self, block: int) -> None:
        content = b"<a><Fichier/><b/><Fichier>abc</Fichier ><Fich/></a>"
        assert self.cut(content, block) == content
