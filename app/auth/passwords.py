"""Passwords: argon2id, checked in a thread, at most two at once (64 MiB each)."""

from __future__ import annotations

import asyncio
from functools import cache

from pwdlib import PasswordHash

from app.errors import Unprocessable
from app.kit.threads import in_thread

MIN_LENGTH = 12
_HASHER = PasswordHash.recommended()
_AT_ONCE = 2


class PasswordChecker:
    """Bounds the memory that parallel log-ins may take."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._dummy = _dummy_hash()

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Takes as long for an unknown account as for a known one (threat 43)."""
        async with self._turns:
            right = await in_thread(lambda: _HASHER.verify(password, password_hash or self._dummy))
        return right and password_hash is not None

    async def hash(self, password: str) -> str:
        """Raises Unprocessable (`password_too_short`)."""
        if len(password) < MIN_LENGTH:
            raise Unprocessable(
                f"Mot de passe trop court : choisissez-en un d'au moins {MIN_LENGTH} caractères.",
                code="password_too_short",
            )
        async with self._turns:
            return await in_thread(lambda: _HASHER.hash(password))


@cache
def _dummy_hash() -> str:
    """Once per process that checks passwords: it takes as long as a log-in."""
    return _HASHER.hash("no account has this password")
