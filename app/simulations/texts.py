"""A simulation in French, for those who deposit and those who draw circuits."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.kit.days import day_in_words
from workflows.definition import DeskId, StepKind, StepMode
from workflows.obstacles import naming
from workflows.presence import is_away
from workflows.register import Authorship, FoundingDocument, PersonId, Power, PowerKind
from workflows.simulation import Assumptions, Outcome, Simulation, Stage, Wait

_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_KINDS: Mapping[StepKind, str] = {
    StepKind.APPROVAL: "visa",
    StepKind.SIGNATURE: "signature",
    StepKind.SEAL: "cachet",
    StepKind.EXTERNAL: "étape extérieure",
    StepKind.SECURE_MAIL: "courriel sécurisé",
    StepKind.TRANSMISSION: "télétransmission",
    StepKind.ARCHIVE: "archivage",
}
_ACTS: Mapping[StepKind, str] = {
    StepKind.APPROVAL: "viser",
    StepKind.SIGNATURE: "signer",
    StepKind.SEAL: "apposer le cachet",
    StepKind.ARCHIVE: "archiver",
}
_POWERS: Mapping[PowerKind, str] = {
    PowerKind.REPLACEMENT: "en remplacement",
    PowerKind.SIGNATURE_DELEGATION: "par délégation de signature",
    PowerKind.FUNCTION_DELEGATION: "par délégation de fonction",
    PowerKind.POWER_DELEGATION: "par délégation de pouvoir",
    PowerKind.SUBSTITUTION: "par suppléance",
    PowerKind.INTERIM: "par intérim",
}
_NO_ACCOUNT = (
    "Ce type de dossier n'a pas de compte de télétransmission : le dossier attendra ici qu'un "
    "administrateur en choisisse un, ce que la suite suppose fait."
)
_VOWELS = frozenset("aeiouyhœæ")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Names:
    """How persons and desks are called, and on which clocks instants are told."""

    persons: Mapping[PersonId, str]
    desks: Mapping[DeskId, str]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One stage, or what stands before and after them all; `blocked` says that folders wait."""

    heading: str
    sentences: tuple[str, ...]
    blocked: bool = False


def explained(told: Simulation, given: Assumptions, names: Names) -> tuple[Paragraph, ...]:
    """The deposit, each stage, how it ends."""
    writer = _Writer(given, names)
    return (
        Paragraph("Dépôt", (writer.deposit(),)),
        *(writer.stage(number, one) for number, one in enumerate(told.stages, start=1)),
        Paragraph(
            "Conclusion",
            tuple(writer.conclusion(told)),
            blocked=told.outcome is not Outcome.COMPLETED,
        ),
    )


def in_words(instant: datetime, zone: ZoneInfo) -> str:
    """« lundi 2 mars 2026 à 9 h », « mardi 1er septembre 2026 à 23 h 59 min 59 s »."""
    there = instant.astimezone(zone)
    if there.second:
        clock = f"{there.hour} h {there.minute:02d} min {there.second:02d} s"
    else:
        clock = f"{there.hour} h {there.minute:02d}" if there.minute else f"{there.hour} h"
    return f"{_DAYS[there.weekday()]} {day_in_words(there.date())} à {clock}"


def duration_in_words(duration: timedelta) -> str:
    """To the nearest: « moins d'une heure », « 3 heures », « 2 jours »."""
    if duration < _HOUR:
        return "moins d'une heure"
    unit, name = (_DAY, "jour") if duration >= 2 * _DAY else (_HOUR, "heure")
    count = round(duration / unit)
    return f"{count} {name}{'s' if count > 1 else ''}"


@dataclass(frozen=True, slots=True)
class _Writer:
    given: Assumptions
    names: Names

    def deposit(self) -> str:
        by = self.given.submitter
        programs = {one.program for one in self.given.register.programs}
        who = "Un programme" if by.person in programs else self._person(by.person)
        return (
            f"{who} dépose un dossier pour le bureau {self._desk(by.desk)} le "
            f"{self._at(self.given.deposited_at)}."
        )

    def stage(self, number: int, one: Stage) -> Paragraph:
        heading = f"Étape {number} : {one.name} ({self._place(one)})"
        return Paragraph(heading, tuple(self._sentences(one)), blocked=bool(one.waits))

    def conclusion(self, told: Simulation) -> Iterator[str]:
        last = told.stages[-1] if told.stages else None
        if told.refusal is not None:
            where = f"à l'étape « {last.name} »" if last else "dès l'envoi"
            yield f"Le dossier s'arrête {where} : l'acte attendu est refusé. {told.refusal.detail}"
        elif last is not None and last.ends_at is None:
            yield (
                f"Le dossier reste à l'étape « {last.name} » tant que rien ne change dans les "
                "bureaux, les pouvoirs, les absences et les certificats enregistrés."
            )
        elif last is not None and last.ends_at is not None:
            waited = "attend en chemin, puis " if told.outcome is Outcome.BLOCKED else ""
            yield f"Le dossier {waited}arrive au bout de son circuit le {self._at(last.ends_at)}."
            yield self._hypothesis()
        if told.otherwise is not None:
            yield from self._otherwise(told, told.otherwise)

    def _hypothesis(self) -> str:
        if self.given.durations:
            return (
                "Ces dates supposent que chaque étape dure ce qu'elle a duré pour les dossiers "
                "passés de ce circuit."
            )
        return (
            "Ces dates supposent que chacun agit dès qu'il le peut : aucune durée passée n'est "
            "connue pour ce circuit."
        )

    def _otherwise(self, told: Simulation, otherwise: Simulation) -> Iterator[str]:
        """Whose act, in the place of another, would stop the folder, and where."""
        for one, other in zip(told.stages, otherwise.stages, strict=False):
            if one.actors != other.actors:
                instead = self._persons(by for by in other.actors if by not in one.actors)
                duty = "une règle de séparation des tâches ne laisserait plus personne agir"
                why = duty if self.given.workflow.duties else "plus personne ne pourrait agir"
                yield (
                    f"Attention : si {instead} agit à l'étape « {one.name} », le dossier "
                    f"s'arrêtera à l'étape « {otherwise.stages[-1].name} », où {why}."
                )
                return

    def _place(self, one: Stage) -> str:
        kind = _KINDS[one.kind]
        if not one.desks:
            return kind
        several = "tous" if one.mode is StepMode.ALL_OF else "l'un des deux au choix"
        if len(one.desks) > 2 and one.mode is StepMode.ANY_OF:
            several = "l'un d'eux au choix"
        named = _listed([self._desk(desk) for desk in one.desks])
        if len(one.desks) == 1:
            return f"{kind}, bureau {named}"
        return f"{kind}, bureaux {named}, {several}"

    def _sentences(self, one: Stage) -> Iterator[str]:
        yield f"Le dossier y arrive le {self._at(one.starts_at)}."
        if one.kind not in _ACTS:
            yield one.able.detail
            if one.kind is StepKind.TRANSMISSION and not self.given.has_account:
                yield _NO_ACCOUNT
        elif one.able.able:
            yield from self._may(one, one.able.able, one.starts_at)
        usual = self.given.durations.get(one.step)
        if usual is not None:
            yield (
                "D'après les dossiers passés, cette étape dure habituellement "
                f"{duration_in_words(usual)}."
            )
        for wait in one.waits:
            yield from self._wait(one, wait)
        if one.ends_at is not None:
            yield self._passed(one, one.ends_at)

    def _may(self, one: Stage, able: Sequence[Authorship], instant: datetime) -> Iterator[str]:
        who = " ; ".join(self._why(by) for by in able)
        yield f"{'Peuvent' if len(able) > 1 else 'Peut'} {_ACTS[one.kind]} : {who}."
        register = self.given.register
        away = [by for by in able if is_away(register, by.person, by.power.desk, instant)]
        if away:
            yield (
                f"Absence enregistrée pour {self._persons(away)} : le pouvoir demeure, mais le "
                "simulateur n'y compte pas."
            )

    def _wait(self, one: Stage, wait: Wait) -> Iterator[str]:
        yield f"BLOQUÉ depuis le {self._at(wait.since)}. {self._lacking(wait)}"
        if wait.until is None or wait.then is None:
            yield "Rien de ce qui est enregistré n'y mettra fin : il faut une décision."
            return
        yield f"Le blocage cesse de lui-même le {self._at(wait.until)}."
        yield from self._may(one, wait.then.able, wait.until)

    def _lacking(self, wait: Wait) -> str:
        return naming(wait.why, self.names.persons).detail

    def _passed(self, one: Stage, ended: datetime) -> str:
        if not one.actors:
            return f"Étape franchie le {self._at(ended)}, la réponse étant supposée favorable."
        return f"Étape franchie le {self._at(ended)} par {self._persons(one.actors)}."

    def _why(self, by: Authorship) -> str:
        """The person, by which power, founded by what, said how."""
        power = by.power
        parts = [self._person(by.person), self._power(power)]
        document = self._document(power)
        if document is not None:
            parts.append(f"acte {document.number} du {day_in_words(document.signed_on)}")
        if power.mention is not None:
            parts.append(f"avec la formule « {power.mention} »")
        return ", ".join(parts)

    def _power(self, power: Power) -> str:
        if power.kind is PowerKind.HOLDER:
            return f"titulaire du bureau {self._desk(power.desk)}"
        words = _POWERS[power.kind]
        if power.on_behalf_of is None:
            return words
        return f"{words} {_of(self._person(power.on_behalf_of))}"

    def _document(self, power: Power) -> FoundingDocument | None:
        found = (one.document for one in self.given.register.grants if one.id == power.id)
        return next(found, None)

    def _persons(self, authors: Iterable[Authorship]) -> str:
        return _listed([self._person(one.person) for one in authors])

    def _person(self, person: PersonId) -> str:
        return self.names.persons.get(person, "une personne")

    def _desk(self, desk: DeskId) -> str:
        return f"« {self.names.desks.get(desk, 'supprimé')} »"

    def _at(self, instant: datetime) -> str:
        return in_words(instant, self.names.zone)


def _of(name: str) -> str:
    """« de Marc », « d'Élise »."""
    first = unicodedata.normalize("NFD", name)[:1].casefold()
    return f"d'{name}" if first in _VOWELS else f"de {name}"


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} et {words[-1]}"
