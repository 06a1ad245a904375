"""What the contract suite asks of a scripted remote, and the ones that take part."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, assert_never

from app.demo.s2low import S2lowDouble
from app.demo.s2low_model import Channel, Mode, Verdict
from connectors import registry
from connectors.base import ActSubmission, Connector, PesSubmission, Submission
from tests.builders.tdt import TdtPki, allowed, make_account


class Behaviour(StrEnum):
    """How a remote may end one request."""

    REFUSES = "refuses"
    SAYS_DUPLICATE = "says_duplicate"
    FAILS = "fails"
    FAILS_AFTER_TAKING = "fails_after_taking"
    HANGS = "hangs"
    HANGS_AFTER_TAKING = "hangs_after_taking"
    CUTS_THE_UPLOAD = "cuts_the_upload"
    LOSES_THE_ANSWER = "loses_the_answer"
    ANSWERS_NONSENSE = "answers_nonsense"
    ANSWERS_NONSENSE_AFTER_TAKING = "answers_nonsense_after_taking"
    CUTS_THE_ANSWER = "cuts_the_answer"
    SHOWS_A_LOGIN_PAGE = "shows_a_login_page"
    REDIRECTS = "redirects"


class Verdicts(StrEnum):
    """What the State ends up saying."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    SILENT = "silent"


class Remote(Protocol):
    """A remote of which each test has its own; a new connector joins by writing one."""

    connector: Connector
    lists_pes: bool

    def next_submission(self, behaviour: Behaviour) -> None:
        """How the next submission ends."""

    def next_read(self, behaviour: Behaviour) -> None:
        """How the next read ends."""

    def probe_fails(self) -> None:
        """The account is out of service from now on."""

    def decide(self, verdict: Verdicts) -> None:
        """What is answered to everything submitted."""

    def settle(self, remote_id: str) -> None:
        """Brings a submission to the end of its life."""

    def emissions(self, submission: Submission) -> int:
        """How many times the remote took it."""

    def attempts(self, submission: Submission) -> int:
        """How many complete requests it received, taken or not."""


_MODES = {
    Behaviour.REFUSES: Mode.KO,
    Behaviour.SAYS_DUPLICATE: Mode.DUPLICATE,
    Behaviour.FAILS: Mode.HTTP_500,
    Behaviour.FAILS_AFTER_TAKING: Mode.ACCEPTED_HTTP_500,
    Behaviour.HANGS: Mode.HANG,
    Behaviour.HANGS_AFTER_TAKING: Mode.ACCEPTED_HANG,
    Behaviour.CUTS_THE_UPLOAD: Mode.LOST_REQUEST,
    Behaviour.LOSES_THE_ANSWER: Mode.LOST_ANSWER,
    Behaviour.ANSWERS_NONSENSE: Mode.MALFORMED,
    Behaviour.ANSWERS_NONSENSE_AFTER_TAKING: Mode.ACCEPTED_MALFORMED,
    Behaviour.CUTS_THE_ANSWER: Mode.ACCEPTED_TRUNCATED,
    Behaviour.SHOWS_A_LOGIN_PAGE: Mode.LOGIN_PAGE,
    Behaviour.REDIRECTS: Mode.REDIRECT,
}
_VERDICTS = {
    Verdicts.ACCEPTED: Verdict.ACCEPTED,
    Verdicts.REFUSED: Verdict.REFUSED,
    Verdicts.SILENT: Verdict.SILENT,
}


class S2lowRemote:
    """The S²LOW connector on its double, with an archivist account or an ordinary one."""

    def __init__(self, double: S2lowDouble, pki: TdtPki, *, with_login: bool) -> None:
        account = make_account(double.base_url, pki, with_login=with_login, timeout_s=1.5)
        self.connector: Connector = registry.get("s2low", account, allow=allowed(double))
        self.lists_pes = not with_login
        self._double = double

    def next_submission(self, behaviour: Behaviour) -> None:
        self._double.script(Channel.SUBMIT, _MODES[behaviour])

    def next_read(self, behaviour: Behaviour) -> None:
        self._double.script(Channel.READ, _MODES[behaviour])

    def probe_fails(self) -> None:
        self._double.set_default(Channel.PROBE, Mode.REDIRECT)

    def decide(self, verdict: Verdicts) -> None:
        self._double.set_verdict(_VERDICTS[verdict])

    def settle(self, remote_id: str) -> None:
        self._double.advance(remote_id, steps=5)

    def emissions(self, submission: Submission) -> int:
        return self._double.emissions(key=_key(submission))

    def attempts(self, submission: Submission) -> int:
        return len(self._double.attempts(key=_key(submission)))


def _key(submission: Submission) -> str:
    match submission:
        case ActSubmission():
            return submission.number
        case PesSubmission():
            return submission.file_name
        case _ as never:
            assert_never(never)
