"""Compares a signed revision of a PDF with what the file shows now (threats 3, 4 and 5).

The signed bytes alone are read as one document, the whole file as another, and both are walked
together. Only signature fields, DSS data and document time-stamps may have come; pages, fields
that existed and everything else must be the same, object by object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from pyhanko.pdf_utils import generic

from signing.pdf_locks import NO_CHANGES
from signing.pdf_reading import BoundedReader, PdfLimits, entries, entry, resolved, too_complex

_CATALOG_SPECIAL = ("/AcroForm", "/DSS", "/Pages")
# Neither is drawn: version and extension declarations, document metadata.
_CATALOG_FREE = ("/Extensions", "/Version", "/Metadata")
_DSS_KEYS = {"/Type", "/VRI", "/Certs", "/CRLs", "/OCSPs"}
_FILLING_KEYS = {"/V", "/AP", "/F", "/Ff", "/MK", "/DA", "/M", "/Lock", "/AS", "/Type"}
_NEW_WIDGET_KEYS = {
    *("/FT", "/Type", "/Subtype", "/T", "/TU", "/TM", "/Rect", "/P", "/F", "/V", "/AP", "/AS"),
    *("/Lock", "/SV", "/MK", "/Ff", "/DA", "/DR", "/Q", "/BS", "/Border", "/M", "/NM", "/H"),
    *("/StructParent", "/Parent"),
}
# Where a form field is legitimately referred to; anywhere else it would serve as something else.
_FIELD_CONTEXTS = {"/Annots", "/Fields", "/Kids", "/Parent", "/Obj", "/T", "/IRT", "/Popup"}


Ref: TypeAlias = tuple[int, int]


class ForbiddenChange(Exception):
    """Something that a later revision may not do; the message names it, without content."""


@dataclass(frozen=True, slots=True)
class AddedSignature:
    """A signature field filled or created after the signed revision."""

    name: str
    is_new_field: bool
    is_visible: bool
    is_timestamp: bool


@dataclass(frozen=True, slots=True)
class Locks:
    """What a signature forbids: DocMDP level, and the fields that its FieldMDP locks."""

    permission: int | None
    field_action: str | None
    field_names: frozenset[str]

    def forbid(self, added: AddedSignature) -> bool:
        """Whether this addition breaks the lock; a document time-stamp never does."""
        if added.is_timestamp:
            return False
        if self.permission == NO_CHANGES:
            return True
        if self.permission is not None and added.is_new_field and added.is_visible:
            return True
        named = added.name in self.field_names
        return (
            self.field_action == "/All"
            or (self.field_action == "/Include" and named)
            or (self.field_action == "/Exclude" and not named)
        )


def added_signatures(
    signed: BoundedReader, current: BoundedReader, limits: PdfLimits
) -> tuple[AddedSignature, ...]:
    """What came after the signed revision, when it is only what may come.

    Raises ForbiddenChange, UnsupportedDocument (`pdf_too_complex`); parsing errors of
    HOSTILE_PDF pass through."""
    return _Comparison(signed, current, limits).run()


class _Comparison:
    """One walk of both documents, each pair of objects compared once per role."""

    def __init__(self, signed: BoundedReader, current: BoundedReader, limits: PdfLimits) -> None:
        self.signed = signed
        self.current = current
        self.limits = limits
        self.visited: set[tuple[Ref | None, Ref | None]] = set()
        self.work = 0
        self.page_nodes: set[Ref] = set()
        self.old_fields: set[Ref] = set()
        self.new_widgets: set[Ref] = set()
        self.added: list[AddedSignature] = []
        self.has_other_fields = False

    def run(self) -> tuple[AddedSignature, ...]:
        old, new = self.signed.root, self.current.root
        self._collect_page_nodes(old.raw_get("/Pages"))
        self._collect_fields(entries(entry(old, "/AcroForm"), "/Fields"), self.old_fields)
        nodes = self._same_tree(old.raw_get("/Pages"), new.raw_get("/Pages"))
        self._form(entry(old, "/AcroForm"), entry(new, "/AcroForm"))
        self._pages(nodes)
        self._dss(entry(new, "/DSS"))
        free = {*_CATALOG_SPECIAL, *_CATALOG_FREE}
        self._same_entries(old, new, besides=free, where="catalogue")
        return tuple(self.added)

    # The page tree: same nodes, same pages, and on a page only signature widgets may come.

    def _collect_page_nodes(self, root: Any) -> None:
        pending = [root]
        while pending:
            node = pending.pop()
            self._count()
            key = _key(node)
            if key is None or key in self.page_nodes:
                raise ForbiddenChange("arbre des pages")
            self.page_nodes.add(key)
            pending.extend(entries(resolved(node), "/Kids"))

    def _same_tree(self, old_root: Any, new_root: Any) -> list[tuple[Any, Any]]:
        nodes, pending = [], [(old_root, new_root)]
        while pending:
            old_ref, new_ref = pending.pop()
            if _key(old_ref) != _key(new_ref):
                raise ForbiddenChange("arbre des pages")
            old, new = resolved(old_ref), resolved(new_ref)
            old_kids, new_kids = list(entries(old, "/Kids")), list(entries(new, "/Kids"))
            if len(old_kids) != len(new_kids):
                raise ForbiddenChange("nombre de pages")
            pending.extend(zip(old_kids, new_kids, strict=True))
            nodes.append((old, new))
        return nodes

    def _pages(self, nodes: list[tuple[Any, Any]]) -> None:
        for old, new in nodes:
            self._annotations(old, new)
            self._same_entries(old, new, besides={"/Kids", "/Annots"}, where="page")

    def _annotations(self, old: Any, new: Any) -> None:
        before, after = list(entries(old, "/Annots")), list(entries(new, "/Annots"))
        kept = [item for item in after if _key(item) not in self.new_widgets]
        if len(kept) != len(before):
            raise ForbiddenChange("annotation")
        for old_item, new_item in zip(before, kept, strict=True):
            self._same(old_item, new_item, "/Annots")

    # The form: fields that existed keep value and appearance; signature fields may come.

    def _form(self, old: Any, new: Any) -> None:
        if not isinstance(old, generic.DictionaryObject):
            raise ForbiddenChange("formulaire")
        if not isinstance(new, generic.DictionaryObject):
            raise ForbiddenChange("formulaire")
        self._fields(entries(old, "/Fields"), entries(new, "/Fields"), prefix="")
        free = {"/Fields", "/SigFlags", "/DR"}
        self._same_entries(old, new, besides=free, where="formulaire")
        if self.has_other_fields and (entry(old, "/DR") is None) != (entry(new, "/DR") is None):
            # the default resources decide how a field without appearance is drawn
            raise ForbiddenChange("ressources du formulaire")
        self._resources(entry(old, "/DR"), entry(new, "/DR"), exact=self.has_other_fields)

    def _fields(self, old_items: Iterator[Any], new_items: Iterator[Any], *, prefix: str) -> None:
        before, after = list(old_items), list(new_items)
        known = {_key(item) for item in before}
        kept = [item for item in after if _key(item) in known]
        if [_key(item) for item in before] != [_key(item) for item in kept]:
            raise ForbiddenChange("champ de formulaire")
        for item in after:
            if _key(item) not in known:
                self._new_field(item, prefix=prefix)
        for old_item, new_item in zip(before, kept, strict=True):
            self._field(resolved(old_item), resolved(new_item), prefix=prefix)

    def _field(self, old: Any, new: Any, *, prefix: str) -> None:
        self._count()
        name = _name(prefix, old)
        if _is_signature_field(old) and entry(old, "/V") is None:
            self._filled(old, new, name=name)
            return
        if _has_named_kids(old):
            self._fields(entries(old, "/Kids"), entries(new, "/Kids"), prefix=name)
            self._same_entries(old, new, besides={"/Kids"}, where="champ de formulaire")
            return
        self.has_other_fields = self.has_other_fields or not _is_signature_field(old)
        self._same_entries(old, new, besides=set(), where="champ de formulaire")
        for old_kid, new_kid in zip(entries(old, "/Kids"), entries(new, "/Kids"), strict=True):
            self._same_entries(resolved(old_kid), resolved(new_kid), besides=set(), where="champ")

    def _filled(self, old: Any, new: Any, *, name: str) -> None:
        signature = entry(new, "/V")
        changing = _FILLING_KEYS if signature is not None else set()
        self._same_entries(old, new, besides={*changing, "/Kids"}, where="champ de signature")
        kids = zip(entries(old, "/Kids"), entries(new, "/Kids"), strict=True)
        for old_kid, new_kid in kids:
            if _key(old_kid) != _key(new_kid):
                raise ForbiddenChange("champ de signature")
            self._same_entries(
                resolved(old_kid), resolved(new_kid), besides=changing, where="champ de signature"
            )
        if signature is not None:
            self._record(name, new, signature, is_new_field=False)

    def _new_field(self, item: Any, *, prefix: str) -> None:
        field = resolved(item)
        self._count()
        if not _is_signature_field(field) or set(field) - _NEW_WIDGET_KEYS - {"/Kids"}:
            raise ForbiddenChange("champ de formulaire ajouté")
        for kid in entries(field, "/Kids"):
            widget = resolved(kid)
            if entry(widget, "/Subtype") != "/Widget" or set(widget) - _NEW_WIDGET_KEYS:
                raise ForbiddenChange("annotation ajoutée")
        if _key(item) in self.old_fields or _has_named_kids(field):
            raise ForbiddenChange("champ de formulaire ajouté")
        if entry(field, "/Subtype") not in {None, "/Widget"}:
            raise ForbiddenChange("annotation ajoutée")
        self._collect_fields([item], self.new_widgets)
        name, signature = _name(prefix, field), entry(field, "/V")
        if signature is not None:
            self._record(name, field, signature, is_new_field=True)
            return
        if _draws(field):
            raise ForbiddenChange("champ de signature vide mais dessiné")
        visible = _is_visible(field)
        self.added.append(
            AddedSignature(name, is_new_field=True, is_visible=visible, is_timestamp=False)
        )

    def _record(self, name: str, field: Any, signature: Any, *, is_new_field: bool) -> None:
        if not isinstance(signature, generic.DictionaryObject) or "/Contents" not in signature:
            raise ForbiddenChange("champ de signature")
        visible = _is_visible(field)
        is_timestamp = bool(entry(signature, "/SubFilter") == "/ETSI.RFC3161")
        if is_timestamp and visible:
            # anybody may obtain a time-stamp: it must not be a way to draw on the page
            raise ForbiddenChange("horodatage visible")
        self.added.append(
            AddedSignature(
                name, is_new_field=is_new_field, is_visible=visible, is_timestamp=is_timestamp
            )
        )

    def _collect_fields(self, items: Any, into: set[Ref]) -> None:
        pending = list(items)
        while pending:
            item = pending.pop()
            self._count()
            key = _key(item)
            if key is not None:
                if key in into:
                    raise ForbiddenChange("champ de formulaire")
                into.add(key)
            pending.extend(entries(resolved(item), "/Kids"))

    def _resources(self, old: Any, new: Any, *, exact: bool) -> None:
        """Default resources may gain entries where no field uses them; none changes."""
        if exact and old is not None:
            self._same(old, new, "/DR")
        for category in old if isinstance(old, generic.DictionaryObject) else ():
            before, after = entry(old, category), entry(new, category)
            if not isinstance(before, generic.DictionaryObject):
                self._same(before, after, category)
                continue
            for name in before:
                if not isinstance(after, generic.DictionaryObject) or name not in after:
                    raise ForbiddenChange("ressources du formulaire")
                self._same(before.raw_get(name), after.raw_get(name), name)

    def _dss(self, new: Any) -> None:
        if new is None:
            return
        if not isinstance(new, generic.DictionaryObject) or set(new) - _DSS_KEYS:
            raise ForbiddenChange("données de validation (DSS)")

    # Everything else: the same, object by object.

    def _same_entries(self, old: Any, new: Any, *, besides: set[str], where: str) -> None:
        dictionaries = generic.DictionaryObject
        if not isinstance(old, dictionaries) or not isinstance(new, dictionaries):
            raise ForbiddenChange(where)
        keys = set(old) - besides
        if keys != set(new) - besides:
            raise ForbiddenChange(where)
        if isinstance(old, generic.StreamObject) or isinstance(new, generic.StreamObject):
            raise ForbiddenChange(where)
        for key in keys:
            self._same(old.raw_get(key), new.raw_get(key), key)

    def _same(self, old_value: Any, new_value: Any, context: str) -> None:
        pending = [(old_value, new_value, context)]
        while pending:
            old, new, key = pending.pop()
            self._count()
            pair = (_key(old), _key(new))
            if pair in self.visited or (pair[0] == pair[1] and self._has_own_role(pair[0], key)):
                continue
            if None not in pair:
                self.visited.add(pair)
            pending.extend(_pairs(resolved(old), resolved(new), key))

    def _has_own_role(self, ref: Ref | None, context: str) -> bool:
        if ref in self.page_nodes:
            return True
        return ref in self.old_fields and context in _FIELD_CONTEXTS

    def _count(self) -> None:
        self.work += 1
        if self.work > 4 * self.limits.max_objects:
            raise too_complex()


def _pairs(old: Any, new: Any, key: str) -> Iterator[tuple[Any, Any, str]]:
    """The children to compare, once two values are equal at their own level."""
    if isinstance(old, generic.DictionaryObject):
        if not isinstance(new, generic.DictionaryObject) or set(old) != set(new):
            raise ForbiddenChange(f"objet {key}")
        if _stream_bytes(old) != _stream_bytes(new):
            raise ForbiddenChange(f"contenu {key}")
        for entry in old:
            yield old.raw_get(entry), new.raw_get(entry), entry
    elif isinstance(old, generic.ArrayObject):
        if not isinstance(new, generic.ArrayObject) or len(old) != len(new):
            raise ForbiddenChange(f"liste {key}")
        for index in range(len(old)):
            yield old.raw_get(index), new.raw_get(index), key
    elif plain_value(old) != plain_value(new):
        raise ForbiddenChange(f"valeur {key}")


def plain_value(value: Any) -> tuple[str, Any]:
    """A value that is neither array nor dictionary, as what it means to a reader."""
    if isinstance(value, generic.TextStringObject | generic.ByteStringObject):
        return "string", value.original_bytes
    if isinstance(value, generic.NullObject):
        return "null", None
    if isinstance(value, generic.NumberObject | generic.FloatObject):
        # Who signs next may write 612.0 as 612 (ISO 32000-2 §7.3.3).
        return "number", Decimal(value)
    return type(value).__name__, value


def _stream_bytes(value: Any) -> bytes | None:
    return value.encoded_data if isinstance(value, generic.StreamObject) else None


def _key(item: Any) -> Ref | None:
    return (item.idnum, item.generation) if isinstance(item, generic.IndirectObject) else None


def _is_signature_field(field: Any) -> bool:
    return bool(entry(field, "/FT") == "/Sig")


def _has_named_kids(field: Any) -> bool:
    return any(entry(resolved(kid), "/T") is not None for kid in entries(field, "/Kids"))


def _name(prefix: str, field: Any) -> str:
    own = str(entry(field, "/T") or "")
    return f"{prefix}.{own}" if prefix and own else prefix or own


def _is_visible(field: Any) -> bool:
    widgets = [field, *(resolved(kid) for kid in entries(field, "/Kids"))]
    for widget in widgets:
        corners = [float(resolved(corner)) for corner in entries(widget, "/Rect")]
        if len(corners) == 4 and corners[0] != corners[2] and corners[1] != corners[3]:
            return True
    return False


def _draws(field: Any) -> bool:
    for widget in (field, *(resolved(kid) for kid in entries(field, "/Kids"))):
        appearance = entry(widget, "/AP")
        for state in appearance if isinstance(appearance, generic.DictionaryObject) else ():
            drawing = entry(appearance, state)
            if not isinstance(drawing, generic.StreamObject) or drawing.encoded_data.strip():
                return True
    return False
