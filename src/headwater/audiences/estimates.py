"""How many a filter that is still being written would hold: an estimate at once, the exact figure when it is asked for.

Profile ids are keyed hashes, so profiles that follow one another by id are a random sample: some runs of ids are read,
as many as there is time for, and Wilson's interval says how far off the share may be.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.audiences.selection import Selection

TIME_LIMIT_SECONDS = 0.2
"""After which no further run is begun."""
RUN = 400
"""Profiles that are read from one random id on."""
SAMPLE_LIMIT = 20_000
SMALL = 5_000
"""Up to so many profiles are all counted."""
CONFIDENCE_95 = 1.959964
"""Standard deviations on each side that hold 95 % of a normal distribution."""
_ID_BYTES = 16
_CURSOR_ROWS = 1_000


class Size(msgspec.Struct, frozen=True):
    """A number of profiles. Unless it is exact, the true one lies between `low` and `high` in 95 of 100 cases."""

    size: int
    low: int
    high: int
    exact: bool
    sampled: int


async def estimate(connection: Any, chosen: Selection) -> Size:
    """The size of a selection, exact if there are few profiles. Takes about TIME_LIMIT_SECONDS."""
    deadline = time.monotonic() + TIME_LIMIT_SECONDS
    total = await _total(connection, chosen)
    if total <= SMALL:
        return await exact(connection, chosen)
    sampled = hits = 0
    while sampled < SAMPLE_LIMIT and (time.monotonic() < deadline or not sampled):
        rows, found = await _run(connection, chosen, secrets.token_bytes(_ID_BYTES))
        sampled, hits = sampled + rows, hits + found
    low, high = wilson(hits, sampled)
    return Size(round(hits / sampled * total), math.floor(low * total), math.ceil(high * total), False, sampled)


async def exact(connection: Any, chosen: Selection) -> Size:
    """The exact size of a selection: reads all profiles. `connection` must be in a transaction."""
    total = await _total(connection, chosen)
    if chosen.exact:
        text = f"SELECT count(*) FROM {chosen.namespace}.profiles AS p WHERE {chosen.condition}"  # noqa: S608  # our own condition
        count = await connection.fetchval(text, *chosen.parameters)
        return Size(count, count, count, True, total)
    count = 0
    text = f"SELECT p.fields FROM {chosen.namespace}.profiles AS p WHERE {chosen.condition}"  # noqa: S608  # our own condition
    async for row in connection.cursor(text, *chosen.parameters, prefetch=_CURSOR_ROWS):
        count += chosen.matches(row["fields"])
    return Size(count, count, count, True, total)


def wilson(hits: int, sampled: int) -> tuple[float, float]:
    """The interval that holds the true share in 95 of 100 cases (E. B. Wilson, 1927)."""
    if not sampled:
        return 0.0, 1.0
    squared = CONFIDENCE_95**2
    share = hits / sampled
    middle = share + squared / (2 * sampled)
    spread = CONFIDENCE_95 * math.sqrt(share * (1 - share) / sampled + squared / (4 * sampled**2))
    scale = 1 + squared / sampled
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


async def _total(connection: Any, chosen: Selection) -> int:
    """How many profiles there are: exactly while they are few, else as PostgreSQL last counted them."""
    few = f"SELECT count(*) FROM (SELECT 1 FROM {chosen.namespace}.profiles LIMIT {SMALL + 1}) AS first"  # noqa: S608  # numbers
    counted: int = await connection.fetchval(few)
    if counted <= SMALL:
        return counted
    known = await connection.fetchval(
        "SELECT reltuples::bigint FROM pg_class WHERE oid = $1::regclass", f"{chosen.namespace}.profiles"
    )
    if known > SMALL:
        return int(known)
    whole = f"SELECT count(*) FROM {chosen.namespace}.profiles"  # noqa: S608  # a number
    return int(await connection.fetchval(whole))


async def _run(connection: Any, chosen: Selection, start: bytes) -> tuple[int, int]:
    """Read the profiles that follow an id: how many there were, and how many of them are in the selection."""
    place = len(chosen.parameters) + 1
    inner = f"(SELECT p.fields, p.health FROM {chosen.namespace}.profiles AS p WHERE p.id >= ${place} ORDER BY p.id LIMIT {RUN}) AS p"  # noqa: S608  # numbers
    values: Sequence[object] = (*chosen.parameters, start)
    if chosen.exact:
        text = f"SELECT count(*), count(*) FILTER (WHERE {chosen.condition}) FROM {inner}"  # noqa: S608  # our own condition
        rows, hits = await connection.fetchrow(text, *values)
        return rows, hits
    text = f"SELECT p.fields, ({chosen.condition}) IS TRUE AS chosen FROM {inner}"  # noqa: S608  # our own condition
    found = await connection.fetch(text, *values)
    return len(found), sum(chosen.matches(row["fields"]) for row in found if row["chosen"])
