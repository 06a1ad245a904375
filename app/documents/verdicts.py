"""What a verification report says to people: which signature is not valid, and why; and what keeps
the next one from being seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.documents.schemas import Origin
from app.errors import Unprocessable
from app.models import Revision
from signing.facts import StampObstacle
from signing.report import Indication, Verdict

UNJUDGED: Final = {
    "code": "pdf_signatures_unjudged",
    "detail": "Les signatures que porte déjà ce document dépassent ce que le contrôle accepte : "
    "vérifiez-les vous-même avant de vous y fier.",
    "blocking": False,
}
_LEFT_OUT: Final = "pdf_stamp_left_out"
_TAKES_NO_STAMP: Final[Mapping[StampObstacle, str]] = {
    StampObstacle.CERTIFIED: "porte une signature qu'un tampon romprait (document certifié) : si "
    "le tampon doit y être, demandez à son auteur un document qui n'est pas certifié",
    StampObstacle.PDF_A: "est au format PDF/A, qu'un tampon lui ferait perdre : si le tampon doit "
    "y être, déposez-en une version en PDF ordinaire",
}
_BROUGHT = (
    "Le défaut est dans le fichier déposé, le signer de nouveau n'y changerait rien : demandez un "
    "autre fichier à celui qui l'a remis"
)
_OTHER_FILE = (
    f"{_BROUGHT}, mettez-le à la place de celui-ci, puis renvoyez le dossier dans son circuit."
)
_OTHER_FILE_ANYWHERE = f"{_BROUGHT}, et faites-le signer à la place de celui-ci."
_SIGN_AGAIN = "Renvoyez le dossier dans son circuit pour le faire signer de nouveau."
_IN_A_NEW_FOLDER = (
    "Faites signer le document de nouveau : rejetez ce dossier s'il est encore dans son circuit, "
    "sinon déposez le document dans un autre dossier."
)
_SHOWN = 3
_LONGEST_NAME, _LONGEST_SENTENCE = 60, 300


def is_invalid(report: Mapping[str, Any] | None) -> bool:
    """Whether a stored report condemns the file; false where there is none yet."""
    return report is not None and report["verdict"] == Verdict.INVALID.value


def invalid_signatures(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What whoever deposits a PDF is warned of: signatures that are not valid; nothing else."""
    if not is_invalid(report):
        return []
    return [
        {
            "code": "pdf_signature_invalid",
            "detail": "Ce document porte une signature qui n'est pas valide. "
            f"{faults_of(report)} Demandez un autre fichier à celui qui vous l'a remis : celui-ci "
            "ne pourra pas être télétransmis, et une signature de plus n'y changera rien.",
            "blocking": False,
        }
    ]


def told_of_stamp(facts: Mapping[str, Any], *, stamped: bool) -> dict[str, Any]:
    """The facts of a PDF, with the warning that its signature will not show on the page where it
    was to be `stamped` and cannot, and without one that another type was given."""
    others = [one for one in facts["findings"] if one["code"] != _LEFT_OUT]
    obstacle = facts.get("stamp_obstacle") if stamped and not facts["locked"] else None
    if obstacle is not None:
        why = _TAKES_NO_STAMP[StampObstacle(obstacle)]
        detail = f"Ce document {why}. Il sera signé sans tampon, sa signature aura la même valeur."
        others.append({"code": _LEFT_OUT, "detail": detail, "blocking": False})
    return {**facts, "findings": others}


def refuse_invalid(report: Mapping[str, Any]) -> None:
    """Raises Unprocessable (`pes_invalid_signature`), which says what is wrong with a flow that
    was signed elsewhere."""
    if is_invalid(report):
        raise Unprocessable(
            f"Ce flux n'est pas valablement signé. {faults_of(report)} Redemandez le flux à son "
            "signataire.",
            code="pes_invalid_signature",
        )


def reason_not_sent(revision: Revision) -> str:
    """Why a revision that its report condemns is not transmitted, and what to do about it: another
    file where the fault came with the deposited one, another signature where ours has it."""
    remedy = _SIGN_AGAIN if _is_our_fault(revision) else _OTHER_FILE
    told = (
        "Une signature du document n'est pas valide : il n'a pas été envoyé.",
        faults_of(revision.report or {}),
    )
    return " ".join(one for one in (*told, remedy) if one)


def reason_not_valid(revision: Revision) -> str:
    """Why its report condemns a revision that nothing transmits, and what to do about it."""
    remedy = _IN_A_NEW_FOLDER if _is_our_fault(revision) else _OTHER_FILE_ANYWHERE
    return " ".join(one for one in (faults_of(revision.report or {}), remedy) if one)


def _is_our_fault(revision: Revision) -> bool:
    """Whether no signature that came with the deposited file is among those that failed."""
    brought = {one["field"] for one in (revision.facts or {}).get("signatures", ())}
    failed = {one["id"] for one in failed_signatures(revision.report or {})}
    return revision.origin == Origin.SIGNED.value and bool(failed) and not failed & brought


def faults_of(report: Mapping[str, Any]) -> str:
    """What is wrong with the file, then with each signature that is not valid, by its name: the
    first ones in sentences, the others counted. Empty where the report does not say."""
    found = [_bounded(one["detail"], _LONGEST_SENTENCE) for one in _decisive(report)]
    found += [f"{_name(one)} : {_reasons(one)}" for one in failed_signatures(report)]
    left = len(found) - _SHOWN
    more = [f"Et {left} autre{'s' if left > 1 else ''} défaut{'s' if left > 1 else ''}."]
    return " ".join(found[:_SHOWN] + (more if left > 0 else []))


def failed_signatures(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The signatures of a stored report that are not valid."""
    signatures = report.get("signatures", ())
    return [one for one in signatures if one["indication"] == Indication.TOTAL_FAILED.value]


def _decisive(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in found.get("findings", ()) if one["blocking"]]


def _name(signature: Mapping[str, Any]) -> str:
    """A slip's signature by the Id of the slip, any other by its own name."""
    if signature["scope"] not in {"document", "unknown"}:
        return f"Signature du bordereau « {_bounded(signature['scope'], _LONGEST_NAME)} »"
    return (
        f"Signature « {_bounded(signature['id'], _LONGEST_NAME)} »"
        if signature["id"]
        else ("Signature sans nom")
    )


def _reasons(signature: Mapping[str, Any]) -> str:
    """What decided; a certificate that was revoked is told by findings that decide nothing."""
    told = _decisive(signature) or signature["findings"]
    return _joined(one["detail"] for one in told) or "elle n'est pas valide."


def _joined(details: Iterable[str]) -> str:
    text = _bounded(" ".join(details), _LONGEST_SENTENCE)
    return text[:1].lower() + text[1:]


def _bounded(text: str, longest: int) -> str:
    """One printable line: names come from the file."""
    shown = "".join(one for one in " ".join(text.split()) if one.isprintable())
    return shown if len(shown) <= longest else f"{shown[:longest]}…"
