"""Canonical JSON: one value, one sequence of bytes (the subset of RFC 8785 without floats)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

JsonScalar: TypeAlias = str | int | bool | None
JsonValue: TypeAlias = JsonScalar | Sequence["JsonValue"] | Mapping[str, "JsonValue"]

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_MAX_DEPTH = 32
_MAX_INTEGER = 2**53 - 1  # RFC 8785 §3.2.2.3: larger ones are not the same number everywhere


class NotCanonical(ValueError):
    """The value has no canonical form here, or the bytes are not the canonical form."""


def canonical_bytes(value: JsonValue) -> bytes:
    """UTF-8, keys sorted, no space, shortest escapes (RFC 8785 §3.2).

    Raises NotCanonical on floats, integers beyond ±(2^53 - 1), keys outside the basic
    multilingual plane (their order differs in UTF-16 and in Python), lone surrogates, other
    types, and beyond 32 levels.
    """
    try:
        return _ENCODER.encode(_plain(value, _MAX_DEPTH)).encode()
    except UnicodeEncodeError as e:
        raise NotCanonical("lone surrogate") from e


def load_canonical(data: bytes) -> Any:
    """The value of canonical bytes; raises NotCanonical on anything else, so that two different
    byte sequences never load to the same value. The caller bounds the size."""
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_without_duplicates,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except (ValueError, RecursionError) as e:
        raise NotCanonical("not canonical JSON") from e
    if canonical_bytes(value) != data:
        raise NotCanonical("not the canonical form")
    return value


def _plain(value: JsonValue, levels: int) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            raise NotCanonical("integer out of range")
        return int(value)
    if levels == 0:
        raise NotCanonical("too deep")
    if isinstance(value, dict | Mapping):
        return {_key(key): _plain(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, levels - 1) for item in value]
    raise NotCanonical(f"{type(value).__name__} has no canonical form")


def _key(key: object) -> str:
    if isinstance(key, str) and (key.isascii() or max(key) <= "\uffff"):
        return key
    raise NotCanonical("keys are strings of the basic multilingual plane")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise NotCanonical("duplicate key")
    return mapping


def _refuse_number(text: str) -> NoReturn:
    raise NotCanonical(f"{text[:20]} is not an integer")
