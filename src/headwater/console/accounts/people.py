"""People in the database. Writers take a `Change`, readers any connection."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from headwater.console.accounts.roles import check_role
from headwater.database.queries import load
from headwater.errors import InputError
from headwater.pipelines import slugs
from headwater.pipelines.changes import Change

QUERIES = load("headwater.console.accounts")

_EMAIL = re.compile(r"[^@\s\x00]{1,64}@[^@\s\x00]{1,190}")


class Person(msgspec.Struct, frozen=True):
    """Somebody who can sign in. `disabled_at` is set when they may not any more."""

    id: str
    email: str
    name: str
    role: str
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    seen_at: datetime | None


def check_email(email: str) -> str:
    """Return the address without space around it. Raises InputError when it cannot be one."""
    trimmed = email.strip()
    if not _EMAIL.fullmatch(trimmed) or not trimmed.isprintable():
        raise InputError("this is no e-mail address; write it like name@example.com", "email")
    return trimmed


async def every(connection: Any) -> list[Person]:
    """Everybody, oldest first."""
    return [Person(**row) for row in await connection.fetch(QUERIES["people"])]


async def anybody(connection: Any) -> bool:
    """Whether there is anybody yet."""
    found: bool = await connection.fetchval(QUERIES["anybody"])
    return found


async def find(connection: Any, person_id: str) -> Person:
    """One person. Raises InputError with the code "not_found"."""
    row = await connection.fetchrow(QUERIES["person"], person_id)
    if row is None:
        raise InputError("there is nobody with this id; `headwater people list` shows everybody", code="not_found")
    return Person(**row)


async def find_by_email(connection: Any, email: str) -> Person | None:
    """The person with this address."""
    row = await connection.fetchrow(QUERIES["person_by_email"], email)
    return None if row is None else await find(connection, row["id"])


async def create(change: Change, *, email: str, name: str, role: str, password_hash: str) -> Person:
    """Add somebody. Raises InputError when the address is taken or a value is not acceptable."""
    address = check_email(email)
    await change.connection.execute(QUERIES["lock_people"])
    if await find_by_email(change.connection, address) is not None:
        raise InputError(f"somebody has the address {address} already; sign in instead", "email", code="conflict")
    person_id = slugs.new_id()
    await change.connection.execute(
        QUERIES["insert_person"],
        person_id,
        address,
        slugs.check_name(name),
        check_role(role),
        password_hash,
        change.actor,
    )
    person = await find(change.connection, person_id)
    await change.record("person added", subject(person), None, person)
    return person


async def set_role(change: Change, person: Person, role: str) -> Person:
    """Change what somebody may do. Raises InputError for the last admin."""
    wanted = check_role(role)
    if wanted == person.role:
        return person
    await _require_other_admin(change, person, "give the role admin to somebody else first")
    await change.connection.execute(QUERIES["set_role"], person.id, wanted)
    return await _changed(change, "role changed", person)


async def disable(change: Change, person: Person) -> Person:
    """Shut somebody out at once, everywhere. Raises InputError for the last admin."""
    await _require_other_admin(change, person, "invite another admin first")
    await change.connection.execute(QUERIES["set_disabled"], person.id, True)
    await change.connection.execute(QUERIES["end_sessions"], person.id)
    return await _changed(change, "person shut out", person)


async def enable(change: Change, person: Person) -> Person:
    """Let somebody in again."""
    await change.connection.execute(QUERIES["set_disabled"], person.id, False)
    return await _changed(change, "person let in again", person)


async def set_password(change: Change, person: Person, password_hash: str) -> None:
    """Replace a password and sign the person out everywhere."""
    await change.connection.execute(QUERIES["set_password"], person.id, password_hash)
    await change.connection.execute(QUERIES["end_sessions"], person.id)
    await change.record("password set", subject(person), None, None)


def subject(person: Person) -> str:
    """How the audit log names a person."""
    return f"person {person.id}"


async def _changed(change: Change, action: str, before: Person) -> Person:
    after = await find(change.connection, before.id)
    await change.record(action, subject(after), before, after)
    return after


async def _require_other_admin(change: Change, person: Person, remedy: str) -> None:
    await change.connection.execute(QUERIES["lock_people"])
    if person.role == "admin" and await change.connection.fetchval(QUERIES["other_admins"], person.id) == 0:
        raise InputError(f"{person.name} is the last admin; {remedy}", "role", code="conflict")
