"""A multipart request streamed to disk, names with or without quotes, values in ISO-8859-1."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from python_multipart.multipart import MultipartParser

_PARAMETER = re.compile(r';\s*(name|filename)=(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file part as received."""

    field: str
    file_name: str
    path: Path
    size_bytes: int
    sha1: str
    sha256: str
    start: bytes


@dataclass(slots=True)
class Form:
    """Values in order of arrival, several by name allowed."""

    values: list[tuple[str, str]] = field(default_factory=list)
    files: list[UploadedFile] = field(default_factory=list)

    def value(self, name: str) -> str:
        return next((value for key, value in self.values if key == name), "")

    def all_values(self, name: str) -> list[str]:
        return [value for key, value in self.values if key == name]

    def file(self, name: str) -> UploadedFile | None:
        return next((one for one in self.files if one.field == name), None)

    def discard(self) -> None:
        for one in self.files:
            one.path.unlink(missing_ok=True)


def receive(chunks: Iterator[bytes], boundary: str, directory: Path) -> Form:
    """Reads the whole body; raises ValueError (python_multipart's) on a malformed one."""
    receiver = _Receiver(directory)
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": receiver.part_begin,
            "on_part_data": receiver.part_data,
            "on_part_end": receiver.part_end,
            "on_header_field": receiver.header_field,
            "on_header_value": receiver.header_value,
            "on_header_end": receiver.header_end,
            "on_headers_finished": receiver.headers_finished,
        },
    )
    try:
        for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
    except (ValueError, OSError):
        receiver.abandon()
        raise
    return receiver.form


@dataclass(slots=True)
class _Part:
    """The part being read."""

    header_name: bytes = b""
    header_value: bytes = b""
    parameters: dict[str, str] = field(default_factory=dict)
    value: bytes = b""
    path: Path = Path()
    file: IO[bytes] | None = None
    size_bytes: int = 0
    start: bytes = b""
    sha1: hashlib._Hash = field(default_factory=lambda: hashlib.sha1(usedforsecurity=False))
    sha256: hashlib._Hash = field(default_factory=hashlib.sha256)


class _Receiver:
    """The parser's callbacks."""

    def __init__(self, directory: Path) -> None:
        self.form = Form()
        self._directory = directory
        self._part = _Part()

    def part_begin(self) -> None:
        self._part = _Part()

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def header_end(self) -> None:
        part = self._part
        if part.header_name.lower() == b"content-disposition":
            text = part.header_value.decode("iso-8859-1")
            for name, quoted, bare in _PARAMETER.findall(text):
                part.parameters[name.lower()] = quoted or bare
        part.header_name, part.header_value = b"", b""

    def headers_finished(self) -> None:
        if "filename" in self._part.parameters:
            self._part.path = self._directory / f"upload-{uuid.uuid4().hex}"
            self._part.file = self._part.path.open("xb")

    def part_data(self, data: bytes, start: int, end: int) -> None:
        part, piece = self._part, data[start:end]
        if part.file is None:
            part.value += piece
            return
        part.file.write(piece)
        part.sha1.update(piece)
        part.sha256.update(piece)
        part.size_bytes += len(piece)
        part.start += piece[: 64 - len(part.start)]

    def part_end(self) -> None:
        part = self._part
        name = part.parameters.get("name", "")
        if part.file is None:
            self.form.values.append((name, part.value.decode("iso-8859-1")))
            return
        part.file.close()
        self.form.files.append(
            UploadedFile(
                field=name,
                file_name=part.parameters["filename"],
                path=part.path,
                size_bytes=part.size_bytes,
                sha1=part.sha1.hexdigest(),
                sha256=part.sha256.hexdigest(),
                start=part.start,
            )
        )

    def abandon(self) -> None:
        """The line broke, or the body is malformed: nothing is kept."""
        if self._part.file is not None:
            self._part.file.close()
            self._part.path.unlink(missing_ok=True)
        self.form.discard()
