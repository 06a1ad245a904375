"""Bodies of identification."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr


class Input(BaseModel):
    """Every input refuses what it does not know (threat 35)."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class LogIn(Input):
    """A person's log-in name and password."""

    login: str = Field(min_length=1, max_length=255, examples=["maire@saint-exemple.test"])
    password: SecretStr = Field(min_length=1, max_length=1024)


class PasswordChange(Input):
    """One's own new password, and the one that it replaces."""

    current: SecretStr = Field(min_length=1, max_length=1024)
    new: SecretStr = Field(min_length=1, max_length=1024)


class SessionRead(BaseModel):
    """The signed-in person."""

    user_id: uuid.UUID
    full_name: str
    desk_ids: list[uuid.UUID]
    permissions: list[str]


class TokenCreate(Input):
    """A token for a program."""

    label: str = Field(min_length=1, max_length=255, examples=["Logiciel de finances"])
    desk_ids: list[uuid.UUID] = Field(min_length=1)
    verbs: list[str] = Field(min_length=1, examples=[["folder_deposit", "folder_read"]])
    expires_at: AwareDatetime


class TokenRead(BaseModel):
    """A token without its value."""

    id: uuid.UUID
    label: str
    desk_ids: list[uuid.UUID]
    verbs: list[str]
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class TokenIssued(TokenRead):
    """The only answer that holds the value: keep it now."""

    value: str
