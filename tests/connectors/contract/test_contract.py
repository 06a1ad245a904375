"""What every TdT connector promises, on every remote that takes part."""

from __future__ import annotations

import pytest

from connectors.base import (
    ActSubmission,
    LookupResult,
    Outcome,
    PesSubmission,
    RemoteState,
    Submission,
)
from connectors.errors import Ambiguous, RefusedByRemote, Unreachable
from tests.connectors.contract.remotes import Behaviour, Remote, Verdicts

_UNKNOWN_OUTCOME_TAKEN = [
    Behaviour.FAILS_AFTER_TAKING,
    Behaviour.HANGS_AFTER_TAKING,
    Behaviour.LOSES_THE_ANSWER,
    Behaviour.ANSWERS_NONSENSE_AFTER_TAKING,
    Behaviour.CUTS_THE_ANSWER,
]
_UNKNOWN_OUTCOME_NOT_TAKEN = [
    Behaviour.FAILS,
    Behaviour.HANGS,
    Behaviour.CUTS_THE_UPLOAD,
    Behaviour.ANSWERS_NONSENSE,
]
_CLEAR_NO = [Behaviour.REFUSES, Behaviour.SHOWS_A_LOGIN_PAGE, Behaviour.REDIRECTS]
_BAD_READS = [
    Behaviour.FAILS,
    Behaviour.HANGS,
    Behaviour.LOSES_THE_ANSWER,
    Behaviour.ANSWERS_NONSENSE,
    Behaviour.CUTS_THE_ANSWER,
]


class TestProbe:
    async def test_passes_on_a_usable_account(self, remote: Remote) -> None:
        await remote.connector.probe()

    async def test_refuses_an_account_out_of_service(self, remote: Remote) -> None:
        remote.probe_fails()

        with pytest.raises(RefusedByRemote):
            await remote.connector.probe()


class TestSubmit:
    async def test_gives_an_id_that_the_remote_knows(
        self, remote: Remote, submission: Submission
    ) -> None:
        receipt = await remote.connector.submit(submission)

        status = await remote.connector.status(submission, receipt.remote_id)
        assert status.state is RemoteState.SENT

    async def test_emits_once(self, remote: Remote, submission: Submission) -> None:
        await remote.connector.submit(submission)

        assert remote.emissions(submission) == 1

    @pytest.mark.parametrize("behaviour", _UNKNOWN_OUTCOME_TAKEN + _UNKNOWN_OUTCOME_NOT_TAKEN)
    async def test_is_ambiguous_once_bytes_left(
        self, remote: Remote, submission: Submission, behaviour: Behaviour
    ) -> None:
        remote.next_submission(behaviour)

        with pytest.raises(Ambiguous):
            await remote.connector.submit(submission)

    @pytest.mark.parametrize(
        "behaviour", [Behaviour.LOSES_THE_ANSWER, Behaviour.FAILS_AFTER_TAKING]
    )
    async def test_never_repeats_by_itself(
        self, remote: Remote, submission: Submission, behaviour: Behaviour
    ) -> None:
        remote.next_submission(behaviour)

        with pytest.raises(Ambiguous):
            await remote.connector.submit(submission)

        assert remote.attempts(submission) == 1

    @pytest.mark.parametrize("behaviour", _CLEAR_NO)
    async def test_says_a_clear_no(
        self, remote: Remote, submission: Submission, behaviour: Behaviour
    ) -> None:
        remote.next_submission(behaviour)

        with pytest.raises(RefusedByRemote) as caught:
            await remote.connector.submit(submission)

        assert not caught.value.duplicate

    async def test_keeps_nothing_of_a_refused_one(
        self, remote: Remote, submission: Submission
    ) -> None:
        remote.next_submission(Behaviour.REFUSES)

        with pytest.raises(RefusedByRemote):
            await remote.connector.submit(submission)

        assert remote.emissions(submission) == 0

    async def test_shows_the_remote_text_readable(
        self, remote: Remote, submission: Submission
    ) -> None:
        remote.next_submission(Behaviour.REFUSES)

        with pytest.raises(RefusedByRemote) as caught:
            await remote.connector.submit(submission)

        assert "« l'envoi n'est pas accepté »" in (caught.value.remote_text or "")

    async def test_recognises_the_second_sending_of_the_same_thing(
        self, remote: Remote, submission: Submission
    ) -> None:
        await remote.connector.submit(submission)

        with pytest.raises(RefusedByRemote) as caught:
            await remote.connector.submit(submission)

        assert caught.value.duplicate

    async def test_recognises_a_duplicate_after_a_lost_answer(
        self, remote: Remote, submission: Submission
    ) -> None:
        remote.next_submission(Behaviour.LOSES_THE_ANSWER)
        with pytest.raises(Ambiguous):
            await remote.connector.submit(submission)

        with pytest.raises(RefusedByRemote) as caught:
            await remote.connector.submit(submission)

        assert caught.value.duplicate
        assert remote.emissions(submission) == 1

    async def test_sends_nothing_through_an_account_out_of_service(
        self, remote: Remote, submission: Submission
    ) -> None:
        remote.probe_fails()

        with pytest.raises(RefusedByRemote):
            await remote.connector.submit(submission)

        assert remote.attempts(submission) == 0


class TestStatus:
    @pytest.mark.parametrize("behaviour", _BAD_READS)
    async def test_of_an_unusable_answer_may_be_asked_again(
        self, remote: Remote, submission: Submission, behaviour: Behaviour
    ) -> None:
        receipt = await remote.connector.submit(submission)
        remote.next_read(behaviour)

        with pytest.raises(Unreachable):
            await remote.connector.status(submission, receipt.remote_id)

    async def test_of_an_unknown_id_is_refused(
        self, remote: Remote, submission: Submission
    ) -> None:
        with pytest.raises(RefusedByRemote):
            await remote.connector.status(submission, "1")

    @pytest.mark.parametrize("behaviour", [Behaviour.REDIRECTS, Behaviour.SHOWS_A_LOGIN_PAGE])
    async def test_of_a_closed_account_is_refused(
        self, remote: Remote, submission: Submission, behaviour: Behaviour
    ) -> None:
        receipt = await remote.connector.submit(submission)
        remote.next_read(behaviour)

        with pytest.raises(RefusedByRemote):
            await remote.connector.status(submission, receipt.remote_id)


class TestAnswer:
    async def test_is_none_while_the_state_says_nothing(
        self, remote: Remote, submission: Submission
    ) -> None:
        remote.decide(Verdicts.SILENT)
        receipt = await remote.connector.submit(submission)
        remote.settle(receipt.remote_id)

        assert await remote.connector.answer(submission, receipt.remote_id) is None

    async def test_acknowledges(self, remote: Remote, submission: Submission) -> None:
        receipt = await remote.connector.submit(submission)
        remote.settle(receipt.remote_id)

        answer = await remote.connector.answer(submission, receipt.remote_id)

        assert answer is not None
        assert answer.outcome is Outcome.ACKNOWLEDGED

    async def test_refuses_with_its_errors(self, remote: Remote, submission: Submission) -> None:
        remote.decide(Verdicts.REFUSED)
        receipt = await remote.connector.submit(submission)
        remote.settle(receipt.remote_id)

        answer = await remote.connector.answer(submission, receipt.remote_id)

        assert answer is not None
        assert answer.outcome is Outcome.REFUSED
        assert answer.errors

    async def test_concerns_what_was_sent(self, remote: Remote, submission: Submission) -> None:
        receipt = await remote.connector.submit(submission)
        remote.settle(receipt.remote_id)

        answer = await remote.connector.answer(submission, receipt.remote_id)

        assert answer is not None
        match submission:
            case ActSubmission():
                assert submission.number in (answer.reference or "")
            case PesSubmission():
                assert answer.file_name == submission.file_name

    async def test_is_told_by_the_status(self, remote: Remote, submission: Submission) -> None:
        receipt = await remote.connector.submit(submission)
        remote.settle(receipt.remote_id)

        status = await remote.connector.status(submission, receipt.remote_id)

        assert status.state is RemoteState.ANSWER_AVAILABLE


class TestLookUp:
    @pytest.mark.parametrize("behaviour", _UNKNOWN_OUTCOME_TAKEN)
    async def test_finds_what_was_taken_without_an_answer(
        self, remote: Remote, submission: Submission, behaviour: Behaviour
    ) -> None:
        above = await remote.connector.highest_known_id(submission)
        remote.next_submission(behaviour)
        with pytest.raises(Ambiguous):
            await remote.connector.submit(submission)

        found = await remote.connector.look_up(submission, above_id=above)

        assert found.result is _expected_when_taken(remote, submission)
        assert (found.remote_id is not None) == (found.result is LookupResult.FOUND)

    @pytest.mark.parametrize("behaviour", _UNKNOWN_OUTCOME_NOT_TAKEN)
    async def test_never_finds_what_was_not_taken(
        self, remote: Remote, submission: Submission, behaviour: Behaviour
    ) -> None:
        above = await remote.connector.highest_known_id(submission)
        remote.next_submission(behaviour)
        with pytest.raises(Ambiguous):
            await remote.connector.submit(submission)

        found = await remote.connector.look_up(submission, above_id=above)

        assert found.result in {LookupResult.ABSENT, LookupResult.CANNOT_TELL}

    async def test_ignores_what_was_there_before(
        self, remote: Remote, submission: Submission
    ) -> None:
        await remote.connector.submit(submission)
        above = await remote.connector.highest_known_id(submission)

        found = await remote.connector.look_up(submission, above_id=above)

        assert found.result is not LookupResult.FOUND


def _expected_when_taken(remote: Remote, submission: Submission) -> LookupResult:
    if isinstance(submission, PesSubmission) and not remote.lists_pes:
        return LookupResult.CANNOT_TELL
    return LookupResult.FOUND
