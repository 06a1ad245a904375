"""The S²LOW connector: acts and PES flows behind one interface."""

from __future__ import annotations

from typing import assert_never

from connectors.base import (
    ActSubmission,
    Answer,
    Lookup,
    PesSubmission,
    Receipt,
    RemoteStatus,
    Submission,
)
from connectors.s2low import actes, helios
from connectors.s2low.client import S2lowClient


class S2lowConnector:
    """`connectors.base.Connector` over one S²LOW account.

    Each call makes its requests once and decides nothing: when to send again, after which look-up,
    belongs to the caller. A `submit` that ends by an exception other than ConnectorError (the
    process was cancelled, the ByteSource failed) has an unknown outcome, like Ambiguous."""

    def __init__(self, client: S2lowClient) -> None:
        self._client = client

    async def probe(self) -> None:
        """The account answers, and its certificate may transmit."""
        await self._client.probe()

    async def highest_known_id(self, submission: Submission) -> int | None:
        match submission:
            case ActSubmission():
                return await actes.highest_known_id(self._client)
            case PesSubmission():
                return await helios.highest_known_id(self._client)
            case _ as never:
                assert_never(never)

    async def submit(self, submission: Submission) -> Receipt:
        """One POST at most. `OK` means taken by the TdT's web layer, nothing more."""
        match submission:
            case ActSubmission():
                return await actes.submit(self._client, submission)
            case PesSubmission():
                return await helios.submit(self._client, submission)
            case _ as never:
                assert_never(never)

    async def look_up(self, submission: Submission, *, above_id: int | None) -> Lookup:
        """Acts: FOUND, ABSENT or SEVERAL, true only once the server's own upload limit has run
        out since the attempt. PES: FOUND or CANNOT_TELL."""
        match submission:
            case ActSubmission():
                return await actes.look_up(self._client, submission, above_id=above_id)
            case PesSubmission():
                return await helios.look_up(self._client, submission, above_id=above_id)
            case _ as never:
                assert_never(never)

    async def status(self, submission: Submission, remote_id: str) -> RemoteStatus:
        match submission:
            case ActSubmission():
                return await actes.status(self._client, remote_id)
            case PesSubmission():
                return await helios.status(self._client, remote_id)
            case _ as never:
                assert_never(never)

    async def answer(self, submission: Submission, remote_id: str) -> Answer | None:
        match submission:
            case ActSubmission():
                return await actes.answer(self._client, submission, remote_id)
            case PesSubmission():
                return await helios.answer(self._client, submission, remote_id)
            case _ as never:
                assert_never(never)

    async def aclose(self) -> None:
        await self._client.aclose()
