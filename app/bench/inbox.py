"""Lists, counters and search of one person, whatever the number of folders around his own."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from statistics import quantiles

from pydantic import SecretStr
from sqlalchemy.engine import URL, make_url

from app.auth.passwords import PasswordChecker
from app.bench.clients import PASSWORD, Client
from app.bench.figures import Row, in_french, ratios, spread
from app.bench.inbox_data import COMMON_WORD, FEW, FEW_OPEN, MANY, MANY_OPEN, DataSet, fill
from app.bench.service import Installed, found, free_address, installed
from app.db.migrate import upgrade
from app.db.roles import APP, OWNER, provision
from app.demo.people import Town
from app.local.postgres import NOT_DURABLE, SUPERUSER
from app.process import open_context
from app.settings import DatabaseSettings, Settings

GOAL = 1.3
_LARGE = "large"
_LIST, _COUNTERS = "/inbox/to_do", "/inbox"
# Rows are written once and read: nothing here is to outlive the run, nothing may vacuum meanwhile.
_OPTIONS = {
    **NOT_DURABLE,
    "autovacuum": "off",
    "max_wal_size": "8GB",
    "max_wal_senders": "0",
    "wal_level": "minimal",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How many folders stand in both databases, and how often each demand is made in a round."""

    small: int
    large: int
    repeats: int


FULL = Scale(10_000, 1_000_000, 40)
QUICK = Scale(500, 5_000, 3)


@dataclass(frozen=True, slots=True)
class _Side:
    """One database with the API that serves it, and two people who have logged in."""

    data: DataSet
    few: Client
    many: Client


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The same demand in two situations."""

    title: str
    upper: Client
    lower: Client
    upper_path: str
    lower_path: str
    goal: float | None


def measure(rounds: int, *, scale: Scale = FULL) -> list[Row]:
    """Seven rows: ratios of the 95th percentile of the time of an answer, as its caller sees it."""
    with installed(postgres_options=_OPTIONS) as base, _sides(base, scale) as (small, large):
        return [_row(one, _times(one, rounds, scale.repeats)) for one in _comparisons(small, large)]


def _comparisons(small: _Side, large: _Side) -> Iterator[_Comparison]:
    sizes = f"{_grouped(large.data.folders)} dossiers contre {_grouped(small.data.folders)}"
    desks = f"bureau de {_grouped(MANY_OPEN)} dossiers ouverts contre {FEW_OPEN}"
    for title, path in (("Bannette à traiter", _LIST), ("Compteurs", _COUNTERS)):
        yield _Comparison(f"{title}, {sizes}", large.few, small.few, path, path, GOAL)
        yield _Comparison(f"{title}, {desks}", large.many, large.few, path, path, GOAL)
    searched = {
        "un nom": (large.data.name, small.data.name),
        "un numéro": (large.data.number, small.data.number),
        "un mot courant": (COMMON_WORD, COMMON_WORD),
    }
    for what, (upper, lower) in searched.items():
        yield _Comparison(
            f"Recherche d'{what}, {sizes}",
            large.few,
            small.few,
            f"/search?text={upper}",
            f"/search?text={lower}",
            None,
        )


def _row(one: _Comparison, times: Mapping[str, Sequence[float]]) -> Row:
    told = {name: spread([1000 * each for each in times[name]]) for name in times}
    return Row(
        f"{one.title} : p95 de la réponse",
        f"× {ratios(times['upper'], times['lower']).told(2)}",
        f"≤ {in_french(one.goal, 1)}" if one.goal is not None else "",
        f"{told['upper'].told(0)} ms contre {told['lower'].told(0)} ms",
    )


def _times(one: _Comparison, rounds: int, repeats: int) -> dict[str, list[float]]:
    """The 95th percentile of each arm, round by round; within a round both arms take turns
    demand by demand, so that what slows the machine down meets both."""
    arms = {"upper": (one.upper, one.upper_path), "lower": (one.lower, one.lower_path)}
    kept: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(-1, rounds):
        taken: dict[str, list[float]] = {name: [] for name in arms}
        for turn in range(repeats):
            for name in arms if turn % 2 == 0 else reversed(arms):
                client, path = arms[name]
                start = time.perf_counter()
                client.ask("GET", path)
                taken[name].append(time.perf_counter() - start)
        if number >= 0:
            for name in arms:
                kept[name].append(quantiles(taken[name], n=20, method="inclusive")[-1])
    return kept


@contextmanager
def _sides(base: Installed, scale: Scale) -> Iterator[tuple[_Side, _Side]]:
    settings = {"small": base.settings, _LARGE: _second_database(base.settings)}
    folders = {"small": scale.small, _LARGE: scale.large}
    data: dict[str, DataSet] = {}
    towns: dict[str, Town] = {}
    for name, own in settings.items():
        towns[name] = asyncio.run(_found(own))
        data[name] = fill(_libpq(_as(own, SUPERUSER)), towns[name], folders[name])
        print(_told(data[name]), file=sys.stderr, flush=True)
    with ExitStack() as closes:
        sides = []
        for name, own in settings.items():
            base.start_api(own, name=f"api-{name}")
            few, many = (closes.enter_context(closing(Client(own.server))) for _ in range(2))
            few.log_in(towns[name].logins[FEW])
            many.log_in(towns[name].logins[MANY])
            sides.append(_Side(data[name], few, many))
        small, large = sides
        yield small, large


def _second_database(settings: Settings) -> Settings:
    """A database beside the first in the same server, for an API of its own."""
    provision(_as(settings, SUPERUSER, database="postgres"), database=_LARGE)
    owner_url = _as(settings, OWNER, database=_LARGE)
    upgrade(owner_url)
    second = settings.model_copy(deep=True)
    second.server = free_address()
    second.database = DatabaseSettings(
        url=SecretStr(_as(settings, APP, database=_LARGE)), owner_url=SecretStr(owner_url)
    )
    return second


def _as(settings: Settings, user: str, *, database: str | None = None) -> str:
    """The URL of another role, and of another database of the same server."""
    assert settings.database.owner_url is not None
    url: URL = make_url(settings.database.owner_url.get_secret_value()).set(username=user)
    named = url.set(database=database) if database is not None else url
    return named.render_as_string(hide_password=False)


def _libpq(url: str) -> str:
    return url.replace("+psycopg", "", 1)


async def _found(settings: Settings) -> Town:
    password_hash = await PasswordChecker().hash(PASSWORD)
    async with open_context(settings) as context:
        return await found(context, {FEW: password_hash, MANY: password_hash})


def _told(data: DataSet) -> str:
    return (
        f"… {_grouped(data.folders)} dossiers : {in_french(data.seconds, 0)} s, "
        f"{in_french(data.bytes / 1e9, 1)} Go"
    )


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")
