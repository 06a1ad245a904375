"""`serve` with its documents in a bucket: run by `.ci/run judges`, which starts an S3 server."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from app.context import Context
from app.demo.acts import deliberation
from app.demo.town import Town
from app.process import open_context
from app.serving import installation_of, running
from app.settings import Settings, StorageSettings
from tests.builders.command_line import run
from tests.builders.people import XML, ApiPerson, a_flow
from tests.builders.served import a_place, serving
from tests.builders.towns import a_town, cookie_of

pytestmark = [pytest.mark.optional_judge, pytest.mark.slow_process]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    given = os.environ.get("PARAPHEUR_TEST_S3_ENDPOINT")
    if given is None:
        pytest.skip("optional S3 server")
    with a_place(tmp_path) as place:
        yield place | {
            "PARAPHEUR_STORAGE_S3_ENDPOINT": given,
            "PARAPHEUR_STORAGE_S3_BUCKET": os.environ.get(
                "PARAPHEUR_TEST_S3_BUCKET", "parapheur-tests"
            ),
            "PARAPHEUR_STORAGE_S3_ACCESS_KEY": "test",
            "PARAPHEUR_STORAGE_S3_SECRET_KEY": "test",
            # Every flow is inspected by the worker, which fetches it from the bucket.
            "PARAPHEUR_LIMITS_INLINE_PES_BYTES": "100",
        }


def _settings(environment: dict[str, str]) -> Settings:
    """What `serve` was told, with the servers that it started."""
    asked = Settings(
        data_dir=Path(environment["PARAPHEUR_DATA_DIR"]),
        storage=StorageSettings.model_validate(
            {
                name.removeprefix("PARAPHEUR_STORAGE_").lower(): value
                for name, value in environment.items()
                if name.startswith("PARAPHEUR_STORAGE_")
            }
        ),
    )
    found = running(asked, installation_of(asked))
    assert found is not None
    return found


async def _somebody(context: Context, origin: str) -> ApiPerson:
    town: Town = await a_town(context)
    client = httpx2.AsyncClient(
        base_url=f"{origin}/api/v1",
        headers={"Origin": origin},
        cookies={"parapheur_session": await cookie_of(context, town, "finances")},
        trust_env=False,
    )
    return ApiPerson(context, client, town, "finances")


async def test_documents_go_through_the_bucket_and_stand_nowhere_else(
    environment: dict[str, str], tmp_path: Path
) -> None:
    act, flow = deliberation(), a_flow(expense_slips=2)
    checked = run("check-config", environment=environment)
    assert "écrit et relit" in checked.output, checked.output + checked.errors
    with serving(environment, tmp_path / "said"):
        async with open_context(_settings(environment)) as context:
            person = await _somebody(context, environment["PARAPHEUR_SERVER_ORIGIN"])
            async with person.client:
                folder_id = await person.deposited("letters", act)
                assert await _content(person, folder_id) == act
                assert (await person.submit(folder_id)).is_success
                flow_id = await person.create("flows")
                assert (await person.upload(flow_id, flow, XML)).status_code == 202
                assert await _is_draft(person, flow_id)
                assert await _content(person, flow_id) == flow
                assert (await person.submit(flow_id)).is_success
                assert b"InfoDematerialisee" in await _content(person, flow_id, -1)
            for content in (act, flow):
                digest = hashlib.sha256(content).hexdigest()
                assert await context.store.size_of(digest) == len(content)
                assert context.store.local_path(digest) is None
    data = Path(environment["PARAPHEUR_DATA_DIR"])
    assert not (data / "documents").exists()


async def _content(person: ApiPerson, folder_id: str, revision: int = 0) -> bytes:
    folder = await person.read(folder_id)
    return await person.content(folder_id, folder["documents"][0]["revisions"][revision])


async def _is_draft(person: ApiPerson, folder_id: str) -> bool:
    """Once the worker has read the flow."""
    for _ in range(100):
        if (await person.read(folder_id))["status"] == "draft":
            return True
        await asyncio.sleep(0.1)
    return False
