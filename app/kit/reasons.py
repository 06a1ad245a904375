"""What is wrong with one value of a request or of a file, in French."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Place: TypeAlias = tuple[int | str, ...]
"""Where a value stands, as Pydantic says it: names of members, places in lists from 0."""

_REASONS: Mapping[str, str] = {
    "base64_decode": "du base64 est attendu",
    "bool_parsing": "oui ou non est attendu (true ou false)",
    "bool_type": "oui ou non est attendu (true ou false)",
    "bytes_too_long": "{max_length:octet} au plus",
    "bytes_too_short": "{min_length:octet} au moins",
    "bytes_type": "du base64 est attendu",
    "date_from_datetime_inexact": "une date sans heure est attendue (AAAA-MM-JJ)",
    "date_from_datetime_parsing": "une date est attendue (AAAA-MM-JJ)",
    "date_parsing": "une date est attendue (AAAA-MM-JJ)",
    "date_type": "une date est attendue (AAAA-MM-JJ)",
    "datetime_from_date_parsing": "une date et son heure sont attendues (AAAA-MM-JJThh:mm:ssZ)",
    "datetime_parsing": "une date et son heure sont attendues (AAAA-MM-JJThh:mm:ssZ)",
    "datetime_type": "une date et son heure sont attendues (AAAA-MM-JJThh:mm:ssZ)",
    "decimal_max_digits": "{max_digits:chiffre} au plus",
    "decimal_max_places": "{decimal_places:chiffre} au plus après la virgule",
    "decimal_parsing": "un nombre est attendu",
    "decimal_type": "un nombre est attendu",
    "decimal_whole_digits": "{whole_digits:chiffre} au plus avant la virgule",
    "dict_type": "un objet est attendu",
    "enum": "cette valeur n'est pas dans la liste ({expected})",
    "extra_forbidden": "ce mot n'est pas connu ici",
    "finite_number": "un nombre fini est attendu",
    "float_parsing": "un nombre est attendu",
    "float_type": "un nombre est attendu",
    "greater_than": "un nombre supérieur à {gt} est attendu",
    "greater_than_equal": "un nombre d'au moins {ge} est attendu",
    "int_from_float": "un nombre entier est attendu",
    "int_parsing": "un nombre entier est attendu",
    "int_parsing_size": "ce nombre est trop grand",
    "int_type": "un nombre entier est attendu",
    "json_invalid": "ce n'est pas du JSON",
    "less_than": "un nombre inférieur à {lt} est attendu",
    "less_than_equal": "un nombre d'au plus {le} est attendu",
    "list_type": "une liste est attendue",
    "literal_error": "cette valeur n'est pas dans la liste ({expected})",
    "missing": "il manque",
    "model_attributes_type": "un objet est attendu",
    "model_type": "un objet est attendu",
    "string_pattern_mismatch": "cette forme n'est pas admise",
    "string_too_long": "{max_length:caractère} au plus",
    "string_too_short": "{min_length:caractère} au moins",
    "string_type": "un texte est attendu",
    "string_unicode": "un texte en Unicode est attendu",
    "timezone_aware": "l'heure doit porter son fuseau (Z ou +01:00)",
    "too_long": "{max_length:{items}} au plus",
    "too_short": "{min_length:{items}} au moins",
    "union_tag_invalid": "cette valeur n'est pas dans la liste ({expected_tags})",
    "union_tag_not_found": "il manque ce qui dit le genre de cet élément",
    "uuid_parsing": "un identifiant est attendu",
    "uuid_type": "un identifiant est attendu",
}
_UNKNOWN = "cette valeur ne convient pas"
_BRANCH = re.compile(r"bool|int|float|str|constrained-[a-z]+|[a-z-]+\[.*\]")
"""How Pydantic names one form of a value that may take several, after its place."""
_OF_ANOTHER_TYPE = ("_type", "_parsing")


def french_faults(
    faults: Sequence[Mapping[str, Any]], given: object = None
) -> list[tuple[Place, str]]:
    """Pydantic's faults by place in what was given, each with its reason. Of a value that may take
    several forms one reason is given: why it is not the form that it comes near to, else what the
    forms are."""
    by_place: dict[Place, list[Mapping[str, Any]]] = {}
    for fault in faults:
        by_place.setdefault(_place(fault, given), []).append(fault)
    return [(place, _reason_among(found)) for place, found in by_place.items()]


def _place(fault: Mapping[str, Any], given: object) -> Place:
    place = tuple(_named(fault["loc"], given))
    if fault["type"] == "json_invalid":
        return place[:1]
    is_branch = bool(place) and _BRANCH.fullmatch(str(place[-1])) is not None
    is_member = fault["type"] in {"missing", "extra_forbidden"}
    return place[:-1] if is_branch and not is_member else place


def _named(place: Place, given: Any) -> Iterator[int | str]:
    """Without the tags of unions, which Pydantic puts between an element and its members."""
    for part in place:
        is_member = isinstance(given, Mapping) and part in given
        if isinstance(given, Mapping) and not is_member and part in given.values():
            continue
        yield part
        is_within = isinstance(given, list) and isinstance(part, int) and part < len(given)
        given = given[part] if is_member or is_within else None


def _reason_among(faults: Sequence[Mapping[str, Any]]) -> str:
    near = [one for one in faults if not one["type"].endswith(_OF_ANOTHER_TYPE)]
    return ", ou ".join(dict.fromkeys(french_reason(one) for one in near or faults))


def french_reason(fault: Mapping[str, Any]) -> str:
    """The reason of one of Pydantic's faults (`ValidationError.errors()`); what a validator of
    ours says stands as it says it."""
    context = fault.get("ctx", {})
    if fault["type"] == "value_error":
        return str(context["error"])
    told = {name: _told(value) for name, value in context.items()}
    # A secret is no text for Pydantic: its length is counted in characters all the same.
    items = "caractère" if context.get("field_type") == "Value" else "élément"
    return _REASONS.get(fault["type"], _UNKNOWN).format_map({**told, "items": items})


class _Count(int):
    """« {n:élément} » is « 1 élément », « 2 éléments »."""

    def __format__(self, noun: str) -> str:
        """The figure, followed by the noun if there is one."""
        return f"{int(self)} {noun}{'s' if self > 1 else ''}" if noun else str(int(self))


def _told(value: object) -> object:
    if isinstance(value, int):
        return _Count(value)
    if isinstance(value, float):
        return f"{value:g}"
    return re.sub(r"'([^']*)'", r"« \1 »", str(value)).replace(" or ", " ou ")
