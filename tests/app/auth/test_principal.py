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

CREDENTIALS = {
    Permission.USER_ADMIN,
    Permission.TOKEN_ADMIN,
    Permission.CONNECTOR_ADMIN,
    Permission.TRUST_ADMIN,
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


@pytest.mark.parametrize("role", [Role.WORKFLOW_ADMIN, Role.AUDITOR])
def test_threat_34_who_draws_circuits_or_reads_the_journal_holds_no_credentials(
    role: Role,
) -> None:
    assert not permissions_of_person([role]) & CREDENTIALS


@pytest.mark.parametrize("role", list(Role))
def test_threat_34_no_role_makes_an_agent(role: Role) -> None:
    assert Permission.AGENT not in permissions_of_person([role])


def test_threat_49_a_program_never_acts_signs_nor_administers() -> None:
    every = permissions_of_token([one.value for one in Permission])
    assert every == TOKEN_VERBS
    assert every == {Permission.FOLDER_DEPOSIT, Permission.FOLDER_READ, Permission.CATALOG_READ}


def test_threat_49_a_token_without_verbs_opens_nothing() -> None:
    assert permissions_of_token([]) == frozenset()
