"""Scenarios of tests/scenarios: a town, a circuit, a deposit, and the path that is expected.

The schema is described in tests/scenarios/README.md. Ids are made from names, the same wherever
they are read, and are UUIDs so that the same values can stand in a database.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.builders.scenario_values import (
    Folder,
    amounts_of,
    condition_of,
    duty_of,
    field_of,
    instant_of,
    value_of,
)
from workflows.definition import (
    BOSS,
    SUBMITTER,
    Actor,
    ChosenDesk,
    DeskId,
    FieldKey,
    HeliosIntake,
    Phase,
    Protocol,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
    given_desk,
    variable_desk,
)
from workflows.folder import FolderRules
from workflows.handover import Handover, OfficeHandover, applied
from workflows.periods import Period, next_day, start_of_day
from workflows.register import (
    Absence,
    AbsenceId,
    Barred,
    BarredBy,
    DeskHolder,
    Facts,
    FoundingDocument,
    Gender,
    Grant,
    Office,
    PersonAtDesk,
    PersonId,
    PowerId,
    PowerKind,
    PowerRegister,
    Scope,
    SubtypeId,
    TypeId,
)
from workflows.rules import (
    FactValue,
    RuleRow,
    RuleTable,
    WorkflowRef,
    choose,
)
from workflows.simulation import Assumptions

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"
_BY_WORD = {"submitter": SUBMITTER, "boss_of": BOSS}
_RECUSED = "Cette personne s'est déportée de ce dossier : laissez une autre personne agir."


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file entry: what `simulate` is given, and what is expected of it."""

    key: str
    name: str
    zone: ZoneInfo
    given: Assumptions
    folder: Folder
    table: RuleTable | None
    by_hand: tuple[ChosenDesk, ...]
    recused: tuple[PersonId, ...]
    persons: Mapping[PersonId, str]
    desks: Mapping[DeskId, str]
    expected: Mapping[str, Any]

    def instant(self, written: object) -> datetime:
        """An instant as the file writes it, on the clocks of the town."""
        return instant_of(written, self.zone)


def id_of(key: str, kind: str, name: str) -> str:
    """The same UUID for the same thing of the same scenario."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:scenario:{key}:{kind}:{name}"))


@cache
def scenarios() -> tuple[Scenario, ...]:
    """All of them, in the order of the files and inside each."""
    base = _read(FOLDER / "town.yaml")
    return tuple(
        _scenario(f"{path.stem}-{number}", base | {"desks": _desks(base, one)} | _rest(one))
        for path in sorted(FOLDER.glob("[0-9]*.yaml"))
        for number, one in enumerate(_read(path), start=1)
    )


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _rest(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key != "desks"}


def _desks(base: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the common town, member by member as the scenario changes them."""
    changed = one.get("desks", {})
    names = dict.fromkeys((*base["desks"], *changed))
    return {name: base["desks"].get(name, {}) | changed.get(name, {}) for name in names}


def _scenario(key: str, raw: Mapping[str, Any]) -> Scenario:
    return _Reader(key, raw, ZoneInfo(raw["timezone"])).scenario()


@dataclass(frozen=True, slots=True)
class _Reader:
    """One entry as it is written, and the ids of what it names."""

    key: str
    raw: Mapping[str, Any]
    zone: ZoneInfo

    def scenario(self) -> Scenario:
        register, folder = self._register(), self._folder()
        table = self._table()
        deposit = self.raw["deposit"]
        by_hand = tuple(
            ChosenDesk(StepId(step), self._desk(desk))
            for step, desk in deposit.get("choose", {}).items()
        )
        given = Assumptions(
            submitter=PersonAtDesk(self._person(deposit["by"]), self._desk(deposit["desk"])),
            deposited_at=instant_of(deposit["at"], self.zone),
            workflow=self._workflow(),
            register=register,
            facts=self._facts(folder),
            rules=FolderRules(
                mandatory_reading=self.raw.get("mandatory_reading", False),
                single_signature=folder.intake is not None,
            ),
            chosen_desks=(*self._by_rule(table, folder), *by_hand),
            durations={
                StepId(step): timedelta(hours=hours)
                for step, hours in self.raw.get("usual_hours", {}).items()
            },
        )
        return Scenario(
            key=self.key,
            name=self.raw["scenario"],
            zone=self.zone,
            given=given,
            folder=folder,
            table=table,
            by_hand=by_hand,
            recused=tuple(self._person(one) for one in self.raw.get("recused", ())),
            persons={self._person(name): name for name in self._names()},
            desks={self._desk(name): name for name in self.raw["desks"]},
            expected=self.raw["expected"],
        )

    def _id(self, kind: str, name: str) -> str:
        return id_of(self.key, kind, name)

    def _person(self, name: str) -> PersonId:
        return PersonId(self._id("person", name))

    def _desk(self, name: str) -> DeskId:
        return DeskId(self._id("desk", name))

    def _names(self) -> Iterator[str]:
        """Everybody whom the entry names, wherever it does."""
        plan = self.raw.get("hand_over", {}).values()
        named = (
            *(name for name, _ in self._holdings_by_name()),
            *(one["to"] for one in self.raw.get("powers", {}).values()),
            *(
                other
                for one in self.raw.get("absences", ())
                for other in one.get("replaced_by", ())
            ),
            *(one["incoming"] for one in plan if "incoming" in one),
        )
        yield from dict.fromkeys(named)

    def _holdings_by_name(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for desk in self.raw["desks"].values():
            for one in desk.get("holders", ()):
                yield (one, {}) if isinstance(one, str) else (one["person"], one)

    def _register(self) -> PowerRegister:
        desks = self.raw["desks"]
        register = PowerRegister(
            desks=frozenset(self._desk(name) for name in desks),
            holders=tuple(self._holders()),
            absences=tuple(self._absences()),
            grants=tuple(self._grants()),
            superiors={
                self._desk(name): self._desk(one["superior"])
                for name, one in desks.items()
                if one.get("superior")
            },
            offices=tuple(
                Office(self._desk(name), one["title"], Gender(one.get("gender", "masculine")))
                for name, one in desks.items()
                if "title" in one
            ),
        )
        plan = self._plan()
        return applied(register, plan) if plan.offices else register

    def _holders(self) -> Iterator[DeskHolder]:
        for name, desk in self.raw["desks"].items():
            for one in desk.get("holders", ()):
                known = {"person": one} if isinstance(one, str) else one
                period = self._period(known, default=self.raw["since"])
                yield DeskHolder(self._desk(name), self._person(known["person"]), period)

    def _plan(self) -> Handover:
        return Handover(
            tuple(
                OfficeHandover(
                    office=self._desk(office),
                    outgoing=self._person(one["outgoing"]),
                    incoming=self._person(one["incoming"]) if "incoming" in one else None,
                    starts_at=self._optional(one.get("elected")),
                    ends_at=self._optional(one.get("ends")),
                )
                for office, one in self.raw.get("hand_over", {}).items()
            )
        )

    def _absences(self) -> Iterator[Absence]:
        for number, one in enumerate(self.raw.get("absences", ()), start=1):
            yield Absence(
                id=AbsenceId(self._id("absence", str(number))),
                person=self._person(one["person"]),
                period=self._period(one),
                desk=self._desk(one["desk"]) if "desk" in one else None,
                replacements=tuple(self._person(name) for name in one.get("replaced_by", ())),
                repealed_at=self._optional(one.get("ended")),
            )

    def _grants(self) -> Iterator[Grant]:
        for name, one in self.raw.get("powers", {}).items():
            order = one.get("document")
            yield Grant(
                id=PowerId(self._id("power", name)),
                kind=PowerKind(one["kind"]),
                office=self._desk(one["office"]),
                grantee=self._person(one["to"]),
                period=self._period(one, default=self.raw["since"]),
                capacity=one.get("capacity", ""),
                grantor=self._person(one["by"]) if "by" in one else None,
                grantee_office=self._desk(one["as"]) if "as" in one else None,
                scope=Scope(
                    frozenset(TypeId(self._id("type", kind)) for kind in one.get("types", ())),
                    frozenset(
                        SubtypeId(self._id("subtype", kind)) for kind in one.get("subtypes", ())
                    ),
                    one["up_to"] * 100 if "up_to" in one else None,
                ),
                document=FoundingDocument(order["number"], order["signed"]) if order else None,
                executory_at=self._optional(one.get("executory")),
                repealed_at=self._optional(one.get("repealed")),
                may_be_regranted=one.get("may_be_regranted", False),
                regrants=PowerId(self._id("power", one["regrants"])) if "regrants" in one else None,
            )

    def _workflow(self) -> Workflow:
        drawn = self.raw["workflow"]
        final = drawn.get("final_desk")
        return Workflow(
            name=f"Circuit {self.key}",
            steps=tuple(self._step(step, one) for step, one in drawn["steps"].items()),
            duties=tuple(duty_of(one) for one in drawn.get("duties", ())),
            final_desk=self._actor(final) if final else None,
        )

    def _step(self, step: str, one: Mapping[str, Any]) -> Step:
        several = one.get("all_of")
        actors = several or one.get("any_of") or ([one["desk"]] if "desk" in one else [])
        return Step(
            id=StepId(step),
            kind=StepKind(one["kind"]),
            name=one.get("name", step.capitalize()),
            actors=tuple(self._actor(actor) for actor in actors),
            mode=StepMode.ALL_OF if several else StepMode.ANY_OF,
            phase=Phase.PREPARATION if one.get("preparation") else Phase.VALIDATION,
            required_to_pass=tuple(FieldKey(key) for key in one.get("requires", ())),
        )

    def _actor(self, written: str | Mapping[str, Sequence[str]]) -> Actor:
        if isinstance(written, Mapping):
            return variable_desk(*(self._desk(name) for name in written["chosen_among"]))
        return _BY_WORD.get(written) or given_desk(self._desk(written))

    def _folder(self) -> Folder:
        one = self.raw["folder"]
        metadata = {key: value_of(value) for key, value in one.get("metadata", {}).items()}
        intake = one.get("intake")
        return Folder(
            protocol=Protocol(one.get("protocol", "NONE")),
            type_name=one["type"],
            subtype_name=one["subtype"],
            fields=tuple(field_of(key, value) for key, value in metadata.items()),
            metadata={key: value for key, value in metadata.items() if value is not None},
            slips=tuple(f"{amount:.2f}" for amount in one.get("slips", ())),
            intake=HeliosIntake(intake) if intake else None,
        )

    def _facts(self, folder: Folder) -> Facts:
        barred = (
            Barred(self._person(one), BarredBy.RECUSAL, _RECUSED)
            for one in self.raw.get("recused", ())
        )
        return Facts(
            fit_signers=frozenset(self._person(one) for one in self.raw["certificates"]),
            type=TypeId(self._id("type", folder.type_name)),
            subtype=SubtypeId(self._id("subtype", folder.subtype_name)),
            amounts=amounts_of(folder),
            filled=frozenset(FieldKey(key) for key in folder.metadata),
            barred=tuple(barred),
        )

    def _table(self) -> RuleTable | None:
        rows = self.raw.get("rules")
        if rows is None:
            return None
        return RuleTable(
            tuple(
                RuleRow(
                    tuple(condition_of(*one) for one in row.get("when", ())),
                    WorkflowRef(self._id("workflow", "circuit")),
                    tuple(
                        ChosenDesk(StepId(step), self._desk(desk))
                        for step, desk in row["desks"].items()
                    ),
                )
                for row in rows
            )
        )

    def _by_rule(self, table: RuleTable | None, folder: Folder) -> tuple[ChosenDesk, ...]:
        if table is None:
            return ()
        facts: dict[str, FactValue | None] = dict(folder.metadata)
        return choose(table, facts).desks

    def _period(self, one: Mapping[str, Any], default: object = None) -> Period:
        start = instant_of(one.get("from", default), self.zone)
        until = one.get("until")
        if isinstance(until, date) and not isinstance(until, datetime):
            return Period(start, start_of_day(next_day(until), self.zone))
        return Period(start, self._optional(until))

    def _optional(self, written: object) -> datetime | None:
        return None if written is None else instant_of(written, self.zone)
