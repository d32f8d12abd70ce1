"""One-time links: for the first admin, for people who are invited, and for people who lost their password."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from headwater.console.accounts import people
from headwater.console.accounts.people import QUERIES, Person, check_email
from headwater.console.accounts.roles import check_role
from headwater.errors import InputError
from headwater.pipelines import slugs
from headwater.pipelines.changes import Change

VALID_SECONDS = 72 * 3600.0
FIRST_VALID_SECONDS = 24 * 3600.0
PATH = "/welcome/"
"""The page that a link opens; the secret follows."""


class Link(msgspec.Struct, frozen=True):
    """A link that can be used once until `expires_at`. With a `person_id` it sets a new password, else it makes a person."""

    id: str
    person_id: str | None
    email: str
    role: str
    created_by: str
    expires_at: datetime


class NewLink(NamedTuple):
    """A link that was just made; `secret` is shown now and never again."""

    link: Link
    secret: str

    def url(self, console: str) -> str:
        """The whole address, below the console's own ("https://console.example.com")."""
        return f"{console}{PATH}{self.secret}"


async def invite(change: Change, email: str, role: str) -> NewLink:
    """Invite somebody. Raises InputError when they are here already or a value is not acceptable."""
    address = check_email(email)
    if await people.find_by_email(change.connection, address) is not None:
        raise InputError(f"{address} can sign in already; change the role in the list of people", "email", "conflict")
    return await _make(change, None, address, check_role(role), VALID_SECONDS, "person invited")


async def for_first_admin(change: Change) -> NewLink | None:
    """A link for the first admin of an install, ending the one before; None once there is anybody."""
    if await people.anybody(change.connection):
        return None
    return await _make(change, None, "", "admin", FIRST_VALID_SECONDS, "first sign-in link made")


async def for_new_password(change: Change, person: Person) -> NewLink:
    """A link with which somebody sets a new password."""
    return await _make(change, person.id, person.email, person.role, VALID_SECONDS, "sign-in link made")


async def find(connection: Any, secret: str) -> Link:
    """The link with this secret. Raises InputError with the code "not_found" when it is used up, too old or unknown."""
    row = await connection.fetchrow(QUERIES["link"], _hash_of(secret))
    if row is None:
        raise InputError(
            "this link was used already, or is too old; ask an admin for a new one (`headwater people invite`)",
            code="not_found",
        )
    return Link(**row)


async def open_links(connection: Any) -> list[Link]:
    """Links that can still be used, newest first."""
    return [Link(**row) for row in await connection.fetch(QUERIES["open_links"])]


async def take_back(change: Change, link_id: str) -> None:
    """End a link. Raises InputError with the code "not_found" when it cannot be used any more anyway."""
    row = await change.connection.fetchrow(QUERIES["end_link"], link_id)
    if row is None:
        raise InputError("this link was used already; load the page again", code="not_found")
    await change.record("sign-in link taken back", f"link {link_id}", Link(**row), None)


async def use(change: Change, secret: str, *, email: str, name: str, password_hash: str) -> Person:
    """Use a link up: the person it made, or whose password it set. Raises InputError as `find` and `people.create` do."""
    link = await find(change.connection, secret)
    if await change.connection.fetchval(QUERIES["use_link"], link.id) is None:
        raise InputError("this link was used just now; sign in instead", code="conflict")
    if link.person_id is None:
        address = link.email or email
        return await people.create(change, email=address, name=name, role=link.role, password_hash=password_hash)
    person = await people.find(change.connection, link.person_id)
    await people.set_password(change, person, password_hash)
    return person


async def _make(
    change: Change, person_id: str | None, email: str, role: str, valid_seconds: float, action: str
) -> NewLink:
    secret = secrets.token_urlsafe(32)
    await change.connection.execute(QUERIES["end_links"], email)
    link_id = slugs.new_id()
    await change.connection.execute(
        QUERIES["insert_link"], link_id, _hash_of(secret), person_id, email, role, change.actor, valid_seconds
    )
    link = await find(change.connection, secret)
    await change.record(action, f"link {link_id}", None, link)
    return NewLink(link, secret)


def _hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
