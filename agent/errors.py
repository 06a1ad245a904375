"""Everything that the agent refuses, one tree.

AgentError
├── StateError          the state directory cannot be used
├── PairingFailed       no pairing came out of it
├── JobRefused          a signing job that is not acted upon, before the PIN
├── LinkError           the exchange with the server
│   ├── Unreachable     no answer, or not one of the server's
│   └── ServerRefused   a problem with its code
├── LeaseLost           the server gave the job up
└── NoPin               nobody gave the PIN
"""

from __future__ import annotations


class AgentError(Exception):
    """A stable `code` and `detail`, a French sentence that says what to do."""

    code = "agent_error"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


class StateError(AgentError):
    """The state directory is missing, foreign or unreadable."""

    code = "state_unusable"


class PairingFailed(AgentError):
    """The pairing expired or was refused."""

    code = "pairing_failed"


class JobRefused(AgentError):
    """A job or one of its documents is not what the agent may sign."""

    code = "job_refused"


class LinkError(AgentError):
    """The server could not be used."""

    code = "link_error"


class Unreachable(LinkError):
    """No usable answer: the network, TLS, or something that is not the server."""

    code = "server_unreachable"


class ServerRefused(LinkError):
    """The server answered with a problem (RFC 9457); `status` is the HTTP status."""

    code = "server_refused"

    def __init__(self, detail: str, *, code: str | None = None, status: int) -> None:
        super().__init__(detail, code=code)
        self.status = status


class LeaseLost(AgentError):
    """The server no longer holds this job for the agent."""

    code = "lease_lost"


class NoPin(AgentError):
    """The PIN was asked and not given."""

    code = "no_pin"
