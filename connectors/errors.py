"""How a remote call may fail; the class alone decides what may be tried next (DESIGN rule 1).

ConnectorError
├── Unreachable       nothing was sent: try again later
├── Ambiguous         perhaps taken: ask before any retry
├── RefusedByRemote   a clear no: stop, tell a person
└── ForbiddenAddress  our own outbound rules refuse the address
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


class Ambiguous(ConnectorError):
    """A body byte was written and no usable answer came: the outcome is unknown."""


class RefusedByRemote(ConnectorError):
    """The remote answered no. `duplicate` marks its « doublon »."""

    def __init__(
        self, detail: str, *, duplicate: bool = False, remote_text: str | None = None
    ) -> None:
        super().__init__(detail, remote_text=remote_text)
        self.duplicate = duplicate


class ForbiddenAddress(ConnectorError):
    """The address is outside what the operator allows (threat 22)."""
