"""The words that say by which power somebody acts, computed once for every place that shows them.

Templates are editable per tenant. Their placeholders take article and gender from the office:
`{titre}` Maire · `{le_titre}` le Maire, la Présidente, l'adjoint · `{Le_titre}` the same at the
head of a sentence · `{du_titre}` du Maire, de la Présidente, de l'adjoint · `{au_titre}` au Maire,
à la Présidente, à l'adjoint · `{e}` the feminine ending · `{qualité}` the function in which the
grantee signs, as the founding document names it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from workflows.definition import DeskId
from workflows.errors import Unacceptable
from workflows.register import Gender, Office, PowerKind, PowerRegister

TEMPLATE_MAX: Final = 200

DEFAULT_MENTIONS: Mapping[PowerKind, str] = {
    PowerKind.REPLACEMENT: "En l'absence {du_titre}",
    PowerKind.SIGNATURE_DELEGATION: "Pour {le_titre} et par délégation, {qualité}",
    PowerKind.FUNCTION_DELEGATION: "Pour {le_titre} et par délégation, {qualité}",
    PowerKind.POWER_DELEGATION: "Par délégation {du_titre}, {qualité}",
    PowerKind.SUBSTITUTION: "Pour {le_titre} empêché{e}, {qualité}",
    PowerKind.INTERIM: "{Le_titre} par intérim",
}
"""The templates of a tenant that wrote none; other powers are one's own and say nothing."""

_PLACEHOLDERS = ("titre", "le_titre", "Le_titre", "du_titre", "au_titre", "e", "qualité")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_VOWELS = frozenset("aeiouyœæ")
# Titles whose first letter calls for an elision that French does not make.
_NO_ELISION = ("haut", "hors", "huit", "onz", "yacht")
_UNNAMED = "titulaire"


class MentionRefused(Unacceptable):
    """The template of a mention cannot be used: it goes into signed attributes."""

    code = "mention_refused"
    sentence = "Cette formule ne peut pas être utilisée : corrigez-la."


class MentionPlaceholderUnknown(MentionRefused):
    """The template names something that no office gives."""

    code = "mention_placeholder_unknown"
    sentence = (
        "Cette formule contient un champ inconnu : utilisez "
        + ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
        + "."
    )


class MentionLength(MentionRefused):
    """The template is empty or too long."""

    code = "mention_length"
    sentence = f"Une formule a entre 1 et {TEMPLATE_MAX} caractères : raccourcissez-la."


class MentionCharacters(MentionRefused):
    """The template holds a line break, or a character that nobody sees."""

    code = "mention_characters"
    sentence = (
        "Une formule tient sur une ligne, sans caractère invisible : retirez les retours à la "
        "ligne et les caractères de contrôle."
    )


def check_template(template: str) -> None:
    """Raises MentionLength, MentionCharacters or MentionPlaceholderUnknown (stray braces too)."""
    if not template.strip() or len(template) > TEMPLATE_MAX:
        raise MentionLength
    if not is_one_line(template):
        raise MentionCharacters
    composed = unicodedata.normalize("NFC", template)
    for name in _PLACEHOLDER.findall(composed):
        if name not in _PLACEHOLDERS:
            raise MentionPlaceholderUnknown(
                f"Le champ {{{name}}} est inconnu : utilisez "
                + ", ".join(f"{{{known}}}" for known in _PLACEHOLDERS)
                + "."
            )
    if set("{}") & set(_PLACEHOLDER.sub("", composed)):
        raise MentionPlaceholderUnknown


def capacity_mention(
    register: PowerRegister, kind: PowerKind, desk: DeskId, capacity: str
) -> str | None:
    """What says that somebody acts by a power of this kind, in the office of that desk.

    None where he acts in his own name. One line without control characters. An office that the
    register does not describe is « le titulaire »; a template that cannot be used gives way to
    the one shipped.
    """
    default = DEFAULT_MENTIONS.get(kind)
    if default is None:
        return None
    template = register.mentions.get(kind, default)
    if not _is_usable(template):
        template = default
    words = _words(office_of(register, desk), capacity)
    text = _PLACEHOLDER.sub(
        lambda found: words[found.group(1)], unicodedata.normalize("NFC", template)
    )
    return _one_line(text).rstrip(" ,;:–-")


def office_of(register: PowerRegister, desk: DeskId) -> Office:
    """How the office of a desk is named."""
    named = (one for one in register.offices if one.desk == desk and one.title.strip())
    return next(named, Office(desk, _UNNAMED))


def with_article(office: Office) -> str:
    """« le Maire », « la Présidente », « l'adjoint »."""
    if _elides(office.title):
        return f"l'{office.title}"
    return f"{'la' if _is_feminine(office) else 'le'} {office.title}"


def of_the(office: Office) -> str:
    """« du Maire », « de la Présidente », « de l'adjoint »."""
    if _elides(office.title) or _is_feminine(office):
        return f"de {with_article(office)}"
    return f"du {office.title}"


def is_one_line(text: str) -> bool:
    """Whether the text has neither line break nor invisible character (direction marks, NUL)."""
    return not any(
        unicodedata.category(char).startswith("C") or unicodedata.category(char) in {"Zl", "Zp"}
        for char in text
    )


def _words(office: Office, capacity: str) -> Mapping[str, str]:
    article = with_article(office)
    elided = _elides(office.title) or _is_feminine(office)
    return {
        "titre": office.title,
        "le_titre": article,
        "Le_titre": article[0].upper() + article[1:],
        "du_titre": of_the(office),
        "au_titre": f"à {article}" if elided else f"au {office.title}",
        "e": "e" if _is_feminine(office) else "",
        "qualité": capacity,
    }


def _is_usable(template: str) -> bool:
    try:
        check_template(template)
    except MentionRefused:
        return False
    return True


def _is_feminine(office: Office) -> bool:
    return office.gender is Gender.FEMININE


def _elides(title: str) -> bool:
    """Before a vowel or a mute h, which French titles have but for a few."""
    plain = unicodedata.normalize("NFD", title.strip()).casefold()
    if plain.startswith(_NO_ELISION):
        return False
    return plain[:1] in _VOWELS or plain[:1] == "h"


def _one_line(text: str) -> str:
    return " ".join("".join(char if is_one_line(char) else " " for char in text).split())
