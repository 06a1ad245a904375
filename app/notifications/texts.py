"""The mails as data: what each says, from an allow-list of values (threat 55)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from app.notifications.schemas import NotificationKind

_SHOWN_TITLE = 150


@dataclass(frozen=True, slots=True)
class Told:
    """All that a mail may say of a folder: never the content of a document."""

    title: str
    tenant: str
    link: str
    actor: str = ""
    reason: str = ""
    reception: str = ""
    step: str = ""
    capacity: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """`{name}` stands for a value of Told."""

    subject: str
    sentence: str


_TEMPLATES: Mapping[NotificationKind, Template] = {
    NotificationKind.TO_APPROVE: Template(
        "À viser : {title}", "Le dossier « {title} » attend votre visa.{capacity}"
    ),
    NotificationKind.TO_SIGN: Template(
        "À signer : {title}", "Le dossier « {title} » attend votre signature.{capacity}"
    ),
    NotificationKind.TO_SEAL: Template(
        "À cacheter : {title}",
        "Le dossier « {title} » attend le cachet de la collectivité.{capacity}",
    ),
    NotificationKind.TO_ARCHIVE: Template(
        "À archiver : {title}",
        "Le dossier « {title} » a fini son circuit : archivez-le.{capacity}",
    ),
    NotificationKind.REMINDER: Template(
        "Rappel : {title}", "Le dossier « {title} » vous attend toujours.{capacity}"
    ),
    NotificationKind.OPINION_ASKED: Template(
        "Votre avis : {title}",
        "{actor} demande votre avis sur le dossier « {title} ».\n\nQuestion : {reason}{capacity}",
    ),
    NotificationKind.OPINION_GIVEN: Template(
        "Avis rendu : {title}",
        "{actor} a rendu son avis sur le dossier « {title} ».\n\nAvis : {reason}",
    ),
    NotificationKind.INFORMED: Template(
        "Pour information : {title}",
        "Le dossier « {title} » avance dans son circuit. Vous n'avez rien à y faire.",
    ),
    NotificationKind.ENDED: Template(
        "Circuit terminé : {title}", "Le dossier « {title} » a fini son circuit."
    ),
    NotificationKind.REJECTED: Template(
        "Dossier rejeté : {title}",
        "Le dossier « {title} » a été rejeté par {actor}.\n\nMotif : {reason}\n\n"
        "Corrigez-le et renvoyez-le, ou annulez-le.",
    ),
    NotificationKind.RETURNED: Template(
        "Dossier renvoyé à une étape précédente : {title}",
        "Le dossier « {title} » a été renvoyé par {actor} à l'étape « {step} ».\n\n"
        "Motif : {reason}\n\nIl reprend son circuit à cette étape : vous n'avez rien à y faire.",
    ),
    NotificationKind.ACKNOWLEDGED: Template(
        "{reception} : {title}", "Dossier « {title} » : {reception}."
    ),
    NotificationKind.REMOTE_REFUSED: Template(
        "Refusé par {actor} : {title}",
        "Le dossier « {title} » a été refusé par {actor}.\n\nMotif :\n{reason}\n\n"
        "Corrigez-le et renvoyez-le, ou annulez-le.",
    ),
    NotificationKind.TRANSMISSION_FAILED: Template(
        "Non télétransmis : {title}",
        "Le dossier « {title} » n'a pas été télétransmis.\n\n{reason}",
    ),
    NotificationKind.INSPECTION_REFUSED: Template(
        "Fichier refusé : {title}",
        "Le fichier du dossier « {title} » a été refusé au contrôle.\n\n{reason}",
    ),
    NotificationKind.FOLDER_KEPT: Template(
        "Dossier resté en place : {title}",
        "Le plan d'installation du conseil prévoyait de renvoyer ou de transférer le dossier "
        "« {title} ». Cet acte a été refusé, le journal dit pourquoi : le dossier attend toujours "
        "à sa place.\n\nRenvoyez-le ou transférez-le vous-même.",
    ),
    NotificationKind.FOLDER_FROZEN: Template(
        "Document altéré, dossier bloqué : {title}",
        "Un document du dossier « {title} » n'est plus, dans le stockage, celui qui a été déposé. "
        "Le dossier est bloqué : prévenez l'administrateur de la plateforme, qui cherchera la "
        "cause et restaurera le document. Le dossier reprendra ensuite de lui-même.",
    ),
    NotificationKind.SIGNATURE_INVALID: Template(
        "Signature non valide : {title}",
        "Un document du dossier « {title} » vient d'être signé, mais une signature qu'il porte "
        "n'est pas valide : ne le diffusez pas.\n\n{reason}",
    ),
    NotificationKind.NOBODY_ABLE: Template(
        "Dossier sans personne habilitée : {title}",
        "Personne ne peut traiter l'étape en cours du dossier « {title} ».\n\n{reason}",
    ),
}
_BODY = (
    "Bonjour,\n\n{sentence}\n\nOuvrir le dossier : {link}\n\n"
    "Message automatique du parapheur de {tenant}. Ne répondez pas à ce courriel.\n"
)


def write(kind: NotificationKind, told: Told) -> tuple[str, str]:
    """Subject, on one line whatever the title holds (threat 31), and plain text."""
    template = _TEMPLATES[kind]
    values = asdict(told) | {"title": one_line(told.title)}
    if told.capacity:
        values["capacity"] = f"\n\nVous agirez ainsi : « {one_line(told.capacity)} »."
    sentence = template.sentence.format(**values)
    body = _BODY.format(sentence=sentence, link=told.link, tenant=one_line(told.tenant))
    return one_line(template.subject.format(**values)), body


def one_line(text: str) -> str:
    """Without line break or control character, and short enough for a header."""
    joined = " ".join(text.split())
    shown = "".join(character for character in joined if character.isprintable())
    return shown if len(shown) <= _SHOWN_TITLE else f"{shown[:_SHOWN_TITLE]}…"
