from __future__ import annotations

from pathlib import Path

import pytest

from connectors.base import AnswerError, Outcome
from connectors.errors import UnreadableAnswer
from connectors.helios.acquit import concerns, read_answer
from tests.builders.acknowledgements import AcquitElement, make_acquit, make_error
from tests.builders.submissions import make_pes

ERROR = make_error("ERREUR_AUTRE", "1971 - Compte présent à tort")


def errors(*elements: AcquitElement, version: int = 2) -> tuple[AnswerError, ...]:
    return read_answer(make_acquit(elements, version=version)).errors


class TestOutcome:
    @pytest.mark.parametrize("state", ["1", "true", "TRUE", " 1 "])
    def test_is_acknowledged_when_everything_is(self, state: str) -> None:
        answer = read_answer(make_acquit([AcquitElement(state), AcquitElement(state, "4", "")]))

        assert answer.outcome is Outcome.ACKNOWLEDGED

    @pytest.mark.parametrize("state", ["0", "false", "", "2", "oui"])
    def test_is_refused_when_one_element_is_not_clearly_accepted(self, state: str) -> None:
        answer = read_answer(make_acquit([AcquitElement(), AcquitElement(state)]))

        assert answer.outcome is Outcome.REFUSED

    def test_is_acknowledged_without_any_element(self) -> None:
        assert read_answer(make_acquit([])).outcome is Outcome.ACKNOWLEDGED

    @pytest.mark.parametrize("root", ["PES_NonACQUIT", "pes_nonacquit"])
    def test_is_refused_by_its_root(self, root: str) -> None:
        assert read_answer(make_acquit([], root=root)).outcome is Outcome.REFUSED

    def test_keeps_the_bytes(self) -> None:
        content = make_acquit()

        assert read_answer(content).raw == content


class TestErrors:
    def test_of_an_element(self) -> None:
        found = errors(AcquitElement("0", "4", f'<IdUnique V="PJ1"/>{ERROR}'))

        assert found == (
            AnswerError(
                "ERREUR_AUTRE", "1971 - Compte présent à tort", "pièce jointe, identifiant PJ1"
            ),
        )

    def test_of_an_item_and_of_a_line(self) -> None:
        inner = (
            '<NumBord V="5"/><ExerciceBord V="2025"/>'
            f'<DetailPiece><NumPiece V="20"/>{ERROR}'
            f'<DetailLigne><NumLigne V="3"/>{ERROR}</DetailLigne></DetailPiece>'
        )

        assert [error.where for error in errors(AcquitElement("0", "5", inner))] == [
            "dépense, exercice 2025, bordereau 5, pièce 20",
            "dépense, exercice 2025, bordereau 5, pièce 20, ligne 3",
        ]

    def test_of_version_1_are_flat(self) -> None:
        inner = (
            '<ExerciceBord V="2012"/><NumBord V="5"/><NumPiece V="20"/><NumLigne V="1"/>'
            '<NumAnoAck V="ERREUR_AUTRE"/><LibelleAnoAck V="Motif"/>'
        )

        assert errors(AcquitElement("0", "6", inner), version=1) == (
            AnswerError(
                "ERREUR_AUTRE", "Motif", "recette, exercice 2012, bordereau 5, pièce 20, ligne 1"
            ),
        )

    def test_of_a_refusal_without_reason(self) -> None:
        assert errors(AcquitElement("0", "0", "")) == (
            AnswerError(None, "Refusé sans motif", "flux"),
        )

    def test_of_an_unknown_domain(self) -> None:
        assert errors(AcquitElement("0", "77", ERROR))[0].where == "domaine 77"


class TestUnreadable:
    @pytest.mark.parametrize("root", ["PES_ACQUIT_RETOUR", "PES_Retour", "PES_Aller", "html"])
    def test_another_message(self, root: str) -> None:
        with pytest.raises(UnreadableAnswer):
            read_answer(make_acquit(root=root))

    def test_a_cut_file(self) -> None:
        with pytest.raises(UnreadableAnswer):
            read_answer(make_acquit()[:-5])

    def test_a_file_that_names_no_flow(self) -> None:
        with pytest.raises(UnreadableAnswer):
            read_answer(make_acquit(nomfic=""))


class TestConcerns:
    @pytest.mark.parametrize(
        ("nomfic", "codcol", "expected"),
        [("F1", "123", True), ("F2", "123", False), ("F1", "124", False), ("F1", "", False)],
    )
    def test_threat_29_by_nomfic_and_codcol(
        self, nomfic: str, codcol: str, *, expected: bool
    ) -> None:
        answer = read_answer(make_acquit(nomfic=nomfic, codcol=codcol))

        assert concerns(answer, make_pes(nomfic="F1", codcol="123")) is expected


class TestOfficialSamples:
    @pytest.mark.parametrize(
        ("name", "outcome", "nomfic", "codcol", "count"),
        [
            (
                "R01-acquit-ok.xml",
                Outcome.ACKNOWLEDGED,
                "HELIOS_SIMU_ALR2_1514384631_264491346.xml",
                "123",
                0,
            ),
            (
                "R02-acquit-ko-idl.xml",
                Outcome.REFUSED,
                "PesDepense-02-2019-5-11112222333344445",
                "000",
                None,
            ),
            ("R03-acquit-ko-mix.xml", Outcome.REFUSED, None, "000", 6),
            ("R04-acquit-ko-sdp.xml", Outcome.REFUSED, None, "000", None),
            ("R05-acquit-ko-sen.xml", Outcome.REFUSED, None, "000", 1),
            ("R06-acquit-ko-technique.xml", Outcome.REFUSED, "pescg291201703030412001", "400", 1),
        ],
    )
    def test_acquits(
        self,
        shared_data: Path,
        name: str,
        outcome: Outcome,
        nomfic: str | None,
        codcol: str,
        count: int | None,
    ) -> None:
        answer = read_answer((shared_data / "pes/samples" / name).read_bytes())

        assert (answer.outcome, answer.body_code) == (outcome, codcol)
        assert nomfic in {None, answer.file_name}
        assert len(answer.errors) == count if count is not None else answer.errors

    def test_mixed_acquit_places_each_error(self, shared_data: Path) -> None:
        content = (shared_data / "pes/samples/R03-acquit-ko-mix.xml").read_bytes()
        found = read_answer(content).errors

        by_number = [error.label.split(" ")[0] for error in found]
        assert sorted(by_number) == ["1971"] * 4 + ["1984", "2559"]
        assert sum("ligne" in error.where for error in found) == 4

    @pytest.mark.parametrize(
        "name", ["R07-acquit-retour-de-l-ordonnateur.xml", "R08-pes-retour-depense.xml"]
    )
    def test_other_returns_are_not_acquits(self, shared_data: Path, name: str) -> None:
        with pytest.raises(UnreadableAnswer):
            read_answer((shared_data / "pes/samples" / name).read_bytes())
