"""A job is read only once its signature holds, and only if every member has its type."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.errors import JobRefused
from agent.protocol import (
    JOB_PREFIX,
    Envelope,
    SigningJob,
    check_addressee,
    open_envelope,
    read_envelope,
)
from agent.recompute import check_item
from app.demo.pki import Issued
from tests.builders.agent_documents import PreparedItem, prepared_pdf, prepared_pes
from tests.builders.agent_server import AgentServer
from tests.builders.tokens import create_signer

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
ORIGIN = "https://parapheur.invalid"


@pytest.fixture(scope="module")
def signer() -> Issued:
    return create_signer()


@pytest.fixture(scope="module")
def payload(signer: Issued) -> dict[str, Any]:
    return _payload([prepared_pdf(signer)], signer)


def opened(payload: dict[str, Any]) -> SigningJob:
    content = json.dumps(payload).encode()
    return open_envelope(Envelope(content, KEY.sign(JOB_PREFIX + content)), PUBLIC)


def test_reads_a_whole_job(payload: dict[str, Any]) -> None:
    assert opened(payload).items[0].document_name == "document-1"


def test_leaves_unknown_members_alone(payload: dict[str, Any]) -> None:
    assert opened(payload | {"later": {"a": 1}}).items


@pytest.mark.parametrize(
    "change",
    [
        {"job_id": "x"},
        {"job_id": None},
        {"items": []},
        {"items": None},
        {"items": [1]},
        {"accept_before": "demain"},
        {"accept_before": "2026-13-41T00:00:00Z"},
        {"certificate_sha256": "AB"},
        {"nonce": ""},
        {"tenant_name": "x" * 2000},
        {"user_name": 3},
    ],
)
def test_refuses_a_member_of_another_form(payload: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(JobRefused) as refused:
        opened(payload | change)
    assert refused.value.code == "job_malformed"


@pytest.mark.parametrize(
    "change",
    [
        {"n": True},
        {"n": -1},
        {"size_bytes": 10**12},
        {"format": "AUTRE"},
        {"to_sign": []},
        {"to_sign": [{"id": "pdf", "tbs": "%%%", "mechanism": "rsa-sha256"}]},
        {"to_sign": [{"id": "pdf", "tbs": "AAAA", "mechanism": "rsa-sha1"}]},
        {"to_sign": [{"id": i, "tbs": "AAAA", "mechanism": "rsa-sha256"} for i in "ab"]},
        {"summary": {"slips": 1, "amount_incl_tax": "1E9"}},
        {"summary": {"slips": 1, "amount_incl_tax": "NaN"}},
        {"policy": {"oid": "1.2", "digest_b64": "?"}},
    ],
)
def test_refuses_an_item_of_another_form(payload: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(JobRefused) as refused:
        opened(payload | {"items": [payload["items"][0] | change]})
    assert refused.value.code == "job_malformed"


def test_refuses_two_items_with_one_number(payload: dict[str, Any]) -> None:
    with pytest.raises(JobRefused):
        opened(payload | {"items": payload["items"] * 2})


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"payload": 1}', b'{"payload":"","payload":""}', b"[" * 100_000]
)
def test_refuses_an_envelope_of_another_form(content: bytes) -> None:
    with pytest.raises(JobRefused) as refused:
        read_envelope(content)
    assert refused.value.code == "job_malformed"


def test_threat_28_every_byte_of_the_payload_is_covered(payload: dict[str, Any]) -> None:
    content = json.dumps(payload).encode()
    signature = KEY.sign(JOB_PREFIX + content)
    for at in range(0, len(content), 97):
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        with pytest.raises(JobRefused) as refused:
            open_envelope(Envelope(changed, signature), PUBLIC)
        assert refused.value.code == "job_bad_signature"


def test_threat_28_a_signature_for_another_purpose_does_not_open_a_job(
    payload: dict[str, Any],
) -> None:
    content = json.dumps(payload).encode()
    with pytest.raises(JobRefused) as refused:
        open_envelope(Envelope(content, KEY.sign(content)), PUBLIC)
    assert refused.value.code == "job_bad_signature"


class TestAddressee:
    @pytest.mark.parametrize(
        ("code", "device", "server", "late"),
        [
            ("job_other_device", False, True, False),
            ("job_other_server", True, False, False),
            ("job_expired", True, True, True),
        ],
    )
    def test_refuses(
        self, payload: dict[str, Any], code: str, device: bool, server: bool, late: bool
    ) -> None:
        job = opened(payload)
        with pytest.raises(JobRefused) as refused:
            check_addressee(
                job,
                device_id=job.device_id if device else uuid.uuid4(),
                server=ORIGIN if server else f"{ORIGIN}:8443",
                now=job.accept_before if late else datetime.now(UTC),
            )
        assert refused.value.code == code

    def test_accepts_until_the_last_second(self, payload: dict[str, Any]) -> None:
        job = opened(payload)
        now = job.accept_before - timedelta(seconds=1)
        check_addressee(job, device_id=job.device_id, server=ORIGIN, now=now)


class TestFieldsExchanged:
    """Threat 54: two jobs, both valid and of one server, never lend each other a field."""

    MEMBERS = (
        "download_sha256",
        "source_sha256",
        "claimed_role",
        "city",
        "signing_time",
        "policy",
        "to_sign",
        "format",
    )

    @pytest.mark.parametrize("member", MEMBERS)
    def test_threat_54_an_item_with_a_field_of_another_is_refused(
        self, signer: Issued, member: str
    ) -> None:
        first, second = _payload([_flow(signer, 2)], signer), _payload([_other(signer)], signer)
        exchanged = first["items"][0] | {member: second["items"][0][member]}
        document = _flow(signer, 2).document
        with pytest.raises(JobRefused):
            _judge(first | {"items": [exchanged]}, document, signer)

    @pytest.mark.parametrize("member", ["job_id", "session_id", "nonce", "items", "device_id"])
    def test_threat_54_a_field_exchanged_after_the_signature_is_refused(
        self, signer: Issued, member: str
    ) -> None:
        first, second = _payload([_flow(signer, 2)], signer), _payload([_flow(signer, 1)], signer)
        signed = json.dumps(first).encode()
        mixed = json.dumps(first | {member: second[member]}).encode()
        with pytest.raises(JobRefused) as refused:
            open_envelope(Envelope(mixed, KEY.sign(JOB_PREFIX + signed)), PUBLIC)
        assert refused.value.code == "job_bad_signature"


def _judge(payload: dict[str, Any], document: bytes, signer: Issued) -> None:
    check_item(opened(payload).items[0], document, certificate=signer.der)


def _payload(items: list[PreparedItem], signer: Issued) -> dict[str, Any]:
    job = AgentServer().prepare_job(items, certificate=signer.der, server=ORIGIN)
    return job.payload


def _flow(signer: Issued, slips: int) -> PreparedItem:
    return prepared_pes(signer, slips=slips)


def _other(signer: Issued) -> PreparedItem:
    """A PDF whose common members also differ from those of the flow."""
    pdf = prepared_pdf(signer)
    different = {"claimed_role": "Présidente", "city": "Autreville"}
    return PreparedItem(
        pdf.document, pdf.entry | different | {"signing_time": "2026-01-01T00:00:00Z"}
    )
