"""What inspection at deposit learns of a document, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from signing.report import Finding


class SignatureScope(StrEnum):
    """How a PES is or will be signed (pes-v2.md §2.4, Libriciel's Id rule)."""

    PER_SLIP = "per_slip"
    WHOLE_FILE = "whole_file"
    NO_SIGNABLE_ID = "no_signable_id"
    NOTHING_TO_SIGN = "nothing_to_sign"


class IntakeKind(StrEnum):
    """What a HELIOS subtype takes, and what a flow is (DESIGN D21)."""

    TO_SIGN = "to_sign"
    SIGNED_ELSEWHERE = "signed_elsewhere"
    NOTHING_TO_SIGN = "nothing_to_sign"


class SlipKind(StrEnum):
    """The domain that holds the slip."""

    EXPENSE = "expense"
    REVENUE = "revenue"


@dataclass(frozen=True, slots=True)
class SlipItemFacts:
    """One mandat or titre. Amounts in euros, incl. tax = HT + TVA of its lines."""

    number: str
    subject: str
    amount_incl_tax: Decimal
    third_parties: tuple[str, ...]
    attachment_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlipFacts:
    """One Bordereau. `amount_incl_tax` is the larger of declared and summed (pes-v2.md §1.3)."""

    id: str | None
    kind: SlipKind
    number: str
    fiscal_year: str
    type_code: str
    declared_excl_tax: Decimal
    declared_tax: Decimal
    summed_incl_tax: Decimal
    amount_incl_tax: Decimal
    items: tuple[SlipItemFacts, ...]
    signed: bool


@dataclass(frozen=True, slots=True)
class AttachmentFacts:
    """One PES_PJ/PJ: identifier, file name, type, size of the base64 text in characters."""

    unique_id: str
    name: str
    type_code: str | None
    encoded_size: int


@dataclass(frozen=True, slots=True)
class PesHeader:
    """Enveloppe and EnTetePES, official names in comments of pes-v2.md §1.2."""

    file_type: str
    file_name: str
    emitted_on: date | None
    accounting_post: str
    body_siret: str
    body_code: str
    budget_code: str
    body_label: str | None


@dataclass(frozen=True, slots=True)
class PesFacts:
    """A PES_Aller read whole. `signature_count` counts ds:Signature in legal places."""

    header: PesHeader
    encoding: str
    root_id: str | None
    domains: tuple[str, ...]
    slips: tuple[SlipFacts, ...]
    attachments: tuple[AttachmentFacts, ...]
    scope: SignatureScope
    signature_count: int
    dematerialised: tuple[tuple[str, bool], ...]
    findings: tuple[Finding, ...]


class StampObstacle(StrEnum):
    """Why a PDF takes no stamp."""

    CERTIFIED = "certified"
    PDF_A = "pdf_a"


@dataclass(frozen=True, slots=True)
class PdfSignatureFact:
    """A signature already in a deposited PDF."""

    field: str
    signer: str | None
    covers_whole_file: bool


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """A PDF as deposited. `locked` says that a DocMDP or FieldMDP forbids one more signature,
    `stamp_obstacle` why one more would be invisible."""

    page_count: int
    signatures: tuple[PdfSignatureFact, ...]
    locked: bool
    active_content: tuple[str, ...]
    findings: tuple[Finding, ...]
    stamp_obstacle: StampObstacle | None = None
