"""Fictional deliberations in PDF, deterministic, of any length or size, with no outside asset.

Nothing in them exists and every page says so. The same `Act` always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256, shake_256
from math import isqrt

from app.demo.pdf_writer import Image, write_pdf
from app.demo.typesetting import (
    BOLD,
    ITALIC,
    ROMAN,
    Colour,
    Page,
    text_width,
    wrapped,
)

WIDTH, HEIGHT = 595, 842  # A4, in points
_LEFT, _RIGHT = 64, WIDTH - 64
_TOP, _BOTTOM = HEIGHT - 118, 96
_LEADING = 15.5
_SIZE = 10.5
_INK = Colour(0.13, 0.15, 0.19)
_ACCENT = Colour(0.10, 0.28, 0.44)
_WARNING = Colour(0.63, 0.12, 0.10)
_PALE = Colour(0.95, 0.96, 0.98)
_WARNING_PALE = Colour(0.99, 0.94, 0.92)
_FICTION = "DOCUMENT FICTIF – SANS VALEUR JURIDIQUE"
_FICTION_DETAIL = "Produit pour une démonstration : commune, personnes et montants sont inventés."

_WHEREAS = (
    "Vu le code général des collectivités territoriales ;",
    "Vu le budget primitif de l'exercice, voté par le conseil municipal imaginaire ;",
    "Vu l'avis favorable de la commission des finances réunie la semaine précédente ;",
    "Considérant que la salle des fêtes accueille chaque année une centaine de manifestations et "
    "que sa toiture, posée en 1987, ne retient plus ni la pluie ni la chaleur ;",
    "Considérant que trois entreprises fictives ont remis une offre et que celle de la société "
    "TOITURES FICTIVES est la mieux classée au regard du prix, des délais et de la durabilité ;",
)
_ARTICLES = (
    "Le marché de réfection de la toiture de la salle des fêtes est attribué à la société TOITURES "
    "FICTIVES pour un montant de 48 600,00 € hors taxes, soit 58 320,00 € toutes taxes comprises.",
    "Les travaux commencent dans le mois qui suit la notification et durent six semaines au plus. "
    "Une pénalité de 150 € est due par jour de retard.",
    "La dépense est imputée au chapitre 21, article 21318, du budget de la commune.",
    "Le maire est autorisé à signer toutes les pièces nécessaires à l'exécution de la présente "
    "délibération, qui sera transmise au représentant de l'État et publiée.",
)
_DEBATE = (
    "Au cours de la discussion, il est rappelé que l'isolation prévue divise par deux la facture "
    "de chauffage du bâtiment et que le bois employé provient de forêts voisines, tout aussi "
    "imaginaires que la commune.",
    "Il est répondu que le calendrier tient compte des réservations déjà prises : la salle reste "
    "ouverte le premier samedi de chaque mois, côté cour, pendant toute la durée du chantier.",
    "Un conseiller demande si des panneaux solaires peuvent être posés plus tard ; la charpente "
    "est calculée pour les porter et la question sera revue l'an prochain.",
)


@dataclass(frozen=True, slots=True)
class Act:
    """The shape of a deliberation. `pages` is a minimum, reached with the record of the debate;
    `size_bytes`, when larger than the text needs, is reached by an annex holding a picture."""

    number: str = "2026-014"
    town: str = "SAINT-MODÈLE"
    subject: str = "Réfection de la toiture de la salle des fêtes : attribution du marché"
    session: str = "jeudi 12 mars 2026"
    pages: int = 1
    size_bytes: int = 0


def deliberation(act: Act | None = None) -> bytes:
    """The PDF 1.7 of a fictional deliberation, one revision, standard fonts, no active content."""
    act = act or Act()
    pages = _pages(act)
    title = f"Délibération fictive {act.number}"
    identity = sha256(repr(act).encode()).digest()[:16]
    without = write_pdf(_stamped(act, pages), title=title, identity=identity)
    missing = act.size_bytes - len(without)
    if missing <= 0:
        return without
    annexed = [*pages, _annex(act)]
    picture = _picture(act, missing)
    return write_pdf(_stamped(act, annexed), title=title, identity=identity, picture=picture)


def _pages(act: Act) -> list[Page]:
    pages = [_first_page(act)]
    cursor = _paper(act, pages)
    number = 0
    while len(pages) < act.pages:
        text = _DEBATE[number % len(_DEBATE)]
        cursor = _paragraph(pages, f"{number + 1}. {text}", cursor, gap=9)
        number += 1
    _closing(act, pages, cursor)
    return pages


def _first_page(act: Act) -> Page:
    page = Page()
    page.text(ROMAN, 9.5, _LEFT, _TOP, "DÉPARTEMENT IMAGINAIRE", _INK)
    page.text(BOLD, 15, _LEFT, _TOP - 19, f"COMMUNE DE {act.town}", _ACCENT)
    right = f"Délibération n° {act.number}"
    page.text(BOLD, 10.5, _RIGHT - text_width(right, BOLD, 10.5), _TOP - 2, right, _INK)
    when = f"Séance du {act.session}"
    page.text(ROMAN, 9.5, _RIGHT - text_width(when, ROMAN, 9.5), _TOP - 18, when, _INK)
    page.line(_LEFT, _TOP - 32, _RIGHT, _TOP - 32, _ACCENT, width=1.2)
    heading = "EXTRAIT DU REGISTRE DES DÉLIBÉRATIONS DU CONSEIL MUNICIPAL"
    page.text(BOLD, 11.5, (WIDTH - text_width(heading, BOLD, 11.5)) / 2, _TOP - 62, heading, _INK)
    return page


def _paper(act: Act, pages: list[Page]) -> float:
    lines = list(wrapped(f"Objet : {act.subject}", BOLD, 11, _RIGHT - _LEFT - 24))
    height = 15 * len(lines) + 14
    top = _TOP - 80
    pages[0].box(_LEFT, top - height, _RIGHT - _LEFT, height, _PALE)
    for index, line in enumerate(lines):
        pages[0].text(BOLD, 11, _LEFT + 12, top - 19 - 15 * index, line, _ACCENT)
    cursor = float(top - height - 24)
    cursor = _paragraph(
        pages,
        "Le conseil municipal, légalement convoqué, s'est réuni à la mairie sous la présidence de "
        "Mme Camille EXEMPLE, maire. Membres en exercice : 15. Présents : 13. Votants : 14.",
        cursor,
        gap=10,
    )
    for whereas in _WHEREAS:
        cursor = _paragraph(pages, whereas, cursor, font=ITALIC, gap=5)
    cursor = _paragraph(
        pages,
        "Après en avoir délibéré, le conseil municipal, par 13 voix pour et 1 abstention, DÉCIDE :",
        cursor - 6,
        font=BOLD,
        gap=8,
    )
    for number, article in enumerate(_ARTICLES, start=1):
        cursor = _paragraph(pages, f"Article {number}. – {article}", cursor, gap=8)
    return cursor


def _paragraph(
    pages: list[Page], text: str, cursor: float, *, font: str = ROMAN, gap: float
) -> float:
    for line in wrapped(text, font, _SIZE, _RIGHT - _LEFT):
        if cursor < _BOTTOM:
            pages.append(Page())
            cursor = float(_TOP)
        pages[-1].text(font, _SIZE, _LEFT, cursor, line, _INK)
        cursor -= _LEADING
    return cursor - gap


def _closing(act: Act, pages: list[Page], cursor: float) -> None:
    if cursor < _BOTTOM + 70:
        pages.append(Page())
        cursor = float(_TOP)
    page = pages[-1]
    place = f"Fait à {act.town.title()}, le {act.session}"
    left = min(330, _RIGHT - text_width(place, ROMAN, _SIZE))
    page.text(ROMAN, _SIZE, left, cursor - 6, place, _INK)
    page.text(ROMAN, _SIZE, left, cursor - 22, "Le maire,", _INK)
    page.text(BOLD, _SIZE, left, cursor - 38, "Camille EXEMPLE", _INK)
    page.text(ITALIC, 8.5, left, cursor - 52, "Signature électronique attendue", _ACCENT)


def _annex(act: Act) -> Page:
    page = Page()
    page.text(BOLD, 13, _LEFT, _TOP - 10, "ANNEXE – Image de remplissage", _ACCENT)
    sentence = (
        f"Image sans signification, calculée pour que le fichier de la délibération {act.number} "
        "atteigne la taille demandée."
    )
    for index, line in enumerate(wrapped(sentence, ROMAN, _SIZE, _RIGHT - _LEFT)):
        page.text(ROMAN, _SIZE, _LEFT, _TOP - 32 - index * _LEADING, line, _INK)
    page.picture(_LEFT, 190, _RIGHT - _LEFT, _RIGHT - _LEFT)
    return page


def _picture(act: Act, size: int) -> Image:
    side = max(1, isqrt(size) + 1)
    noise = shake_256(act.number.encode()).digest(side * side)
    return Image(side, side, noise)


def _stamped(act: Act, pages: list[Page]) -> list[bytes]:
    return [_page_content(act, page, n, len(pages)) for n, page in enumerate(pages, start=1)]


def _page_content(act: Act, page: Page, number: int, count: int) -> bytes:
    """The page with the marks that every page bears, whatever its text."""
    frame = Page()
    frame.box(0, HEIGHT - 62, WIDTH, 62, _WARNING_PALE)
    frame.line(0, HEIGHT - 62, WIDTH, HEIGHT - 62, _WARNING, width=1.5)
    frame.text(
        BOLD, 14, (WIDTH - text_width(_FICTION, BOLD, 14)) / 2, HEIGHT - 34, _FICTION, _WARNING
    )
    detail = (WIDTH - text_width(_FICTION_DETAIL, ROMAN, 9)) / 2
    frame.text(ROMAN, 9, detail, HEIGHT - 50, _FICTION_DETAIL, _WARNING)
    frame.line(_LEFT, 66, _RIGHT, 66, _ACCENT, width=0.6)
    for x, text in _footer(act, number, count):
        frame.text(ROMAN, 8, x, 52, text, _INK)
    return frame.content + page.content


def _footer(act: Act, number: int, count: int) -> Iterator[tuple[float, str]]:
    yield _LEFT, f"Commune fictive de {act.town.title()} – délibération n° {act.number}"
    place = f"Page {number} / {count}"
    yield _RIGHT - text_width(place, ROMAN, 8), place
