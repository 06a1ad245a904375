"""What a folder should never hold, put there behind the back of the service."""

from __future__ import annotations

import uuid
from pathlib import Path

from app.demo.town import Town
from app.models import FolderEvent
from tests.builders.towns import DrivenClock


def file_of(root: Path, sha256: str) -> Path:
    """Where the storage under `root` keeps these bytes."""
    (found,) = root.rglob(sha256)
    return found


def unreadable_event(town: Town, folder_id: str) -> FolderEvent:
    """What no release of the service wrote."""
    return FolderEvent(
        tenant_id=town.tenant_id,
        folder_id=uuid.UUID(folder_id),
        seq=1000,
        kind="unknown",
        payload={"type": "unknown", "version": 1, "payload": {}},
        occurred_at=DrivenClock()(),
    )
