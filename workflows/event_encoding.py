"""Events as stored: for good, versioned by type, read back whatever their age."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, get_args

from workflows.encoding import JsonObject, decode_object, encode_object
from workflows.errors import Unreadable
from workflows.events import Event

EVENT_TYPES: Mapping[str, type[Event]] = {kind.type: kind for kind in get_args(Event)}

Upcaster: TypeAlias = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Turns the payload of a version into that of the next one."""

UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}
"""By type and the version that the upcaster reads."""


def to_json(event: Event) -> JsonObject:
    """The event as JSON data: `type`, `version` of that type, `payload`."""
    return {"type": event.type, "version": event.version, "payload": encode_object(event)}


def from_json(
    record: Mapping[str, object], upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS
) -> Event:
    """The event that `to_json` wrote, now or in an earlier version of its type.

    Unreadable for an unknown type, a version that no upcaster brings to the present one (a
    newer one included), or a malformed payload.
    """
    name, version, payload = record.get("type"), record.get("version"), record.get("payload")
    kind = EVENT_TYPES.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(version, int) or not isinstance(payload, Mapping):
        raise Unreadable("event: type, version and payload expected")
    while version != kind.version:
        upcast = upcasters.get((kind.type, version))
        if upcast is None:
            raise Unreadable(f"event {kind.type}: version {version} cannot be read")
        payload, version = upcast(payload), version + 1
    return decode_object(kind, payload)
