"""The fictional local authority as data: its number, its people, what is known once it is made."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.auth.principal import Role
from workflows.register import Gender

SIRET = "21990001600011"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the town; `desk` is the post he holds, if any."""

    key: str
    first_name: str
    last_name: str
    desk: str | None
    capacity: str | None = None
    gender: Gender = Gender.MASCULINE
    roles: tuple[Role, ...] = ()


PEOPLE = (
    Person("administrateur", "Noé", "Registre", None, roles=(Role.TENANT_ADMIN, Role.AUDITOR)),
    Person("finances", "Alix", "Comptoir", "Service des finances"),
    Person(
        "direction",
        "Dominique",
        "Modèle",
        "Direction générale",
        "Directrice générale",
        Gender.FEMININE,
    ),
    Person("maire", "Camille", "Exemple", "Maire", "Maire"),
)


@dataclass(frozen=True, slots=True)
class Town:
    """Identifiers of what was made. `logins`, `users` and `desks` are by person's key."""

    tenant_id: uuid.UUID
    logins: dict[str, str]
    users: dict[str, uuid.UUID]
    desks: dict[str, uuid.UUID]
    subtypes: dict[str, uuid.UUID]


def read_town(written: Mapping[str, Any]) -> Town:
    """The town that `dataclasses.asdict` wrote as JSON."""

    def ids(name: str) -> dict[str, uuid.UUID]:
        return {key: uuid.UUID(value) for key, value in written[name].items()}

    return Town(
        tenant_id=uuid.UUID(written["tenant_id"]),
        logins=dict(written["logins"]),
        users=ids("users"),
        desks=ids("desks"),
        subtypes=ids("subtypes"),
    )
