"""Appends a signature field to a PDF, and proves that nothing else has changed (threat 57).

pyHanko writes again each object that it changes: the catalogue, the first page, the form. It
writes some values otherwise than it read them: numbers with an exponent, which no PDF may hold
(ISO 32000-2 §7.3.3), names with one hexadecimal digit, strings in another encoding. Here they are
written as they were, and what was written is read again before anybody signs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import is_regular_character
from pyhanko.sign.fields import SigFieldSpec

from signing.errors import UnsupportedDocument
from signing.pdf_appearance import Appearance
from signing.pdf_changes import plain_value
from signing.pdf_pages import Ref
from signing.pdf_reading import (
    DEFAULT_LIMITS,
    HOSTILE_PDF,
    BoundedReader,
    entry,
    open_pdf,
    signature_fields,
)
from signing.stamp_placing import is_listed, pages_listing

_FIRST_PRINTABLE, _LAST_PRINTABLE, _ESCAPE = 0x21, 0x7E, 0x23
# What a rewritten catalogue or form may say otherwise, and what it may lose.
_FREE = ("/SigFlags", "/Version", "/Extensions", "/ESIC")
_LOST = {"/NeedAppearances"}
_FIELD_KEYS = {"/FT", "/T", "/Type", "/Subtype", "/F", "/Rect", "/P", "/V"}
_ANY_BOX = (0, 0, 1, 1)  # the field is visible; the appearance says where
_PRINTED_AND_LOCKED = 0b10000100  # ISO 32000-2 table 167
_TRAILER_FREE = {"/Size", "/Prev", "/ID"}
_REGULAR = rb"[^\x00-\x20()<>\[\]{}/%]*"
_BEYOND_ASCII = re.compile(rb"/" + _REGULAR + rb"#[89A-Fa-f][0-9A-Fa-f]" + _REGULAR)
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class AddedField:
    """What a revision is to bring: a signature field, with its appearance where it is visible."""

    name: str
    appearance: Appearance | None = None


class IncrementWriter(IncrementalPdfFileWriter):
    """Writes what it writes again as it was read, and leaves the metadata as deposited: pyHanko
    would read the clock and rewrite the XMP packet, which may cost a PDF/A its conformity.

    `page`: the one that takes the field; the first where None."""

    page: Ref | None = None

    @classmethod
    def on(cls, reader: BoundedReader) -> IncrementWriter:
        """A writer of one more revision of what is read."""
        writer = cls.from_reader(reader)
        assert isinstance(writer, IncrementWriter)
        return writer

    def spec_of(self, added: AddedField) -> SigFieldSpec | None:
        """What makes pyHanko create a visible field on its page; None for an invisible one."""
        if added.appearance is None:
            return None
        self.page = added.appearance.page
        return SigFieldSpec(added.name, box=_ANY_BOX)

    def draw(self, field: generic.DictionaryObject, appearance: Appearance) -> None:
        """Shows a field that was created as the appearance says."""
        drawn = self.add_object(appearance.stream())
        states = generic.DictionaryObject({generic.NameObject("/N"): drawn})  # type: ignore[no-untyped-call]
        field[generic.NameObject("/AP")] = states
        field[generic.NameObject("/Rect")] = appearance.rectangle()

    def find_page_for_modification(self, page_ix: int) -> Any:
        if self.page is None:
            return super().find_page_for_modification(page_ix)  # type: ignore[no-untyped-call]
        return generic.IndirectObject(*self.page, self), None  # type: ignore[no-untyped-call]

    def write(self, stream: IO[bytes]) -> None:
        for key, value in self.objects.items():
            self.objects[key] = _as_read(value)
        super().write(stream)  # type: ignore[no-untyped-call]

    def _populate_trailer(self, trailer: generic.DictionaryObject) -> None:
        super()._populate_trailer(trailer)  # type: ignore[no-untyped-call]
        _as_read(trailer)

    def _update_meta(self) -> None:
        return


class _Number(generic.FloatObject):
    """A number without exponent, with the digits that were read."""

    def __repr__(self) -> str:
        return format(self, "f")


class _Name(generic.NameObject):
    """A name whose escapes have two hexadecimal digits each (ISO 32000-2 §7.3.5)."""

    def write_to_stream(
        self, stream: IO[bytes], handler: Any = None, container_ref: Any = None
    ) -> None:
        stream.write(b"/" + b"".join(_spelled(byte) for byte in self[1:].encode()))


def _spelled(byte: int) -> bytes:
    printable = _FIRST_PRINTABLE <= byte <= _LAST_PRINTABLE and byte != _ESCAPE
    if printable and is_regular_character(byte):
        return bytes([byte])
    return b"#%02X" % byte


def _as_read(value: generic.PdfObject) -> generic.PdfObject:
    """The value, and in place all that it holds, such that it is written as it was read."""
    if isinstance(value, generic.FloatObject):
        return _Number(value)  # type: ignore[no-untyped-call]
    if isinstance(value, generic.NameObject):
        return _Name(value)
    if isinstance(value, generic.TextStringObject):
        value.force_output_encoding = value.autodetected_encoding or value.force_output_encoding
    elif isinstance(value, generic.ArrayObject):
        value[:] = [_as_read(value.raw_get(index)) for index in range(len(value))]
    elif isinstance(value, generic.DictionaryObject):
        held = [(_as_read(key), _as_read(value.raw_get(key))) for key in value]
        value.clear()
        dict.update(value, held)
    return value


def check_increment(document: bytes, prepared: bytes, added: AddedField, gap: slice) -> None:
    """Proves that the prepared file can be read and that its last revision brought this signature
    field to the document, on this page and with this appearance, and nothing else. `gap` is the
    place of the signature.

    The cost is that of opening the file and of reading the objects of that revision, and of
    walking the pages for a visible field that joins a list of annotations apart.
    Raises UnsupportedDocument (`pdf_not_preserved`)."""
    cause = None
    try:
        reader = open_pdf(_with_short_gap(prepared, gap))
        sound = prepared.startswith(document) and _is_sound(reader, added)
    except (UnsupportedDocument, *HOSTILE_PDF) as e:
        sound, cause = False, e
    if not sound:
        raise UnsupportedDocument(
            "Ce PDF est construit de telle façon qu'une signature ne peut y être ajoutée sans "
            "l'altérer : réenregistrez-le depuis le logiciel d'origine (« exporter en PDF ») et "
            "redéposez-le.",
            code="pdf_not_preserved",
        ) from cause


def _with_short_gap(prepared: bytes, gap: slice) -> bytes:
    """The same file, every byte at its place, with a number for the zeros of the gap: pyHanko reads
    that at once, and a string of hexadecimal digits in 25 ms."""
    width = gap.stop - gap.start
    if prepared[gap] != b"<" + b"0" * (width - 2) + b">":
        raise ValueError("the place of the signature is not empty")
    return b"".join((prepared[: gap.start], b"0." + b"0" * (width - 2), prepared[gap.stop :]))


def _is_sound(reader: BoundedReader, added: AddedField) -> bool:
    last = reader.total_revisions - 1
    refs = reader.xrefs.explicit_refs_in_revision(last)
    known = {one for one in refs if reader.xrefs.get_historical_ref(one, last - 1) is not None}
    fields = [one for one in refs - known if _is_field(_read(reader, one, last), added)]
    filled = [one.name for one in signature_fields(reader, DEFAULT_LIMITS)]
    if len(fields) != 1 or filled.count(added.name) != 1 or not _same_trailer(reader, last):
        return False
    (field,) = fields
    return (
        all(_rewritten_alike(reader, one, last, field) for one in known)
        and all(
            _belongs(reader, one, last, field, added.appearance) for one in refs - known - {field}
        )
        and _is_shown_once(reader, known, last, field, added.appearance)
    )


def _read(reader: BoundedReader, ref: generic.Reference, revision: int) -> Any:
    return reader.get_object(ref, revision=revision)  # type: ignore[no-untyped-call]


def _is_field(found: Any, added: AddedField) -> bool:
    if entry(found, "/FT") != "/Sig" or entry(found, "/T") != added.name:
        return False
    if added.appearance is None:
        return set(found) == _FIELD_KEYS and not any(found["/Rect"])
    drawn = found.raw_get("/AP")
    return (
        set(found) == _FIELD_KEYS | {"/AP"}
        and (found["/Type"], found["/Subtype"]) == ("/Annot", "/Widget")
        and found["/F"] == _PRINTED_AND_LOCKED
        and _same(added.appearance.rectangle(), found.raw_get("/Rect"))
        and _leads_to(found.raw_get("/P"), added.appearance.page)
        and isinstance(drawn, generic.DictionaryObject)
        and set(drawn) == {"/N"}
    )


def _is_shown_once(
    reader: BoundedReader,
    known: Iterable[generic.Reference],
    last: int,
    field: generic.Reference,
    appearance: Appearance | None,
) -> bool:
    """A visible field is on its page and on no other: several may share one list of annotations.
    Where no list stands apart, only what was written again can show the field."""
    if appearance is None:
        return True
    own = field.idnum, field.generation
    written = {(one.idnum, one.generation): _read(reader, one, last) for one in known}
    if any(isinstance(one, generic.ArrayObject) for one in written.values()):
        return pages_listing(reader, own) == [appearance.page]
    listing = [key for key, one in written.items() if is_listed(own, entry(one, "/Annots"))]
    return listing == [appearance.page]


def _leads_to(value: Any, ref: Ref) -> bool:
    return isinstance(value, generic.IndirectObject) and (value.idnum, value.generation) == ref


def _belongs(
    reader: BoundedReader,
    ref: generic.Reference,
    last: int,
    field: generic.Reference,
    appearance: Appearance | None,
) -> bool:
    """Whether a new object is one that the field needs: its value, the stream that draws it, the
    form, a table."""
    added, holder = _read(reader, ref, last), _read(reader, field, last)
    own = ref.idnum, ref.generation
    if isinstance(added, generic.StreamObject):
        is_drawing = appearance is not None and _leads_to(holder["/AP"].raw_get("/N"), own)
        return _draws(added, appearance) if is_drawing else entry(added, "/Type") == "/XRef"
    if entry(added, "/Type") == "/Sig":
        return _leads_to(holder.raw_get("/V"), own)
    return _same(_form(field), added)


def _draws(found: generic.StreamObject, appearance: Appearance | None) -> bool:
    """Whether a stream is that appearance, byte for byte."""
    if appearance is None:
        return False
    drawn = appearance.stream()
    entries = generic.DictionaryObject(  # type: ignore[no-untyped-call]
        {key: found.raw_get(key) for key in found if key != "/Length"}
    )
    return found.encoded_data == drawn.encoded_data and _same(drawn, entries)


def _same_trailer(reader: BoundedReader, last: int) -> bool:
    before, after = reader.trailer.flatten(last - 1), reader.trailer.flatten(last)
    keys = (set(before) | set(after)) - _TRAILER_FREE
    return all(key in before and key in after for key in keys) and all(
        _same(before.raw_get(key), after.raw_get(key)) for key in keys
    )


def _rewritten_alike(
    reader: BoundedReader, ref: generic.Reference, last: int, field: generic.Reference
) -> bool:
    before, after = (_read(reader, ref, one) for one in (last - 1, last))
    names = (_names_beyond_ascii(reader.source_of(ref, one)) for one in (last - 1, last))
    return _grew(before, after, None, field) and len(set(names)) == 1


def _grew(before: Any, after: Any, key: str | None, field: generic.Reference) -> bool:
    """Whether a value is the same, or has only taken in the field."""
    if isinstance(before, generic.DictionaryObject) and key in {None, "/AcroForm"}:
        return _dictionary_grew(before, after, field)
    if key in {None, "/Annots", "/Fields"} and isinstance(before, generic.ArrayObject):
        return _same(before, after) or _same(_with_last(before, field), after)
    return _same(before, after)


def _dictionary_grew(before: Any, after: Any, field: generic.Reference) -> bool:
    if not isinstance(after, generic.DictionaryObject) or type(before) is not type(after):
        return False
    if set(before) - set(after) - _LOST:
        return False
    for key in after:
        if key in _FREE or (key == "/AcroForm" and entry(before, key) is None):
            continue
        empty = generic.ArrayObject() if key in {"/Annots", "/Fields"} else generic.NullObject()
        was = empty if entry(before, key) is None else before.raw_get(key)
        if not _grew(was, after.raw_get(key), key, field):
            return False
    return True


def _with_last(array: generic.ArrayObject, field: generic.Reference) -> generic.ArrayObject:
    item = generic.IndirectObject(field.idnum, field.generation, field.pdf)  # type: ignore[no-untyped-call]
    return generic.ArrayObject([*array, item])


def _form(field: generic.Reference) -> generic.DictionaryObject:
    """The form that a document without one is given."""
    fields = _with_last(generic.ArrayObject(), field)
    flags = generic.NumberObject(3)  # type: ignore[no-untyped-call]
    return generic.DictionaryObject({"/Fields": fields, "/SigFlags": flags})  # type: ignore[no-untyped-call]


def _same(before: Any, after: Any) -> bool:
    """Whether two values are equal for every reader, references not followed."""
    if isinstance(before, generic.DictionaryObject):
        return (
            isinstance(after, generic.DictionaryObject)
            and set(before) == set(after)
            and all(_same(before.raw_get(key), after.raw_get(key)) for key in before)
        )
    if isinstance(before, generic.ArrayObject):
        return (
            isinstance(after, generic.ArrayObject)
            and len(before) == len(after)
            and all(
                _same(before.raw_get(index), after.raw_get(index)) for index in range(len(before))
            )
        )
    return plain_value(before) == plain_value(after)


def _names_beyond_ascii(source: bytes) -> frozenset[bytes]:
    """The names that pyHanko takes for UTF-8 or Latin-1, as the bytes that they are."""
    unescaped = (
        _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), name)
        for name in _BEYOND_ASCII.findall(source)
    )
    return frozenset(unescaped)
