"""Where rebuilds are asked for, looked at and given up. The work is done by the role that builds profiles."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from headwater.database.queries import load
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import change
from headwater.profiles.store import generations
from headwater.profiles.store.generations import namespace_of
from headwater.profiles.versions import version_store

QUERIES = load("headwater.profiles.rebuild")
SUBJECT = "profiles"
"""How the audit log names what is rebuilt."""

RebuildState = Literal["building", "live", "cancelled"]


class Rebuild(msgspec.Struct, frozen=True):
    """A rebuild. `done` and `total` are places in the log: up to where it has come, and how far the live profiles are.

    `fault` says what is in its way, and is empty when nothing is. `quiet`: who enters or leaves audiences by it is not announced.
    """

    generation: int
    schema_version: str
    state: RebuildState
    done: int
    total: int
    quiet: bool
    fault: str
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None


class RebuildDesk:
    """Asks for rebuilds. `actor` is who does it, as the audit log shows it. Methods raise as `transaction` does."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def start(self, actor: str, *, quiet: bool = False) -> Rebuild:
        """Begin to build profiles anew with the newest schema version that waits for it, else with the live one.

        Raises InputError with the code "conflict" while a rebuild is under way.
        """
        async with change(self._pool, actor) as made:
            connection = made.connection
            await connection.execute(generations.QUERIES["own_decisions"])
            under_way = await latest(connection)
            if under_way is not None and under_way.state == "building":
                raise InputError(
                    "a rebuild is under way; wait for it, or give it up with `headwater profiles rebuild --cancel`",
                    code="conflict",
                )
            wanted = await version_store.waiting(connection) or await version_store.live(connection)
            made_generation = await generations.create(connection, wanted.schema)
            number, version = made_generation.number, made_generation.schema_version
            await connection.execute(QUERIES["insert_rebuild"], number, version, quiet, actor)
            await made.record("rebuild started", SUBJECT, None, {"schema version": version, "quiet": quiet})
            return _required(await latest(connection))

    async def cancel(self, actor: str) -> Rebuild:
        """Give the rebuild that is under way up; the live profiles stay as they are. Raises InputError with the code "not_found"."""
        async with change(self._pool, actor) as made:
            connection = made.connection
            await connection.execute(generations.QUERIES["own_decisions"])
            found = await latest(connection)
            if found is None or found.state != "building":
                raise InputError("no rebuild is under way", code="not_found")
            await connection.execute(QUERIES["finish"], found.generation, "cancelled", found.done)
            await generations.drop(connection, found.generation)
            await made.record("rebuild cancelled", SUBJECT, None, {"schema version": found.schema_version})
            return _required(await latest(connection))

    async def status(self) -> Rebuild | None:
        """The rebuild that is under way, or else the last one; None when there never was one."""
        async with transaction(self._pool, read_only=True) as connection:
            return await latest(connection)


async def latest(connection: Any) -> Rebuild | None:
    """The rebuild that is under way, or else the last one."""
    row = await connection.fetchrow(QUERIES["latest"])
    if row is None:
        return None
    state: RebuildState = "building" if row["outcome"] is None else row["outcome"]
    done = total = row["position"]
    if state == "building":
        live = (await generations.live(connection)).number
        done = await connection.fetchval(of_generation("reached", row["generation"]))
        total = max(done, await connection.fetchval(of_generation("furthest", live)))
    return Rebuild(
        generation=row["generation"],
        schema_version=row["schema_version"],
        state=state,
        done=done,
        total=total,
        quiet=row["quiet"],
        fault=row["fault"],
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        finished_at=row["finished_at"],
    )


def of_generation(name: str, generation: int) -> str:
    """A statement about the tables of one generation."""
    return QUERIES[name].replace("{namespace}", namespace_of(generation))


def _required(found: Rebuild | None) -> Rebuild:
    assert found is not None  # noqa: S101  # it was written in this transaction
    return found
