"""Rewrites BER of indefinite length to definite length, in linear and bounded time.

CMS made as a stream carries indefinite lengths (X.690 §8.1.3.6); asn1crypto re-encodes such a
tree over and over, for minutes on a few kilobytes. Whatever is already definite keeps its bytes,
so that what was signed stays what was signed.
"""

from __future__ import annotations

MAX_NODES = 200_000
MAX_DEPTH = 40
_END_OF_CONTENTS = b"\x00\x00"
_OCTETS = b"\x04"
_CONSTRUCTED_OCTETS = 0x24


def definite(content: bytes) -> tuple[bytes, int]:
    """The first value of `content` with definite lengths only, and how many bytes it took.

    Raises ValueError on anything malformed, too deep or too long."""
    walk = _Walk(content)
    return walk.node(0, depth=0)


class _Walk:
    """One pass over the encoded values."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.nodes = 0

    def node(self, start: int, *, depth: int) -> tuple[bytes, int]:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise ValueError("BER too deep or too long")
        header, length = self.header(start)
        constructed = bool(self.content[start] & 0x20)
        if length is None:
            if not constructed:
                raise ValueError("primitive value of indefinite length")
            return self._indefinite(start, header, depth=depth)
        end = header + length
        if end > len(self.content):
            raise ValueError("value longer than its container")
        if not constructed:
            return self.content[start:end], end
        return self._constructed(start, header, end, depth=depth), end

    def _constructed(self, start: int, header: int, end: int, *, depth: int) -> bytes:
        children: list[bytes] = []
        position = header
        while position < end:
            child, position = self.node(position, depth=depth + 1)
            children.append(child)
        if position != end:
            raise ValueError("child longer than its container")
        if self.content[start] == _CONSTRUCTED_OCTETS:
            return self._joined(children)
        body = b"".join(children)
        if len(body) == end - header:
            return self.content[start:end]
        return _encoded(self.content[start : self._tag_end(start)], body)

    def _indefinite(self, start: int, header: int, *, depth: int) -> tuple[bytes, int]:
        children: list[bytes] = []
        position = header
        while self.content[position : position + 2] != _END_OF_CONTENTS:
            child, position = self.node(position, depth=depth + 1)
            children.append(child)
        if self.content[start] == _CONSTRUCTED_OCTETS:
            return self._joined(children), position + 2
        tag = self.content[start : self._tag_end(start)]
        return _encoded(tag, b"".join(children)), position + 2

    def _joined(self, segments: list[bytes]) -> bytes:
        """One primitive string of its segments (X.690 §8.7.3)."""
        values = []
        for segment in segments:
            if segment[:1] != _OCTETS:
                raise ValueError("segment of another type")
            header, _ = _Walk(segment).header(0)
            values.append(segment[header:])
        return _encoded(_OCTETS, b"".join(values))

    def header(self, start: int) -> tuple[int, int | None]:
        """Where the value begins, and its length, None when indefinite."""
        position = self._tag_end(start)
        first = self._byte(position)
        if first < 0x80:
            return position + 1, first
        if first == 0x80:
            return position + 1, None
        count = first & 0x7F
        if count > 4:
            raise ValueError("length too long")
        end = position + 1 + count
        return end, int.from_bytes(self.content[position + 1 : end], "big")

    def _tag_end(self, start: int) -> int:
        if self._byte(start) & 0x1F != 0x1F:
            return start + 1
        position = start + 1
        while self._byte(position) & 0x80:
            position += 1
        return position + 1

    def _byte(self, position: int) -> int:
        if position >= len(self.content):
            raise ValueError("value cut short")
        return self.content[position]


def _encoded(tag: bytes, body: bytes) -> bytes:
    if len(body) < 0x80:
        return tag + bytes([len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return tag + bytes([0x80 | len(size)]) + size + body
