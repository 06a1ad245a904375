"""Job items as the agent reads them, from a prepared document and chosen differences."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

from agent.protocol import JobItem, open_envelope, read_envelope
from tests.builders.agent_documents import PreparedItem, b64
from tests.builders.agent_server import AgentServer


def create_item(prepared: PreparedItem, **overrides: Any) -> JobItem:
    """The item of `prepared`, some members replaced, read through the whole envelope."""
    server = AgentServer()
    changed = PreparedItem(prepared.document, prepared.entry | overrides)
    job = server.prepare_job([changed], certificate=b"")
    payload = json.dumps(job.payload | {"server": "https://parapheur.invalid"}).encode()
    signature = server.job_key.sign(b"parapheur-signing-job-v1\n" + payload)
    envelope = json.dumps({"payload": b64(payload), "signature": b64(signature)}).encode()
    return open_envelope(read_envelope(envelope), server.server_job_key).items[0]


def with_entry(
    prepared: PreparedItem, index: int, **members: Callable[[Any], Any]
) -> list[dict[str, Any]]:
    """`to_sign` with members of one entry replaced by a function of their decoded value."""
    entries = [dict(e) for e in prepared.entry["to_sign"]]
    for name, change in members.items():
        value = entries[index][name]
        if name in ("tbs", "signed_properties"):
            entries[index][name] = b64(change(base64.b64decode(value)))
        else:
            entries[index][name] = change(value)
    return entries


def with_document(prepared: PreparedItem, document: bytes) -> PreparedItem:
    """Another document announced consistently, the values to sign unchanged."""
    digest = hashlib.sha256(document).hexdigest()
    announced = {"download_sha256": digest, "source_sha256": digest, "size_bytes": len(document)}
    return PreparedItem(document, prepared.entry | announced)
