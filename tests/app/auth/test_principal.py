"""What roles and verbs give, and that nothing gives more."""

from __future__ import annotations

import uuid

import pytest

from app.auth.principal import (
    TOKEN_VERBS,
    Permission,
    Principal,
    PrincipalKind,
    Role,
    permissions_of_person,
    permissions_of_token,
)
from app.register.service import administered_desks

LISTED = uuid.UUID(int=7)
CREDENTIALS = {
    Permission.USER_ADMIN,
    Permission.TOKEN_ADMIN,
    Permission.CONNECTOR_ADMIN,
    Permission.TRUST_ADMIN,
    Permission.CERTIFICATE_ORDER_ADMIN,
}


def a_principal(*permissions: Permission) -> Principal:
    return Principal(
        kind=PrincipalKind.PERSON,
        tenant_id=uuid.uuid4(),
        id=uuid.uuid4(),
        user_id=None,
        permissions=frozenset(permissions),
        desk_ids=frozenset(),
    )


@pytest.mark.parametrize("permission", [one for one in Permission if one is not Permission.PUBLIC])
def test_threat_34_without_a_permission_nothing_is_allowed(permission: Permission) -> None:
    assert not a_principal().may(permission)


def test_threat_34_an_unknown_role_gives_nothing() -> None:
    assert permissions_of_person(["superuser"]) == permissions_of_person([])


@pytest.mark.parametrize(
    "role", [Role.WORKFLOW_ADMIN, Role.AUDITOR, Role.DESK_ADMIN, Role.HOST_ADMIN]
)
def test_threat_34_who_draws_circuits_or_reads_the_journal_holds_no_credentials(
    role: Role,
) -> None:
    assert not permissions_of_person([role]) & CREDENTIALS


@pytest.mark.parametrize("role", list(Role))
def test_threat_34_no_role_makes_an_agent(role: Role) -> None:
    assert Permission.AGENT not in permissions_of_person([role])


@pytest.mark.parametrize("role", [Role.DESK_ADMIN, Role.HOST_ADMIN])
def test_threat_34_a_narrow_role_adds_one_permission(role: Role) -> None:
    added = permissions_of_person([role]) - permissions_of_person([])
    assert (
        added
        == {
            Role.DESK_ADMIN: {Permission.HOLDER_ADMIN},
            Role.HOST_ADMIN: {Permission.HOST_ADMIN},
        }[role]
    )


@pytest.mark.parametrize(
    ("roles", "administered"),
    [
        ([], frozenset()),
        ([Role.AUDITOR, Role.CERTIFICATE_MANAGER, Role.HOST_ADMIN], frozenset()),
        ([Role.DESK_ADMIN], frozenset({LISTED})),
        ([Role.WORKFLOW_ADMIN], None),
        ([Role.DESK_ADMIN, Role.TENANT_ADMIN], None),
    ],
    ids=["nobody", "others", "listed", "workflow_admin", "tenant"],
)
def test_threat_34_desks_are_administered_as_the_role_says(
    roles: list[Role], administered: frozenset[uuid.UUID] | None
) -> None:
    assert administered_desks([one.value for one in roles], [LISTED]) == administered


def test_threat_49_a_program_never_acts_signs_nor_administers() -> None:
    every = permissions_of_token([one.value for one in Permission])
    assert every == TOKEN_VERBS
    assert every == {
        Permission.FOLDER_DEPOSIT,
        Permission.FOLDER_READ,
        Permission.CATALOG_READ,
        Permission.OUTSIDE_ANSWER,
    }


def test_threat_49_a_token_without_verbs_opens_nothing() -> None:
    assert permissions_of_token([]) == frozenset()
