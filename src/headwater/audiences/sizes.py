"""How many are in each audience: exact at any moment, because every transaction writes down what it changed.

Transactions add a row each and never wait for one another; the rows are added up in the background.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import structlog

from headwater.audiences import store, tables
from headwater.audiences.objects import Audience
from headwater.audiences.statements import QUERIES, of_generation
from headwater.audiences.trees import holds_everybody
from headwater.database.transactions import transaction
from headwater.errors import TransientError

BATCH = 10_000
"""Rows that are added up in one transaction."""
ADD_UP_SECONDS = 2.0
KEEP_SECONDS = 300.0
"""How often the size of the current hour is written down."""

logger = structlog.get_logger(__name__)


class HourlySize(NamedTuple):
    """The size of an audience at the end of an hour, or when it was last looked at in the current one."""

    hour: datetime
    size: int


async def sizes(connection: Any, generation: int) -> dict[int, int]:
    """The exact size of each audience by its number; audiences without members may be absent."""
    if not await tables.is_made(connection, generation):
        return {}
    rows = await connection.fetch(of_generation("sizes", generation))
    return {row["audience"]: row["members"] for row in rows}


async def sizes_of(connection: Any, generation: int, audiences: Sequence[Audience]) -> dict[str, int]:
    """The exact size of each audience by its id, those of everybody too."""
    counted = await sizes(connection, generation)
    everybody = 0
    if any(holds_everybody(each.segment_ql) for each in audiences):
        everybody = await connection.fetchval(of_generation("count_profiles", generation))
    return {
        each.id: everybody if holds_everybody(each.segment_ql) else counted.get(each.number, 0) for each in audiences
    }


async def history(
    connection: Any, audience_ids: Sequence[str], hours: int, now: datetime
) -> dict[str, list[HourlySize]]:
    """Sizes by the hour, the newest first, of the last `hours` hours, by audience id."""
    since = now.astimezone(UTC) - timedelta(hours=hours)
    found: dict[str, list[HourlySize]] = {each: [] for each in audience_ids}
    for row in await connection.fetch(QUERIES["size_history"], list(audience_ids), since):
        found[row["audience_id"]].append(HourlySize(row["hour"], row["size"]))
    return found


async def add_up(pool: Any, generation: int) -> None:
    """Add up what transactions wrote down."""
    async with transaction(pool) as connection:
        if not await tables.is_made(connection, generation):
            return
        while await connection.fetchval(of_generation("add_up_sizes", generation), BATCH) == BATCH:
            pass


async def keep(connection: Any, generation: int) -> None:
    """Write down the sizes of this hour."""
    audiences = await store.every(connection)
    found = await sizes_of(connection, generation, audiences)
    counted = {each.number: found[each.id] for each in audiences}
    await connection.execute(QUERIES["keep_sizes"], list(counted), list(counted.values()))


class SizeKeeper:
    """Adds up sizes of the live generation and keeps their history."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._kept: datetime | None = None

    async def run(self) -> None:
        """For ever. A database that is away is waited for."""
        while True:
            try:
                await self._round()
            except TransientError as fault:
                logger.warning("sizes of audiences wait for the database", reason=str(fault))
            await asyncio.sleep(ADD_UP_SECONDS)

    async def _round(self) -> None:
        async with transaction(self._pool) as connection:
            generation = await connection.fetchval(QUERIES["live_generation"])
        if generation is None:
            return
        await add_up(self._pool, generation)
        now = datetime.now(UTC)
        if self._kept is None or (now - self._kept).total_seconds() >= KEEP_SECONDS or now.hour != self._kept.hour:
            async with transaction(self._pool) as connection:
                await keep(connection, generation)
            self._kept = now
