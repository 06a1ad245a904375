"""What is wrong with signatures, told by their names: flows and PDFs made here, then samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.demo.flows import Flow, make_pes
from app.documents.verdicts import faults_of, reason_not_sent, reason_not_valid, refuse_invalid
from app.errors import Unprocessable
from app.models import Revision
from signing.report import to_json
from signing.trust import TrustMaterial
from signing.verification import verify
from tests.builders.pdf import CONTENT, appended, simple_pdf, stream
from tests.builders.pes import NOW, sign_flow
from tests.builders.signed_pdf import signed_pdf
from tests.pki.tree import shared_tree

FORGED = "le contenu signé a été modifié après la signature"


def reported(content: bytes) -> dict[str, Any]:
    return to_json(verify(content, trust=TrustMaterial(), now=NOW))


def refusal(content: bytes) -> str:
    with pytest.raises(Unprocessable) as refused:
        refuse_invalid(reported(content))
    assert refused.value.code == "pes_invalid_signature"
    return refused.value.detail


def signature(**values: Any) -> dict[str, Any]:
    made = {"id": "S1", "scope": "document", "indication": "TOTAL-FAILED", "findings": []}
    return made | values


def finding(detail: str, *, blocking: bool = True) -> dict[str, Any]:
    return {"code": "x", "detail": detail, "blocking": blocking}


class TestFlows:
    def test_an_altered_slip_is_named(self) -> None:
        signed = sign_flow(make_pes(Flow(number=990_050, expense_slips=2)))
        told = refusal(signed.replace(b"PAPETERIE EXEMPLE", b"PAPETERIE FORGEES", 1))
        assert told.startswith("Ce flux n'est pas valablement signé. Signature du bordereau « ")
        assert FORGED in told
        assert told.count("Signature du bordereau") == 1
        assert told.endswith(" Redemandez le flux à son signataire.")

    def test_a_slip_that_is_not_signed_is_not_called_an_invalid_signature(self) -> None:
        signed = sign_flow(make_pes(Flow(number=990_051, expense_slips=2)))
        start = signed.index(b"<ds:Signature")
        end = signed.index(b"</ds:Signature>") + len(b"</ds:Signature>")
        told = refusal(signed[:start] + signed[end:])
        assert "n'est pas signé : la signature du flux est incomplète." in told
        assert "Signature du bordereau" not in told

    def test_a_sound_flow_passes(self) -> None:
        refuse_invalid(reported(sign_flow(make_pes(Flow(number=990_052)))))

    @pytest.mark.parametrize(
        ("sample", "said"),
        [
            ("S01", "« C998620181 » : le certificat était expiré à la date de signature (04/04/"),
            ("S03", "« D00001 » : la politique Hélios n'admet que RSA"),
            ("S07", f"Signature « IDGLOB1_SIG_1 » : {FORGED}"),
            ("S08", "Le bordereau « IDBR46 » n'est pas signé"),
            ("S09", f"Signature du bordereau « IDBD121 » : {FORGED}"),
            ("S10", "Un bordereau se trouve hors de PES_DepenseAller"),
        ],
    )
    def test_each_sample_is_told_its_own_fault(
        self, shared_data: Path, sample: str, said: str
    ) -> None:
        content = next((shared_data / "pes/samples").glob(f"{sample}-*.xml")).read_bytes()
        assert said in refusal(content)


class TestFaults:
    def test_a_pdf_changed_after_signing_names_its_signature(self) -> None:
        signed = signed_pdf(simple_pdf(), shared_tree().good)
        drawn = stream(b"BT /F1 18 Tf 20 100 Td (Faux) Tj ET")
        told = faults_of(reported(appended(signed, {CONTENT: drawn})))
        assert told.startswith(
            "Signature « Signature1 » : le document a été modifié après cette signature"
        )

    def test_the_first_ones_are_told_and_the_others_counted(self) -> None:
        signatures = [signature(id=f"S{n}", findings=[finding("Fausse.")]) for n in range(4)]
        told = faults_of({"findings": [finding("Flux faux.")], "signatures": signatures})
        assert told == (
            "Flux faux. Signature « S0 » : fausse. Signature « S1 » : fausse. Et 2 autres défauts."
        )

    def test_a_sound_signature_beside_is_not_named(self) -> None:
        sound = signature(id="S0", indication="INDETERMINATE", findings=[finding("Bof.")])
        told = faults_of({"signatures": [sound, signature(id="", findings=[])]})
        assert told == "Signature sans nom : elle n'est pas valide."

    def test_what_decides_hides_what_does_not_unless_nothing_decides(self) -> None:
        remark = finding("Certificat révoqué.", blocking=False)
        both = signature(findings=[remark, finding("Fausse.")])
        assert faults_of({"signatures": [both]}) == "Signature « S1 » : fausse."
        alone = signature(findings=[remark])
        assert faults_of({"signatures": [alone]}) == "Signature « S1 » : certificat révoqué."

    def test_threat_31_a_name_of_the_file_stays_one_short_line(self) -> None:
        hostile = signature(id="a\r\nBcc: \x00" + "x" * 100, findings=[finding("Fausse.")])
        told = faults_of({"signatures": [hostile]})
        assert told == f"Signature « a Bcc: {'x' * 53}… » : fausse."


class TestNotSent:
    """Why a transmission did not take place: signing again cures only what we signed."""

    def reason(self, origin: str, failed: str, **facts: Any) -> str:
        report = {"verdict": "invalid"} | {
            "signatures": [signature(id=failed, findings=[finding("Contenu modifié.")])]
        }
        return reason_not_sent(Revision(origin=origin, report=report, facts=facts or None))

    @pytest.mark.parametrize(
        ("origin", "failed"), [("signed", "Signature1"), ("deposited", "Signature2")]
    )
    def test_a_fault_of_the_deposited_file_asks_for_another_file(
        self, origin: str, failed: str
    ) -> None:
        told = self.reason(origin, failed, signatures=[{"field": "Signature1"}])
        assert f"Signature « {failed} » : contenu modifié." in told
        assert "demandez un autre fichier" in told
        assert "faire signer de nouveau" not in told

    @pytest.mark.parametrize("facts", [{"signatures": [{"field": "Signature1"}]}, {}])
    def test_a_fault_of_our_signature_asks_to_sign_again(self, facts: dict[str, Any]) -> None:
        told = self.reason("signed", "Signature2", **facts)
        assert "Signature « Signature2 » : contenu modifié." in told
        assert told.endswith("pour le faire signer de nouveau.")

    def test_a_file_that_cannot_be_read_any_more_is_not_cured_by_signing(self) -> None:
        report = {"verdict": "invalid", "findings": [finding("Ce PDF est endommagé.")]}
        told = reason_not_sent(Revision(origin="signed", report=report, facts=None))
        assert "Ce PDF est endommagé." in told
        assert "demandez un autre fichier" in told


class TestNotValid:
    """What is told of a document signed here that nothing transmits."""

    @pytest.mark.parametrize(
        ("failed", "remedy"),
        [
            ("Signature1", "demandez un autre fichier à celui qui l'a remis, et faites-le signer"),
            ("Signature2", "sinon déposez le document dans un autre dossier."),
        ],
    )
    def test_a_remedy_that_no_transmission_is_needed_for(self, failed: str, remedy: str) -> None:
        report = {"signatures": [signature(id=failed, findings=[finding("Contenu modifié.")])]}
        facts = {"signatures": [{"field": "Signature1"}]}
        told = reason_not_valid(Revision(origin="signed", report=report, facts=facts))
        assert told.startswith(f"Signature « {failed} » : contenu modifié. ")
        assert remedy in told
        assert "envoyé" not in told
