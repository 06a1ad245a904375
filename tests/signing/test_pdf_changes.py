"""The comparison of a signed revision with the file of today, on forms of every shape."""

from __future__ import annotations

import pytest

from signing.pdf_changes import AddedSignature, ForbiddenChange, Locks, added_signatures
from signing.pdf_reading import DEFAULT_LIMITS, open_pdf
from tests.builders.pdf import appended, simple_objects, stream, written

_SIGNATURE = b"<< /Type /Sig /SubFilter /ETSI.CAdES.detached /Contents <AB> >>"
FORM = 5
TEXT, EMPTY, NEW = 10, 11, 30


def form_pdf(*, form: bytes = b"", fields: dict[int, bytes] | None = None) -> bytes:
    """A page, a form in object 5, a text field and an empty signature field."""
    objects = simple_objects()
    chosen = fields or {
        TEXT: b"<< /FT /Tx /T (montant) /V (12) /Parent 12 0 R >>",
        EMPTY: b"<< /FT /Sig /T (Visa) /Rect [0 0 10 10] /Subtype /Widget /P 3 0 R >>",
        12: b"<< /T (budget) /Kids [10 0 R] >>",
    }
    roots = b" ".join(b"%d 0 R" % n for n in sorted(chosen) if n not in {TEXT, 13})
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R >>"
    objects[FORM] = b"<< /Fields [%s] %s >>" % (roots, form)
    return written(objects | chosen)


def page(box: bytes) -> bytes:
    return simple_objects()[3].replace(b"[0 0 200 200]", box)


def added(signed: bytes, current: bytes) -> tuple[AddedSignature, ...]:
    return added_signatures(open_pdf(signed), open_pdf(current), DEFAULT_LIMITS)


def refused(signed: bytes, objects: dict[int, bytes]) -> str:
    with pytest.raises((ForbiddenChange, ValueError)) as refusal:
        added(signed, appended(signed, objects))
    return str(refusal.value)


class TestAllowed:
    def test_nothing_changed(self) -> None:
        assert added(form_pdf(), appended(form_pdf(), {40: b"null"})) == ()

    def test_the_prepared_field_is_filled(self) -> None:
        filled = b"<< /FT /Sig /T (Visa) /Rect [0 0 10 10] /Subtype /Widget /P 3 0 R /V 31 0 R >>"
        current = appended(form_pdf(), {EMPTY: filled, 31: _SIGNATURE})
        assert added(form_pdf(), current) == (
            AddedSignature("Visa", is_new_field=False, is_visible=True, is_timestamp=False),
        )

    def test_the_widget_of_the_prepared_field_gets_its_appearance(self) -> None:
        fields = {
            EMPTY: b"<< /FT /Sig /T (Visa) /Kids [13 0 R] >>",
            13: b"<< /Subtype /Widget /Parent 11 0 R /Rect [0 0 10 10] >>",
        }
        signed = form_pdf(fields=fields)
        current = appended(
            signed,
            {
                EMPTY: b"<< /FT /Sig /T (Visa) /Kids [13 0 R] /V 31 0 R >>",
                13: b"<< /Subtype /Widget /Parent 11 0 R /Rect [0 0 10 10] /AP << /N 32 0 R >> >>",
                31: _SIGNATURE,
                32: stream(b"0 0 m"),
            },
        )
        assert [one.name for one in added(signed, current)] == ["Visa"]

    def test_a_field_comes_under_an_existing_parent(self) -> None:
        current = appended(
            form_pdf(),
            {
                12: b"<< /T (budget) /Kids [10 0 R 30 0 R] >>",
                NEW: b"<< /FT /Sig /T (Visa2) /Parent 12 0 R >>",
            },
        )
        assert [one.name for one in added(form_pdf(), current)] == ["budget.Visa2"]

    def test_default_resources_come_where_no_field_uses_them(self) -> None:
        signed = form_pdf(
            form=b"/DR << /Font << /A 4 0 R >> >>", fields={EMPTY: b"<< /FT /Sig /T (Visa) >>"}
        )
        wider = b"<< /Fields [11 0 R] /DR << /Font << /A 4 0 R /B 4 0 R >> >> >>"
        assert added(signed, appended(signed, {FORM: wider})) == ()

    def test_metadata_and_version_may_change(self) -> None:
        catalog = (
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Version /2.0 /Metadata 40 0 R >>"
        )
        current = appended(form_pdf(), {1: catalog, 40: stream(b"<x/>")})
        assert added(form_pdf(), current) == ()

    def test_a_number_may_be_written_otherwise(self) -> None:
        signed = appended(form_pdf(), {3: page(b"[0 0 200.0 200.50]")})
        current = appended(signed, {3: page(b"[0.0 -0 +200. 200.5]")})
        assert added(signed, current) == ()


class TestRefused:
    @pytest.mark.parametrize(
        "objects",
        [
            pytest.param({TEXT: b"<< /FT /Tx /T (montant) /V (99) /Parent 12 0 R >>"}, id="value"),
            pytest.param(
                {TEXT: b"<< /FT /Tx /T (autre) /V (12) /Parent 12 0 R >>"}, id="field renamed"
            ),
            pytest.param({12: b"<< /T (budget) /Kids [] >>"}, id="kid removed"),
            pytest.param({FORM: b"<< /Fields [11 0 R] >>"}, id="field removed"),
            pytest.param({FORM: b"<< /Fields [12 0 R 11 0 R] >>"}, id="order"),
            pytest.param({FORM: b"<< /Fields 4 0 R >>"}, id="no list"),
            pytest.param({FORM: b"null"}, id="form removed"),
            pytest.param(
                {FORM: b"<< /Fields [11 0 R 12 0 R] /NeedAppearances true >>"}, id="redraw"
            ),
            pytest.param({FORM: b"<< /Fields [11 0 R 12 0 R] /DR << >> >>"}, id="resources"),
            pytest.param(
                {EMPTY: b"<< /FT /Sig /T (Visa) /Rect [0 0 99 99] /Subtype /Widget /P 3 0 R >>"},
                id="empty field moved",
            ),
            pytest.param(
                {
                    EMPTY: b"<< /FT /Sig /T (Visa) /Rect [0 0 10 10] /Subtype /Widget /P 3 0 R "
                    b"/V << /Type /Sig >> >>"
                },
                id="filled with nothing",
            ),
            pytest.param(
                {
                    EMPTY: b"<< /FT /Sig /T (Visa) /Rect [0 0 10 10] /Subtype /Widget /P 3 0 R "
                    b"/AP << /N 4 0 R >> >>"
                },
                id="drawn, not signed",
            ),
            pytest.param({3: b"<< /Type /Page /Parent 2 0 R >>"}, id="page emptied"),
            pytest.param({2: b"<< /Type /Pages /Count 1 /Kids [11 0 R] >>"}, id="other page"),
            pytest.param({4: b"<< >>"}, id="content no longer a stream"),
        ],
    )
    def test_threat_04_what_existed_stays(self, objects: dict[int, bytes]) -> None:
        assert refused(form_pdf(), objects)

    @pytest.mark.parametrize(
        ("signed", "current"),
        [
            pytest.param(b"200", b"200.000000000000001", id="another number"),
            # Equal once they are binary floating-point numbers.
            pytest.param(b"9007199254740992", b"9007199254740993", id="a large number"),
            pytest.param(b"1", b"true", id="a boolean"),
            pytest.param(b"200", b"(200)", id="a string"),
        ],
    )
    def test_threat_04_a_number_replaced(self, signed: bytes, current: bytes) -> None:
        before = appended(form_pdf(), {3: page(b"[0 0 200 %s]" % signed)})
        assert refused(before, {3: page(b"[0 0 200 %s]" % current)}) == "valeur /MediaBox"

    @pytest.mark.parametrize(
        "field",
        [
            pytest.param(b"<< /FT /Tx /T (x) >>", id="text"),
            pytest.param(b"<< /FT /Sig /T (x) /AA << >> >>", id="action"),
            pytest.param(b"<< /FT /Sig /T (x) /Subtype /FreeText >>", id="annotation"),
            pytest.param(b"<< /FT /Sig /T (x) /Kids [12 0 R] >>", id="kid of another"),
            pytest.param(b"<< /FT /Sig /T (x) /AP << /N 4 0 R >> >>", id="drawn"),
            pytest.param(b"<< /FT /Sig /T (x) /AP << /N << /On 4 0 R >> >> >>", id="states"),
            pytest.param(
                b"<< /FT /Sig /T (x) /Rect [0 0 9 9] /V << /SubFilter /ETSI.RFC3161 "
                b"/Contents <AB> >> >>",
                id="visible time-stamp",
            ),
        ],
    )
    def test_threat_03_only_plain_signature_fields_come(self, field: bytes) -> None:
        form = b"<< /Fields [11 0 R 12 0 R 30 0 R] >>"
        assert refused(form_pdf(), {FORM: form, NEW: field})

    def test_a_default_resource_replaced(self) -> None:
        signed = form_pdf(
            form=b"/DR << /Font << /A 4 0 R >> >>", fields={EMPTY: b"<< /FT /Sig /T (Visa) >>"}
        )
        other = b"<< /Fields [11 0 R] /DR << /Font << /A 3 0 R >> >> >>"
        assert refused(signed, {FORM: other})


class TestLocks:
    @pytest.mark.parametrize(
        ("lock", "forbidden"),
        [
            (Locks(None, None, frozenset()), False),
            (Locks(1, None, frozenset()), True),
            (Locks(2, None, frozenset()), True),
            (Locks(None, "/All", frozenset()), True),
            (Locks(None, "/Include", frozenset({"Visa"})), True),
            (Locks(None, "/Include", frozenset({"Autre"})), False),
            (Locks(None, "/Exclude", frozenset({"Visa"})), False),
            (Locks(None, "/Exclude", frozenset({"Autre"})), True),
        ],
    )
    def test_threat_05_a_new_visible_signature(self, lock: Locks, *, forbidden: bool) -> None:
        one = AddedSignature("Visa", is_new_field=True, is_visible=True, is_timestamp=False)
        assert lock.forbid(one) is forbidden

    def test_a_timestamp_is_never_forbidden(self) -> None:
        stamp = AddedSignature("H", is_new_field=True, is_visible=False, is_timestamp=True)
        assert not Locks(1, "/All", frozenset()).forbid(stamp)


def test_an_added_page_is_named_before_the_form_that_went_with_it() -> None:
    signed = form_pdf()
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R 40 0 R] /Count 2 >>",
        40: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
    }
    assert refused(signed, objects) == "nombre de pages"
