"""A worker process for one town's submissions, made to be killed.

python -m tests.builders.transmission_worker TENANT_ID: settings from the environment."""

from __future__ import annotations

import asyncio
import sys
import uuid

from sqlalchemy import select

from app.context import Context
from app.models import Job
from app.process import open_context
from app.settings import load_settings
from app.transmissions.service import SUBMIT
from app.worker import run

_AT_ONCE = 4
_PAUSE_S = 0.05


async def main(tenant_id: uuid.UUID) -> None:
    async with open_context(load_settings()) as context:
        while True:
            due = await _due(context, tenant_id)
            await asyncio.gather(*(run(context, job_id) for job_id in due))
            await asyncio.sleep(_PAUSE_S)


async def _due(context: Context, tenant_id: uuid.UUID) -> list[uuid.UUID]:
    async with context.unit() as session:
        rows = await session.scalars(
            select(Job.id)
            .where(
                Job.tenant_id == tenant_id,
                Job.kind == SUBMIT,
                Job.state.in_(("pending", "running")),
                Job.run_after <= context.clock(),
            )
            .order_by(Job.run_after)
            .limit(_AT_ONCE)
        )
        return list(rows)


if __name__ == "__main__":
    asyncio.run(main(uuid.UUID(sys.argv[1])))
