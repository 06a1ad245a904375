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


@pytest.mark.slow_process
class TestOfTheServiceInSmall:
    """Each starts an installation of its own: what is printed is no figure, the way there is."""

    @pytest.fixture(autouse=True)
    def _only_in_a_full_run(self, *, full_run: bool) -> None:
        if not full_run:
            pytest.skip("full run only")

    def test_the_bare_client_does_what_the_api_does(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(["--only", "transition", "--rounds", "1", "--quick"])
        out = capsys.readouterr().out
        assert "visas par seconde" in out
        assert "(promis : ≥ 0,2)" in out

    def test_lists_counters_and_search_answer_on_the_generated_folders(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(["--only", "inbox", "--rounds", "1", "--quick"])
        out = capsys.readouterr().out
        assert out.count("p95 de la réponse") == 7
        assert out.count("(promis : ≤ 1,3)") == 4
