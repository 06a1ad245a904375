"""Which pages of a PDF changed between two revisions of a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from signing.pdf_page_prints import PagePrint, document_prints
from signing.pdf_reading import DEFAULT_LIMITS, PdfLimits

# Matching costs the square of what differs; beyond, pages are compared one to one.
_MAX_MATCHED = 1_000
_FONTS = (
    "identique hormis les polices incorporées",
    "identiques hormis les polices incorporées",
)


@dataclass(frozen=True, slots=True)
class PdfChanges:
    """Pages by number from 1: `added` and `changed` in the later revision, `removed` in the
    earlier one. `fonts_changed`: other pages of the later revision that draw with fonts embedded
    otherwise, and differ in nothing else. `shared_changed`: what stands beside the pages (layers,
    form, attachments, actions) is not the same."""

    pages_before: int
    pages_after: int
    added: tuple[int, ...]
    removed: tuple[int, ...]
    changed: tuple[int, ...]
    fonts_changed: tuple[int, ...] = ()
    shared_changed: bool = False

    @property
    def summary(self) -> tuple[str, ...]:
        """In French: « Pages 3 et 5 modifiées, page 7 ajoutée. »"""
        said = [
            _pages(numbers, one, several)
            for numbers, one, several in (
                (self.changed, "modifiée", "modifiées"),
                (self.added, "ajoutée", "ajoutées"),
                (self.removed, "de l'ancienne version retirée", "de l'ancienne version retirées"),
            )
            if numbers
        ]
        lines = []
        if said:
            sentence = ", ".join(said)
            lines.append(f"{sentence[0].upper()}{sentence[1:]}.")
        if self.fonts_changed:
            sentence = _pages(self.fonts_changed, *_FONTS)
            lines.append(f"{sentence[0].upper()}{sentence[1:]}.")
        if self.shared_changed:
            lines.append(
                "Ce qui accompagne les pages a changé : calques, formulaire, fichiers joints ou "
                "actions."
            )
        return tuple(lines) or ("Aucune différence de contenu entre les deux versions.",)


def compare(
    before: bytes | Path, after: bytes | Path, *, limits: PdfLimits = DEFAULT_LIMITS
) -> PdfChanges:
    """What changed from one revision of a PDF to another, page by page.

    A page of which nothing is said draws the same thing; a page said to be changed may only be
    written otherwise. Raises UnsupportedDocument as `pdf_page_prints.document_prints`."""
    old, new = document_prints(before, limits), document_prints(after, limits)
    added: list[int] = []
    removed: list[int] = []
    changed: list[int] = []
    fonts_only: list[int] = []
    for start, end, new_start, new_end in _runs(old.pages, new.pages):
        common = min(end - start, new_end - new_start)
        removed += range(start + common + 1, end + 1)
        added += range(new_start + common + 1, new_end + 1)
        for rank in range(common):
            one, other = old.pages[start + rank], new.pages[new_start + rank]
            if one.whole != other.whole:
                same = one.besides_fonts == other.besides_fonts
                (fonts_only if same else changed).append(new_start + rank + 1)
    return PdfChanges(
        pages_before=len(old.pages),
        pages_after=len(new.pages),
        added=tuple(added),
        removed=tuple(removed),
        changed=tuple(changed),
        fonts_changed=tuple(fonts_only),
        shared_changed=old.shared != new.shared,
    )


def _runs(
    old: Sequence[PagePrint], new: Sequence[PagePrint]
) -> Iterator[tuple[int, int, int, int]]:
    """Runs of pages that stand for each other, as bounds in both; what one has more came or
    went."""
    before, after = ([page.besides_fonts for page in pages] for pages in (old, new))
    head, tail = _common_ends(before, after)
    old_end, new_end = len(before) - tail, len(after) - tail
    yield 0, head, 0, head
    if max(old_end, new_end) - head > _MAX_MATCHED:
        yield head, old_end, head, new_end
    else:
        matcher = SequenceMatcher(None, before[head:old_end], after[head:new_end], autojunk=False)
        for _, start, end, new_start, new_stop in matcher.get_opcodes():
            yield start + head, end + head, new_start + head, new_stop + head
    yield old_end, len(before), new_end, len(after)


def _common_ends(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[int, int]:
    """How many pages are the same at the beginning, then at the end."""
    shorter, head, tail = min(len(old), len(new)), 0, 0
    while head < shorter and old[head] == new[head]:
        head += 1
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, tail


def _pages(numbers: Sequence[int], one: str, several: str) -> str:
    if len(numbers) == 1:
        return f"page {numbers[0]} {one}"
    return f"pages {_listed(numbers)} {several}"


def _listed(numbers: Sequence[int]) -> str:
    """« 1 à 4, 7 et 9 »."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said: list[str] = []
    for run in runs:
        if len(run) > 2:
            said.append(f"{run[0]} à {run[-1]}")
        else:
            said += [str(one) for one in run]
    return f"{', '.join(said[:-1])} et {said[-1]}" if len(said) > 1 else said[0]
