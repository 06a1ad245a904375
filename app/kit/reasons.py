"""What is wrong with one value of a request or of a file, in French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_REASONS: Mapping[str, str] = {
    "bool_parsing": "oui ou non est attendu (true ou false)",
    "bool_type": "oui ou non est attendu (true ou false)",
    "date_from_datetime_inexact": "une date sans heure est attendue (AAAA-MM-JJ)",
    "date_from_datetime_parsing": "une date est attendue (AAAA-MM-JJ)",
    "date_parsing": "une date est attendue (AAAA-MM-JJ)",
    "date_type": "une date est attendue (AAAA-MM-JJ)",
    "datetime_from_date_parsing": "une date et son heure sont attendues (AAAA-MM-JJThh:mm:ssZ)",
    "datetime_parsing": "une date et son heure sont attendues (AAAA-MM-JJThh:mm:ssZ)",
    "datetime_type": "une date et son heure sont attendues (AAAA-MM-JJThh:mm:ssZ)",
    "decimal_parsing": "un nombre est attendu",
    "decimal_type": "un nombre est attendu",
    "dict_type": "un objet est attendu",
    "enum": "cette valeur n'est pas dans la liste ({expected})",
    "extra_forbidden": "ce mot n'est pas connu ici",
    "float_parsing": "un nombre est attendu",
    "float_type": "un nombre est attendu",
    "greater_than": "un nombre supérieur à {gt} est attendu",
    "greater_than_equal": "un nombre d'au moins {ge} est attendu",
    "int_from_float": "un nombre entier est attendu",
    "int_parsing": "un nombre entier est attendu",
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
    "string_too_long": "{max_length} caractères au plus",
    "string_too_short": "{min_length} caractère(s) au moins",
    "string_type": "un texte est attendu",
    "timezone_aware": "l'heure doit porter son fuseau (Z ou +01:00)",
    "too_long": "{max_length} éléments au plus",
    "too_short": "{min_length} élément(s) au moins",
    "union_tag_invalid": "cette valeur n'est pas dans la liste ({expected_tags})",
    "union_tag_not_found": "il manque ce qui dit le genre de cet élément",
    "uuid_parsing": "un identifiant est attendu",
    "uuid_type": "un identifiant est attendu",
}
_UNKNOWN = "cette valeur ne convient pas"


def french_reason(fault: Mapping[str, Any]) -> str:
    """The reason of one of Pydantic's faults (`ValidationError.errors()`); what a validator of
    ours says stands as it says it."""
    context = fault.get("ctx", {})
    if fault["type"] == "value_error":
        return str(context["error"])
    return _REASONS.get(fault["type"], _UNKNOWN).format_map(
        {name: _listed(value) for name, value in context.items()}
    )


def _listed(value: object) -> str:
    return str(value).replace(" or ", " ou ")
