"""Bodies about persons and their certificates."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import BaseModel, Field, SecretStr

from app.auth.principal import Role
from app.auth.schemas import Input


class UserCreate(Input):
    """A person. Without a password nobody can sign in as him yet."""

    login: str = Field(min_length=3, max_length=255)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=255)
    first_name: str = Field(min_length=1, max_length=255)
    last_name: str = Field(min_length=1, max_length=255)
    roles: list[Role] = Field(default_factory=list)
    administered_desk_ids: list[uuid.UUID] = Field(default_factory=list, max_length=1000)
    password: SecretStr | None = Field(default=None, max_length=1024)


class UserUpdate(Input):
    """What is absent stays. `administered_desk_ids` count for the role `desk_admin` only; a
    person who is not active cannot sign in, and every power of his stops at once."""

    email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$", max_length=255)
    first_name: str | None = Field(default=None, min_length=1, max_length=255)
    last_name: str | None = Field(default=None, min_length=1, max_length=255)
    roles: list[Role] | None = None
    administered_desk_ids: list[uuid.UUID] | None = Field(default=None, max_length=1000)
    is_active: bool | None = None


class PasswordGiven(Input):
    """A password that an administrator hands to somebody, who then chooses his own."""

    password: SecretStr = Field(min_length=1, max_length=1024)


class PersonRead(BaseModel):
    """A person as colleagues see him: enough to choose a replacement or a delegate."""

    id: uuid.UUID
    full_name: str


class UserRead(BaseModel):
    """A person without his secrets."""

    id: uuid.UUID
    login: str
    email: str
    first_name: str
    last_name: str
    roles: list[str]
    administered_desk_ids: list[uuid.UUID]
    is_active: bool


class CertificateRead(BaseModel):
    """A certificate of the register, with its fitness now."""

    id: uuid.UUID
    user_id: uuid.UUID
    sha256: str
    subject: str
    not_before: datetime
    not_after: datetime
    fit: bool
    reasons: list[str]
