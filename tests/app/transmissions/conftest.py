"""A town whose account leads to a scripted S²LOW on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.context import Context
from app.demo.s2low import HOST, S2lowDouble
from app.demo.town import Town
from tests.builders.tdt import TdtPki, make_double
from tests.builders.towns import DrivenClock, a_town
from tests.builders.transmissions import make_account_input
from tests.builders.wires import Wire
from workflows.definition import Protocol


@pytest.fixture(scope="session")
def tdt_pki() -> TdtPki:
    return TdtPki.make()


@pytest.fixture
def double(tdt_pki: TdtPki, tmp_path: Path) -> Iterator[S2lowDouble]:
    folder = tmp_path / "tdt"
    folder.mkdir()
    with make_double(tdt_pki, folder) as running:
        yield running


@pytest.fixture
def tdt_context(context: Context, double: S2lowDouble) -> Context:
    """Short clocks, and the double's address allowed as the operator would."""
    context.settings.outbound.allow = f"{HOST}:{double.port}"
    context.settings.tdt.send_s = 3.0
    context.settings.tdt.call_s = 3.0
    return context


@pytest.fixture
async def town(tdt_context: Context, double: S2lowDouble, tdt_pki: TdtPki) -> Town:
    """Its account is an archivist's: lost flows can be found again."""
    return await a_town(tdt_context, account=make_account_input(double, tdt_pki))


@pytest.fixture
def wire(tdt_context: Context, town: Town, double: S2lowDouble, clock: DrivenClock) -> Wire:
    """From the town whose account is an archivist's."""
    return Wire(tdt_context, town, double, clock)


@pytest.fixture
async def ordinary_wire(
    tdt_context: Context, double: S2lowDouble, tdt_pki: TdtPki, clock: DrivenClock
) -> Wire:
    """From a town whose account may not list flows, and shares its certificate with another."""
    account = make_account_input(double, tdt_pki, with_login=True)
    return Wire(tdt_context, await a_town(tdt_context, account=account), double, clock)


@pytest.fixture
async def foreign_wire(
    tdt_context: Context, double: S2lowDouble, tdt_pki: TdtPki, clock: DrivenClock
) -> Wire:
    """From a town that trusts another authority than the one behind the server."""
    account = make_account_input(double, tdt_pki)
    account.server_ca = tdt_pki.foreign_authority.pem.decode()
    return Wire(tdt_context, await a_town(tdt_context, account=account), double, clock)


@pytest.fixture(params=[Protocol.ACTES, Protocol.HELIOS])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    found: Protocol = request.param
    return found
