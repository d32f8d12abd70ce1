"""Time alone: profiles whose moment has come are asked again, at most a second later and without looking at any other.

Each profile that waits has one row with the first instant at which time may change one of its answers. An index gives the
earliest. Several processes may run this at once: what one works on the others pass over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from headwater.audiences import asking
from headwater.audiences.following import FollowedAudiences
from headwater.audiences.statements import QUERIES, of_generation
from headwater.database.transactions import transaction
from headwater.errors import TransientError

BATCH = 500
"""Profiles that are asked in one transaction."""
LOOK_SECONDS = 0.5
"""How often to look whether an earlier moment was written by somebody else; a look reads one entry of an index."""
SHORTEST_SECONDS = 0.01
"""How long to wait when all that is due is being worked on by others."""
RETRY_SECONDS = 1.0

logger = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


class FlipScheduler:
    """Asks the profiles of the live generation when their moments come."""

    def __init__(self, pool: Any, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._pool = pool
        self._clock = clock
        self._audiences = FollowedAudiences()

    async def run(self) -> None:
        """For ever. A database that is away is waited for."""
        while True:
            try:
                if not await self.ask_due():
                    await asyncio.sleep(await self._pause())
            except TransientError as fault:
                logger.warning("audiences wait for the database", reason=str(fault))
                await asyncio.sleep(RETRY_SECONDS)

    async def ask_due(self) -> int:
        """Ask one batch of those whose moment has come; how many were asked."""
        async with transaction(self._pool) as connection:
            found = await self._audiences.of_live(connection)
            if found is None:
                return 0
            generation, in_force = found
            now = self._clock()
            due = await connection.fetch(of_generation("due", generation), now, BATCH)
            if not due:
                return 0
            # Their components are locked now: a second look sees what others committed before that.
            locked = {row["component"] for row in due}
            ids = [row["profile_id"] for row in due]
            rows = await connection.fetch(of_generation("fields_of", generation), ids)
            await asking.ask(
                connection,
                generation,
                in_force,
                [(row["id"], row["fields"]) for row in rows if row["component"] in locked],
                in_force.situation.audience_set.timely,
                "time",
                now,
            )
            return len(due)

    async def _pause(self) -> float:
        async with transaction(self._pool, read_only=True) as connection:
            generation = await connection.fetchval(QUERIES["live_generation"])
            if generation is None:
                return LOOK_SECONDS
            moment = await connection.fetchval(of_generation("next_due", generation))
        if moment is None:
            return LOOK_SECONDS
        until: float = (moment - self._clock()).total_seconds()
        return min(max(until, SHORTEST_SECONDS), LOOK_SECONDS)
