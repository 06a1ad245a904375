"""Both arms of a comparison do the work that they are said to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml import etree

from app.bench import flow_signature, pdf_signature
from app.bench.signer import BenchSigner, make_signer
from app.demo.acts import Act, deliberation
from app.demo.flows import Flow, make_pes
from signing.policies import policy_for
from signing.report import Integrity
from signing.trust import TrustMaterial
from signing.verification import verify
from signing.xml import parse


@pytest.fixture(scope="module")
def signer() -> BenchSigner:
    return make_signer()


@pytest.fixture(scope="module")
def act() -> bytes:
    return deliberation(Act(pages=pdf_signature.PAGES, size_bytes=pdf_signature.SIZE_BYTES))


def intact_signatures(content: bytes, signer: BenchSigner) -> int:
    trust = TrustMaterial(anchors=(signer.issuer.der,))
    report = verify(content, trust=trust, now=datetime.now(UTC))
    return sum(one.integrity is Integrity.INTACT for one in report.signatures)


class TestFlowSignature:
    def test_ours_signs_every_slip(self, signer: BenchSigner) -> None:
        flow = make_pes(Flow(expense_slips=flow_signature.SLIPS))
        policy = policy_for(datetime.now(UTC).date())
        signed = flow_signature.sign(flow, signer, policy)
        assert intact_signatures(signed, signer) == flow_signature.SLIPS

    def test_the_other_arm_reads_and_writes_the_whole_flow(self) -> None:
        flow = make_pes(Flow())
        canonical, written = flow_signature.read_and_write(flow)
        assert etree.tostring(parse(written), method="c14n", exclusive=True) == canonical

    def test_the_flow_weighs_five_megabytes(self) -> None:
        shape = Flow(
            expense_slips=flow_signature.SLIPS, items_per_slip=flow_signature.ITEMS_PER_SLIP
        )
        assert len(make_pes(shape)) == pytest.approx(5e6, rel=0.01)


class TestPdfSignature:
    def test_the_act_weighs_240_kilobytes(self, act: bytes) -> None:
        assert len(act) == pytest.approx(pdf_signature.SIZE_BYTES, rel=0.02)

    def test_ours_gives_a_signed_act(self, act: bytes, signer: BenchSigner) -> None:
        assert intact_signatures(pdf_signature.sign(act, signer), signer) == 1

    def test_pyhanko_as_it_comes_gives_a_signed_act(self, act: bytes, signer: BenchSigner) -> None:
        stock = pdf_signature.pyhanko_signer(signer)
        signed = pdf_signature.sign_with(stock, act, room=None)
        assert intact_signatures(signed, signer) == 1

    def test_pyhanko_with_its_key_kept_gives_a_signed_act(
        self, act: bytes, signer: BenchSigner
    ) -> None:
        tuned = pdf_signature.tuned_signer(signer)
        signed = pdf_signature.sign_with(tuned, act, room=16_384)
        assert intact_signatures(signed, signer) == 1
