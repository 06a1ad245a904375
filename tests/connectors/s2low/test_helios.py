from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.demo.s2low import S2lowDouble
from app.demo.s2low_model import Channel, Mode, Verdict
from connectors.base import Attachment, LookupResult, Outcome, PesSubmission, RemoteState
from connectors.errors import Ambiguous, InvalidSubmission, UnreadableAnswer
from connectors.s2low import helios
from connectors.s2low.client import S2lowClient
from tests.builders.submissions import make_flow, make_pes
from tests.builders.tdt import TdtPki, allowed, make_account

MIB = 1024 * 1024


@pytest.fixture
async def client(double: S2lowDouble, tdt_pki: TdtPki) -> AsyncIterator[S2lowClient]:
    opened = S2lowClient(make_account(double.base_url, tdt_pki), allow=allowed(double))
    yield opened
    await opened.aclose()


class TestSubmit:
    async def test_the_bytes_arrive_unchanged(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        submission = make_pes()

        await helios.submit(client, submission)

        assert [one.sha256 for one in double.transactions()] == [submission.document.sha256]

    @pytest.mark.parametrize("size", [0, 128 * MIB + 1])
    async def test_a_size_that_the_tdt_refuses_never_leaves(
        self, client: S2lowClient, double: S2lowDouble, size: int
    ) -> None:
        submission = make_pes()
        odd = replace(submission, document=replace(submission.document, size_bytes=size))

        with pytest.raises(InvalidSubmission):
            await helios.submit(client, odd)

        assert double.attempts() == []

    async def test_a_stored_file_that_changed_is_not_taken(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        submission = make_pes()
        changed = replace(submission, document=replace(submission.document, sha256="0" * 64))

        with pytest.raises(Ambiguous):
            await helios.submit(client, changed)

        assert double.attempts() == []

    async def test_a_large_flow_costs_no_memory(
        self,
        client: S2lowClient,
        double: S2lowDouble,
        scaled: Callable[[int, int], int],
    ) -> None:
        submission = _large_pes(scaled(127, 40) * MIB)
        before = _reset_peak_kib()

        await helios.submit(client, submission)

        assert _peak_kib() - before < 24 * 1024
        assert double.emissions(sha256=submission.document.sha256) == 1


class TestStatus:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (make_flow(nomfic="F", encoding="UTF-8"), "ISO-8859-1"),
            (make_flow(nomfic=""), "NomFic"),
            (make_flow(nomfic="F", codcol="1234"), "CodCol"),
            (make_flow(nomfic="F")[:-8], "pas en XML"),
        ],
    )
    async def test_shows_why_the_tdt_ended_a_flow(
        self, client: S2lowClient, content: bytes, message: str
    ) -> None:
        receipt = await helios.submit(client, make_pes(content=content))

        status = await helios.status(client, receipt.remote_id)

        assert status.state is RemoteState.ERROR
        assert message in status.message

    async def test_a_nomfic_used_again_is_taken_then_ends_in_error(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        first = await helios.submit(client, make_pes(nomfic="F1"))
        double.advance(first.remote_id)
        content = make_flow(nomfic="F1").replace(b'V="42"', b'V="43"')

        second = await helios.submit(client, make_pes(nomfic="F1", content=content))

        assert (await helios.status(client, second.remote_id)).state is RemoteState.ERROR


class TestAnswer:
    @pytest.mark.parametrize(
        ("verdict", "outcome"),
        [
            (Verdict.ACCEPTED, Outcome.ACKNOWLEDGED),
            (Verdict.REFUSED, Outcome.REFUSED),
            (Verdict.TECHNICAL, Outcome.REFUSED),
        ],
    )
    async def test_status_8_is_both_and_the_acquit_decides(
        self, client: S2lowClient, double: S2lowDouble, verdict: Verdict, outcome: Outcome
    ) -> None:
        double.set_verdict(verdict)
        submission = make_pes()
        receipt = await helios.submit(client, submission)
        double.advance(receipt.remote_id, steps=4)

        status = await helios.status(client, receipt.remote_id)
        answer = await helios.answer(client, submission, receipt.remote_id)

        assert status.code == 8
        assert answer is not None
        assert answer.outcome is outcome

    async def test_threat_29_of_another_flow_is_not_taken(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        receipt = await helios.submit(client, make_pes())
        double.advance(receipt.remote_id, steps=4)

        with pytest.raises(UnreadableAnswer):
            await helios.answer(client, make_pes(), receipt.remote_id)

    async def test_is_none_while_the_page_redirects(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        submission = make_pes()
        receipt = await helios.submit(client, submission)
        double.advance(receipt.remote_id, steps=4)
        double.script(Channel.READ, Mode.OK, Mode.REDIRECT)

        assert await helios.answer(client, submission, receipt.remote_id) is None


class TestLookUp:
    async def test_finds_by_content_among_newer_flows(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        above = await helios.highest_known_id(client)
        submission = make_pes()
        receipt = await helios.submit(client, submission)
        for _ in range(3):
            await helios.submit(client, make_pes())

        found = await helios.look_up(client, submission, above_id=above)

        assert found.remote_id == receipt.remote_id

    async def test_never_claims_absence(self, client: S2lowClient) -> None:
        found = await helios.look_up(client, make_pes(), above_id=0)

        assert found.result is LookupResult.CANNOT_TELL

    async def test_without_a_mark_reads_nothing(
        self, client: S2lowClient, double: S2lowDouble
    ) -> None:
        submission = make_pes()
        await helios.submit(client, submission)

        found = await helios.look_up(client, submission, above_id=None)

        assert found.result is LookupResult.CANNOT_TELL

    async def test_survives_a_right_that_was_withdrawn(
        self, double: S2lowDouble, tdt_pki: TdtPki
    ) -> None:
        account = replace(make_account(double.base_url, tdt_pki, with_login=True), archivist=True)
        ordinary = S2lowClient(account, allow=allowed(double))

        assert await helios.highest_known_id(ordinary) is None
        found = await helios.look_up(ordinary, make_pes(), above_id=0)

        await ordinary.aclose()
        assert found.result is LookupResult.CANNOT_TELL


def _large_pes(size: int) -> PesSubmission:
    """A flow with one attachment of about `size` bytes, never held whole in memory."""
    head, tail = make_flow(nomfic="GROS_FLUX").split(b'<PJ><IdUnique V="PJ0001"/>')
    filler = b"QUFB" * 16384

    def pieces() -> itertools.chain[bytes]:
        middle = itertools.repeat(filler, size // len(filler))
        start = [head + b'<PJ><Contenu><Fichier MIMEType="application/pdf">']
        return itertools.chain(
            start, middle, [b'</Fichier></Contenu><IdUnique V="PJ0001"/>' + tail]
        )

    digest, count = hashlib.sha256(), 0
    for piece in pieces():
        digest.update(piece)
        count += len(piece)

    async def read() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    document = Attachment("gros.xml", count, digest.hexdigest(), "text/xml", read)
    return PesSubmission("GROS_FLUX", "123", document)


def _reset_peak_kib() -> int:
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return _peak_kib()


def _peak_kib() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found is not None
    return int(found.group(1))
