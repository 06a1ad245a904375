"""The table of contents of the command: complete, documented, light."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
from typer.main import get_command

from app.cli.__main__ import COMMANDS
from tests.builders.command_line import ROOT, call, clean_environment, run

_PROBE = """
import sys
from app.cli.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(sorted({"sqlalchemy", "fastapi", "arq", "psycopg"} & set(sys.modules)))
"""


def test_help_names_every_public_command() -> None:
    told = call("--help").output
    assert all(name in told for name, entry in COMMANDS.items() if not entry.hidden)


def test_help_states_the_exit_statuses() -> None:
    assert "Statuts de sortie" in call("--help").output


def test_help_tells_of_the_tests_which_the_entry_script_alone_runs() -> None:
    assert "./parapheur test" in call("--help").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("journal", "verify", "README.md", "--key", "abc"),
        ("journal", "verify", "absent"),
        ("journal", "verify", "README.md", "--since", "absent"),
        ("verify", "absent"),
        ("verify", "README.md", "--trust", "README.md"),
        (
            *("tenant", "create", "--siret", "21990001600011", "--name", "Commune fictive"),
            *("--city", "Ville", "--postal-code", "99000", "--admin-email", "pas une adresse"),
            *("--admin-first-name", "Camille", "--admin-last-name", "Exemple"),
        ),
        ("simulate",),
    ],
)
def test_what_our_commands_say_of_their_usage_is_french_with_its_code(
    arguments: tuple[str, ...],
) -> None:
    ended = call(*arguments)
    assert (ended.status, ended.failure) == (2, None)
    assert ended.errors.startswith("parapheur : ")
    assert ended.errors.endswith(" [bad_usage]\n")
    assert "No such file" not in ended.errors


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    command = get_command(import_module(COMMANDS[name].module).cli)
    assert command.help


def test_an_unknown_command_is_a_usage_error() -> None:
    assert call("nothing").status == 2


@pytest.mark.parametrize("arguments", [("verify", "README.md"), ("journal", "verify", "README.md")])
def test_the_verifiers_do_not_load_the_server(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *arguments],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_refusal_is_a_sentence_with_its_code_and_status_1() -> None:
    done = run("worker")
    assert (done.status, done.errors) == (
        1,
        "parapheur : Le réglage PARAPHEUR_REDIS_URL manque : donnez l'adresse de Valkey ou de "
        "Redis. [missing_setting]\n",
    )
