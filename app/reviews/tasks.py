"""The jobs that every change of powers owes: what waits at a desk is looked at again."""

from __future__ import annotations

import uuid

from app import jobs
from app.context import Context
from app.folders.repository import FolderRepository
from app.register.service import owe_reviews_of_signers
from app.reviews.repository import ReviewRepository
from app.reviews.service import each_folder, review_folder, review_opinion


async def review(context: Context, job: jobs.ClaimedJob) -> None:
    """Looks at each folder that waits at a desk whose powers have changed, or for its opinion, in
    a transaction of its own: running twice is harmless. Raises FoldersLeft."""
    desk_id = uuid.UUID(job.object_ids["desk_id"])
    async with context.unit(job.tenant_id) as session:
        repository = ReviewRepository(session)
        waiting, asked = await repository.waiting_at(desk_id), await repository.asked_at(desk_id)
    places = {folder_id: place for place, folder_id in enumerate(waiting)}

    async def look(folder_id: uuid.UUID) -> None:
        async with context.unit(job.tenant_id) as session:
            folder = await FolderRepository(session).folder(folder_id)
            if folder is not None and folder_id in places:
                await review_folder(session, context, folder, place=places[folder_id])
            if folder is not None and folder_id in asked:
                await review_opinion(session, context, folder, desk_id)

    await each_folder(dict.fromkeys([*waiting, *asked]), look)
    async with context.unit(job.tenant_id) as session:
        await jobs.finish(session, job)


async def review_signers(context: Context, job: jobs.ClaimedJob) -> None:
    """What certificates are judged by has changed: the desks of those who have one are looked
    at."""
    async with context.unit(job.tenant_id) as session:
        await owe_reviews_of_signers(session, context.clock())
        await jobs.finish(session, job)
