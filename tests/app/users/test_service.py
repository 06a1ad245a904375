"""Who holds a certificate fit to sign, as the engine is told."""

from __future__ import annotations

from app.context import Context
from app.demo.town import Town
from app.register.service import as_person
from app.users.service import fit_signers
from tests.builders.towns import DrivenClock
from workflows.register import PersonId


async def _fit(
    context: Context, town: Town, among: frozenset[PersonId] | None
) -> frozenset[PersonId]:
    async with context.unit(town.tenant_id) as session:
        return await fit_signers(session, now=context.clock(), rsa_only=False, among=among)


async def test_only_the_persons_asked_about_are_judged(context: Context, town: Town) -> None:
    mayor, direction = as_person(town.users["maire"]), as_person(town.users["direction"])
    found = [
        await _fit(context, town, among)
        for among in (None, frozenset({mayor, direction}), frozenset({direction}), frozenset())
    ]
    assert found == [{mayor}, {mayor}, frozenset(), frozenset()]


async def test_nobody_is_fit_once_his_certificate_has_expired(
    context: Context, town: Town, clock: DrivenClock
) -> None:
    clock.advance(days=400)
    assert await _fit(context, town, None) == frozenset()
