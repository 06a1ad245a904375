"""The command `parapheur`: a table of contents; each command is imported when it is asked for.

Exit statuses: 0 done; 1 refused or failed, the sentence says why; 2 usage; 130 interrupted.
`verify` says in addition 3 (cannot vouch) and 4 (unsigned)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from app.cli.terminal import refuse
from app.errors import AppError


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is written, and its line in the help."""

    module: str
    told: str
    hidden: bool = False


# Imported one by one, when asked for: the verifiers need nothing of the server.
COMMANDS = {
    "demo": Entry("app.cli.demo", "Joue tout le métier sur cette machine, puis reste ouvert."),
    "serve": Entry("app.cli.serve", "Lance le service : serveurs, API et exécuteur de tâches."),
    "worker": Entry("app.cli.worker", "Exécute les tâches de fond jusqu'à l'arrêt."),
    "migrate": Entry("app.cli.migrate", "Met la base de données à la révision voulue."),
    "check-config": Entry("app.cli.check_config", "Dit ce que valent les réglages."),
    "tenant": Entry("app.cli.tenant", "Les collectivités : « tenant create »."),
    "simulate": Entry("app.cli.simulate", "Dit d'avance le parcours d'un dossier."),
    "verify": Entry("app.cli.verify", "Vérifie les signatures d'un fichier."),
    "journal": Entry("app.cli.journal", "Le journal des actes : « journal verify »."),
    "openapi": Entry("app.cli.openapi", "Écrit la description OpenAPI de l'API, ou la vérifie."),
    "bench": Entry("app.cli.bench", "Mesure le logiciel sur cette machine."),
    "api": Entry("app.cli.api", "Le service HTTP seul.", hidden=True),
}


class Commands(TyperGroup):
    """The commands of the table above, in its order."""

    # Typer keeps the types of these methods to itself.
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands and cmd_name in COMMANDS:
            module = import_module(COMMANDS[cmd_name].module)
            self.add_command(get_command(module.cli), cmd_name)
        return self.commands.get(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        for name, entry in COMMANDS.items():
            self.add_command(TyperCommand(name, help=entry.told, hidden=entry.hidden))
        super().format_help(ctx, formatter)


cli = typer.Typer(
    name="parapheur",
    cls=Commands,
    help="Parapheur électronique des collectivités : déposer, viser, signer, télétransmettre.",
    epilog=(
        "Statuts de sortie : 0 fait ; 1 refusé ou échoué, la phrase dit pourquoi ; 2 mauvaise "
        "commande ; 130 interrompu. « verify » dit aussi 3 (ne peut se prononcer) et 4 (non signé)."
        " Les tests se lancent par « ./parapheur test »."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@cli.callback()
def commands() -> None:
    """Makes of the program a group, its commands being in the table."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the installed command."""
    try:
        cli(arguments, prog_name="parapheur")
    except AppError as e:
        refuse(e.detail, code=e.code)


if __name__ == "__main__":
    main()
