"""The script of the judges: every one speaks, whatever the others said."""

from __future__ import annotations

import subprocess
from pathlib import Path

from app.demo.judges import commands
from app.local.runtime import CHECKOUT

_REFUSES = '#!/bin/sh\necho "$1 $2"\nexit 3\n'


def test_a_judge_that_refuses_keeps_no_other_from_speaking(tmp_path: Path) -> None:
    ours = tmp_path / "parapheur"
    ours.write_text(_REFUSES, encoding="utf-8")
    ours.chmod(0o700)
    script = commands(
        pdf="a.pdf", flow=None, root="ca", issuer="i", trust="t", journal="journal.jsonl"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", script.replace(str(CHECKOUT / "parapheur"), str(ours))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-2:] == ["verify --trust", "journal verify"]
    assert done.returncode == 3
