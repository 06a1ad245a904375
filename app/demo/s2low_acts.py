"""The double's préfecture: what S²LOW checks of an act, and the AR or anomaly that comes back."""

from __future__ import annotations

import re
from datetime import date
from xml.sax.saxutils import escape, quoteattr

from app.demo.s2low_model import DoubleAccount, Transaction
from app.demo.s2low_upload import Form

_NUMBER = re.compile(r"([A-Z0-9][A-Z0-9_]{0,13})?[A-Z0-9]")
_NATURES = {"1": "DE", "2": "AR", "3": "AI", "4": "CC", "5": "BF", "6": "AU"}
_NAMESPACE = "http://www.interieur.gouv.fr/ACTES#v1.1-20040216"
_CLASSIFICATION_DATE = "2019-04-18"
_MAX_BYTES = 150 * 1024 * 1024


def fault(form: Form, *, today: date) -> str | None:
    """The first reason to refuse at once, in the order in which S²LOW looks (s2low-api.md §2.1)."""
    if not _NUMBER.fullmatch(form.value("number")):
        return "Le numéro n'est pas correct"
    decided_on = _date(form.value("decision_date"))
    if decided_on is None or decided_on > today:
        return "La date de décision est une date dans le futur"
    if form.value("nature_code") not in _NATURES or not form.value("classif2").isdigit():
        return "La nature ou la classification de l'acte n'est pas correcte"
    return _subject_fault(form.value("subject")) or _file_fault(form)


def signature_text(form: Form) -> str:
    """The detached signature of the act, which goes as text in the envelope (actes.md §8); empty
    where none came."""
    given = form.file("acte_pdf_file_sign")
    return given.path.read_text("ascii") if given is not None else ""


def reference(account: DoubleAccount, form: Form) -> str:
    """The IDActe (actes.md §4)."""
    decided_on = form.value("decision_date").replace("-", "")
    nature = _NATURES[form.value("nature_code")]
    parts = [account.department, account.siren, decided_on, form.value("number"), nature]
    return "-".join(parts)


def make_ar(act: Transaction, *, received_on: date) -> bytes:
    """The ARActe 1-2; the `actes:` prefix is what clients search for (s2low-api.md §4)."""
    head = (
        f'actes:IDActe={quoteattr(act.reference)} actes:DateReception="{received_on.isoformat()}"'
    )
    return _message("ARActe", head, "", act)


def make_anomaly(act: Transaction, *, noted_on: date) -> bytes:
    """An anomaly 1-3: the act is not received."""
    body = (
        f"<actes:Date>{noted_on.isoformat()}</actes:Date><actes:Nature>002</actes:Nature>"
        "<actes:Detail>ODT-VERIF-01 : classification périmée (démonstration)</actes:Detail>"
    )
    return _message("AnomalieActe", "", body, act)


def _message(name: str, head: str, body: str, act: Transaction) -> bytes:
    levels = "".join(
        f'<actes:CodeMatiere{level} actes:CodeMatiere="{code}"/>'
        for level, code in enumerate(act.classification, start=1)
    )
    annexes = "".join(
        f"<actes:Annexe><actes:NomFichier>{escape(one)}</actes:NomFichier></actes:Annexe>"
        for one in act.annexes
    )
    text = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        f'<actes:{name} xmlns:actes="{_NAMESPACE}" {head}>\n{body}'
        f'<actes:ActeRecu actes:Date="{act.decided_on}" actes:NumeroInterne="{act.number}" '
        f'actes:CodeNatureActe="{act.nature_code}">{levels}'
        f"<actes:Objet>{escape(act.subject)}</actes:Objet>"
        f"<actes:ClassificationDateVersion>{_CLASSIFICATION_DATE}"
        "</actes:ClassificationDateVersion>"
        f"<actes:Document><actes:NomFichier>{escape(act.file_name)}</actes:NomFichier>"
        f'</actes:Document><actes:Annexes actes:Nombre="{len(act.annexes)}">{annexes}'
        "</actes:Annexes><actes:DocumentPapier>N</actes:DocumentPapier></actes:ActeRecu>\n"
        f"<actes:ClassificationDateVersionEnCours>{_CLASSIFICATION_DATE}"
        f"</actes:ClassificationDateVersionEnCours>\n</actes:{name}>\n"
    )
    return text.encode("iso-8859-1", "xmlcharrefreplace")


def _subject_fault(subject: str) -> str | None:
    if not 0 < len(subject) <= 499:
        return "L'objet de l'acte est vide ou trop long"
    return None


def _file_fault(form: Form) -> str | None:
    document = form.file("acte_pdf_file")
    if document is None or document.size_bytes == 0:
        return "Aucun fichier acte n'a été posté"
    if len(form.value("type_acte")) != 5:
        name = document.file_name
        return f"Erreur lors de la réception du fichier {name} : typologie absente"
    is_xml = form.value("nature_code") == "5" and document.start.startswith(b"<?xml")
    if not document.start.startswith(b"%PDF-") and not is_xml:
        return "Erreur de validation du fichier de l'acte : type MIME incorrect"
    signature = form.file("acte_pdf_file_sign")
    if signature is not None and not signature.start.startswith(b"-----BEGIN PKCS7-----"):
        return f"Erreur lors du traitement de la signature du fichier {document.file_name}"
    annexes = [one for one in form.files if one.field == "acte_attachments[]"]
    types = form.all_values("type_pj[]")
    if len(types) != len(annexes) or any(len(code) != 5 for code in types):
        return "Erreur lors de la réception d'un fichier annexe : typologie absente"
    if sum(one.size_bytes for one in form.files) > _MAX_BYTES:
        return "La taille d'archive générée n'est pas conforme"
    return None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
