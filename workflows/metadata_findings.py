"""What is wrong in the metadata fields of a subtype: errors forbid their use."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from workflows.definition import Finding
from workflows.metadata import MAX_KEY, MetadataField, MetadataRefused, checked

_KEY = re.compile(rf"[a-z][a-z0-9_]{{0,{MAX_KEY - 1}}}")


def field_findings(fields: Sequence[MetadataField]) -> tuple[Finding, ...]:
    """All that is wrong in the fields, each said in a French sentence. Never raises."""
    return tuple(_wrong_in(fields))


def _wrong_in(fields: Sequence[MetadataField]) -> Iterator[Finding]:
    keys = [field.key for field in fields]
    for key in dict.fromkeys(key for key in keys if keys.count(key) > 1):
        yield Finding.error(
            "metadata_key_duplicate",
            f"Plusieurs informations ont la clé « {key} » : donnez une clé à chacune.",
        )
    for field in fields:
        yield from _wrong_with(field)


def _wrong_with(field: MetadataField) -> Iterator[Finding]:
    if not _KEY.fullmatch(field.key):
        yield Finding.error(
            "metadata_key_malformed",
            f"La clé « {field.key} » ne convient pas : commencez par une lettre minuscule, "
            f"puis lettres sans accent, chiffres ou _, {MAX_KEY} caractères au plus.",
        )
    if not field.label.strip():
        yield Finding.error(
            "metadata_unnamed", f"L'information « {field.key} » n'a pas de nom : donnez-lui-en un."
        )
    free = dataclasses.replace(field, choices=())
    wrong_choices = [one for choice in field.choices for one in _wrong_text(free, choice)]
    yield from wrong_choices
    if field.default is not None and not wrong_choices:
        yield from _wrong_text(field, field.default)


def _wrong_text(field: MetadataField, text: str) -> Iterator[Finding]:
    try:
        value = checked(field, text)
    except MetadataRefused as refusal:
        yield Finding.error("metadata_value_unfit", refusal.detail)
        return
    if value is None:
        yield Finding.error(
            "metadata_value_blank",
            f"« {field.label} » a un choix ou une valeur par défaut sans texte : "
            "remplissez-le ou retirez-le.",
        )
