"""What reads a deposited file, in a child process bounded by the size of the file (threat 17)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from app.context import Context
from app.kit.bounded import BoundedFailure, run_bounded
from app.settings import MIB
from app.storage import StoredBlob
from signing.bounded_verification import trust_to_json, verify_detached_file, verify_file
from signing.errors import UnsupportedDocument
from signing.trust import TrustMaterial

_log = structlog.get_logger()
_CHILD_MEMORY = 512 * MIB
# A dense flow takes 0.1 s of a recent core per MB; an old or busy one gets five times that.
_CHILD_CPU_S, _CHILD_CPU_S_PER_BYTE = 20.0, 0.5e-6


async def report_of(
    context: Context, path: Path, blob: StoredBlob, trust: TrustMaterial
) -> dict[str, Any]:
    """The verification report of a file, as it is stored. Verification needs a DOM: its child is
    bounded at six times the file. Raises UnsupportedDocument (`inspection_bounds`)."""
    found: dict[str, Any] = await in_child(
        path,
        verify_file,
        trust_to_json(trust),
        context.clock().isoformat(),
        memory_bytes=_CHILD_MEMORY + 6 * blob.size_bytes,
    )
    return found


async def detached_report_of(
    context: Context, path: Path, signature_path: Path, blob: StoredBlob, trust: TrustMaterial
) -> dict[str, Any]:
    """The report of a detached signature with the file that it signs, bounded as `report_of`."""
    found: dict[str, Any] = await in_child(
        path,
        verify_detached_file,
        str(signature_path),
        trust_to_json(trust),
        context.clock().isoformat(),
        memory_bytes=_CHILD_MEMORY + 6 * blob.size_bytes,
    )
    return found


async def inspected(path: Path, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """What an inspection read. Raises UnsupportedDocument: its own refusal, or as `in_child`."""
    answer = await in_child(path, function, *arguments)
    refused = answer.get("refused")
    if refused is not None:
        raise UnsupportedDocument(
            refused["detail"],
            code=refused["code"],
            line=refused["line"],
            element=refused["element"],
        )
    facts: dict[str, Any] = answer["facts"]
    return facts


async def in_child(
    path: Path,
    function: Callable[..., Any],
    *arguments: Any,
    memory_bytes: int = _CHILD_MEMORY,
) -> Any:
    """What the function says of the file. Raises UnsupportedDocument (`inspection_bounds`)."""
    cpu_s = _cpu_s(path)
    try:
        return await run_bounded(
            function,
            str(path),
            *arguments,
            memory_bytes=memory_bytes,
            cpu_s=cpu_s,
            wall_s=2 * cpu_s,
        )
    except BoundedFailure as e:
        _log.warning(
            "inspection_bounded", function=function.__name__, reason=e.reason, trace=e.trace
        )
        raise UnsupportedDocument(
            "Ce fichier dépasse ce que le contrôle accepte : réenregistrez-le ou scindez-le.",
            code="inspection_bounds",
        ) from e


def _cpu_s(path: Path) -> float:
    return _CHILD_CPU_S + path.stat().st_size * _CHILD_CPU_S_PER_BYTE
