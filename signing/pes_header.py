"""Enveloppe and EnTetePES of a flow: what must be there, and what the treasury would dislike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from signing.errors import UnsupportedDocument
from signing.facts import PesHeader
from signing.report import Finding


@dataclass(frozen=True, slots=True)
class _Rule:
    """Facets of a mandatory field, `pattern` being the DGFiP's: a mismatch is only a warning,
    since neither the TdT nor all the treasury's own tests enforce it."""

    max_length: int
    pattern: re.Pattern[str]
    coded: bool = True


_RULES = {
    "NomFic": _Rule(100, re.compile(r".*[^0]+.*"), coded=False),
    "IdPost": _Rule(7, re.compile(r"02[AB][0-9]{3,4}|[0-9]{6,7}")),
    "IdColl": _Rule(14, re.compile(r"[0-9]{14}")),
    "CodCol": _Rule(3, re.compile(r"(?!000)[0-9]{3}")),
    "CodBud": _Rule(2, re.compile(r"[0-9A-Z][0-9]")),
}
_PLACES = {
    ("Enveloppe", "Parametres", "TypFic"),
    ("Enveloppe", "Parametres", "NomFic"),
    *(("EnTetePES", name) for name in ("DteStr", "IdPost", "IdColl", "CodCol", "CodBud")),
    ("EnTetePES", "LibelleColBud"),
}
_MAX_KEPT = 200


@dataclass(slots=True)
class HeaderReader:
    """Collects the header while the flow is read; `close` judges it."""

    warnings: list[Finding] = field(default_factory=list)
    _values: dict[str, str] = field(default_factory=dict)
    _lines: dict[str, int] = field(default_factory=dict)

    def open(self, path: Sequence[str], attributes: Mapping[str, str], line: int) -> None:
        """An element begins under Enveloppe or EnTetePES; `path` starts at the root."""
        if tuple(path[1:]) not in _PLACES:
            return
        name = path[-1]
        if name in self._values:
            raise UnsupportedDocument(
                f"Le champ {name} est en double dans l'en-tête : refaites l'export.",
                code="pes_field_invalid",
                line=line,
                element=name,
            )
        self._values[name] = attributes.get("V", "")[: _MAX_KEPT + 1].strip()
        self._lines[name] = line

    def close(self) -> PesHeader:
        """The header. Raises UnsupportedDocument (`pes_missing_field`, `pes_field_too_long`,
        `pes_field_invalid`)."""
        for name, rule in _RULES.items():
            self._check(name, rule)
        return PesHeader(
            file_type=self._values.get("TypFic", ""),
            file_name=self._values["NomFic"],
            emitted_on=self._date(),
            accounting_post=self._values["IdPost"],
            body_siret=self._values["IdColl"],
            body_code=self._values["CodCol"],
            budget_code=self._values["CodBud"],
            body_label=self._values.get("LibelleColBud"),
        )

    def _check(self, name: str, rule: _Rule) -> None:
        value = self._values.get(name, "")
        line = self._lines.get(name)
        if not value:
            raise UnsupportedDocument(
                f"Le champ {name} manque dans l'en-tête du flux : "
                "complétez le paramétrage du logiciel financier et refaites l'export.",
                code="pes_missing_field",
                line=line,
                element=name,
            )
        if len(value) > rule.max_length:
            raise UnsupportedDocument(
                f"Le champ {name} dépasse {rule.max_length} caractères : "
                "corrigez le paramétrage du logiciel financier et refaites l'export.",
                code="pes_field_too_long",
                line=line,
                element=name,
            )
        if rule.coded and not (value.isascii() and value.isalnum()):
            raise UnsupportedDocument(
                f"Le champ {name} contient un caractère interdit : "
                "corrigez le paramétrage du logiciel financier et refaites l'export.",
                code="pes_field_invalid",
                line=line,
                element=name,
            )
        if not rule.pattern.fullmatch(value):
            self.warnings.append(
                Finding(
                    "pes_field_form",
                    f"Le champ {name} (« {value} ») n'a pas la forme attendue : "
                    "la trésorerie pourrait refuser le flux.",
                )
            )

    def _date(self) -> date | None:
        text = self._values.get("DteStr", "")
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            self.warnings.append(
                Finding("pes_field_form", "La date d'émission (DteStr) manque ou est illisible.")
            )
            return None
