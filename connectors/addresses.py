"""Which addresses the server may open a connection to, decided on the resolved address."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

import httpcore2

from connectors.errors import ForbiddenAddress

HostPort: TypeAlias = tuple[str, int]
Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Name and port to numeric addresses, in the order to try; raises OSError when unknown."""

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def parse_allow(entries: Iterable[str]) -> frozenset[HostPort]:
    """The operator's `host:port` entries (`[::1]:8443` for IPv6); ValueError on another form."""
    return frozenset(_host_port(entry.strip()) for entry in entries if entry.strip())


def is_public(address: str) -> bool:
    """Whether a numeric address is on the public internet.

    IPv4 mapped into IPv6, or behind NAT64, counts as itself; 6to4 and Teredo are refused."""
    try:
        parsed = _unwrapped(ipaddress.ip_address(address))
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and (parsed.sixtofour or parsed.teredo):
        return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


async def system_resolver(host: str, port: int) -> list[str]:
    """The operating system's resolver; it also reads decimal, octal and short IPv4 forms."""
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens TCP connections to checked addresses only.

    The name is resolved once per connection and the connection goes to the very address that was
    checked, so a name that changes its answer in between (DNS rebinding, threat 22) gains nothing;
    TLS still verifies the name. A name with one forbidden address is refused altogether.
    """

    def __init__(
        self,
        *,
        allow: frozenset[HostPort],
        resolver: Resolver,
        network: httpcore2.AsyncNetworkBackend,
    ) -> None:
        self._allow = allow
        self._resolver = resolver
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await self._checked(host, port):
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as e:
                failure = e
        raise failure or httpcore2.ConnectError(f"no address for {host}")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise ForbiddenAddress("Une connexion sortante ne peut pas viser un socket local.")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError) as e:
            raise httpcore2.ConnectError(f"{host} does not resolve") from e
        for address in addresses:
            if not self._passes(host, port, address):
                raise ForbiddenAddress(
                    f"L'adresse {host}:{port} mène à un réseau privé ou local : demandez à "
                    "l'exploitant de l'inscrire parmi les adresses sortantes autorisées."
                )
        return addresses

    def _passes(self, host: str, port: int, address: str) -> bool:
        if (host.lower(), port) in self._allow or (address, port) in self._allow:
            return True
        return is_public(address)


def _unwrapped(address: IpAddress) -> IpAddress:
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def _host_port(entry: str) -> HostPort:
    host, separator, port = entry.rpartition(":")
    host = host.removeprefix("[").removesuffix("]").lower()
    if not separator or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"not host:port: {entry!r}")
    return host, int(port)
