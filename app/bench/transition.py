"""One act on a folder, asked by eight people at once, against its own SQL and nothing else."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from typing import Any

import psycopg
from pydantic import SecretStr

from app.auth.passwords import PasswordChecker
from app.auth.service import open_session, principal_of_session
from app.bench.clients import PASSWORD, Client, share_out
from app.bench.copies import Copy, copies_of
from app.bench.figures import Row, in_french, ratios, spread
from app.bench.service import Installed, found, installed
from app.bench.statements import Recording, Statement, aimed, execute, recorded
from app.db.session import TENANT_SETTING
from app.demo.acts import Act, deliberation
from app.demo.people import Town
from app.folders.acting import act, mark_before
from app.folders.acts import ApproveAct
from app.folders.reading import read_acted
from app.process import open_context
from app.settings import Settings

CLIENTS = 8
# As many as an installation is told to start with `serve --workers`: one for each core.
PROCESSES = os.cpu_count() or 1
ACTS = 12 * CLIENTS
GOAL = 0.2
_STEP = "visa"
_SUBMITTER, _APPROVER = "finances", "direction"


@dataclass(frozen=True, slots=True)
class Arms:
    """Folders that wait for the same act, and both ways to give it to a batch of them."""

    town: Town
    clients: Sequence[Client]
    connections: Sequence[psycopg.Connection[Any]]
    recording: Recording
    example: Copy
    waiting: Iterator[Copy]
    acts: int

    def through_the_api(self) -> float:
        """Seconds of one batch, on new connections: which process takes one is the kernel's."""
        for one in self.clients:
            one.close()
        actions = [partial(_approve, one, self.town) for one in self.clients]
        return share_out(actions, self._batch())

    def in_bare_sql(self) -> float:
        """The same; what each folder's statements are is worked out before the clock starts."""
        numbers = count(self._journal_end() + 1)
        lists = [self._statements(one, numbers) for one in self._batch()]
        seconds = share_out([partial(execute, one) for one in self.connections], lists)
        self._journal_end()
        return seconds

    def _batch(self) -> list[Copy]:
        return list(islice(self.waiting, self.acts))

    def _statements(self, copy: Copy, numbers: Iterator[int]) -> list[Statement]:
        names = self.example.names_for(copy) | {self.recording.job_id: str(uuid.uuid4())}
        own = {taken: next(numbers) for taken in self.recording.numbers}
        return aimed(self.recording, names, own)

    def _journal_end(self) -> int:
        """The last number taken. The head goes there: its last bare writer was any of eight."""
        connection, tenant = self.connections[0], str(self.town.tenant_id)
        with connection.transaction():
            connection.execute("SELECT set_config(%s, %s, true)", (TENANT_SETTING, tenant))
            row = connection.execute(
                "UPDATE audit_heads SET count = (SELECT max(seq) FROM audit_events) "
                "WHERE tenant_id = %s RETURNING count",
                (tenant,),
            ).fetchone()
        assert row is not None
        return int(row[0])


def measure(rounds: int, *, acts: int = ACTS) -> list[Row]:
    """One row: how much of the rate of the bare SQL the endpoint reaches."""
    seconds: dict[str, list[float]] = {"api": [], "bare": []}
    with installed() as base, prepared(base, acts=acts, batches=2 * (rounds + 1)) as arms:
        ways = {"api": arms.through_the_api, "bare": arms.in_bare_sql}
        for number in range(-1, rounds):
            for name in ways if number % 2 == 0 else reversed(ways):
                taken = ways[name]()
                if number >= 0:
                    seconds[name].append(taken)
        queries = arms.recording.queries
    # A rate is the inverse of seconds: the ratio of rates takes the arms the other way round.
    ratio = ratios(seconds["bare"], seconds["api"])
    rates = {name: spread([acts / one for one in each]).middle for name, each in seconds.items()}
    return [
        Row(
            f"Visa d'un dossier par l'API, {CLIENTS} clients : débit, contre ses seules requêtes "
            f"SQL ({queries}), {CLIENTS} clients",
            f"× {ratio.told(2)}",
            f"≥ {in_french(GOAL, 1)}",
            f"{in_french(rates['api'], 1)} contre {in_french(rates['bare'], 1)} visas par seconde, "
            f"API de {PROCESSES} processus",
        )
    ]


@contextmanager
def prepared(base: Installed, *, acts: int, batches: int) -> Iterator[Arms]:
    """A town with that many batches of folders at their first step, the API running for it, and
    connections open on both sides. No worker runs: what follows an act is not part of it."""
    settings = base.settings
    town = asyncio.run(_found(settings))
    base.start_api(settings, workers=PROCESSES)
    with ExitStack() as closes:
        folder_id = _deposit(settings, town)
        copies = copies_of(
            _libpq(settings.database.owner_url), town.tenant_id, folder_id, batches * acts
        )
        recording = asyncio.run(_recorded(settings, town, folder_id))
        clients = [closes.enter_context(closing(Client(settings.server))) for _ in range(CLIENTS)]
        for one in clients:
            one.log_in(town.logins[_APPROVER])
        url = _libpq(settings.database.url)
        connections = [
            closes.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(CLIENTS)
        ]
        example, *waiting = copies
        yield Arms(town, clients, connections, recording, example, iter(waiting), acts)


async def _found(settings: Settings) -> Town:
    password_hash = await PasswordChecker().hash(PASSWORD)
    async with open_context(settings) as context:
        return await found(context, {_SUBMITTER: password_hash, _APPROVER: password_hash})


def _deposit(settings: Settings, town: Town) -> uuid.UUID:
    """A letter of one page in its circuit."""
    desk_id = str(town.desks[_SUBMITTER])
    letter = {"subtype_id": str(town.subtypes["letters"]), "desk_id": desk_id, "title": "Lettre"}
    with closing(Client(settings.server)) as client:
        client.log_in(town.logins[_SUBMITTER])
        folder = client.ask("POST", "/folders", letter)["id"]
        pdf = deliberation(Act(pages=1))
        client.ask("POST", f"/folders/{folder}/documents?name=a.pdf", pdf, kind="application/pdf")
        client.ask("POST", f"/folders/{folder}/submit?desk_id={desk_id}")
    return uuid.UUID(folder)


def _approve(client: Client, town: Town, copy: Copy) -> None:
    client.ask("POST", f"/folders/{copy.folder}/actions", _visa(town))


def _visa(town: Town) -> dict[str, str]:
    return {"action": "approve", "desk_id": str(town.desks[_APPROVER]), "step": _STEP}


async def _recorded(settings: Settings, town: Town, folder_id: uuid.UUID) -> Recording:
    """What the route does for one act, from the cookie to the folder in the answer."""
    checker, login = PasswordChecker(), town.logins[_APPROVER]
    asked = ApproveAct.model_validate(_visa(town))
    async with open_context(settings) as context:
        cookie = await open_session(context, checker, login, PASSWORD, address="local")
        with recorded(context.engine.sync_engine) as recording:
            principal, _ = await principal_of_session(context, cookie.value)
            marked = await mark_before(context, principal, folder_id, asked)
            async with context.unit(town.tenant_id) as session:
                acted = await act(session, context, principal, folder_id, asked, marked)
                await read_acted(session, context, principal, acted)
    return recording


def _libpq(url: SecretStr | None) -> str:
    assert url is not None
    return url.get_secret_value().replace("+psycopg", "", 1)
