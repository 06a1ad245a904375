"""`parapheur simulate`: what an administrator of circuits reads."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from app.cli.simulation_cases import Away, Case
from app.cli.simulation_in_tenant import told_in_tenant
from app.configuration.shipped import template_text
from app.context import Context
from app.demo.flows import Flow, make_pes
from app.demo.town import Town
from app.errors import AppError, NotFound, Unprocessable
from signing.pes import inspect
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


BY_KIND = """\
              - fact: pes_kind
                operator: equals
                values: [revenue]
"""
BY_AMOUNT = """\
              - fact: pes_largest_slip
                operator: at_least
                values: ['20000.00']
"""
EXPENSES = ("--subtype", "Dépenses")
FLOWS = {
    "expense": Flow(),
    "revenue": Flow(expense_slips=0, revenue_slips=1),
    "ormc": Flow(expense_slips=0, revenue_slips=1, file_type="PESORMC"),
    "attachments": Flow(expense_slips=0, attachments=1),
}


@pytest.fixture
def by_kind(small_town: Path) -> Path:
    """Revenue goes by the visa of the deputy for finances, the rest does not."""
    text = small_town.read_text(encoding="utf-8")
    assert BY_AMOUNT in text
    small_town.write_text(text.replace(BY_AMOUNT, BY_KIND), encoding="utf-8")
    return small_town


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """The folder of one flow of each kind."""
    for name, flow in FLOWS.items():
        (tmp_path / f"{name}.xml").write_bytes(make_pes(flow))
    return tmp_path


def asked(file: Path, *more: str) -> Ended:
    return call("simulate", "--file", file, *more, environment=WIDE)


def refusal(ended: Ended) -> str:
    """The sentence and its code, as `parapheur` ends with them."""
    failure = ended.failure
    if isinstance(failure, AppError):
        return f"{failure.detail} [{failure.code}]"
    assert failure is None
    return ended.errors


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

    @pytest.mark.parametrize("columns", [40, 61, 80, 100])
    def test_no_line_ends_or_begins_with_what_belongs_to_a_word(self, columns: int) -> None:
        told = call("simulate", "--example", environment={"COLUMNS": str(columns)}).output
        lines = [one.strip() for one in told.splitlines()]
        assert [one for one in lines if one.endswith("«") or one.startswith(tuple("»:;€"))] == []


class TestFlow:
    @pytest.mark.parametrize(("flow", "through"), [("expense", False), ("revenue", True)])
    def test_a_flow_is_taken_for_what_it_is(
        self, by_kind: Path, flows: Path, flow: str, *, through: bool
    ) -> None:
        told = one_line(asked(by_kind, *EXPENSES, "--flux", str(flows / f"{flow}.xml")))
        assert ("Visa de l'adjoint aux finances" in told) is through

    def test_its_slips_are_those_that_ceilings_are_compared_with(
        self, small_town: Path, flows: Path
    ) -> None:
        (flows / "large.xml").write_bytes(make_pes(Flow(items_per_slip=1_000)))
        found = [
            "Visa de l'adjoint aux finances"
            in one_line(asked(small_town, *EXPENSES, "--flux", str(flows / f"{flow}.xml")))
            for flow in ("expense", "large")
        ]
        assert found == [False, True]

    def test_amounts_may_be_those_of_revenue(self, by_kind: Path) -> None:
        amounts = (*EXPENSES, "--montant", "300", "--montant", "12,50")
        told = one_line(asked(by_kind, *amounts))
        revenue = one_line(asked(by_kind, *amounts, "--recettes"))
        assert "Visa de l'adjoint aux finances" not in told
        assert "Visa de l'adjoint aux finances" in revenue

    @pytest.mark.parametrize(
        ("flow", "subtype", "code"),
        [
            ("ormc", "Dépenses", "pes_wrong_intake"),
            ("attachments", "Dépenses", "pes_wrong_intake"),
            ("expense", "Courriers sortants", "flow_not_expected"),
            ("commune.yaml", "Dépenses", "pes_encoding"),
            ("rien", "Dépenses", "flow_unreadable"),
        ],
    )
    def test_what_its_deposit_would_refuse_is_refused(
        self, small_town: Path, flows: Path, flow: str, subtype: str, code: str
    ) -> None:
        file = flows / (flow if "." in flow else f"{flow}.xml")
        to = ("--info", "destinataire=Préfecture", "--choix", "relecture=Maire")
        ended = asked(small_town, "--subtype", subtype, *to, "--flux", str(file))
        assert ended.status == 1
        assert f"[{code}]" in refusal(ended)

    @pytest.mark.parametrize("flow", ["ormc", "attachments"])
    def test_what_takes_no_signature_has_its_own_subtype(
        self, small_town: Path, flows: Path, flow: str
    ) -> None:
        text = small_town.read_text(encoding="utf-8")
        before = "        workflow: Finances courantes\n        helios_intake: to_sign\n"
        revenue = "      - name: Recettes\n"
        assert revenue + before in text
        after = "        workflow: Transmis\n        helios_intake: nothing_to_sign\n"
        drawn = """\
  - name: Transmis
    steps:
      - {id: envoi, kind: transmission, name: Envoi}
"""
        text = text.replace(revenue + before, revenue + after)
        small_town.write_text(text.replace("workflows:\n", f"workflows:\n{drawn}", 1), "utf-8")
        told = one_line(
            asked(small_town, "--subtype", "Recettes", "--flux", str(flows / f"{flow}.xml"))
        )
        assert "Envoi (télétransmission)" in told
        assert "Ce type de dossier n'a pas de compte de télétransmission" in told


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

    def test_a_program_may_be_who_deposits(self, small_town: Path) -> None:
        told = one_line(asked(small_town, "--subtype", "Dépenses", "--programme"))
        assert "Un programme dépose un dossier pour le bureau « " in told

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            (("--subtype", "Rapports"), "name_unknown"),
            (("--subtype", "Dépenses", "--bureau", "Maire"), "desk_may_not_deposit"),
            (("--subtype", "Dépenses", "--deposant", "personne"), "name_unknown"),
            (
                ("--subtype", "Dépenses", "--deposant", "sacha.canevas", "--programme"),
                "submitter_ambiguous",
            ),
            (("--subtype", "Arrêtés"), "metadata_missing"),
            (
                (
                    *("--subtype", "Dépenses", "--absent", "camille.exemple:2027-07-12:2027-07-30"),
                    *("--absent", "camille.exemple:2027-07-20:2027-08-03"),
                ),
                "absence_contradictory",
            ),
        ],
        ids=["subtype", "desk", "person", "two submitters", "metadata", "absence"],
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
        ("more", "told"),
        [
            ((), "« --subtype »"),
            ((*EXPENSES, "--montant", "beaucoup"), "« --montant » attend"),
            ((*EXPENSES, "--montant", ""), "« --montant » attend"),
            ((*EXPENSES, "--montant", "1,234"), "« --montant » attend"),
            ((*EXPENSES, "--montant", "1.250,40"), "« --montant » attend"),
            ((*EXPENSES, "--montant", "1e400"), "« --montant » attend"),
            ((*EXPENSES, "--montant", "12345678901234"), "« --montant » attend"),
            ((*EXPENSES, "--montant", "NaN"), "« --montant » attend"),
            ((*EXPENSES, "--le", "demain"), "« --le » attend"),
            ((*EXPENSES, "--le", ""), "« --le » attend"),
            ((*EXPENSES, "--absent", "camille.exemple"), "« --absent » attend"),
            ((*EXPENSES, "--absent", ""), "« --absent » attend"),
            ((*EXPENSES, "--info", "rien"), "« --info » attend"),
            ((*EXPENSES, "--choix", "=Maire"), "« --choix » attend"),
            ((*EXPENSES, "--tenant", "autre"), "« --tenant »"),
            ((*EXPENSES, "--flux", "f.xml", "--montant", "1"), "sans « --montant »"),
            ((*EXPENSES, "--example"), "« --example » se donne seul"),
        ],
        ids=str,
    )
    def test_what_is_not_understood_is_a_usage(
        self, small_town: Path, more: tuple[str, ...], told: str
    ) -> None:
        ended = asked(small_town, *more)
        assert (ended.status, ended.failure) == (2, None)
        assert told in ended.errors
        assert ended.errors.endswith(" [bad_usage]\n")

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            (("--le", "0001-01-01"), "day_out_of_range"),
            (("--le", "0001-01-01T00:00+14:00"), "day_out_of_range"),
            (("--le", "9999-12-31T23:59"), "day_out_of_range"),
            (("--absent", "camille.exemple:0001-01-01:0001-01-02"), "day_out_of_range"),
            (("--absent", "camille.exemple:2027-07-01:9999-12-31"), "day_out_of_range"),
            (("--absent", "camille.exemple:2027-07-30:2027-07-12"), "period_reversed"),
            (("--absent", "personne:2027-07-12"), "name_unknown"),
            (("--absent", ":2027-07-12"), "name_unknown"),
            (("--sans-certificat", "personne"), "name_unknown"),
            (("--bureau", ""), "name_unknown"),
        ],
        ids=str,
    )
    def test_what_cannot_be_is_said_with_its_code(
        self, small_town: Path, more: tuple[str, ...], code: str
    ) -> None:
        ended = asked(small_town, *EXPENSES, *more)
        assert ended.status == 1
        assert f"[{code}]" in refusal(ended)

    @pytest.mark.parametrize("day", ["0001-01-04", "9999-12-28"])
    def test_the_ends_of_the_calendar_are_walked(self, small_town: Path, day: str) -> None:
        assert "Conclusion" in one_line(asked(small_town, *EXPENSES, "--le", day))

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "configuration_unreadable"),
            (bytes(range(256)), "configuration_unreadable"),
            (b"<flux/>", "configuration_malformed"),
        ],
        ids=["empty", "binary", "xml"],
    )
    def test_what_is_no_configuration_is_refused(
        self, tmp_path: Path, content: bytes, code: str
    ) -> None:
        file = tmp_path / "autre"
        file.write_bytes(content)
        ended = asked(file, *EXPENSES)
        assert (ended.status, f"[{code}]" in refusal(ended)) == (1, True)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        ended = asked(tmp_path / "rien.yaml", *EXPENSES)
        assert (ended.status, ended.errors.endswith("[bad_usage]\n")) == (2, True)


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
        assert [bool(one.waits) for one in told.simulation.stages] == [False, True]
        assert told.explanation[-1].blocked

    async def test_amounts_are_those_of_the_slips_of_a_flow(
        self, context: Context, town: Town, clock: DrivenClock
    ) -> None:
        case = Case("Bordereaux", clock.now, amounts=(Decimal(300), Decimal("12.50")))
        told = await told_in_tenant(context, str(town.tenant_id), case)
        assert [one.cents for one in told.given.facts.amounts] == [30_000, 1_250]

    async def test_a_flow_is_taken_for_what_it_is(
        self, context: Context, town: Town, clock: DrivenClock, flows: Path
    ) -> None:
        case = Case("Bordereaux", clock.now, flow=flows / "revenue.xml")
        told = await told_in_tenant(context, str(town.tenant_id), case)
        (read,) = inspect([make_pes(FLOWS["revenue"])]).slips
        assert [one.cents for one in told.given.facts.amounts] == [int(read.amount_incl_tax * 100)]

    async def test_what_the_api_would_not_read_is_said_in_french(
        self, context: Context, town: Town, clock: DrivenClock
    ) -> None:
        many = Case("Bordereaux", clock.now, amounts=(Decimal(1),) * 1_001)
        with pytest.raises(Unprocessable, match="1000 éléments au plus") as refused:
            await told_in_tenant(context, str(town.tenant_id), many)
        assert refused.value.code == "invalid_request"

    async def test_a_subtype_that_nobody_knows(
        self, context: Context, town: Town, clock: DrivenClock
    ) -> None:
        with pytest.raises(Unprocessable, match="n'est pas connu"):
            await told_in_tenant(context, str(town.tenant_id), Case("Rapports", clock.now))

    async def test_a_tenant_that_nobody_knows(self, context: Context, clock: DrivenClock) -> None:
        with pytest.raises(NotFound):
            await told_in_tenant(context, "personne@nulle.test", Case("Lettres", clock.now))
