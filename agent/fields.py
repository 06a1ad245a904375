"""Strict reading of JSON objects that the server sends: types, sizes, formats, nothing guessed."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

MAX_TEXT = 1000
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z")
_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Malformed(ValueError):
    """The message names the field, never its value."""


def read_object(content: bytes) -> Fields:
    """A JSON object in UTF-8 without duplicate names. Raises Malformed."""
    try:
        value = json.loads(content, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as e:
        raise Malformed("the body is not JSON") from e
    return Fields(value, "body")


def rfc3339(moment: datetime) -> str:
    """Aware UTC, second precision, with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def amount_of(text: str) -> Decimal:
    """An amount in plain digits: no exponent, no NaN. Raises Malformed."""
    if not _AMOUNT.fullmatch(text):
        raise Malformed("not an amount")
    return Decimal(text)


class Fields:
    """One JSON object; each reader returns a checked value or raises Malformed.

    Unknown members are left alone: a newer server may say more."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise Malformed(f"{where} is not an object")
        self._value: Mapping[str, Any] = value
        self._where = where

    def text(self, name: str, *, limit: int = MAX_TEXT, empty: bool = True) -> str:
        value = self._value.get(name)
        if not isinstance(value, str) or len(value) > limit or not (value or empty):
            raise self._wrong(name)
        return value

    def optional_text(self, name: str, *, limit: int = MAX_TEXT) -> str | None:
        return None if self._value.get(name) is None else self.text(name, limit=limit)

    def integer(self, name: str, *, limit: int) -> int:
        value = self._value.get(name)
        if type(value) is not int or not 0 <= value <= limit:
            raise self._wrong(name)
        return value

    def optional_integer(self, name: str, *, limit: int) -> int | None:
        return None if self._value.get(name) is None else self.integer(name, limit=limit)

    def uuid(self, name: str) -> UUID:
        try:
            return UUID(self.text(name, limit=36))
        except ValueError as e:
            raise self._wrong(name) from e

    def sha256(self, name: str) -> str:
        value = self.text(name, limit=64)
        if not _SHA256.fullmatch(value):
            raise self._wrong(name)
        return value

    def octets(self, name: str, *, limit: int) -> bytes:
        value = self._value.get(name)
        if not isinstance(value, str) or len(value) > limit * 4 // 3 + 4:
            raise self._wrong(name)
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as e:
            raise self._wrong(name) from e

    def hexadecimal(self, name: str, *, limit: int) -> bytes:
        try:
            return bytes.fromhex(self.text(name, limit=limit * 2))
        except ValueError as e:
            raise self._wrong(name) from e

    def time(self, name: str) -> datetime:
        value = self.text(name, limit=32)
        try:
            if not _TIME.fullmatch(value):
                raise self._wrong(name)
            return datetime.fromisoformat(value)
        except ValueError as e:
            raise self._wrong(name) from e

    def child(self, name: str) -> Fields:
        return Fields(self._value.get(name), f"{self._where}.{name}")

    def optional_child(self, name: str) -> Fields | None:
        return None if self._value.get(name) is None else self.child(name)

    def children(self, name: str, *, limit: int, least: int = 1) -> tuple[Fields, ...]:
        value = self._value.get(name)
        if not isinstance(value, list) or not least <= len(value) <= limit:
            raise self._wrong(name)
        return tuple(Fields(v, f"{self._where}.{name}[{i}]") for i, v in enumerate(value))

    def texts(self, name: str, *, limit: int = 100) -> tuple[str, ...]:
        value = self._value.get(name)
        if not isinstance(value, list) or len(value) > limit:
            raise self._wrong(name)
        if not all(isinstance(v, str) and len(v) <= MAX_TEXT for v in value):
            raise self._wrong(name)
        return tuple(value)

    def _wrong(self, name: str) -> Malformed:
        return Malformed(f"{self._where}.{name} is missing or not of the right form")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Malformed("a name appears twice")
    return value


def _no_constant(_name: str) -> None:
    raise Malformed("not a JSON number")
