"""Writes the frozen values of this package as JSON data and reads them back, strictly."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from workflows.errors import Unreadable

JsonValue: TypeAlias = "str | int | bool | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"

_Value = TypeVar("_Value")

# `X | None` is a types.UnionType, but a typing.Union where X is a NewType.
_UNIONS = (types.UnionType, Union)


def in_utc(instant: datetime) -> datetime:
    """The same instant in UTC. ValueError for a datetime without time zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return instant.astimezone(UTC)


def encode_object(value: object) -> JsonObject:
    """JSON object of a dataclass instance: fields by name; instants in UTC, ISO 8601.

    TypeError for a field whose type has no JSON form here.
    """
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} is not a dataclass instance")
    return {field.name: _encode(getattr(value, field.name)) for field in dataclasses.fields(value)}


def _encode(value: object) -> JsonValue:
    match value:
        case StrEnum():
            return value.value
        case None | bool() | int() | str():
            return value
        case datetime():
            return in_utc(value).isoformat()
        case date():
            return value.isoformat()
        case tuple():
            return [_encode(item) for item in value]
        case _:
            return encode_object(value)


def decode_object(kind: type[_Value], data: object) -> _Value:
    """The dataclass `kind` from `data`, as `encode_object` wrote it.

    A key that is absent takes the default of its field. Unreadable when a key is unknown or
    missing, or when a value has not the type of its field.
    """
    if not isinstance(data, Mapping):
        raise Unreadable(f"{kind.__name__}: an object is expected")
    hints = _hints(cast("type", kind))
    unknown = sorted(str(key) for key in data if key not in hints)
    if unknown:
        raise Unreadable(f"{kind.__name__}: unknown keys {', '.join(unknown)}")
    values = {name: _decode(hints[name], value) for name, value in data.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise Unreadable(f"{kind.__name__}: a key is missing") from error


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _decode(hint: Any, data: object) -> object:
    if get_origin(hint) is tuple:
        return _decode_tuple(get_args(hint)[0], data)
    if get_origin(hint) in _UNIONS:
        return _decode_optional(get_args(hint), data)
    kind = getattr(hint, "__supertype__", hint)
    if dataclasses.is_dataclass(kind):
        return decode_object(cast("type", kind), data)
    if kind is datetime or kind is date or issubclass(kind, StrEnum):
        return _decode_text(kind, data)
    if type(data) is not kind:
        raise Unreadable(f"{kind.__name__} expected, {type(data).__name__} found")
    return data


def _decode_tuple(item: Any, data: object) -> tuple[object, ...]:
    if not isinstance(data, list):
        raise Unreadable("a list is expected")
    return tuple(_decode(item, value) for value in data)


def _decode_optional(arms: tuple[Any, ...], data: object) -> object:
    if data is None:
        return None
    (present,) = (arm for arm in arms if arm is not types.NoneType)
    return _decode(present, data)


def _decode_text(kind: type[datetime] | type[date] | type[StrEnum], data: object) -> object:
    if not isinstance(data, str):
        raise Unreadable(f"{kind.__name__}: a text is expected")
    try:
        if issubclass(kind, datetime):
            return in_utc(kind.fromisoformat(data))
        return kind.fromisoformat(data) if issubclass(kind, date) else kind(data)
    except ValueError as error:
        raise Unreadable(f"{kind.__name__}: {data!r} cannot be read") from error
