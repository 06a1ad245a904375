"""Who acts, and what each kind of principal may ask for: deny by default (DESIGN D15)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum

from app.audit.chain import Actor


class PrincipalKind(StrEnum):
    """How the caller proved who he is."""

    PERSON = "person"
    PROGRAM = "program"
    DEVICE = "device"


class Role(StrEnum):
    """Roles of a person in his tenant. `host_admin` is a person of the host organisation."""

    HOST_ADMIN = "host_admin"
    TENANT_ADMIN = "tenant_admin"
    WORKFLOW_ADMIN = "workflow_admin"
    DESK_ADMIN = "desk_admin"
    CERTIFICATE_MANAGER = "certificate_manager"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What a route demands. PUBLIC routes are listed one by one in the tests."""

    PUBLIC = "public"
    SESSION = "session"
    FOLDER_DEPOSIT = "folder_deposit"
    FOLDER_READ = "folder_read"
    FOLDER_ACT = "folder_act"
    FOLDER_SIGN = "folder_sign"
    OUTSIDE_ANSWER = "outside_answer"
    DEVICE_PAIR = "device_pair"
    AGENT = "agent"
    TENANT_ADMIN = "tenant_admin"
    USER_ADMIN = "user_admin"
    DESK_ADMIN = "desk_admin"
    HOLDER_ADMIN = "holder_admin"
    POWER_ADMIN = "power_admin"
    ABSENCE_DECLARE = "absence_declare"
    HOST_ADMIN = "host_admin"
    CATALOG_ADMIN = "catalog_admin"
    CATALOG_READ = "catalog_read"
    TOKEN_ADMIN = "token_admin"  # noqa: S105  a name, not a secret
    CONNECTOR_ADMIN = "connector_admin"
    TRUST_ADMIN = "trust_admin"
    CERTIFICATE_ORDER_ADMIN = "certificate_order_admin"
    TRANSMISSION_ADMIN = "transmission_admin"
    JOURNAL_READ = "journal_read"


TOKEN_VERBS = frozenset(
    {
        Permission.FOLDER_DEPOSIT,
        Permission.FOLDER_READ,
        Permission.CATALOG_READ,
        Permission.OUTSIDE_ANSWER,
    }
)
_EVERYONE = frozenset(
    {
        Permission.SESSION,
        Permission.FOLDER_DEPOSIT,
        Permission.FOLDER_READ,
        Permission.FOLDER_ACT,
        Permission.FOLDER_SIGN,
        Permission.DEVICE_PAIR,
        Permission.CATALOG_READ,
        Permission.ABSENCE_DECLARE,
    }
)
_BY_ROLE: dict[str, frozenset[Permission]] = {
    Role.HOST_ADMIN: frozenset({Permission.HOST_ADMIN}),
    Role.TENANT_ADMIN: frozenset(
        {
            Permission.TENANT_ADMIN,
            Permission.USER_ADMIN,
            Permission.DESK_ADMIN,
            Permission.HOLDER_ADMIN,
            Permission.POWER_ADMIN,
            Permission.CATALOG_ADMIN,
            Permission.TOKEN_ADMIN,
            Permission.CONNECTOR_ADMIN,
            Permission.TRUST_ADMIN,
            Permission.CERTIFICATE_ORDER_ADMIN,
            Permission.TRANSMISSION_ADMIN,
            Permission.JOURNAL_READ,
        }
    ),
    Role.WORKFLOW_ADMIN: frozenset(
        {
            Permission.DESK_ADMIN,
            Permission.HOLDER_ADMIN,
            Permission.POWER_ADMIN,
            Permission.CATALOG_ADMIN,
        }
    ),
    Role.DESK_ADMIN: frozenset({Permission.HOLDER_ADMIN}),
    Role.CERTIFICATE_MANAGER: frozenset(
        {Permission.TRUST_ADMIN, Permission.CERTIFICATE_ORDER_ADMIN}
    ),
    Role.AUDITOR: frozenset({Permission.JOURNAL_READ}),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks: the route, as the journal spells it (`/folders/:folder_id`)."""

    method: str
    route: str


@dataclass(frozen=True, slots=True)
class Principal:
    """An identified caller. `id` is the user, the token or the device; `user_id` the person
    behind it (none behind a program).

    `desk_ids`: desks where some power lets him act now (held, granted, replaced), or the token's.
    `watched_desk_ids`: those that he assists or supervises, to read only. `administered_desk_ids`:
    those whose holders, absences and stuck folders he looks after, every one where it is None.
    What may be done is decided at the act by `workflows.powers`, never by these sets. `asked`: his
    request, none outside of one."""

    kind: PrincipalKind
    tenant_id: uuid.UUID
    id: uuid.UUID
    user_id: uuid.UUID | None
    permissions: frozenset[Permission]
    desk_ids: frozenset[uuid.UUID]
    sees_all_folders: bool = False
    watched_desk_ids: frozenset[uuid.UUID] = frozenset()
    administered_desk_ids: frozenset[uuid.UUID] | None = frozenset()
    asked: Asked | None = None

    def may(self, permission: Permission) -> bool:
        return permission is Permission.PUBLIC or permission in self.permissions

    @property
    def actor(self) -> Actor:
        """How the journal names him."""
        return Actor(self.kind.value, str(self.id))

    @property
    def readable_desk_ids(self) -> frozenset[uuid.UUID]:
        """Desks whose folders he may read whole."""
        return self.desk_ids | self.watched_desk_ids

    def administers(self, desk_id: uuid.UUID) -> bool:
        return self.administered_desk_ids is None or desk_id in self.administered_desk_ids


def permissions_of_person(roles: list[str]) -> frozenset[Permission]:
    """Everyone's permissions and those of each known role; an unknown role gives nothing."""
    granted = set(_EVERYONE)
    for role in roles:
        granted |= _BY_ROLE.get(role, frozenset())
    return frozenset(granted)


def permissions_of_token(verbs: list[str]) -> frozenset[Permission]:
    """Only the verbs a program may ever hold."""
    return frozenset(verb for verb in TOKEN_VERBS if verb.value in verbs)
