"""`parapheur simulate`: what a folder would meet in its circuit, told in French."""

from __future__ import annotations

import asyncio
import re
import textwrap
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from app.cli.simulation_cases import Away, Case, assumptions_of
from app.cli.simulation_in_tenant import told_in_tenant
from app.cli.terminal import refuse, refuse_unreadable, refuse_usage, visible
from app.configuration.document import Configuration
from app.configuration.shipped import template
from app.configuration.text import read_text
from app.db.session import UnsafeRole
from app.kit.secrets import BadSecret
from app.process import open_context
from app.serving import equipped
from app.settings import Settings, load_settings
from app.simulations.texts import Paragraph, explained
from signing.facts import SlipKind
from workflows.errors import Refused
from workflows.simulation import simulate as walk

cli = typer.Typer(add_completion=False)

_TEMPLATE = "petite-commune"
_AMOUNT = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,2})?")
# What a line never ends with, and what none begins with, is held to its word while it is wrapped.
_TIED = re.compile(r"(?<=«) | (?=[»:;!?€])")
_TIE = "\0"
_EXAMPLES = (
    (
        "Un flux de 3 200 € : tout le monde est là",
        Case(
            "Finances / Dépenses",
            datetime.fromisoformat("2027-03-09T10:00"),
            amounts=(Decimal(3200),),
        ),
    ),
    (
        "Un flux de 45 000 € : le maire est absent, sa suppléante signe",
        Case(
            "Finances / Dépenses",
            datetime.fromisoformat("2027-07-13T10:00"),
            amounts=(Decimal(1800), Decimal(45000)),
            away=(Away("camille.exemple", date(2027, 7, 12), date(2027, 7, 30)),),
        ),
    ),
    (
        "Le même flux, le maire et la première adjointe étant absents : personne ne peut signer",
        Case(
            "Finances / Dépenses",
            datetime.fromisoformat("2027-07-13T10:00"),
            amounts=(Decimal(1800), Decimal(45000)),
            away=(
                Away("camille.exemple", date(2027, 7, 12), date(2027, 7, 30)),
                Away("dominique.modele", date(2027, 7, 12), date(2027, 7, 23)),
            ),
        ),
    ),
)


_Example = Annotated[
    bool, typer.Option("--example", help="Trois dépôts dans le modèle « Petite commune ».")
]
_File = Annotated[
    Path | None,
    typer.Option("--file", help="Fichier de configuration d'une collectivité, en YAML."),
]
_Tenant = Annotated[
    str | None,
    typer.Option(
        "--tenant",
        help="Collectivité de cette installation : l'identifiant de connexion d'une personne.",
    ),
]
_Subtype = Annotated[
    str | None, typer.Option("--subtype", help="Sous-type : « type / sous-type », ou son seul nom.")
]
_At = Annotated[
    str | None,
    typer.Option("--le", help="Instant du dépôt, 2026-07-14T10:00 ; maintenant sans lui."),
]
_Amounts = Annotated[
    list[str] | None,
    typer.Option(
        "--montant", help="En euros ; un par bordereau, de dépenses, dans un sous-type de flux PES."
    ),
]
_Revenue = Annotated[
    bool,
    typer.Option("--recettes", help="Les bordereaux de --montant sont de recettes."),
]
_Flow = Annotated[
    Path | None,
    typer.Option("--flux", help="Flux PES dont les bordereaux sont pris, au lieu de --montant."),
]
_Absences = Annotated[
    list[str] | None,
    typer.Option(
        "--absent", help="Absence supposée, IDENTIFIANT:du:au (des jours, le dernier compris)."
    ),
]
_Desk = Annotated[str | None, typer.Option("--bureau", help="Bureau qui dépose.")]
_Submitter = Annotated[str | None, typer.Option("--deposant", help="Identifiant de qui dépose.")]
_Program = Annotated[
    bool, typer.Option("--programme", help="Un programme dépose, par un jeton du bureau.")
]
_Information = Annotated[
    list[str] | None, typer.Option("--info", help="Information du dossier, CLÉ=VALEUR.")
]
_Choices = Annotated[
    list[str] | None, typer.Option("--choix", help="Bureau choisi au dépôt, ÉTAPE=BUREAU.")
]
_WithoutCertificate = Annotated[
    list[str] | None,
    typer.Option(
        "--sans-certificat",
        help="Avec --file, identifiant de qui n'a pas de certificat ; les autres en ont un.",
    ),
]


@cli.command("simulate")
def simulate(
    *,
    example: _Example = False,
    file: _File = None,
    tenant: _Tenant = None,
    subtype: _Subtype = None,
    le: _At = None,
    montant: _Amounts = None,
    recettes: _Revenue = False,
    flux: _Flow = None,
    absent: _Absences = None,
    bureau: _Desk = None,
    deposant: _Submitter = None,
    programme: _Program = False,
    info: _Information = None,
    choix: _Choices = None,
    sans_certificat: _WithoutCertificate = None,
) -> None:
    """Dit qui pourrait agir à chaque étape et à quel titre, où le dossier attendrait et jusqu'à
    quand ; le même code décide des vrais actes.

    Statut : 0 la simulation est faite, même si le dossier y est bloqué ; 1 la question est refusée.
    """
    if example:
        if file or tenant or subtype:
            refuse_usage("« --example » se donne seul : retirez-le, ou le reste.")
        _tell_examples()
        return
    if subtype is None or (file is None) is (tenant is None):
        refuse_usage("donnez « --example », ou « --subtype » avec « --file » ou « --tenant ».")
    if flux is not None and montant:
        refuse_usage("« --flux » dit les montants : donnez-le sans « --montant ».")
    if sans_certificat and tenant is not None:
        refuse_usage("« --sans-certificat » se donne avec « --file » : retirez-le.")
    case = Case(
        subtype=subtype,
        at=_instant(le),
        desk=bureau,
        submitter=deposant,
        by_program=programme,
        amounts=tuple(_amount(one) for one in montant or ()),
        kind=SlipKind.REVENUE if recettes else SlipKind.EXPENSE,
        flow=flux,
        information=tuple(_pair(one, "--info") for one in info or ()),
        chosen=tuple(_pair(one, "--choix") for one in choix or ()),
        away=tuple(_away(one) for one in absent or ()),
        without_certificate=tuple(sans_certificat or ()),
    )
    try:
        told = _in_file(_read(file), case) if file else _in_tenant(str(tenant), case)
    except Refused as e:
        refuse(e.detail, code=e.code)
    _tell(f"Dépôt dans « {subtype} »", told)


def _tell_examples() -> None:
    document = template(_TEMPLATE)
    for number, (title, case) in enumerate(_EXAMPLES, start=1):
        _tell(f"Exemple {number}. {title}", _in_file(document, case))


def _in_file(document: Configuration, case: Case) -> tuple[Paragraph, ...]:
    given, names = assumptions_of(document, case)
    return explained(walk(given), given, names)


def _in_tenant(tenant: str, case: Case) -> tuple[Paragraph, ...]:
    try:
        with equipped(load_settings()) as settings:
            return asyncio.run(_asked(settings, tenant, case))
    except (UnsafeRole, BadSecret) as e:
        refuse(str(e), code="unsafe_configuration")


async def _asked(settings: Settings, tenant: str, case: Case) -> tuple[Paragraph, ...]:
    async with open_context(settings) as context:
        return (await told_in_tenant(context, tenant, case)).explanation


def _tell(title: str, told: tuple[Paragraph, ...]) -> None:
    """Titles, then one sentence a line, wrapped and set in; what waits stands out."""
    console = Console(highlight=False)
    console.print(f"[bold]{_wrapped(title, console.width)}", soft_wrap=True)
    for one in told:
        mark = "[red]■[/red]" if one.blocked else "[green]•[/green]"
        heading = _wrapped(one.heading, console.width, indent=2).lstrip()
        console.print(f"\n{mark} [bold]{heading}", soft_wrap=True)
        for sentence in one.sentences:
            console.print(_wrapped(sentence, console.width, indent=4), soft_wrap=True)
    console.print()


def _wrapped(text: str, width: int, *, indent: int = 0) -> str:
    """Lines as French is set: none ends after «, none begins with » or a double sign."""
    margin = " " * indent
    lines = textwrap.wrap(
        _TIED.sub(_TIE, visible(text)),
        width,
        initial_indent=margin,
        subsequent_indent=margin,
        break_on_hyphens=False,
    )
    return escape("\n".join(lines).replace(_TIE, " "))


def _refuse_option(option: str, expected: str) -> NoReturn:
    refuse_usage(f"« {option} » attend {expected} : corrigez la commande.")


def _read(file: Path) -> Configuration:
    try:
        return read_text(file.read_bytes())
    except OSError:
        refuse_unreadable(file)


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        _refuse_option("--le", "un instant tel que 2026-07-14T10:00")


def _amount(text: str) -> Decimal:
    """« 12 345,60 » is read as people write it."""
    plain = "".join(text.split()).replace(",", ".").removesuffix("€")
    if _AMOUNT.fullmatch(plain) is None:
        _refuse_option("--montant", "un nombre d'euros tel que 1250,40")
    return Decimal(plain)


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        _refuse_option(option, "NOM=VALEUR")
    return name.strip(), value.strip()


def _away(text: str) -> Away:
    login, _, days = text.partition(":")
    first, _, last = days.partition(":")
    try:
        return Away(login, date.fromisoformat(first), date.fromisoformat(last) if last else None)
    except ValueError:
        _refuse_option("--absent", "une absence telle que IDENTIFIANT:2026-07-12:2026-07-30")
