"""`parapheur simulate`: what an administrator of circuits reads."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from app.cli.simulation_cases import Away, Case
from app.cli.simulation_in_tenant import told_in_tenant
from app.configuration.shipped import template_text
from app.context import Context
from app.demo.town import Town
from app.errors import NotFound, Unprocessable
from tests.builders.command_line import Ended, call
from tests.builders.towns import DrivenClock

WIDE = {"COLUMNS": "100"}
RULED = """\
        rules:
          - workflow: Courriers
            desks:
              - step: relecture
                desk: Adjoint aux finances
"""


@pytest.fixture
def small_town(tmp_path: Path) -> Path:
    file = tmp_path / "commune.yaml"
    file.write_text(template_text("petite-commune"), encoding="utf-8")
    return file


def asked(file: Path, *more: str) -> Ended:
    return call("simulate", "--file", file, *more, environment=WIDE)


def one_line(ended: Ended) -> str:
    assert ended.status == 0, (ended.errors, ended.failure)
    return " ".join(ended.output.split())


class TestExample:
    def test_it_tells_a_path_a_substitution_and_a_folder_that_waits(self) -> None:
        told = one_line(call("simulate", "--example", environment=WIDE))
        assert all(f"Exemple {number}." in told for number in (1, 2, 3))
        assert "par suppléance de Camille Exemple" in told
        assert "BLOQUÉ depuis le mardi 13 juillet 2027 à 10 h. Aucun signataire habilité" in told
        assert "Le blocage cesse de lui-même le samedi 24 juillet 2027 à 0 h." in told

    @pytest.mark.parametrize("columns", [60, 80, 100])
    def test_nothing_of_it_is_wider_than_the_screen_nor_cut(self, columns: int) -> None:
        told = call("simulate", "--example", environment={"COLUMNS": str(columns)}).output
        assert max(map(len, told.splitlines())) <= columns
        assert "étant absents : personne ne peut signer" in " ".join(told.split())


class TestFile:
    def test_an_amount_chooses_the_circuit(self, small_town: Path) -> None:
        small = one_line(asked(small_town, "--subtype", "Dépenses", "--montant", "1 250,40"))
        large = one_line(asked(small_town, "--subtype", "Dépenses", "--montant", "20000"))
        assert "Visa de l'adjoint aux finances" not in small
        assert "Visa de l'adjoint aux finances" in large

    def test_the_largest_of_several_amounts_chooses_the_circuit(self, small_town: Path) -> None:
        told = one_line(
            asked(small_town, "--subtype", "Dépenses", "--montant", "9", "--montant", "20000")
        )
        assert "Visa de l'adjoint aux finances" in told

    def test_a_desk_that_the_rules_choose_is_not_chosen_again_by_hand(
        self, small_town: Path
    ) -> None:
        text = small_town.read_text(encoding="utf-8")
        bound = "        paper_signature: true\n"
        assert text.count(bound) == 1
        small_town.write_text(text.replace(bound, bound + RULED), encoding="utf-8")
        told = one_line(
            asked(
                small_town,
                *("--subtype", "Courriers sortants", "--info", "destinataire=Préfecture"),
                *("--choix", "relecture=Première adjointe"),
            )
        )
        assert "Relecture (visa, bureau « Adjoint aux finances »)" in told

    @pytest.mark.parametrize(
        ("before", "after", "code"),
        [
            ("deposit_desks: [Comptabilité]", "deposit_desks: []", "desk_may_not_deposit"),
            (
                "name: Comptabilité\n",
                "name: Comptabilité\n    active: false\n",
                "desk_may_not_deposit",
            ),
            ("name: Dépenses\n", "name: Dépenses\n        active: false\n", "name_unknown"),
        ],
        ids=["nobody", "desk out of use", "subtype out of use"],
    )
    def test_what_is_out_of_use_takes_no_deposit(
        self, small_town: Path, before: str, after: str, code: str
    ) -> None:
        text = small_town.read_text(encoding="utf-8")
        assert before in text
        small_town.write_text(text.replace(before, after), encoding="utf-8")
        ended = asked(small_town, "--subtype", "Dépenses")
        assert ended.status == 1
        assert code in (ended.errors or str(getattr(ended.failure, "code", "")))

    def test_an_absence_lets_the_substitute_sign(self, small_town: Path) -> None:
        told = one_line(
            asked(
                small_town,
                *("--subtype", "Courriers / Courriers sortants"),
                *("--le", "2027-07-14T10:00"),
                *("--absent", "camille.exemple:2027-07-01:2027-07-31"),
                *("--info", "destinataire=Préfecture"),
                *("--choix", "relecture=Adjoint aux finances"),
                *("--bureau", "Comptabilité"),
                *("--deposant", "sacha.canevas"),
                *("--sans-certificat", "claude.gabarit"),
            )
        )
        assert "le mercredi 14 juillet 2027 à 10 h par Dominique Modèle" in told

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            (("--subtype", "Rapports"), "name_unknown"),
            (("--subtype", "Dépenses", "--bureau", "Maire"), "desk_may_not_deposit"),
            (("--subtype", "Dépenses", "--deposant", "personne"), "name_unknown"),
            (("--subtype", "Arrêtés"), "metadata_missing"),
            (
                (
                    *("--subtype", "Dépenses", "--absent", "camille.exemple:2027-07-12:2027-07-30"),
                    *("--absent", "camille.exemple:2027-07-20:2027-08-03"),
                ),
                "absence_contradictory",
            ),
        ],
        ids=["subtype", "desk", "person", "metadata", "absence"],
    )
    def test_what_stops_a_deposit_is_said_with_its_code(
        self, small_town: Path, more: tuple[str, ...], code: str
    ) -> None:
        ended = asked(small_town, *more)
        refusal = ended.errors or str(getattr(ended.failure, "code", ""))
        assert ended.status == 1
        assert code in refusal

    def test_a_file_with_faults_is_not_walked(self, small_town: Path) -> None:
        text = small_town.read_text(encoding="utf-8").replace("desk: Maire", "desk: Mairie")
        small_town.write_text(text, encoding="utf-8")
        ended = asked(small_town, "--subtype", "Dépenses")
        assert getattr(ended.failure, "code", "") == "configuration_refused"

    @pytest.mark.parametrize(
        "more",
        [
            (),
            ("--subtype", "Dépenses", "--montant", "beaucoup"),
            ("--subtype", "Dépenses", "--montant", "1,234"),
            ("--subtype", "Dépenses", "--le", "demain"),
            ("--subtype", "Dépenses", "--absent", "camille.exemple"),
            ("--subtype", "Dépenses", "--info", "rien"),
        ],
        ids=["subtype", "amount", "cents", "instant", "absence", "information"],
    )
    def test_what_is_not_understood_is_a_usage(
        self, small_town: Path, more: tuple[str, ...]
    ) -> None:
        assert asked(small_town, *more).status == 2

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        assert asked(tmp_path / "rien.yaml", "--subtype", "Dépenses").status == 2


class TestTenant:
    async def test_names_of_the_tenant_are_understood(
        self, context: Context, town: Town, clock: DrivenClock
    ) -> None:
        case = Case(
            "Courriers / Lettres",
            clock.now,
            desk="Service des finances",
            submitter=town.logins["finances"],
            away=(Away(town.logins["maire"], clock.now.date()),),
        )
        told = await told_in_tenant(context, town.logins["maire"], case)
        assert [one.step for one in told.simulation.stages] == ["visa", "signature"]
        assert told.simulation.blocked_at is told.simulation.stages[1]
        assert told.explanation[-1].blocked

    async def test_amounts_are_those_of_the_slips_of_a_flow(
        self, context: Context, town: Town, clock: DrivenClock
    ) -> None:
        case = Case("Bordereaux", clock.now, amounts=(Decimal(300), Decimal("12.50")))
        told = await told_in_tenant(context, str(town.tenant_id), case)
        assert [one.cents for one in told.given.facts.amounts] == [30_000, 1_250]

    async def test_a_subtype_that_nobody_knows(
        self, context: Context, town: Town, clock: DrivenClock
    ) -> None:
        with pytest.raises(Unprocessable, match="n'est pas connu"):
            await told_in_tenant(context, str(town.tenant_id), Case("Rapports", clock.now))

    async def test_a_tenant_that_nobody_knows(self, context: Context, clock: DrivenClock) -> None:
        with pytest.raises(NotFound):
            await told_in_tenant(context, "personne@nulle.test", Case("Lettres", clock.now))
