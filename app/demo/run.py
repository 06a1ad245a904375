"""A demonstration from its first line to its last."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from rich.console import Console

from app.demo.acts import Act, deliberation
from app.demo.flows import Body, Flow, make_pes
from app.demo.narrator import Narrator
from app.demo.outputs import ACT, FLOW, write_outputs
from app.demo.people import PEOPLE, SIRET
from app.demo.play import Piece, Play, signed_in
from app.demo.signer import Key, SigningPost, make_chain, make_key
from app.demo.stage import Plan, Stage, make_directory, open_stage
from app.demo.token import DEBIAN_PACKAGE, find_softhsm
from app.errors import Unavailable, Unprocessable
from app.kit.days import day_in_words
from app.local.supervisor import signals_as_interrupt

_WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_SESSION_WAS = timedelta(days=3)
DEFAULT_OUT = Path("parapheur-demo")


class TokenKind(StrEnum):
    """Where the mayor's key is put."""

    AUTO = "auto"
    SOFTHSM = "softhsm"
    SOFTWARE = "software"


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked on the command line. `is_ci`: nothing may silently stand in for a token."""

    leaves: bool = False
    out: Path | None = None
    data: Path | None = None
    pdf: Path | None = None
    pes: Path | None = None
    token: TokenKind = TokenKind.AUTO
    module: Path | None = None
    port: int | None = None
    is_ci: bool = False


def run(wish: Wish, console: Console) -> bool:
    """Plays all of it; false when something was refused on the way. Raises AppError."""
    narrator = Narrator(console)
    refuse_unreadable(wish)
    module = choose_module(wish, narrator)
    out = wish.out or (DEFAULT_OUT if wish.leaves else None)
    with ExitStack() as stack:
        stack.enter_context(signals_as_interrupt())
        directory = stack.enter_context(_directory(wish))
        aside = stack.enter_context(ThreadPoolExecutor(1))
        making = aside.submit(_make_key, directory / "signer", module)
        plan = Plan(
            directory,
            lambda: making.result().chain,
            port=wish.port,
            is_temporary=wish.data is None,
        )
        with narrator.step("Serveurs, service, TdT fictif ; commune et autorité fictives"):
            stage = stack.enter_context(open_stage(plan))
            cast = stack.enter_context(signed_in(stage))
        key = making.result()
        _tell_key(narrator, key)
        post = SigningPost(directory / "signer", key, stage.origin, stage.logs)
        pieces = make_pieces(directory, wish)
        Play(stage, cast, narrator).whole(pieces, post)
        results = (out or directory / "results").absolute()
        with narrator.step("Résultats"):
            written = write_outputs(results, stage, cast, key.chain, pieces)
        _tell_results(narrator, results, written)
        if not wish.leaves:
            _stay(narrator, stage, post)
    return all(piece.refusal is None for piece in pieces)


def choose_module(wish: Wish, narrator: Narrator) -> Path | None:
    """The PKCS#11 library, or None for a software key. Raises Unavailable (`no_pkcs11_library`)."""
    if wish.token is TokenKind.SOFTWARE:
        narrator.warn("CLÉ LOGICIELLE demandée : ce n'est pas un token, rien ne la protège.")
        return None
    found = wish.module or find_softhsm()
    if found is not None and found.is_file():
        return found
    told = (
        f"aucune bibliothèque PKCS#11 : installez le paquet {DEBIAN_PACKAGE} "
        f"(apt-get install {DEBIAN_PACKAGE})"
    )
    if wish.token is TokenKind.SOFTHSM or wish.is_ci:
        raise Unavailable(f"{told[0].upper()}{told[1:]}.", code="no_pkcs11_library")
    narrator.warn(f"ATTENTION : {told}.")
    narrator.warn("Une CLÉ LOGICIELLE la remplace : ce n'est pas un token, rien ne la protège.")
    return None


def refuse_unreadable(wish: Wish) -> None:
    """Raises Unprocessable (`file_unreadable`) before anything is started."""
    for file in (wish.pdf, wish.pes):
        if file is None:
            continue
        try:
            with file.open("rb"):
                continue
        except OSError as e:
            raise Unprocessable(
                f"Le fichier {file} ne peut pas être lu ({e.strerror}) : vérifiez son chemin et "
                "ses droits.",
                code="file_unreadable",
            ) from e


@contextmanager
def _directory(wish: Wish) -> Iterator[Path]:
    """Where the run keeps its data: removed at the end unless it was named."""
    if wish.data is not None:
        wish.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield make_directory(wish.data)
        return
    directory = make_directory()
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def make_pieces(directory: Path, wish: Wish) -> list[Piece]:
    """The act and the flow: the caller's files, or fictional ones of today."""
    today = datetime.now(UTC).date()
    session = today - _SESSION_WAS
    pdf = wish.pdf or _written(directory / "deliberation.pdf", make_act(session))
    pes = wish.pes or _written(directory / "bordereaux.xml", make_pes(make_flow(today)))
    act = {
        "number": f"{session.year}_014",
        "decided_on": session.isoformat(),
        "nature_code": 1,
        "classification": [1, 1],
        "type_code": "99_DE",
        "subject": "Réfection de la toiture de la salle des fêtes : attribution du marché",
    }
    return [
        Piece(ACT, "Acte", "Délibération : salle des fêtes", pdf, "application/pdf", "acts", act),
        Piece(FLOW, "Flux PES", "Bordereaux de mandats", pes, "application/xml", "flows"),
    ]


def make_act(session: date) -> bytes:
    """A deliberation of this day."""
    told = f"{_WEEKDAYS[session.weekday()]} {day_in_words(session)}"
    return deliberation(
        Act(number=f"{session.year}-014", town="SAINT-EXEMPLE", session=told, pages=1)
    )


def make_flow(today: date) -> Flow:
    """Two slips of expense and one of revenue, with attachments, as finance software exports."""
    body = Body(siret=SIRET, label="COMMUNE DE SAINT-EXEMPLE")
    return Flow(
        expense_slips=2,
        revenue_slips=1,
        attachments=2,
        dematerialised=False,
        emitted_on=today,
        body=body,
    )


def _written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


def _make_key(directory: Path, module: Path | None) -> Key:
    return make_key(directory, make_chain(SIRET[:9]), module)


def _tell_key(narrator: Narrator, key: Key) -> None:
    if key.token is None:
        narrator.say(f"  Clé logicielle : {key.file}")
        return
    narrator.say(f"  Module PKCS#11 : {key.token.module}")
    narrator.say(f"  CKA_ID de la clé : {key.token.key_id_hex}")


def _tell_results(narrator: Narrator, results: Path, written: Sequence[Path]) -> None:
    narrator.say(f"\nTerminé en {narrator.elapsed}. Résultats dans {results} :")
    for file in written:
        narrator.say(f"  {file.name:<24} {_LEGEND.get(file.name, '')}".rstrip())


_LEGEND = {
    "act-signed.pdf": "l'acte signé (PAdES)",
    "pes-signed.xml": "le flux signé (XAdES, profil Hélios)",
    "tdt.json": "les envois au TdT et ses réponses",
    "journal.jsonl": "le journal chaîné des actes de chacun",
    "ca.pem": "la racine fictive",
    "issuer.pem": "l'autorité fictive de signature",
    "trust.pem": "les deux, avec leurs listes de révocation",
    "commands.txt": "les commandes exactes des juges : sh commands.txt",
}


def _stay(narrator: Narrator, stage: Stage, post: SigningPost) -> None:
    """Shows how to use what is open, until Ctrl-C, which is its good end."""
    try:
        _tell_accounts(narrator, stage, post)
        ended = stage.supervisor.wait()
    except KeyboardInterrupt:
        narrator.say("Arrêt…")
        return
    raise Unavailable(f"Le programme « {ended} » s'est arrêté.", code="program_ended")


def _tell_accounts(narrator: Narrator, stage: Stage, post: SigningPost) -> None:
    narrator.say("\nComptes de cette démonstration (identifiant, mot de passe, fonction) :")
    for person in PEOPLE:
        login, password = stage.town.logins[person.key], stage.passwords[person.key]
        role = person.desk or "administration, journal"
        narrator.say(f"  {login:<36} {password:<14} {role}")
    narrator.say(f"Code PIN du maire : {post.key.pin}. Son agent, dans un autre terminal :")
    narrator.say(f"  {post.command()}")
    narrator.say(f"Sorties des programmes : {stage.logs}")
    narrator.say(f"\nLe service reste ouvert : {stage.origin}/api/v1 (Ctrl-C pour arrêter).")
