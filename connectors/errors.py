"""How a remote call may fail; the class alone decides what may be tried next (DESIGN rule 1).

ConnectorError
├── Unreachable            nothing was sent: try again later
│   └── UnreadableAnswer   a read gave bytes that are not the answer: read again later
├── Ambiguous              perhaps taken: ask before any retry
├── RefusedByRemote        a clear no: stop, tell a person
│   └── InvalidSubmission  refused here, before sending, by the remote's own rules
└── ForbiddenAddress       our own outbound rules refuse the address
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Root; `detail` is a French sentence, `remote_text` what the remote said, decoded."""

    def __init__(self, detail: str, *, remote_text: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remote_text = remote_text


class Unreachable(ConnectorError):
    """Failed before any byte of the request body left. `alert` marks a certificate fault:
    retrying cannot cure it, a person must look."""

    def __init__(self, detail: str, *, alert: bool = False, remote_text: str | None = None) -> None:
        super().__init__(detail, remote_text=remote_text)
        self.alert = alert


class UnreadableAnswer(Unreachable):
    """A read (never a submission) gave bytes that cannot be understood; `raw` keeps them."""

    def __init__(self, detail: str, *, raw: bytes) -> None:
        super().__init__(detail)
        self.raw = raw


class Ambiguous(ConnectorError):
    """A body byte was written and no usable answer came: the outcome is unknown."""


class RefusedByRemote(ConnectorError):
    """The remote answered no. `duplicate` marks its « doublon »."""

    def __init__(
        self, detail: str, *, duplicate: bool = False, remote_text: str | None = None
    ) -> None:
        super().__init__(detail, remote_text=remote_text)
        self.duplicate = duplicate


class InvalidSubmission(RefusedByRemote):
    """Nothing left: the remote's known rules refuse the values. `code` is stable."""

    def __init__(self, detail: str, *, code: str) -> None:
        super().__init__(detail)
        self.code = code


class ForbiddenAddress(ConnectorError):
    """The address is outside what the operator allows (threat 22)."""
