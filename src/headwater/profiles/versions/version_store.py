"""Published versions and the live one. Writers take a `Change`, readers any connection.

A rebuild of profiles asks `waiting` what to build, and calls `go_live` in the transaction that switches over to what it built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.database.queries import load
from headwater.errors import InputError, UnavailableError
from headwater.pipelines.changes import Change, change
from headwater.profiles.schema import Schema, schema_document
from headwater.profiles.schema_check import refuse_faulty
from headwater.profiles.schema_diff import Effect, SchemaDiff, compare_schemas
from headwater.profiles.schema_file import default_schema
from headwater.profiles.versions.objects import SchemaVersion, VersionState, VersionSummary

QUERIES = load("headwater.profiles.versions")
FIRST_TAG = "first"
TAG_LIMIT = 64
DESCRIPTION_LIMIT = 4_000
SUBJECT = "schema"
"""How the audit log names what is changed here."""

_ORDER: Sequence[Effect] = ("none", "new events", "identity", "rebuild")
_AT_ONCE = frozenset({"none", "new events"})


def effect_of(diff: SchemaDiff) -> Effect:
    """The most that any difference takes."""
    return max((each.effect for each in diff.changes), key=_ORDER.index, default="none")


async def ensure_first(pool: Any) -> None:
    """Publish the default schema as version 1 where there is no version yet. Safe to call from several processes."""
    async with change(pool, "first start") as made:
        if await made.connection.fetchval(QUERIES["live_number"]) is None:
            await _insert(made, default_schema(), FIRST_TAG, "The schema that comes with Headwater.", "none")


async def live(connection: Any) -> SchemaVersion:
    """The version in use. Raises UnavailableError while there is none yet."""
    return _version(await connection.fetchrow(QUERIES["live_version"]))


async def newest(connection: Any) -> SchemaVersion:
    """The version published last, live or waiting. Raises UnavailableError while there is none yet."""
    return _version(await connection.fetchrow(QUERIES["version"], None))


async def waiting(connection: Any) -> SchemaVersion | None:
    """The newest version if it waits for a rebuild."""
    found = await newest(connection)
    return found if found.summary.state == "waiting" else None


async def version(connection: Any, number: int) -> SchemaVersion:
    """A version by number. Raises InputError with the code "not_found"."""
    row = await connection.fetchrow(QUERIES["version"], number)
    if row is None:
        raise InputError(
            f"there is no version {number}; `headwater schema versions` lists them", "version", "not_found"
        )
    return _version(row)


async def every(connection: Any, *, before: int | None = None, limit: int = 100) -> list[VersionSummary]:
    """Versions, newest first; `before` is the number where the page before ended."""
    return [_summary(row) for row in await connection.fetch(QUERIES["versions"], before, limit)]


async def publish(made: Change, schema: Schema, *, tag: str, description: str) -> SchemaVersion:
    """Publish a schema: live at once if new events are all it takes, else waiting for a rebuild.

    The draft is left alone. Raises InputError where tag or description are missing or nothing changed, ConfigurationError for a faulty schema.
    """
    _check_text(tag, "tag", TAG_LIMIT)
    _check_text(description, "description", DESCRIPTION_LIMIT)
    refuse_faulty(schema)
    if not compare_schemas((await newest(made.connection)).schema, schema).changes:
        raise InputError("nothing differs from the newest version; there is nothing to publish", code="conflict")
    effect = effect_of(compare_schemas((await live(made.connection)).schema, schema))
    return await _insert(made, schema, tag.strip(), description.strip(), effect)


async def go_live(made: Change, number: int) -> SchemaVersion:
    """Put a version to use, because profiles were built anew with it; then a newer one that needs no more than that.

    Raises InputError when there is no such version, or when a newer one is live already.
    """
    current = await live(made.connection)
    if number < current.number:
        raise InputError(
            f"version {current.number} is live; publish version {number} anew to go back", "version", "conflict"
        )
    await _set_live(made, current.number, (await version(made.connection, number)).number)
    after = await newest(made.connection)
    if after.number > number:
        built = await version(made.connection, number)
        if effect_of(compare_schemas(built.schema, after.schema)) in _AT_ONCE:
            await _set_live(made, number, after.number)
    return await live(made.connection)


async def _insert(made: Change, schema: Schema, tag: str, description: str, effect: Effect) -> SchemaVersion:
    before = await made.connection.fetchval(QUERIES["live_number"])
    content = schema_document(msgspec.structs.replace(schema, version=""))
    number = await made.connection.fetchval(QUERIES["insert_version"], content, tag, description, made.actor, effect)
    published = {"number": number, "tag": tag, "description": description, "effect": effect}
    await made.record("schema published", SUBJECT, None, published)
    if effect in _AT_ONCE:
        await _set_live(made, before, number)
    return await version(made.connection, number)


async def _set_live(made: Change, before: int | None, number: int) -> None:
    if before == number:
        return
    await made.connection.execute(QUERIES["set_live"], number)
    await made.record("schema went live", SUBJECT, before, number)


def _check_text(text: str, field: str, limit: int) -> None:
    if not text.strip():
        raise InputError("empty; say what changed, for those who read the list of versions", field)
    if len(text) > limit or "\0" in text:
        raise InputError(f"at most {limit} characters, and no NUL", field)


def _state(number: int, live_number: int) -> VersionState:
    if number == live_number:
        return "live"
    return "waiting" if number > live_number else "former"


def _summary(row: Any) -> VersionSummary:
    return VersionSummary(
        number=row["number"],
        tag=row["tag"],
        description=row["description"],
        author=row["author"],
        published_at=row["published_at"],
        effect=row["effect"],
        state=_state(row["number"], row["live"]),
    )


def _version(row: Any) -> SchemaVersion:
    if row is None:
        raise UnavailableError("this install has no schema of profiles yet; `headwater up` creates it as it starts")
    schema = msgspec.convert(row["content"], Schema)
    return SchemaVersion(_summary(row), msgspec.structs.replace(schema, version=str(row["number"])))
