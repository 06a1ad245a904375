"""multipart/form-data of known size, streamed: memory stays flat whatever the files."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from connectors.base import Attachment
from connectors.errors import Ambiguous
from connectors.outbound import Body


@dataclass(frozen=True, slots=True)
class FieldPart:
    """A value, already encoded as the remote wants it."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file; `file_name` in ASCII, without quotes or separators."""

    name: str
    file_name: str
    attachment: Attachment


Part: TypeAlias = FieldPart | FilePart


def form_data(parts: Sequence[Part], *, boundary: str) -> Body:
    """The parts in their order, RFC 7578. `boundary` must not occur in them: draw it at random.

    While sending, each file's size and SHA-256 are compared with the announced ones; on a
    difference the body is cut before its closing boundary and Ambiguous is raised."""
    closing = f"--{boundary}--\r\n".encode("ascii")
    size = len(closing) + sum(_size(part, boundary) for part in parts)

    async def stream() -> AsyncIterator[bytes]:
        for part in parts:
            yield _head(part, boundary)
            if isinstance(part, FieldPart):
                yield part.value
            else:
                async for chunk in _checked(part.attachment):
                    yield chunk
            yield b"\r\n"
        yield closing

    return Body(f"multipart/form-data; boundary={boundary}", size, stream)


def _size(part: Part, boundary: str) -> int:
    content = len(part.value) if isinstance(part, FieldPart) else part.attachment.size_bytes
    return len(_head(part, boundary)) + content + 2


def _head(part: Part, boundary: str) -> bytes:
    disposition = f'form-data; name="{part.name}"'
    lines = [f"--{boundary}"]
    if isinstance(part, FieldPart):
        lines.append(f"Content-Disposition: {disposition}")
    else:
        lines.append(f'Content-Disposition: {disposition}; filename="{part.file_name}"')
        lines.append(f"Content-Type: {part.attachment.media_type}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


async def _checked(attachment: Attachment) -> AsyncIterator[bytes]:
    seen = hashlib.sha256()
    count = 0
    async for chunk in attachment.open():
        count += len(chunk)
        if count > attachment.size_bytes:
            raise _changed()
        seen.update(chunk)
        yield chunk
    if count != attachment.size_bytes or seen.hexdigest() != attachment.sha256:
        raise _changed()


def _changed() -> Ambiguous:
    return Ambiguous(
        "Le fichier enregistré ne correspond plus à son empreinte : l'envoi a été coupé, "
        "un administrateur doit vérifier le stockage."
    )
