"""What the API says after a deposit."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel


class DocumentReceipt(BaseModel):
    """A document was received: its digest and what inspection read. `facts` is null while a job
    still reads the flow (the folder is then `inspecting`)."""

    folder_id: uuid.UUID
    folder_status: str
    document_id: uuid.UUID
    revision_id: uuid.UUID
    sha256: str
    size_bytes: int
    facts: dict[str, Any] | None
    report: dict[str, Any] | None
