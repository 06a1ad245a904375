"""The signing job that the server sends: its values, its signature, its limits.

docs/agent-protocol.md is the contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.errors import JobRefused
from agent.fields import Fields, Malformed, amount_of, read_object
from signing.types import Mechanism, SignatureFormat, ToSign

JOB_PREFIX = b"parapheur-signing-job-v1\n"
MAX_ENVELOPE_BYTES = 192 * 1024 * 1024
MAX_PAYLOAD_BYTES = 128 * 1024 * 1024
MAX_DOCUMENT_BYTES = 512 * 1024 * 1024
MAX_ITEMS = 500
MAX_TO_SIGN = 10_000
MAX_TBS_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class PesToSign:
    """What a PES item adds to a `ToSign`: the target, and the canonical SignedProperties."""

    to_sign: ToSign
    target_id: str
    signed_properties: bytes


@dataclass(frozen=True, slots=True)
class Policy:
    """The signature policy that SignedProperties must name; SHA-256."""

    oid: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a PES for the person who signs."""

    slips: int | None
    amount_incl_tax: Decimal | None


@dataclass(frozen=True, slots=True)
class JobItem:
    """One document of a job. `pdf`, `detached` or `pes`: the one that its
    format fills, the others None or empty."""

    n: int
    item_id: str
    folder_title: str
    document_name: str
    format: SignatureFormat
    download_sha256: str
    size_bytes: int
    source_sha256: str
    claimed_role: str
    city: str
    postal_code: str
    country: str
    signing_time: datetime
    summary: Summary
    policy: Policy | None
    pdf: ToSign | None
    detached: ToSign | None
    pes: tuple[PesToSign, ...]

    @property
    def to_sign(self) -> tuple[ToSign, ...]:
        alone = self.pdf or self.detached
        return (alone,) if alone is not None else tuple(p.to_sign for p in self.pes)


@dataclass(frozen=True, slots=True)
class SigningJob:
    """A batch to sign with one certificate."""

    job_id: UUID
    session_id: UUID
    device_id: UUID
    server: str
    tenant_name: str
    user_name: str
    nonce: str
    issued_at: datetime
    accept_before: datetime
    certificate_sha256: str
    items: tuple[JobItem, ...]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A job as received: the exact payload bytes and the server's signature over them."""

    payload: bytes
    signature: bytes


def read_envelope(content: bytes) -> Envelope:
    """Raises JobRefused (`job_malformed`)."""
    try:
        fields = read_object(content)
        return Envelope(
            payload=fields.octets("payload", limit=MAX_PAYLOAD_BYTES),
            signature=fields.octets("signature", limit=64),
        )
    except Malformed as e:
        raise _malformed(e) from e


def open_envelope(envelope: Envelope, server_job_key: bytes) -> SigningJob:
    """The job, once its signature by the pinned server key is verified over its exact bytes.

    Raises JobRefused (`job_bad_signature`, `job_malformed`): nothing is parsed before."""
    try:
        Ed25519PublicKey.from_public_bytes(server_job_key).verify(
            envelope.signature, JOB_PREFIX + envelope.payload
        )
    except (InvalidSignature, ValueError) as e:
        raise JobRefused(
            "L'ordre de signature reçu ne vient pas du serveur appairé : rien n'est signé, "
            "prévenez votre administrateur.",
            code="job_bad_signature",
        ) from e
    try:
        return _job(read_object(envelope.payload))
    except Malformed as e:
        raise _malformed(e) from e


def check_addressee(job: SigningJob, *, device_id: UUID, server: str, now: datetime) -> None:
    """Refuses a job for another device or server, or too late.

    Raises JobRefused (`job_other_device`, `job_other_server`, `job_expired`)."""
    if job.device_id != device_id:
        raise JobRefused(
            "Cet ordre de signature est destiné à un autre poste : rien n'est signé.",
            code="job_other_device",
        )
    if job.server != server:
        raise JobRefused(
            "Cet ordre de signature vient d'un autre serveur que celui de l'appairage : rien n'est "
            "signé.",
            code="job_other_server",
        )
    if now >= job.accept_before:
        raise JobRefused(
            "Cet ordre de signature a expiré : relancez la signature depuis le parapheur.",
            code="job_expired",
        )


def _malformed(error: Malformed) -> JobRefused:
    return JobRefused(
        f"L'ordre de signature reçu est mal formé ({error}) : mettez à jour l'agent ou prévenez "
        "votre administrateur.",
        code="job_malformed",
    )


def _job(fields: Fields) -> SigningJob:
    items = tuple(_item(f) for f in fields.children("items", limit=MAX_ITEMS))
    if len({i.n for i in items}) != len(items) or len({i.item_id for i in items}) != len(items):
        raise Malformed("two items have the same number")
    return SigningJob(
        job_id=fields.uuid("job_id"),
        session_id=fields.uuid("session_id"),
        device_id=fields.uuid("device_id"),
        server=fields.text("server", empty=False),
        tenant_name=fields.text("tenant_name"),
        user_name=fields.text("user_name"),
        nonce=fields.text("nonce", empty=False),
        issued_at=fields.time("issued_at"),
        accept_before=fields.time("accept_before"),
        certificate_sha256=fields.sha256("certificate_sha256"),
        items=items,
    )


def _item(fields: Fields) -> JobItem:
    kind = _format(fields)
    entries = fields.children("to_sign", limit=MAX_TO_SIGN)
    if kind is not SignatureFormat.PES_V2 and len(entries) != 1:
        raise Malformed("a PDF or a detached signature has exactly one value to sign")
    pes = tuple(_pes_to_sign(e) for e in entries) if kind is SignatureFormat.PES_V2 else ()
    item = JobItem(
        n=fields.integer("n", limit=MAX_ITEMS),
        item_id=fields.text("item_id", limit=64, empty=False),
        folder_title=fields.text("folder_title"),
        document_name=fields.text("document_name"),
        format=kind,
        download_sha256=fields.sha256("download_sha256"),
        size_bytes=fields.integer("size_bytes", limit=MAX_DOCUMENT_BYTES),
        source_sha256=fields.sha256("source_sha256"),
        claimed_role=fields.text("claimed_role"),
        city=fields.text("city"),
        postal_code=fields.text("postal_code"),
        country=fields.text("country"),
        signing_time=fields.time("signing_time"),
        summary=_summary(fields.optional_child("summary")),
        policy=_policy(fields.optional_child("policy")),
        pdf=_to_sign(entries[0]) if kind is SignatureFormat.PADES else None,
        detached=_to_sign(entries[0]) if kind is SignatureFormat.CADES else None,
        pes=pes,
    )
    if len({t.id for t in item.to_sign}) != len(item.to_sign):
        raise Malformed("two values to sign have the same id")
    return item


def _format(fields: Fields) -> SignatureFormat:
    try:
        return SignatureFormat(fields.text("format", limit=20))
    except ValueError as e:
        raise Malformed("the format of an item is unknown") from e


def _to_sign(fields: Fields) -> ToSign:
    try:
        mechanism = Mechanism(fields.text("mechanism", limit=20))
    except ValueError as e:
        raise Malformed("the mechanism of an item is unknown") from e
    return ToSign(
        id=fields.text("id", limit=300, empty=False),
        tbs=fields.octets("tbs", limit=MAX_TBS_BYTES),
        mechanism=mechanism,
    )


def _pes_to_sign(fields: Fields) -> PesToSign:
    return PesToSign(
        to_sign=_to_sign(fields),
        target_id=fields.text("target_id", limit=300, empty=False),
        signed_properties=fields.octets("signed_properties", limit=MAX_TBS_BYTES),
    )


def _policy(fields: Fields | None) -> Policy | None:
    if fields is None:
        return None
    return Policy(oid=fields.text("oid", limit=100), digest=fields.octets("digest_b64", limit=64))


def _summary(fields: Fields | None) -> Summary:
    if fields is None:
        return Summary(None, None)
    slips = fields.optional_integer("slips", limit=1_000_000)
    amount = fields.optional_text("amount_incl_tax")
    return Summary(slips, None if amount is None else amount_of(amount))
