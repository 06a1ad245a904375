"""Networks that record where a connection was asked for, and resolvers that lie."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence

import httpcore2

from connectors.addresses import Resolver

HTTP_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class RecordingNetwork(httpcore2.AsyncMockBackend):
    """Opens nothing; notes each address, then answers from memory."""

    def __init__(self, answer: Sequence[bytes] = (HTTP_OK,)) -> None:
        super().__init__(list(answer))
        self.connected: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.connected.append(f"{host}:{port}")
        return await super().connect_tcp(host, port, timeout, local_address, socket_options)


def answering(*answers: Sequence[str]) -> Resolver:
    """A resolver that gives each answer in turn, the last one for ever."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        del host, port
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


async def unknown_name(host: str, port: int) -> Sequence[str]:
    raise socket.gaierror(f"{host}:{port} does not resolve")
