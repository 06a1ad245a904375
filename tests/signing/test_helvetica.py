"""Which characters Helvetica draws in WinAnsiEncoding, and how wide they are."""

from __future__ import annotations

import unicodedata

import pytest

from signing.helvetica import ENCODING, folded, width


class TestFolded:
    @pytest.mark.parametrize("text", ["Élodie L’Œuvre", "œuf à 50 €", "« n° 12 » – …", "Noël ÿ Ÿ"])
    def test_french_is_kept_to_the_letter(self, text: str) -> None:
        assert folded(text) == text

    def test_accents_that_stand_apart_are_joined(self) -> None:
        assert folded(unicodedata.normalize("NFD", "Éà")) == "Éà"

    @pytest.mark.parametrize(
        ("text", "drawn"),
        [
            pytest.param("Ğűșț", "Gust", id="accents-that-the-font-lacks"),
            pytest.param("łŋ", "??", id="letters-that-the-font-lacks"),
            pytest.param("אב", "??", id="another-script"),
            pytest.param("😀", "?", id="beyond-the-basic-plane"),
            pytest.param("ﬁ №", "fi No", id="ligatures"),
            pytest.param("a\u202fb", "a b", id="narrow-space"),
            pytest.param("x\u0301\u0327", "x", id="marks-alone"),
        ],
    )
    def test_the_others_are_folded_or_replaced(self, text: str, drawn: str) -> None:
        assert folded(text) == drawn

    @pytest.mark.parametrize(
        "mark", ["\u202e", "\u2066", "\u200f", "\u200b", "\xad", "\ufeff", "\ue000", "\ud800"]
    )
    def test_what_is_never_drawn_goes(self, mark: str) -> None:
        assert folded(f"a{mark}b") == "ab"

    @pytest.mark.parametrize("mark", ["\n", "\r", "\t", "\0", "\x7f", "\x9d", "\u2028", "\u2029"])
    def test_what_breaks_a_line_is_a_space(self, mark: str) -> None:
        assert folded(f"a{mark}b") == "a b"

    def test_every_character_comes_out_drawable(self) -> None:
        every = "".join(chr(code) for code in range(0x3000))
        folded(every).encode(ENCODING)


class TestWidth:
    @pytest.mark.parametrize(
        ("text", "thousandths"),
        [("e", 556), ("é", 556), ("œ", 944), ("Œ", 1000), ("€", 556), ("’", 222), ("«", 556)],
    )
    def test_is_that_of_the_published_metrics(self, text: str, thousandths: int) -> None:
        assert width(text, 1000) == thousandths

    def test_grows_with_the_size_and_the_text(self) -> None:
        assert width("été", 10) == pytest.approx(2 * width("été", 5))
        assert width("étété", 10) == pytest.approx(width("ét", 10) + width("été", 10))
