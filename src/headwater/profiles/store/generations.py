"""Generations: all profiles that one schema and its rules of identity made, in tables of their own.

A rebuild fills a new generation beside the live one; switching is one update. Who reads takes the live one.
"""

from __future__ import annotations

from importlib import resources
from typing import Any, Literal

import msgspec

from headwater.database.queries import load
from headwater.errors import ConfigurationError
from headwater.profiles.schema import Schema, schema_document

GenerationState = Literal["building", "live", "retired"]
CHANNEL = "headwater_profiles"
"""Notified when another generation becomes the live one, and when the schema of one changes."""

QUERIES = load("headwater.profiles.store")
_TEMPLATE = resources.files("headwater.profiles.store").joinpath("generation.sql")
_COLUMNS = "number, state, schema_version, schema, revision"


class Generation(msgspec.Struct, frozen=True):
    """One generation and the schema that makes it; `revision` counts schemas that it had."""

    number: int
    state: GenerationState
    schema_version: str
    schema: Schema
    revision: int = 1

    @property
    def namespace(self) -> str:
        """The database schema that holds its tables."""
        return namespace_of(self.number)


def namespace_of(number: int) -> str:
    """The database schema of a generation. Safe inside SQL: made of a number."""
    return f"profiles_{int(number)}"


async def create(connection: Any, schema: Schema, state: GenerationState = "building") -> Generation:
    """Create an empty generation with its tables, in the caller's transaction."""
    number = await connection.fetchval(QUERIES["next_generation"])
    await connection.execute(
        "INSERT INTO profile_generations (number, state, schema_version, schema) VALUES ($1, $2, $3, $4)",
        number,
        state,
        schema.version,
        schema_document(schema),
    )
    await connection.execute(_TEMPLATE.read_text("utf-8").replace("{namespace}", namespace_of(number)))
    return Generation(number, state, schema.version, schema)


async def ensure_first(connection: Any, schema: Schema) -> None:
    """Create the first generation, live at once, where there is none; in the caller's transaction."""
    await connection.execute(QUERIES["own_decisions"])
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM profile_generations)"):
        await create(connection, schema, "live")


async def live(connection: Any) -> Generation:
    """The live generation. Raises ConfigurationError when there is none: the install was never prepared."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM profile_generations WHERE state = 'live'")  # noqa: S608  # constant
    if row is None:
        raise ConfigurationError("there are no profiles yet; start this version of Headwater once with `headwater up`")
    return _generation(row)


async def every(connection: Any) -> list[Generation]:
    """All generations, the oldest first."""
    rows = await connection.fetch(f"SELECT {_COLUMNS} FROM profile_generations ORDER BY number")  # noqa: S608  # constant
    return [_generation(row) for row in rows]


async def make_live(connection: Any, number: int) -> None:
    """Switch readers and builders to a generation, in the caller's transaction; the one before is retired.

    Waits for batches that are being built; the next ones notice.
    """
    await connection.execute(QUERIES["own_decisions"])
    await connection.execute("UPDATE profile_generations SET state = 'retired' WHERE state = 'live'")
    await connection.execute("UPDATE profile_generations SET state = 'live' WHERE number = $1", number)
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, str(number))


async def change_schema(connection: Any, number: int, schema: Schema) -> None:
    """Give a generation a schema that reads new events in another way and leaves what is stored as it is."""
    await connection.execute(QUERIES["own_decisions"])
    await connection.execute(
        "UPDATE profile_generations SET schema = $2, schema_version = $3, revision = revision + 1 WHERE number = $1",
        number,
        schema_document(schema),
        schema.version,
    )
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, str(number))


async def drop(connection: Any, number: int) -> None:
    """Delete a generation that nobody reads, with its tables, in the caller's transaction.

    Raises ConfigurationError for the live one.
    """
    state = await connection.fetchval("SELECT state FROM profile_generations WHERE number = $1 FOR UPDATE", number)
    if state == "live":
        raise ConfigurationError(f"generation {number} is live; make another one live first")
    await connection.execute(f"DROP SCHEMA IF EXISTS {namespace_of(number)} CASCADE")
    await connection.execute("DELETE FROM profile_generations WHERE number = $1", number)


async def secret(connection: Any) -> bytes:
    """The secret that ids of profiles are made with."""
    return bytes(await connection.fetchval("SELECT secret FROM profile_settings"))


def _generation(row: Any) -> Generation:
    return Generation(
        row["number"], row["state"], row["schema_version"], msgspec.convert(row["schema"], Schema), row["revision"]
    )
