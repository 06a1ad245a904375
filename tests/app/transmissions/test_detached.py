"""An act that was signed apart leaves with its signature, and never with an altered one."""

from __future__ import annotations

import json

import pytest

from app.documents.schemas import REPORT
from app.folders.service import REACT
from app.kit.threads import in_thread
from app.transmissions.service import SUBMIT
from signing.report import Verdict, VerificationReport
from signing.verification import verify
from tests.app.signatures.test_service import the_trust
from tests.builders.people import ApiPerson
from tests.builders.signatories import Signatory, newest
from tests.builders.traces import journal_entry
from tests.builders.wires import Wire


@pytest.fixture
async def signed(wire: Wire, signatory: Signatory, administrator: ApiPerson) -> str:
    """An act of the type « Actes », now PKCS7, that the mayor has signed; its folder's id."""
    listed = (await administrator.client.get("/folder-types")).json()
    acts = next(one["id"] for one in listed if one["protocol"] == "ACTES")
    changed = await administrator.client.patch(
        f"/folder-types/{acts}", json={"signature_format": "PKCS7", "stamp": None}
    )
    assert changed.status_code == 200, changed.text
    return await signatory.signed("acts")


async def judged(wire: Wire, signature: str, content: bytes) -> VerificationReport:
    wire.clock.advance(seconds=1)
    return await in_thread(
        lambda: verify(
            signature.encode(), trust=the_trust(), now=wire.clock(), detached_content=content
        )
    )


async def test_the_act_leaves_as_it_was_deposited_with_its_signature_beside(
    wire: Wire, finances: ApiPerson, signed: str
) -> None:
    await wire.work(REACT)
    await wire.work(REPORT)
    await wire.work(SUBMIT)
    folder = await finances.read(signed)
    revision = newest(folder)
    deposited = await finances.content(signed, folder["documents"][0]["revisions"][0])
    (act,) = wire.double.transactions()
    report = await judged(wire, act.signature, deposited)
    assert (folder["status"], act.sha256) == ("transmitted", revision["sha256"])
    assert report.verdict is Verdict.VALID


async def test_the_journal_tells_which_signature_left(
    wire: Wire, finances: ApiPerson, signed: str
) -> None:
    await wire.work(REACT)
    await wire.work(REPORT)
    await wire.work(SUBMIT)
    revision = newest(await finances.read(signed))
    entry = json.loads(await journal_entry(finances, "transmission.attempted", signed))
    assert entry["document_sha256"] == revision["sha256"]
    assert entry["details"]["signature_sha256"] == revision["signature"]["sha256"]


async def test_nothing_leaves_before_the_signature_is_verified(wire: Wire, signed: str) -> None:
    await wire.work(REACT)
    await wire.work(SUBMIT)
    assert wire.double.attempts() == []


async def test_threat_06_a_signature_altered_in_the_store_is_never_sent(
    wire: Wire, finances: ApiPerson, signed: str
) -> None:
    await wire.work(REACT)
    await wire.work(REPORT)
    signature = newest(await finances.read(signed))["signature"]
    stored = wire.context.store.local_path(signature["sha256"])
    assert stored is not None
    stored.write_bytes(stored.read_bytes()[:-1] + b"\x00")
    await wire.work(SUBMIT)
    assert wire.double.attempts() == []
    assert (await finances.read(signed))["status"] == "awaiting_transmission"


async def test_a_retracted_signature_is_never_sent(
    wire: Wire, signatory: Signatory, finances: ApiPerson, signed: str
) -> None:
    await wire.work(REACT)
    await wire.work(REPORT)
    taken_back = await signatory.person.act(signed, "retract", step="signature")
    assert taken_back.status_code == 200, taken_back.text
    await wire.work(SUBMIT)
    assert wire.double.attempts() == []
    wire.clock.advance(seconds=1)
    await signatory.open(signed)
    await signatory.agent.sign()
    for kind in (REACT, REPORT, SUBMIT):
        await wire.work(kind)
    (act,) = wire.double.transactions()
    revision = newest(await finances.read(signed))
    assert (act.sha256, revision["retracted_at"]) == (revision["sha256"], None)
    report = await judged(wire, act.signature, await finances.content(signed, revision))
    assert report.verdict is Verdict.VALID
