"""Typed metadata of folders: what a value must look like, and which values must be there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias, assert_never
from urllib.parse import urlsplit

from workflows.definition import FieldKey
from workflows.errors import MetadataMissing, Unacceptable

MetadataValue: TypeAlias = str | int | bool | None

MAX_TEXT = 1_000
MAX_URL = 2_000
MAX_KEY = 64
MAX_UNKNOWN = 100
# Fifteen digits survive a passage through the floating numbers of JSON clients (IEEE 754 double).
MAX_DIGITS = 15
MAX_DECIMALS = 6

# Thousands may be apart, as French keyboards and spreadsheets write them: 12 500,50.
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]+|[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+)"
    r"(?:[.,](?P<fraction>[0-9]+))?"
)
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOOLEANS = {"true": True, "1": True, "oui": True, "false": False, "0": False, "non": False}
_LINE_ENDS = "\t\n\r"


class FieldType(StrEnum):
    """What the values of a field are."""

    TEXT = "text"
    DATE = "date"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    URL = "url"


@dataclass(frozen=True, slots=True)
class MetadataField:
    """A piece of information that a subtype asks for.

    `choices`, where there are any, are the only values allowed; they and `default` are written
    as texts. A field that is not `editable` keeps its first value once the folder is sent.
    """

    key: str
    label: str
    type: FieldType
    choices: tuple[str, ...] = ()
    default: str | None = None
    required_at_deposit: bool = False
    editable: bool = True


class MetadataRefused(Unacceptable):
    """A value is not one that its field takes."""

    code = "metadata_refused"
    sentence = "Une information du dossier ne convient pas : corrigez-la."


class MetadataMistyped(MetadataRefused):
    """The value is not of the type of its field."""

    code = "metadata_mistyped"
    sentence = "Une information du dossier n'est pas du type attendu : corrigez-la."


class MetadataTooLong(MetadataRefused):
    """The value, the key or the whole is larger than what is kept."""

    code = "metadata_too_long"
    sentence = "Une information du dossier est trop longue : raccourcissez-la."


class MetadataNotAChoice(MetadataRefused):
    """The field has a list of values and this is none of them."""

    code = "metadata_not_a_choice"
    sentence = "Une information du dossier n'est pas dans la liste : choisissez-en une."


class MetadataNotEditable(MetadataRefused):
    """The field keeps the value that it has, until the folder is back with its submitter."""

    code = "metadata_not_editable"
    sentence = "Cette information ne se modifie plus après l'envoi : laissez-la."


def checked(field: MetadataField, value: object) -> MetadataValue:
    """The value as it is kept; None for an absent or blank one.

    Texts are trimmed and composed (NFC), dates ISO 8601, decimals one text per number with two
    decimals at least ("12.50"), integers and booleans themselves. MetadataMistyped,
    MetadataTooLong, MetadataNotAChoice.
    """
    typed = _typed(field, value)
    if typed is None or not field.choices or typed in _choices(field):
        return typed
    listed = ", ".join(f"« {choice} »" for choice in field.choices)
    raise MetadataNotAChoice(f"« {field.label} » : choisissez parmi {listed}.")


def complete(
    fields: Sequence[MetadataField], given: Mapping[str, object]
) -> dict[str, MetadataValue]:
    """What a deposit keeps: every field by its key, then what no field describes, as text.

    A field that was not given at all takes its default; a blank one stays without value.
    Raises as `checked`, and MetadataMissing naming every required field without value.
    """
    values = {field.key: checked(field, given.get(field.key, field.default)) for field in fields}
    missing = [
        f"« {field.label} »"
        for field in fields
        if field.required_at_deposit and not _is_filled(values[field.key])
    ]
    if missing:
        raise MetadataMissing(f"Remplissez avant le dépôt : {', '.join(missing)}.")
    return values | _unknown(fields, given)


def changed(
    fields: Sequence[MetadataField],
    current: Mapping[str, MetadataValue],
    given: Mapping[str, object],
    *,
    is_with_submitter: bool = False,
) -> dict[str, MetadataValue]:
    """The values once `given` was written over some of them, after the deposit.

    Raises as `checked`; MetadataNotEditable for another value in a field that keeps its own, which
    takes one while it has none; MetadataMissing where a value that the deposit demanded is emptied.
    While the folder is still or again with its submitter he writes, and empties, every field.
    """
    values = dict(current) | _unknown(fields, given)
    for field in fields:
        if field.key not in given:
            continue
        value = checked(field, given[field.key])
        kept = current.get(field.key)
        is_kept = not field.editable and not is_with_submitter and _is_filled(kept)
        if is_kept and value != kept:
            raise MetadataNotEditable(
                f"« {field.label} » ne se modifie plus après l'envoi : laissez sa valeur, ou "
                "faites revenir le dossier."
            )
        is_demanded = field.required_at_deposit and not is_with_submitter
        if is_demanded and _is_filled(kept) and not _is_filled(value):
            raise MetadataMissing(
                f"« {field.label} » est obligatoire : changez cette valeur sans la vider."
            )
        values[field.key] = value
    return values


def filled(values: Mapping[str, MetadataValue]) -> frozenset[str]:
    """The keys that hold a value. False and 0 are values; None and blank texts are not."""
    return frozenset(key for key, value in values.items() if _is_filled(value))


def labels(fields: Iterable[MetadataField]) -> dict[FieldKey, str]:
    """What people call each piece of information."""
    return {FieldKey(field.key): field.label for field in fields}


def amount_cents(value: MetadataValue) -> int | None:
    """The amount in cents of a number of euros, a text as `checked` accepts included.

    None when it is no number or has fractions of a cent: no amount is known then.
    """
    number = _number(_number_text(value))
    if number is None:
        return None
    sign, whole, fraction = number
    return None if len(fraction) > 2 else int(f"{sign}{whole}{fraction.ljust(2, '0')}")


def _typed(field: MetadataField, value: object) -> MetadataValue:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    match field.type:
        case FieldType.TEXT:
            return _as_text(field, value)
        case FieldType.DATE:
            return _as_date(field, value)
        case FieldType.INTEGER:
            return _as_integer(field, value)
        case FieldType.DECIMAL:
            return _as_decimal(field, value)
        case FieldType.BOOLEAN:
            return _as_boolean(field, value)
        case FieldType.URL:
            return _as_url(field, value)
        case _:
            assert_never(field.type)


def _as_text(field: MetadataField, value: object) -> str:
    if not isinstance(value, str):
        raise _mistyped(field, "un texte")
    return _kept_text(field.label, value)


def _as_date(field: MetadataField, value: object) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and _ISO_DATE.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip()).isoformat()
        except ValueError as error:
            raise _mistyped(field, "une date qui existe") from error
    raise _mistyped(field, "une date, année-mois-jour, telle que 2026-03-31")


def _as_integer(field: MetadataField, value: object) -> int:
    number = _number(_number_text(value))
    if number is None or number[2]:
        raise _mistyped(field, f"un nombre entier de {MAX_DIGITS} chiffres au plus")
    return int(f"{number[0]}{number[1]}")


def _as_decimal(field: MetadataField, value: object) -> str:
    number = _number(_number_text(value))
    if number is None:
        raise _mistyped(
            field,
            f"un nombre de {MAX_DIGITS} chiffres au plus, dont {MAX_DECIMALS} décimales au plus",
        )
    sign, whole, fraction = number
    return f"{sign}{whole}.{fraction.ljust(2, '0')}"


def _as_boolean(field: MetadataField, value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = _BOOLEANS.get(value.strip().casefold()) if isinstance(value, str) else None
    if known is None:
        raise _mistyped(field, "oui ou non")
    return known


def _as_url(field: MetadataField, value: object) -> str:
    if not isinstance(value, str):
        raise _mistyped(field, "une adresse web")
    url = value.strip()
    if len(url) > MAX_URL:
        raise _too_long(field.label, MAX_URL)
    if not url.isascii() or not url.isprintable() or " " in url or not _is_web_address(url):
        raise _mistyped(field, "une adresse https:// ou http://, sans espace ni accent")
    return url


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    # What stands before an @ would pass for the name of the site.
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _number_text(value: object) -> str:
    """The figures of a number, the shortest that mean it; a text as it is; else nothing."""
    match value:
        case bool():
            return ""
        case int() if abs(value) >= 10**MAX_DIGITS:
            return ""
        case Decimal() if not value.is_finite() or abs(value.adjusted()) > MAX_DIGITS:
            return ""
        case Decimal():
            return format(value, "f")
        case float():
            # The shortest figures that mean this number are those that were written.
            return _number_text(Decimal(repr(value)))
        case int():
            return repr(value)
        case str():
            return value.strip()
        case _:
            return ""


def _number(text: str) -> tuple[str, str, str] | None:
    """Sign, figures and decimals without needless zeros; None when it is no number kept here."""
    found = _NUMBER.fullmatch(text) if len(text) <= MAX_TEXT else None
    if found is None:
        return None
    whole = re.sub(r"[^0-9]", "", found["whole"]).lstrip("0") or "0"
    fraction = (found["fraction"] or "").rstrip("0")
    if len(whole) + len(fraction) > MAX_DIGITS or len(fraction) > MAX_DECIMALS:
        return None
    is_zero = whole == "0" and not fraction
    return ("-" if found["sign"] == "-" and not is_zero else "", whole, fraction)


def _kept_text(label: str, value: str) -> str:
    text = value.strip()
    if len(text) > MAX_TEXT:
        raise _too_long(label, MAX_TEXT)
    # Neither PostgreSQL nor XML keeps them.
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in _LINE_ENDS for char in text):
        raise MetadataMistyped(f"« {label} » contient un caractère invisible : retapez ce texte.")
    return unicodedata.normalize("NFC", text)


def _choices(field: MetadataField) -> Iterator[MetadataValue]:
    for choice in field.choices:
        yield _typed(field, choice)


def _unknown(
    fields: Iterable[MetadataField], given: Mapping[str, object]
) -> dict[str, MetadataValue]:
    known = {field.key for field in fields}
    unknown = {key: value for key, value in given.items() if key not in known}
    if len(unknown) > MAX_UNKNOWN:
        raise MetadataTooLong(
            f"Le dossier porte plus de {MAX_UNKNOWN} informations que son sous-type n'attend pas : "
            "retirez-en."
        )
    return {key: _unknown_text(key, value) for key, value in unknown.items()}


def _unknown_text(key: str, value: object) -> str | None:
    if len(key) > MAX_KEY:
        raise _too_long(f"{key[:MAX_KEY]}…", MAX_KEY)
    _kept_text(repr(key), key)
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return _kept_text(key, value)
        case int() | float() if figures := _number_text(value):
            return figures
        case _:
            raise MetadataMistyped(f"« {key} » doit être un texte : corrigez cette information.")


def _is_filled(value: MetadataValue) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _mistyped(field: MetadataField, expected: str) -> MetadataMistyped:
    return MetadataMistyped(f"« {field.label} » doit être {expected} : corrigez cette valeur.")


def _too_long(label: str, most: int) -> MetadataTooLong:
    return MetadataTooLong(f"« {label} » dépasse {most} caractères : raccourcissez.")
