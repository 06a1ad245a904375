"""Remarks on a flow that is accepted: what the signer or the treasury may trip over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from signing.facts import PesFacts, SignatureScope, SlipFacts
from signing.pes_slips import AttachmentReader, SlipReader
from signing.report import Finding

_MAX_PER_KIND = 20


def scope_findings(facts: PesFacts) -> Iterator[Finding]:
    """Whether and how the flow can be signed (pes-v2.md §2.4)."""
    if facts.scope is SignatureScope.NO_SIGNABLE_ID and not facts.signature_count:
        yield Finding(
            "pes_no_signable_id",
            "Ni tous les bordereaux ni la racine ne portent d'identifiant (Id) : "
            "ce flux ne pourra pas être signé.",
        )
    if facts.scope in {SignatureScope.NOTHING_TO_SIGN, SignatureScope.NO_SIGNABLE_ID}:
        return
    for domain, dematerialised in facts.dematerialised:
        if dematerialised and not facts.signature_count:
            yield Finding(
                "pes_dematerialised_unsigned",
                f"InfoDematerialisee est à 1 dans {domain} : "
                "ce flux doit être signé avant l'envoi.",
            )
        elif not dematerialised and facts.signature_count:
            yield Finding(
                "pes_not_dematerialised",
                f"InfoDematerialisee n'est pas à 1 dans {domain} alors que le flux est signé : "
                "la trésorerie pourrait le refuser.",
            )
        elif not dematerialised:
            yield Finding(
                "pes_not_dematerialised",
                f"InfoDematerialisee n'est pas à 1 dans {domain} : "
                "il y sera mis quand le circuit de validation commencera.",
            )


def slip_findings(slips: Iterable[SlipFacts]) -> Iterator[Finding]:
    """Identifiers that cannot be signed under."""
    without_id = [slip.number for slip in slips if not slip.id]
    if without_id:
        numbers = ", ".join(without_id[:_MAX_PER_KIND])
        yield Finding("pes_slip_without_id", f"Bordereaux sans identifiant (Id) : {numbers}.")


def attachment_findings(slips: SlipReader, attachments: AttachmentReader) -> Iterator[Finding]:
    """References without attachment (it may come in another flow), and the reverse."""
    present = {one.unique_id for one in attachments.close()}
    missing = [one for one in slips.references if one not in present]
    if missing:
        yield Finding(
            "pes_attachment_missing",
            f"{len(missing)} pièce(s) jointe(s) annoncée(s) ne sont pas dans le flux : "
            f"{', '.join(missing[:_MAX_PER_KIND])}.",
        )
    orphans = sorted(present - set(slips.references) - attachments.alone)
    if orphans:
        yield Finding(
            "pes_attachment_orphan",
            f"{len(orphans)} pièce(s) jointe(s) ne sont rattachées à aucune pièce : "
            f"{', '.join(orphans[:_MAX_PER_KIND])}.",
        )


def listing_findings(*lists: tuple[str, int, int]) -> Iterator[Finding]:
    """What is in the flow but not in its facts: for each list its name, how many, how many of
    them are described."""
    for name, count, listed in lists:
        if count > listed:
            yield Finding(
                "pes_not_all_listed",
                f"Le flux compte {count} {name} : les {listed} premières sont décrites ici, "
                "les totaux les comptent toutes. Ouvrez le flux pour lire les autres.",
            )
