"""`parapheur bench`: every measure of this folder, told as ratios inside one run."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from lxml import etree

from app.bench import deposit, flow_signature, inbox, pdf_signature, transition
from app.bench.figures import Row
from app.local.runtime import CHECKOUT
from app.local.supervisor import signals_as_interrupt
from app.settings import load_settings

LEAST_ROUNDS = 5
_NAMES = ("deposit", "pades", "xades", "transition", "inbox")
_SHARED_SCHEMAS = Path("shared/data/pes/xsd")


def main(argv: Sequence[str] = ()) -> int:
    """Prints the rows and returns 0: a figure beyond its goal is a result, not a failure.

    Raises Unavailable where the service cannot be started or refuses what is measured."""
    asked = _parser().parse_args(argv)
    print(machine())
    with signals_as_interrupt():
        for name in asked.only or _NAMES:
            print(f"… {name}, {asked.rounds} tours", file=sys.stderr, flush=True)
            for row in _measures(asked)[name]():
                print(told(row), flush=True)
    return 0


def told(row: Row) -> str:
    """A row as text: its name, then the figure with what was promised, then what it rests on."""
    goal = f"   (promis : {row.goal})" if row.goal else ""
    return f"\n{row.name}\n    {row.figure}{goal}\n    {row.detail}"


def machine() -> str:
    """What the figures were taken on; only ratios may be compared with another machine's."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("pyHanko", "lxml"))
    libxml2 = ".".join(map(str, etree.LIBXML_VERSION))
    return (
        f"{_processor()}, {os.cpu_count()} cœurs ; Python {platform.python_version()}, "
        f"{versions}, libxml2 {libxml2}\nMédiane (moindre à plus grande) ; les deux bras "
        "alternent dans chaque tour."
    )


def _measures(asked: argparse.Namespace) -> dict[str, Callable[[], list[Row]]]:
    acts = transition.CLIENTS if asked.quick else transition.ACTS
    scale = inbox.QUICK if asked.quick else inbox.FULL
    return {
        "deposit": lambda: deposit.measure(asked.rounds, schemas=asked.schemas or _schemas()),
        "pades": lambda: pdf_signature.measure(asked.rounds),
        "xades": lambda: flow_signature.measure(asked.rounds),
        "transition": lambda: transition.measure(asked.rounds, acts=acts),
        "inbox": lambda: inbox.measure(asked.rounds, scale=scale),
    }


def _schemas() -> Path | None:
    """Those of the settings, else those that lie beside the checkout."""
    beside = CHECKOUT.parent / _SHARED_SCHEMAS
    return load_settings().schemas.dir or (beside if beside.is_dir() else None)


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="parapheur bench",
        description="Mesure le logiciel sur cette machine et imprime des rapports.",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=LEAST_ROUNDS,
        help=f"tours de chaque mesure ; {LEAST_ROUNDS} au moins pour des chiffres à citer",
    )
    parser.add_argument(
        "--only", action="append", choices=_NAMES, help="cette mesure seulement (répétable)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="transition et inbox en petit : vérifie qu'elles tournent, ne mesure rien",
    )
    parser.add_argument(
        "--schemas", type=Path, help="répertoire des schémas officiels (PARAPHEUR_SCHEMAS_DIR)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
