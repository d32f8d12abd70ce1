"""Where people are signed in. The cookie holds a secret, the database its hash; the secret is renewed while it is used."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, NamedTuple

from headwater.console.accounts.people import QUERIES

LONGEST_SECONDS = 30 * 86_400.0
IDLE_SECONDS = 7 * 86_400.0
ROTATE_SECONDS = 3600.0


class Visitor(NamedTuple):
    """Who a request is from."""

    person_id: str
    email: str
    name: str
    role: str
    form_token: str
    """What every form of this session carries, so that no other site can send one (CSRF)."""
    notice: str | None
    """What the last action left for the next page to tell."""
    key: bytes
    """The session in the database."""

    @property
    def actor(self) -> str:
        """How the audit log names the person."""
        return f"{self.name} ({self.email})"


class Seen(NamedTuple):
    """A visitor, and the new secret when it was renewed."""

    visitor: Visitor
    renewed: str | None


async def begin(connection: Any, person_id: str, address: str, notice: str | None = None) -> str:
    """Sign somebody in; the secret for the cookie."""
    secret = secrets.token_urlsafe(32)
    await connection.execute(QUERIES["end_old_sessions"], LONGEST_SECONDS, IDLE_SECONDS)
    await connection.execute(
        QUERIES["insert_session"], _hash_of(secret), person_id, secrets.token_urlsafe(24), notice, address
    )
    return secret


async def see(connection: Any, secret: str) -> Seen | None:
    """Who this cookie belongs to; None when it is unknown, too old, or of somebody who was shut out."""
    row = await connection.fetchrow(QUERIES["session"], _hash_of(secret), LONGEST_SECONDS, IDLE_SECONDS, ROTATE_SECONDS)
    if row is None:
        return None
    renewed = await _renew(connection, row["hash"]) if row["rotate"] else None
    if renewed is None and row["unseen"]:
        await connection.execute(QUERIES["see_session"], row["hash"])
    key = row["hash"] if renewed is None else _hash_of(renewed)
    visitor = Visitor(row["id"], row["email"], row["name"], row["role"], row["form_token"], row["notice"], key)
    return Seen(visitor, renewed)


async def leave_notice(connection: Any, visitor: Visitor, text: str) -> None:
    """Let the next page tell the person something, once."""
    await connection.execute(QUERIES["set_notice"], visitor.key, text)


async def clear_notice(connection: Any, visitor: Visitor) -> None:
    """Forget the notice that a page has shown."""
    await connection.execute(QUERIES["clear_notice"], visitor.key, visitor.notice)


async def end(connection: Any, visitor: Visitor) -> None:
    """Sign out."""
    await connection.execute(QUERIES["end_session"], visitor.key)


async def _renew(connection: Any, key: bytes) -> str | None:
    secret = secrets.token_urlsafe(32)
    taken = await connection.fetchval(QUERIES["rotate_session"], key, _hash_of(secret))
    return None if taken is None else secret


def _hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
