"""From a connector's name in the settings to a connector."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.addresses import HostPort
from connectors.base import Connector
from connectors.s2low.account import S2lowAccount
from connectors.s2low.client import S2lowClient
from connectors.s2low.connector import S2lowConnector

Factory = Callable[[S2lowAccount, frozenset[HostPort]], Connector]


def _s2low(account: S2lowAccount, allow: frozenset[HostPort]) -> Connector:
    return S2lowConnector(S2lowClient(account, allow=allow))


FACTORIES: Mapping[str, Factory] = {"s2low": _s2low}


def get(name: str, account: S2lowAccount, *, allow: frozenset[HostPort]) -> Connector:
    """A connector on `account`; `allow` are the operator's private host:port entries.

    Raises KeyError on a name nobody registered, Unreachable(alert=True) on unreadable keys."""
    return FACTORIES[name](account, allow)
