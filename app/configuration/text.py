"""The document as text: a small, safe part of YAML, read within bounds, written for people.

Read: no anchor, alias, tag, directive, second document, repeated key or NUL. Plain scalars are
null, true, false, whole numbers, else texts as they stand: a postal code keeps its zeros, a day its
form. The events come from the parser of PyYAML; nothing of it builds objects (docs/adr/0017).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from typing import Any, Final, TypeAlias

import yaml
from pydantic import ValidationError

from app.configuration.document import Configuration
from app.errors import TooLarge, Unprocessable
from app.kit.reasons import french_reason

MAX_BYTES: Final = 2 * 1024 * 1024
MAX_DEPTH: Final = 20
MAX_NODES: Final = 200_000

Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value] | None"

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_WORDS: dict[str, Value] = {"": None, "~": None, "null": None, "true": True, "false": False}
_FAULTS_SHOWN = 10


def read_text(content: bytes) -> Configuration:
    """The document that these bytes hold.

    Raises TooLarge above MAX_BYTES, Unprocessable (`configuration_unreadable`) for what is not
    this part of YAML, Unprocessable (`configuration_malformed`) naming each place that does not
    fit.
    """
    if len(content) > MAX_BYTES:
        raise TooLarge("Une configuration pèse au plus 2 Mio : séparez-la en plusieurs fichiers.")
    try:
        events = yaml.parse(content.decode("utf-8-sig"), Loader=yaml.CSafeLoader)
        value = _Reader(events).document()
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise _unreadable(f"ce n'est pas du YAML en UTF-8{_place(e)}.") from e
    try:
        return Configuration.model_validate(value)
    except ValidationError as e:
        raise _malformed(e) from e


def written(document: Configuration) -> str:
    """The document as text: the order of its fields, what is by default left out."""
    data = document.model_dump(by_alias=True, exclude_defaults=True)
    if document.tenant is not None:
        # A setting that is null is removed: it is not one that is absent.
        data["tenant"] = document.tenant.model_dump(exclude_unset=True)
    return yaml.dump(
        data,
        Dumper=_Writer,
        allow_unicode=True,
        sort_keys=False,
        width=100,
    )


class _Reader:
    """Builds plain values from the events of a parser, in the bounds above."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._nodes = 0

    def document(self) -> Value:
        """The only document. Raises Unprocessable (`configuration_unreadable`)."""
        next(self._events)
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            raise _unreadable("le fichier est vide.")
        if start.version or start.tags:
            raise _unreadable("retirez la directive (%) qui précède le document.")
        value = self._value(next(self._events), 1)
        next(self._events)
        if not isinstance(next(self._events), yaml.StreamEndEvent):
            raise _unreadable("il y a plusieurs documents (---) : gardez-en un.")
        return value

    def _value(self, event: Any, depth: int) -> Value:
        line = event.start_mark.line + 1
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _unreadable(f"ligne {line}, retirez les ancres et les renvois (& et *).")
        if event.tag is not None:
            raise _unreadable(f"ligne {line}, retirez l'étiquette « {event.tag[:50]} ».")
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise _unreadable(f"ligne {line}, le document est trop profond ou trop long.")
        if isinstance(event, yaml.ScalarEvent):
            if "\0" in event.value:
                raise _unreadable(f"ligne {line}, retirez le caractère nul (\\0).")
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(depth)
        return self._mapping(depth)

    def _list(self, depth: int) -> Value:
        values: list[Value] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value(event, depth + 1))
        return values

    def _mapping(self, depth: int) -> Value:
        values: dict[str, Value] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            self._value(event, depth + 1)
            if not isinstance(event, yaml.ScalarEvent):
                raise _unreadable(f"ligne {line}, une clé est un mot.")
            if event.value in values:
                raise _unreadable(f"ligne {line}, « {event.value[:50]} » est écrit deux fois.")
            values[event.value] = self._value(next(self._events), depth + 1)
        return values


def _scalar(event: Any) -> Value:
    text = str(event.value)
    if event.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text


class _Writer(yaml.CSafeDumper):
    """Writes no anchor."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _write_word(writer: _Writer, value: Enum) -> yaml.Node:
    return writer.represent_data(value.value)


def _write_moment(writer: _Writer, value: date) -> yaml.Node:
    return writer.represent_scalar("tag:yaml.org,2002:timestamp", value.isoformat())


_Writer.add_multi_representer(Enum, _write_word)
_Writer.add_representer(date, _write_moment)
_Writer.add_representer(datetime, _write_moment)


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (ligne {mark.line + 1})" if mark is not None else ""


def _unreadable(why: str) -> Unprocessable:
    return Unprocessable(
        f"Ce fichier de configuration ne peut pas être lu, corrigez-le : {why}",
        code="configuration_unreadable",
    )


def _malformed(error: ValidationError) -> Unprocessable:
    faults = [f"{_path(one['loc'])} : {french_reason(one)}" for one in error.errors()]
    shown = " ; ".join(faults[:_FAULTS_SHOWN])
    return Unprocessable(
        f"Ce fichier de configuration est mal formé, corrigez-le — {shown}.",
        code="configuration_malformed",
        extra={"faults": faults[:100]},
    )


def _path(location: tuple[int | str, ...]) -> str:
    """Items count from 1 as people do: « desks 2, holders 1, login »."""
    words: list[str] = []
    for one in location:
        if isinstance(one, int) and words:
            words[-1] += f" {one + 1}"
        else:
            words.append(str(one))
    return ", ".join(words) or "le document"
