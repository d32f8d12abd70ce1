"""Build and update the schema.

Migrations are the files `migrations/NNNN_title.sql`, one ordered list for all rooms. Each runs once, in a transaction of
its own, and is recorded with a checksum. Processes that start together take turns through an advisory lock.

What was recorded must fit what this version holds: a migration we do not know means that a newer Headwater was here,
a changed checksum means that a published file was edited. Both are refused before anything is touched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

import asyncpg

from headwater.database import faults, pool
from headwater.errors import ConfigurationError, UnavailableError

LOCK_KEY = 0x4865_6164_7761_7465
"""The advisory lock that a migrating process holds: "Headwate" in ASCII."""
LOCK_LIMIT_SECONDS = 120.0
STATEMENT_LIMIT_SECONDS = 3600.0

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_CREATE_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    title text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class Migration(NamedTuple):
    """One numbered step of the schema."""

    number: int
    title: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file's text, hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load() -> tuple[Migration, ...]:
    """The migrations of this version in order. Raises ConfigurationError for a wrong name or a number used twice."""
    folder = resources.files("headwater.database").joinpath("migrations")
    texts = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".sql")}
    return ordered(texts)


def ordered(texts: Mapping[str, str]) -> tuple[Migration, ...]:
    """Migrations from file names and their texts, by number."""
    migrations: dict[int, Migration] = {}
    for name, text in sorted(texts.items()):
        match = _FILE.fullmatch(name)
        if match is None:
            raise ConfigurationError("a migration is named NNNN_title.sql", f"migrations/{name}")
        number = int(match[1])
        if number in migrations:
            raise ConfigurationError(
                f"the number {number} is taken by {migrations[number].title}", f"migrations/{name}"
            )
        migrations[number] = Migration(number, match[2], text)
    return tuple(migrations[number] for number in sorted(migrations))


def pending(known: Sequence[Migration], recorded: Mapping[int, str]) -> tuple[Migration, ...]:
    """What is still to run, from the recorded checksums by number.

    Raises ConfigurationError when the database was migrated by a newer version, or when a migration that ran is not
    the one that this version holds.
    """
    by_number = {migration.number: migration for migration in known}
    newer = sorted(number for number in recorded if number not in by_number)
    if newer:
        raise ConfigurationError(
            f"this database was migrated by a newer Headwater (migration {newer[-1]:04}, this version knows up to "
            f"{max(by_number, default=0):04}); install that version, or use another database"
        )
    for number, checksum in sorted(recorded.items()):
        if by_number[number].checksum != checksum:
            raise ConfigurationError(
                f"migration {number:04}_{by_number[number].title} differs from the one that built this database; "
                "install an unchanged release of Headwater"
            )
    return tuple(migration for migration in known if migration.number not in recorded)


async def migrate(url: str, known: Sequence[Migration] | None = None) -> tuple[Migration, ...]:
    """Bring the database up to this version and return what ran.

    Safe to call from many processes at once. Raises ConfigurationError as `pending` does, UnavailableError when
    the database cannot be reached or another process holds the lock for too long.
    """
    connection = await pool.open_connection(url, statement_limit_seconds=STATEMENT_LIMIT_SECONDS)
    try:
        with faults.translated():
            await _lock(connection)
            return await _run(connection, load() if known is None else known)
    finally:
        await connection.close()


async def require_migrated(url: str) -> None:
    """Raise ConfigurationError unless the database has exactly the schema of this version. Changes nothing."""
    connection = await pool.open_connection(url)
    try:
        with faults.translated():
            missing = pending(load(), await _recorded(connection))
    finally:
        await connection.close()
    if missing:
        raise ConfigurationError(
            f"the database lacks {len(missing)} migration(s), the first is {missing[0].number:04}_{missing[0].title}; "
            "start this version of Headwater once with `headwater up`"
        )


async def _lock(connection: Any) -> None:
    await connection.execute(f"SET lock_timeout = {round(LOCK_LIMIT_SECONDS * 1000)}")
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    except asyncpg.LockNotAvailableError:
        raise UnavailableError(
            f"another process has been migrating this database for over {LOCK_LIMIT_SECONDS:.0f} s; wait for it or stop it"
        ) from None


async def _run(connection: Any, known: Sequence[Migration]) -> tuple[Migration, ...]:
    todo = pending(known, await _recorded(connection))
    await connection.execute(_CREATE_RECORD)
    for migration in todo:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migrations (number, title, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.title,
                migration.checksum,
            )
    return todo


async def _recorded(connection: Any) -> dict[int, str]:
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return {}
    return {row["number"]: row["checksum"] for row in await connection.fetch("SELECT * FROM schema_migrations")}
