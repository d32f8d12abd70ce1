"""Passwords: argon2id with the library's parameters (RFC 9106), length as the only rule (NIST SP 800-63B)."""

from __future__ import annotations

import asyncio
from functools import cache

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from headwater.errors import InputError

SHORTEST = 12
LONGEST = 512

_hasher = argon2.PasswordHasher()
# Each computation takes 64 MB: two at a time bound what a flood of sign-ins can take.
_limit = asyncio.Semaphore(2)


@cache
def _nobodys() -> str:
    """Compared with when there is no such person, so that the time of the answer does not tell.

    Made when the first person signs in: it takes a tenth of a second, which no start should wait for.
    """
    return _hasher.hash("nobody has this password")


def check(password: str) -> str:
    """Return the password. Raises InputError when it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(
            f"a password has {SHORTEST} to {LONGEST} characters; a few words that only you put together are good",
            "password",
        )
    return password


async def hash_of(password: str) -> str:
    """What is stored of a password. Raises InputError as `check` does."""
    checked = check(password)
    async with _limit:
        return await asyncio.to_thread(_hasher.hash, checked)


async def matches(password: str, stored: str | None) -> bool:
    """Whether this is the password; takes as long when nothing is stored."""
    async with _limit:
        return await asyncio.to_thread(_verify, password[:LONGEST], stored)


def _verify(password: str, stored: str | None) -> bool:
    try:
        _hasher.verify(_nobodys() if stored is None else stored, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
