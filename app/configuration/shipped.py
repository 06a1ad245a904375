"""The configurations that ship with the product: fictional, complete, to start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.configuration.document import Configuration
from app.configuration.text import read_text
from app.errors import NotFound

_FOLDER = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True, slots=True)
class Shipped:
    """How a template is presented."""

    title: str
    summary: str


TEMPLATES: Mapping[str, Shipped] = {
    "petite-commune": Shipped(
        "Petite commune",
        "Une mairie de quelques agents : arrêtés et délibérations, dépenses et recettes, "
        "courriers ; délégations du maire à ses adjoints.",
    ),
    "communaute-de-communes": Shipped(
        "Communauté de communes",
        "Un établissement avec services et vice-présidents : actes, finances, marchés, "
        "ressources humaines ; délégations aux vice-présidents et à la direction.",
    ),
}


def template_text(name: str) -> str:
    """The template as its file says it, comments included. Raises NotFound."""
    if name not in TEMPLATES:
        raise NotFound
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def template(name: str) -> Configuration:
    """The template as a document. Raises NotFound."""
    return read_text(template_text(name).encode())
