"""Everything that a demonstration needs running: servers, service, TdT double, mail catcher, town.

All of it are children of one supervisor, with their output in files."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from app.demo import pki, s2low
from app.demo.people import PEOPLE, Town, read_town
from app.demo.signer import Chain
from app.errors import AppError, Unavailable
from app.kit.secrets import new_master_secret
from app.local.postgres import NOT_DURABLE
from app.local.runtime import CHECKOUT, Premises, find_runtime
from app.local.supervisor import Program, Supervisor
from app.serving import (
    API,
    Installation,
    answers,
    api_program,
    environment_of,
    equip,
    refuse_taken_port,
    worker_program,
)
from app.settings import SecretSettings, ServerSettings, Settings, StorageSettings, load_settings

HOST = "127.0.0.1"
DOUBLE, MAILBOX = "s2low", "mailbox"
_KEPT = ("PARAPHEUR_DATABASE_URL", "PARAPHEUR_REDIS_URL", "PARAPHEUR_SCHEMAS_DIR")
_OWN = ("PARAPHEUR_SECRET_", "PARAPHEUR_DATA_", "PARAPHEUR_SERVER_")
_WAIT_S = 180.0
FAST_CLOCKS: Mapping[str, str] = {
    "PARAPHEUR_TDT_POLL_S": "0.3",
    "PARAPHEUR_TDT_RETRY_S": "1",
    "PARAPHEUR_TDT_SEND_S": "20",
    "PARAPHEUR_TDT_CALL_S": "20",
    "PARAPHEUR_SIGNING_LONG_POLL_S": "2",
    "PARAPHEUR_SIGNING_PAIRING_POLL_S": "0",
    "PARAPHEUR_WORKER_DISPATCH_S": "0.2",
    "PARAPHEUR_WORKER_RESEND_S": "2",
    "PARAPHEUR_WORKER_LEASE_S": "4",
}
"""A real TdT answers in minutes, its double at once."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs, and where. `passwords` are by person's key, as in `town`."""

    supervisor: Supervisor
    directory: Path
    settings: Settings
    town: Town
    passwords: Mapping[str, str]
    control_token: str = field(repr=False)

    @property
    def origin(self) -> str:
        return self.settings.server.origin

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def mails(self) -> Path:
        return self.directory / "mails"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a stage is opened with. `chain` is asked for once the servers run: it takes a while to
    make. `clocks` are settings of the service; `is_temporary`: the directory goes away when the
    last program ends, however it ends."""

    directory: Path
    chain: Callable[[], Chain]
    port: int | None = None
    clocks: Mapping[str, str] = field(default_factory=lambda: FAST_CLOCKS)
    is_temporary: bool = True


@dataclass(frozen=True, slots=True)
class _Tdt:
    """The double's address and the files that open it."""

    port: int
    pki: Path


@contextmanager
def open_stage(plan: Plan) -> Iterator[Stage]:
    """Starts all of it and founds the town; everything is stopped at the end of the block."""
    port = plan.port or _free_port()
    refuse_taken_port(HOST, port)
    with Supervisor() as supervisor, _logs_kept_on_failure(plan):
        yield _set_up(supervisor, plan, _settings(port))


def _set_up(supervisor: Supervisor, plan: Plan, given: Settings) -> Stage:
    passwords = {person.key: secrets.token_urlsafe(9) for person in PEOPLE}
    control_token = secrets.token_urlsafe(16)
    place = _installation(plan)
    # Started first, stopped last: the folder goes when nobody needs it any more.
    mailbox = supervisor.start(_mailbox_program(plan))
    with ThreadPoolExecutor(1) as aside:
        equipping = aside.submit(equip, supervisor, given, place)
        tdt = _start_double(supervisor, plan, control_token)
        settings = equipping.result()
    mail_port = _port_of(supervisor, mailbox.program)
    environment = _environment(settings, plan, tdt.port, mail_port)
    supervisor.start(api_program(environment, place.logs))
    town = _found(plan, environment, tdt, passwords)
    # Its work comes later: until here the town and the API have the processors.
    supervisor.start(worker_program(environment, place.logs))
    supervisor.await_ready(API, lambda: answers(settings), timeout_s=_WAIT_S)
    return Stage(
        supervisor=supervisor,
        directory=plan.directory,
        settings=settings,
        town=town,
        passwords=passwords,
        control_token=control_token,
    )


@contextmanager
def _logs_kept_on_failure(plan: Plan) -> Iterator[None]:
    """What the programs said outlives the folder of the run."""
    try:
        yield
    except AppError as e:
        logs = plan.directory / "logs"
        if plan.is_temporary and logs.is_dir():
            logs = Path(tempfile.mkdtemp(prefix="parapheur-logs-"))
            shutil.copytree(plan.directory / "logs", logs, dirs_exist_ok=True)
        told = f"{e.detail}\nCe que les programmes ont dit est gardé dans {logs}."
        raise Unavailable(told, code=e.code) from e


def make_directory(parent: Path | None = None) -> Path:
    """A new private folder for one run."""
    return Path(tempfile.mkdtemp(prefix="parapheur-demo-", dir=parent)).resolve()


def _installation(plan: Plan) -> Installation:
    premises = Premises(
        data=plan.directory / "data",
        logs=plan.directory / "logs",
        runtime=find_runtime(),
        is_temporary=plan.is_temporary,
    )
    return Installation(plan.directory, premises, search_path=False, postgres_options=NOT_DURABLE)


def _settings(port: int) -> Settings:
    """Servers only come from outside, when their URLs are given; the rest is the run's own."""
    given = load_settings()
    given.secret = SecretSettings(key=SecretStr(new_master_secret()))
    given.server = ServerSettings(host=HOST, port=port, origin=f"http://{HOST}:{port}")
    given.storage = StorageSettings()
    return given


def _environment(
    settings: Settings, plan: Plan, double_port: int, mail_port: int
) -> dict[str, str]:
    own = environment_of(settings)
    complete = {
        name: value
        for name, value in own.items()
        if not name.startswith("PARAPHEUR_") or name in _KEPT or name.startswith(_OWN)
    }
    return {
        **complete,
        **plan.clocks,
        "PARAPHEUR_OUTBOUND_ALLOW": f"{HOST}:{double_port}",
        "PARAPHEUR_SMTP_HOST": HOST,
        "PARAPHEUR_SMTP_PORT": str(mail_port),
        "PARAPHEUR_SMTP_SENDER": "parapheur@saint-exemple.test",
    }


def _start_double(supervisor: Supervisor, plan: Plan, control_token: str) -> _Tdt:
    folder = plan.directory / "s2low"
    s2low.write_pki(folder, pki.valid_for(2))
    token_file = folder / "control-token"
    _write_privately(token_file, control_token)
    program = Program(
        name=DOUBLE,
        argv=(
            *(sys.executable, "-m", "app.demo.s2low", "--pki", str(folder)),
            *("--state", str(folder / "state.json")),
            *("--control-token-file", str(token_file)),
        ),
        log=plan.directory / "logs" / "s2low.log",
        environment=_bare_environment(),
    )
    supervisor.start(program)
    return _Tdt(_port_of(supervisor, program), folder)


def _mailbox_program(plan: Plan) -> Program:
    return Program(
        name=MAILBOX,
        argv=(sys.executable, "-m", "app.demo.mailbox", str(plan.directory / "mails")),
        log=plan.directory / "logs" / "mailbox.log",
        environment=_bare_environment(),
        cleanup=(plan.directory,) if plan.is_temporary else (),
    )


def _bare_environment() -> dict[str, str]:
    own = {"PYTHONPATH": str(CHECKOUT), "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **own}


def _port_of(supervisor: Supervisor, program: Program) -> int:
    """Of a program that prints the port it chose as its first line."""
    supervisor.await_ready(program.name, lambda: _first_line(program.log).isdigit())
    return int(_first_line(program.log))


def _first_line(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace").partition("\n")[0]


def _found(
    plan: Plan, environment: Mapping[str, str], tdt: _Tdt, passwords: Mapping[str, str]
) -> Town:
    """Has the town founded by a process of its own, and reads what it made."""
    order, result = plan.directory / "town-order.json", plan.directory / "town.json"
    _write_privately(order, json.dumps(_order(plan, tdt, passwords)))
    argv = (sys.executable, "-m", "app.demo.founding", str(order), str(result))
    log = plan.directory / "logs" / "founding.log"
    with Supervisor() as apart:
        founding = apart.start(Program("founding", argv, log, environment))
        apart.wait(_WAIT_S)
        if founding.exit_status != 0:
            raise Unavailable(
                f"La commune fictive n'a pas pu être créée : {founding.log_tail()}",
                code="town_not_founded",
            )
    order.unlink()
    return read_town(json.loads(result.read_text(encoding="utf-8")))


def _order(plan: Plan, tdt: _Tdt, passwords: Mapping[str, str]) -> dict[str, object]:
    certificate, key = (tdt.pki / name for name in s2low.CLIENT_FILES)
    chain = plan.chain()
    return {
        "passwords": dict(passwords),
        "trust": [(kind.value, b64encode(der).decode()) for kind, der in chain.trust],
        "mayor": [b64encode(one.der).decode() for one in (chain.mayor, chain.issuer)],
        "account": {
            "connector": "s2low",
            "label": "TdT fictif",
            "base_url": f"https://{HOST}:{tdt.port}",
            "server_ca": (tdt.pki / s2low.CA_FILE).read_text("ascii"),
            "client_certificate": certificate.read_text("ascii"),
            "client_key": key.read_text("ascii"),
            "is_archivist": True,
        },
    }


def _write_privately(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])
