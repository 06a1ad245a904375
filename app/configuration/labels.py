"""What people call the settings of a document, in the sentences about what changes."""

from __future__ import annotations

from collections.abc import Mapping

_LABELS: Mapping[str, str] = {
    "account": "compte de télétransmission",
    "active": "en service",
    "administered_desks": "bureaux administrés",
    "amount_field": "information comparée aux plafonds",
    "approvals_stand": "visas conservés après correction",
    "body": "assemblée",
    "capacity": "qualité",
    "city": "ville",
    "country": "pays",
    "default_role": "qualité portée à défaut",
    "deposit_desks": "bureaux qui déposent",
    "desk": "bureau",
    "email": "adresse électronique",
    "ends_on": "fin",
    "first_name": "prénom",
    "function": "fonction",
    "gender": "genre",
    "helios_intake": "flux acceptés",
    "last_name": "nom",
    "mandatory_reading": "lecture obligatoire",
    "may_declare_absence": "peut déclarer des absences",
    "mentions": "formules des signatures",
    "metadata": "informations demandées",
    "paper_signature": "signature sur papier",
    "person": "personne",
    "postal_code": "code postal",
    "protocol": "protocole",
    "requires_latin1_pes": "flux PES en ISO-8859-1 exigés",
    "role": "rôle",
    "roles": "rôles",
    "rules": "règles",
    "several_documents": "plusieurs documents principaux",
    "signature_format": "format de signature",
    "stamp": "tampon des signatures",
    "starts_on": "début",
    "subdivision": "jours fériés du territoire",
    "superior": "bureau supérieur",
    "timezone": "fuseau horaire",
    "transmit_within_days": "délai de télétransmission",
    "visible_desks": "bureaux qui voient les dossiers",
    "workflow": "circuit",
}


def label(name: str) -> str:
    """The French words for a setting of the document; the name itself where it is none."""
    return _LABELS.get(name, name)
