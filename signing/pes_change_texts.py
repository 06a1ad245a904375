"""What people call the fields of a flow, and one French line for each change of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from signing.pes_units import Place, UnitKind

MAX_FIELDS_SAID = 4
_MAX_NAME = 60

# By the last name of the path (pes-v2.md §1.2 to §1.4); others are named as in the file.
_LABELS = {
    "NomFic": "nom du flux",
    "DteStr": "date d'émission",
    "IdPost": "poste comptable",
    "IdColl": "SIRET",
    "CodCol": "code collectivité",
    "CodBud": "code budget",
    "InfoDematerialisee": "dématérialisation",
    "Exer": "exercice",
    "IdBord": "numéro de bordereau",
    "DteBordEm": "date du bordereau",
    "NbrPce": "nombre de pièces",
    "MtCumulAnnuel": "cumul annuel",
    "MtBordHT": "montant HT",
    "MtBordHt": "montant HT",
    "MtBordTVA": "TVA",
    "Obj": "objet",
    "ObjPce": "objet",
    "Objet": "objet",
    "DteEch": "échéance",
    "PJ": "pièces annoncées",
    "LibVir1": "libellé",
    "LibVir2": "libellé (suite)",
    "ObjLignePce": "libellé",
    "Nature": "imputation (nature)",
    "Fonction": "imputation (fonction)",
    "CodProdLoc": "code produit",
    "MtHT": "montant HT",
    "MtTVA": "TVA",
    "ModRegl": "mode de règlement",
    "Nom": "tiers",
    "ComplNom": "complément du nom",
    "Prenom": "prénom du tiers",
    "IdTiers": "identifiant du tiers",
    "RefTiers": "référence du tiers",
    "CP": "code postal",
    "Ville": "ville",
    "IBAN": "IBAN",
    "BIC": "BIC",
    "IdCpte": "numéro de compte",
    "TitCpte": "titulaire du compte",
    "IdMarche": "marché",
    "IdUnique": "pièce jointe",
    "NomPJ": "nom de la pièce jointe",
    "Fichier": "contenu du fichier",
    "Signature": "signature",
}
_BRANCHES = {
    "Enveloppe": "Enveloppe",
    "EnTetePES": "En-tête",
    "PES_DepenseAller": "Dépenses",
    "PES_RecetteAller": "Recettes",
    "PES_Facture": "Factures",
    "PES_Marche": "Marchés",
    "PES_PJ": "Pièces jointes",
}
_DOMAINS = {"PES_DepenseAller": " (dépenses)", "PES_RecetteAller": " (recettes)"}
_ITEMS = {"PES_DepenseAller": "Mandat", "PES_RecetteAller": "Titre"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that is not the same. `name` is its path in the flow, `label` what people call it;
    `before` and `after` are as shown (accounts masked), None when absent; amounts in cents."""

    name: str
    label: str
    before: str | None
    after: str | None
    before_cents: int | None = None
    after_cents: int | None = None


def label_of(path: str) -> str:
    """What people call a field, by its path in the flow; one that repeats keeps its rank."""
    name, _, rank = path.rpartition("/")[2].partition(" ")
    local = name.rpartition("}")[2].lstrip("@")[:_MAX_NAME]
    label = _LABELS.get(local, local)
    return f"{label} {rank}" if rank else label


def euros(cents: int) -> str:
    """« 1 234,56 € », with no-break spaces."""
    whole, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    return f"{sign}{whole:,}".replace(",", "\u00a0") + f",{rest:02d}\u00a0€"


def unit_name(kind: UnitKind, place: Place, *, says_line: bool) -> str:
    """« Mandat 12, bordereau 3, ligne 2 »; the line of a piece that has but one is not said."""
    match kind:
        case UnitKind.HEADER | UnitKind.DOMAIN:
            name = place.branch.rpartition(" ")[2][:_MAX_NAME]
            return _BRANCHES.get(name, "Flux" if kind is UnitKind.HEADER else name)
        case UnitKind.SLIP:
            domain = _DOMAINS.get(place.branch, "")
            return f"Bordereau {_number(place.slip)}{domain}"
        case UnitKind.ITEM:
            return _item_name(place)
        case UnitKind.LINE:
            line = f", ligne {_number(place.line)}" if says_line else ""
            return _item_name(place) + line
        case UnitKind.ATTACHMENT:
            return f"Pièce jointe {_number(place.attachment)}"
        case _:
            assert_never(kind)


def change_sentence(name: str, fields: Sequence[FieldChange]) -> str:
    """« Mandat 12, bordereau 3 : montant 120,00 € → 150,00 € »."""
    said = [
        f"{one.label} {one.before or '(absent)'} → {one.after or '(absent)'}"
        for one in fields[:MAX_FIELDS_SAID]
    ]
    more = len(fields) - len(said)
    if more:
        said.append(f"et {more} autre{'s' if more > 1 else ''}")
    return f"{name} : {', '.join(said)}"


def presence_sentence(name: str, cents: int | None, *, added: bool) -> str:
    """« Mandat 12, bordereau 3 : ajout (150,00 €) »."""
    amount = f" ({euros(cents)})" if cents is not None else ""
    return f"{name} : {'ajout' if added else 'retrait'}{amount}"


def _item_name(place: Place) -> str:
    word = _ITEMS.get(place.branch, "Pièce")
    return f"{word} {_number(place.item)}, bordereau {_number(place.slip)}"


def _number(number: str | None) -> str:
    return clean(number or "")[:40] or "sans numéro"


def clean(text: str) -> str:
    """On one line, without the characters that hide or reverse what follows them."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
