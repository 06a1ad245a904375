"""A verification report as a page that a person reads."""

from __future__ import annotations

from collections.abc import Iterator

from app.cli.terminal import visible
from signing.report import (
    Chain,
    Coverage,
    Finding,
    Integrity,
    LaterChanges,
    SignatureReport,
    Verdict,
    VerificationReport,
)

_VERDICTS = {
    Verdict.VALID: "SIGNATURES VALABLES",
    Verdict.INVALID: "SIGNATURE NON VALABLE",
    Verdict.CANNOT_VOUCH: "IMPOSSIBLE DE SE PRONONCER",
    Verdict.UNSIGNED: "FICHIER NON SIGNÉ",
}
_INTEGRITY = {
    Integrity.INTACT: "intacte, rien de ce qui est signé n'a changé",
    Integrity.BROKEN: "ROMPUE, ce qui était signé a changé",
    Integrity.UNKNOWN: "n'a pas pu être établie",
}
_COVERAGE = {
    Coverage.WHOLE: "tout le document",
    Coverage.PART: "une partie du document",
    Coverage.NONE: "rien de ce fichier",
    Coverage.UNCLEAR: "incertaine",
}
_LATER = {
    LaterChanges.NONE: "aucun",
    LaterChanges.ALLOWED: "des ajouts permis (autre signature, preuves)",
    LaterChanges.FORBIDDEN: "DES CHANGEMENTS INTERDITS",
    LaterChanges.UNKNOWN: "indéterminés",
}
_CHAIN = {
    Chain.TRUSTED: "délivré par une autorité admise, non révoqué",
    Chain.UNKNOWN: "autorité inconnue (donnez --trust)",
    Chain.EXPIRED: "expiré",
    Chain.REVOKED: "RÉVOQUÉ",
    Chain.REVOCATION_UNKNOWN: "autorité admise, révocation inconnue (donnez sa liste à --trust)",
    Chain.UNSUITABLE: "délivré pour un autre usage",
}


def page(name: str, report: VerificationReport) -> str:
    """The page; every text of the file is stripped of what a terminal would obey."""
    return "\n".join(_lines(name, report))


def _lines(name: str, report: VerificationReport) -> Iterator[str]:
    yield f"{name} : {_VERDICTS[report.verdict]}"
    yield f"  Format : {report.format} ; SHA-256 : {report.sha256}"
    yield from _remarks(report.findings, indent=2)
    for number, one in enumerate(report.signatures, start=1):
        yield ""
        yield from _signature(number, one)


def _signature(number: int, one: SignatureReport) -> Iterator[str]:
    role = f" ({visible(one.claimed_role)})" if one.claimed_role else ""
    yield f"  Signature {number} : {visible(one.signer or 'signataire inconnu')}{role}"
    moment = f"{one.signed_at:%d/%m/%Y à %H:%M:%S (UTC)}" if one.signed_at else "inconnue"
    sub_indication = f", {one.sub_indication.value}" if one.sub_indication else ""
    rows = (
        ("Date déclarée", moment),
        ("Porte sur", f"{visible(one.scope)} : {_COVERAGE[one.coverage]}"),
        ("Intégrité", _INTEGRITY[one.integrity]),
        ("Depuis", _LATER[one.later_changes]),
        ("Certificat", _CHAIN[one.chain]),
        ("Niveau", visible(one.level or "inconnu")),
        ("Conclusion", f"{one.indication.value}{sub_indication}"),
    )
    for label, value in rows:
        yield f"    {label:<13} : {value}"
    yield from _remarks(one.findings, indent=4)


def _remarks(findings: tuple[Finding, ...], *, indent: int) -> Iterator[str]:
    for finding in findings:
        mark = "!" if finding.blocking else "-"
        yield f"{' ' * indent}{mark} {visible(finding.detail)} [{visible(finding.code)}]"
