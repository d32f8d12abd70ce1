"""Sign in with a password: slowed down by address and by account, and written down."""

from __future__ import annotations

from typing import Any

from headwater.console.accounts import passwords, people, sessions
from headwater.console.accounts.attempts import Attempts
from headwater.console.accounts.people import QUERIES, Person
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import Change


async def sign_in(pool: Any, attempts: Attempts, *, email: str, password: str, address: str) -> str:
    """The secret of a new session.

    Raises InputError: "wrong" for a wrong pair, "rate_limited" when this account or this network address failed too
    often; then the password is not even looked at, else a guesser could go on.
    """
    keys = (f"address {address}", f"account {email.strip().lower()[:320]}")
    wait = attempts.wait(*keys)
    if wait > 0:
        raise InputError(
            f"too many failed attempts; wait {wait:.0f} s and try again, or ask an admin for a sign-in link",
            "password",
            code="rate_limited",
        )
    async with transaction(pool, read_only=True) as connection:
        row = await connection.fetchrow(QUERIES["person_by_email"], email.strip())
    right = await passwords.matches(password, None if row is None else row["password_hash"])
    if row is None or not right or row["disabled_at"] is not None:
        attempts.fail(*keys)
        raise InputError(
            "no such pair of e-mail address and password; try again, or ask an admin for a sign-in link",
            "password",
            code="wrong",
        )
    async with transaction(pool) as connection:
        person = await people.find(connection, row["id"])
        await record(connection, person, "signed in", address)
        return await sessions.begin(connection, person.id, address)


async def record(connection: Any, person: Person, action: str, address: str) -> None:
    """Write into the audit log without raising the configuration's version: no process has to load it again."""
    change = Change(connection, f"{person.name} ({person.email})")
    await change.record(action, people.subject(person), None, {"address": address})
