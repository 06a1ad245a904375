"""Logs of a process: one line a fact, never the values of local variables (threat 41)."""

from __future__ import annotations

import structlog


def configure_logs() -> None:
    """key=value lines on the standard output; a failure shows where it happened, not with what."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        cache_logger_on_first_use=False,
    )
