"""The command: its options, its rows."""

from __future__ import annotations

import pytest

from app.bench.run import main


class TestMain:
    def test_measures_only_what_is_asked(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--only", "xades", "--rounds", "1"]) == 0
        out = capsys.readouterr().out
        assert "XAdES, flux de 5,0 Mo et 20 bordereaux" in out
        assert "PAdES" not in out

    def test_tells_each_figure_as_a_ratio(self, capsys: pytest.CaptureFixture[str]) -> None:
        main(["--only", "pades", "--rounds", "1"])
        figures = [line for line in capsys.readouterr().out.splitlines() if "×" in line]
        assert len(figures) == 2

    def test_an_unknown_measure_is_a_usage_error(self) -> None:
        with pytest.raises(SystemExit) as refused:
            main(["--only", "rien"])
        assert refused.value.code == 2
