"""Opens a PDF of unknown origin within bounds, and reads the signature fields in it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_CUR, SEEK_END, SEEK_SET, BytesIO
from typing import IO, Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import (
    DecodeLimits,
    DecodePurpose,
    DocumentDecodeBudget,
    StreamDecodeLimits,
)
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfError, PdfStrictReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import ObjStreamRef

from signing.errors import UnsupportedDocument

MIB = 1024 * 1024
_HEADER = b"%PDF-"
_MAX_READ = 4 * MIB
_MAX_CACHED_BYTES = 8 * MIB

# What parsing hostile bytes makes pyHanko raise; every one of them is a broken document.
HOSTILE_PDF = (
    PdfError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    NotImplementedError,
    RecursionError,
    OSError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class PdfLimits:
    """Bounds of the work that one document may cause (threat 17). Sizes in bytes.

    Content streams are never decoded; only object and cross-reference streams are."""

    max_objects: int = 400_000
    max_pages: int = 20_000
    max_signatures: int = 50
    max_depth: int = 60
    max_decoded_size: int = 128 * MIB
    max_stream_size: int = 32 * MIB


DEFAULT_LIMITS = PdfLimits()


@dataclass(frozen=True, slots=True)
class SignatureField:
    """A filled signature field: its full name, dictionary and signature dictionary."""

    name: str
    field: generic.DictionaryObject
    signature: generic.DictionaryObject

    @property
    def is_timestamp(self) -> bool:
        return bool(entry(self.signature, "/SubFilter") == "/ETSI.RFC3161")


class SkippingSource:
    """A file that jumps over the long streams in it instead of reading them.

    Inspection never decodes images or attachments, and a deposit of 100 MB must not cost 100 MB."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if 0 <= size <= _MAX_READ:
            return self._file.read(size)
        if size > 0:
            self._file.seek(size, SEEK_CUR)
        else:
            self._file.seek(0, SEEK_END)
        return b""

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


@dataclass(frozen=True, slots=True)
class _Members:
    """An object stream, decoded: where each object of a number starts, and where what starts
    there ends."""

    content: BytesIO
    offsets: dict[int, int]
    ends: dict[int, int]


class BoundedReader(PdfFileReader):
    """A strict reader that decodes little, and each object stream once.

    pyHanko scans the header of an object stream again for each object: on a stream of 20 000
    objects that alone lasts minutes."""

    def __init__(self, source: IO[bytes] | SkippingSource, limits: PdfLimits) -> None:
        self._object_streams: dict[int, _Members] = {}
        self._limits = limits
        self._cached_bytes = 0
        super().__init__(source, strict=True, decode_limits=_decode_limits(limits))

    def cache_indirect_object(
        self, generation: int, idnum: int, obj: generic.PdfObject
    ) -> generic.PdfObject:
        if isinstance(obj, generic.StreamObject):
            self._cached_bytes += len(obj.encoded_data)
        elif isinstance(obj, generic.DictionaryObject):
            _forget_null_annotations(obj)
        if self._cached_bytes > _MAX_CACHED_BYTES:
            self.resolved_objects.clear()
            self._cached_bytes = 0
        self.resolved_objects[(generation, idnum)] = obj
        return obj

    def source_of(self, ref: generic.Reference, revision: int, *, limit: int = _MAX_READ) -> bytes:
        """The text of an object as a revision has it, of `limit` bytes at most."""
        place = self.xrefs.get_historical_ref(ref, revision)
        if isinstance(place, ObjStreamRef):
            members = self._object_stream(place.obj_stream_id)
            start = members.offsets[ref.idnum]
            members.content.seek(start)
            return members.content.read(min(limit, members.ends[start] - start))
        self.stream.seek(place)
        text: bytes = self.stream.read(limit)
        return text.partition(b"endobj")[0]

    def _get_object_from_stream(self, idnum: int, stmnum: int, idx: int) -> generic.PdfObject:
        members = self._object_stream(stmnum)
        if idnum not in members.offsets:
            raise PdfStrictReadError("object missing from its object stream")
        members.content.seek(members.offsets[idnum])
        found = generic.read_object(members.content, generic.Reference(idnum, 0, self))
        if isinstance(found, generic.StreamObject | generic.IndirectObject):
            raise PdfStrictReadError("forbidden object type in an object stream")
        return found

    def _object_stream(self, stmnum: int) -> _Members:
        if stmnum not in self._object_streams:
            self._object_streams[stmnum] = self._read_object_stream(stmnum)
        return self._object_streams[stmnum]

    def _read_object_stream(self, stmnum: int) -> _Members:
        stream = generic.Reference(stmnum, 0, self).get_object()
        if not isinstance(stream, generic.StreamObject) or stream["/Type"] != "/ObjStm":
            raise PdfStrictReadError("not an object stream")
        content = stream.read_data(DecodePurpose.OBJECT_STREAM)
        count, first = int(stream["/N"]), int(stream["/First"])
        numbers = [int(word) for word in content[:first].split()[: 2 * count]]
        if count > self._limits.max_objects or len(numbers) != 2 * count:
            raise PdfStrictReadError("object stream header corrupted")
        pairs = dict(zip(numbers[0::2], numbers[1::2], strict=True))
        if len(pairs) != count:
            raise PdfStrictReadError("object listed twice in an object stream")
        offsets = {number: first + at for number, at in pairs.items()}
        starts = sorted(set(offsets.values()))
        ends = dict(zip(starts, [*starts[1:], len(content)], strict=True))
        return _Members(BytesIO(content), offsets, ends)


def open_pdf(
    document: bytes | IO[bytes] | SkippingSource, limits: PdfLimits = DEFAULT_LIMITS
) -> BoundedReader:
    """A reader on an unencrypted, well-formed PDF.

    Raises UnsupportedDocument (`empty_file`, `not_a_pdf`, `pdf_encrypted`, `pdf_broken`,
    `pdf_too_complex`, `pdf_contradictory_tables`)."""
    source = BytesIO(document) if isinstance(document, bytes) else document
    head = source.read(len(_HEADER))
    if not head:
        raise UnsupportedDocument("Le fichier est vide : déposez-le à nouveau.", code="empty_file")
    if head != _HEADER:
        raise UnsupportedDocument(
            "Ce fichier n'est pas un PDF : exportez le document en PDF et redéposez-le.",
            code="not_a_pdf",
        )
    try:
        reader = BoundedReader(source, limits)
        encrypted = "/Encrypt" in reader.trailer
        tangled = _shows_two_versions(reader)
        _ = reader.root["/Pages"]
    except HOSTILE_PDF as e:
        raise broken(e) from e
    if encrypted:
        raise UnsupportedDocument(
            "Ce PDF est protégé par un mot de passe ou chiffré : retirez la protection et "
            "redéposez-le.",
            code="pdf_encrypted",
        )
    if tangled:
        raise UnsupportedDocument(
            "Ce PDF a deux tables d'objets qui se contredisent, ce qui permet d'en montrer deux "
            "versions : réenregistrez-le (« imprimer en PDF ») et redéposez-le.",
            code="pdf_contradictory_tables",
        )
    return reader


def broken(cause: Exception) -> UnsupportedDocument:
    """The refusal that a parsing error stands for."""
    if isinstance(cause, PdfDecodeLimitError):
        return too_complex()
    return UnsupportedDocument(
        "Ce PDF est endommagé ou mal construit : réenregistrez-le depuis le logiciel d'origine "
        "(« exporter en PDF ») et redéposez-le.",
        code="pdf_broken",
    )


def too_complex() -> UnsupportedDocument:
    """The refusal of a document that would cost too much to read."""
    return UnsupportedDocument(
        "Ce PDF est trop complexe pour être examiné : découpez-le ou réenregistrez-le, puis "
        "redéposez-le.",
        code="pdf_too_complex",
    )


def signature_fields(reader: BoundedReader, limits: PdfLimits) -> list[SignatureField]:
    """The filled signature fields of the document, in the order of the form.

    Raises UnsupportedDocument (`pdf_too_complex`); parsing errors of HOSTILE_PDF pass through."""
    found = []
    for name, field in form_fields(reader, limits):
        signature = entry(field, "/V")
        if entry(field, "/FT") != "/Sig" or signature is None:
            continue
        if not isinstance(signature, generic.DictionaryObject):
            raise ValueError("a signature field holds no dictionary")
        found.append(SignatureField(name, field, signature))
        if len(found) > limits.max_signatures:
            raise too_complex()
    return found


def form_fields(
    reader: BoundedReader, limits: PdfLimits
) -> Iterator[tuple[str, generic.DictionaryObject]]:
    """Each terminal field of the form with its full name; cycles are refused (ValueError)."""
    seen: set[generic.Reference] = set()
    pending: list[tuple[str, Any, dict[str, Any]]] = [
        ("", kid, {}) for kid in reversed(list(entries(entry(reader.root, "/AcroForm"), "/Fields")))
    ]
    visited = 0
    while pending:
        prefix, item, inherited = pending.pop()
        visited += 1
        if visited > limits.max_objects:
            raise too_complex()
        if isinstance(item, generic.IndirectObject):
            if item.reference in seen:
                raise ValueError("a form field is listed twice")
            seen.add(item.reference)
            item = resolved(item)
        if not isinstance(item, generic.DictionaryObject):
            continue
        name = _full_name(prefix, item)
        kids = list(entries(item, "/Kids"))
        passed_on = {k: item.get(k, inherited.get(k)) for k in ("/FT", "/V", "/Lock")}
        if any(_is_field(kid) for kid in kids):
            pending.extend((name, kid, passed_on) for kid in reversed(kids))
        else:
            yield name, _with_inherited(item, passed_on)


def resolved(item: Any) -> Any:
    """What a reference leads to; null when its object does not exist (ISO 32000-2 §7.3.10)."""
    if not isinstance(item, generic.IndirectObject):
        return item
    reader = item.reference.get_pdf_handler()  # type: ignore[no-untyped-call]
    if isinstance(reader, PdfFileReader) and reader.xrefs[item.reference] is None:
        return generic.NullObject()
    return reader.get_object(item.reference)


def entry(dictionary: Any, key: str) -> Any:
    """The value of a key, its reference followed; None when absent, null, or no dictionary.

    pyHanko's own `get` does not follow references."""
    if not isinstance(dictionary, generic.DictionaryObject) or key not in dictionary:
        return None
    value = resolved(dictionary.raw_get(key))
    return None if isinstance(value, generic.NullObject) else value


def _forget_null_annotations(page: generic.DictionaryObject) -> None:
    """A null entry is as an absent one (ISO 32000-2 §7.3.7), but pyHanko would append the field of
    a signature to it."""
    if "/Annots" in page and isinstance(page.raw_get("/Annots"), generic.NullObject):
        del page["/Annots"]


def entries(dictionary: Any, key: str) -> Iterator[Any]:
    """The items of an array entry, references not followed; none when absent.

    Raises ValueError when it is something else."""
    array = entry(dictionary, key)
    if array is None:
        return
    if not isinstance(array, generic.ArrayObject):
        raise ValueError(f"{key} is not an array")
    for index in range(len(array)):
        yield array.raw_get(index)


def _full_name(prefix: str, field: generic.DictionaryObject) -> str:
    own = entry(field, "/T")
    if own is None:
        return prefix
    return f"{prefix}.{own}" if prefix else str(own)


def _is_field(kid: Any) -> bool:
    target = resolved(kid)
    return isinstance(target, generic.DictionaryObject) and "/T" in target


def _with_inherited(
    field: generic.DictionaryObject, inherited: dict[str, Any]
) -> generic.DictionaryObject:
    missing = {k: v for k, v in inherited.items() if v is not None and k not in field}
    if not missing:
        return field
    completed: generic.DictionaryObject = generic.DictionaryObject(  # type: ignore[no-untyped-call]
        {**field, **missing}
    )
    return completed


def _shows_two_versions(reader: BoundedReader) -> bool:
    """Whether old and recent programs would read different objects in a hybrid-reference file.

    Word writes hybrid files that only hide additions from old programs (ISO 32000-2 §7.5.8.4):
    those are fine; an object found at two places is not."""
    if not reader.xrefs.hybrid_xrefs_present:
        return False
    plain: dict[int, Any] = {}
    hidden: list[tuple[int, Any]] = []
    for revision in range(reader.total_revisions):
        data = reader.xrefs.get_xref_data(revision)
        for freed in data.freed:
            plain.pop(freed, None)
        plain.update({number: offset for number, (_, offset) in data.standard_xrefs.items()})
        plain.update(data.xrefs_in_objstm)
        if data.hybrid is not None:
            stream = data.hybrid.xref_data
            hidden += [(number, offset) for number, (_, offset) in stream.standard_xrefs.items()]
            hidden += stream.xrefs_in_objstm.items()
    return any(number in plain and plain[number] != place for number, place in hidden)


def _decode_limits(limits: PdfLimits) -> DecodeLimits:
    stream = StreamDecodeLimits(
        max_ratio=200, ratio_floor=4 * MIB, max_output_size=limits.max_stream_size
    )
    return DecodeLimits(
        per_stream=stream,
        document_budget=DocumentDecodeBudget(base_allowance=limits.max_decoded_size, max_ratio=10),
    )
