"""Two people at once on one folder: one wins, and the journal tells the same story."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.context import Context
from app.demo.town import Town
from app.models import AuditEvent
from tests.builders.administration import give, hold
from tests.builders.catalog import visa
from tests.builders.people import ApiPerson, approved
from tests.builders.subtypes import add_subtype, step
from tests.builders.traces import journal_kinds

Scaled = Callable[[int, int], int]


async def journaled(by: ApiPerson, folder_id: str) -> list[str]:
    """The kinds of what people did to a folder, in the order of the journal."""
    told = {"folder.approved", "folder.signed_on_paper", "folder.retracted"}
    return [one for one in await journal_kinds(by, folder_id) if one in told]


async def _one_approval(
    submitter: ApiPerson, rivals: tuple[ApiPerson, ApiPerson], *, at: str
) -> None:
    folder_id = await submitter.submitted("essai")
    answers = await asyncio.gather(
        *(one.act(folder_id, "approve", step="visa", desk_id=at) for one in rivals)
    )
    assert sorted(one.status_code for one in answers) == [200, 409]
    assert await journaled(submitter, folder_id) == ["folder.approved"]


class TestRaces:
    async def test_threat_38_holder_and_delegate_approve_once(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
        scaled: Scaled,
    ) -> None:
        await give(administrator, "maire", "direction")
        await add_subtype(context, town, visa(town, "maire"))
        for _ in range(scaled(200, 4)):
            await _one_approval(finances, (mayor, direction), at=mayor.desk)

    async def test_threat_38_two_holders_of_a_desk_approve_once(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
        scaled: Scaled,
    ) -> None:
        await hold(administrator, "direction", "maire")
        await add_subtype(context, town, visa(town))
        for _ in range(scaled(200, 4)):
            await _one_approval(finances, (mayor, direction), at=direction.desk)

    async def test_threat_38_a_signature_and_the_retraction_of_the_visa_give_one_outcome(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        scaled: Scaled,
    ) -> None:
        signature = step(town, "signature", "signature", "maire")
        await add_subtype(context, town, visa(town), signature, paper_signature=True)
        day = str(context.clock().astimezone(ZoneInfo("Europe/Paris")).date())
        for _ in range(scaled(200, 4)):
            folder_id = await approved(finances, direction, "essai")
            signed, retracted = await asyncio.gather(
                mayor.act(folder_id, "sign_on_paper", step="signature", signed_on=day),
                direction.act(folder_id, "retract", step="visa"),
            )
            assert sorted((signed.status_code, retracted.status_code)) == [200, 409]
            last = "folder.signed_on_paper" if signed.is_success else "folder.retracted"
            assert await journaled(finances, folder_id) == ["folder.approved", last]

    async def test_threat_38_an_act_and_the_repeal_of_its_power_happen_in_one_order(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
        scaled: Scaled,
    ) -> None:
        await add_subtype(context, town, visa(town, "maire"))
        for _ in range(scaled(200, 4)):
            grant = await give(administrator, "maire", "direction")
            folder_id = await finances.submitted("essai")
            acted, repealed = await asyncio.gather(
                direction.act(folder_id, "approve", step="visa", desk_id=mayor.desk),
                administrator.client.post(f"/grants/{grant['id']}/repeal"),
            )
            assert repealed.is_success
            # Refused in sight of the folder, or no longer shown it: never accepted afterwards.
            assert acted.status_code in (200, 403, 404)
            async with context.unit(town.tenant_id) as session:
                rows = await session.execute(
                    select(AuditEvent.kind, AuditEvent.seq).order_by(AuditEvent.seq)
                )
                seqs = {kind: seq for kind, seq in rows if "grant" in kind or "approved" in kind}
            approvals = await journaled(finances, folder_id)
            assert approvals == (["folder.approved"] if acted.is_success else [])
            if acted.is_success:
                assert seqs["folder.approved"] < max(
                    seq for kind, seq in seqs.items() if "grant" in kind
                )
