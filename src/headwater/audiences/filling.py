"""A new or changed audience: every profile is asked about it, in the background, page by page.

A page is one transaction with its progress in it, so a killed process goes on where it was. While an audience is being
filled, profiles that change are asked about it by the builder as well, by the filter that is in force; a page locks its
profiles first, so whoever comes second finds the work done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from headwater.audiences import asking, telling
from headwater.audiences.asking import Answered
from headwater.audiences.following import FollowedAudiences, InForce
from headwater.audiences.scheduling import utc_now
from headwater.audiences.statements import QUERIES, of_generation
from headwater.database.transactions import transaction
from headwater.errors import TransientError

PAGE = 500
"""Profiles that are asked in one transaction: a builder that wants one of them waits that long."""
LOOK_SECONDS = 0.5
RETRY_SECONDS = 1.0

logger = structlog.get_logger(__name__)


class Fill(msgspec.Struct, frozen=True):
    """How far audiences (by number) are filled: `asked` of `total` profiles."""

    id: int
    audiences: tuple[int, ...]
    with_events: bool
    generation: int
    total: int
    asked: int
    entered: int
    exited: int
    created: datetime
    finished: datetime | None


class Filler:
    """Fills audiences of the live generation, as many as possible together."""

    def __init__(self, pool: Any, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._pool = pool
        self._clock = clock
        self._audiences = FollowedAudiences()

    async def run(self) -> None:
        """For ever. A database that is away is waited for."""
        while True:
            try:
                if not await self.fill_page():
                    await asyncio.sleep(LOOK_SECONDS)
            except TransientError as fault:
                logger.warning("filling audiences waits for the database", reason=str(fault))
                await asyncio.sleep(RETRY_SECONDS)

    async def fill_page(self) -> bool:
        """Ask one page of profiles; False when nothing is to be filled, or somebody else does it."""
        async with transaction(self._pool) as connection:
            if not await connection.fetchval(QUERIES["own_filling"]):
                return False
            found = await self._audiences.of_live(connection)
            if found is None:
                return False
            generation, in_force = found
            open_fills = await connection.fetch(QUERIES["open_fills"], generation)
            if not open_fills:
                # Subscriptions are told about members when all audiences are full.
                return await telling.tell_page(connection, generation, in_force, self._clock())
            await self._step(connection, generation, in_force, open_fills)
            return True

    async def _step(self, connection: Any, generation: int, in_force: InForce, open_fills: Sequence[Any]) -> None:
        """Move those that lie behind on by a page, all together, but not past others: they go on as one from there."""
        new = [fill["id"] for fill in open_fills if fill["generation"] != generation]
        if new:
            total = await connection.fetchval(of_generation("count_profiles", generation))
            await connection.execute(QUERIES["begin_fills"], new, generation, total)
            return
        cursor = open_fills[0]["cursor"]
        behind = [fill for fill in open_fills if fill["cursor"] == cursor]
        ahead = next((fill["cursor"] for fill in open_fills if fill["cursor"] != cursor), None)
        ids = [fill["id"] for fill in behind]
        page = await connection.fetch(of_generation("page_of_profiles", generation), cursor, ahead, PAGE)
        if page:
            answered = await self._ask(connection, generation, in_force, behind, cursor, page)
            await connection.execute(QUERIES["advance_fills"], ids, page[-1]["id"], *answered)
        elif ahead is not None:
            await connection.execute(QUERIES["advance_fills"], ids, ahead, 0, 0, 0)
        else:
            gone = [number for fill in behind for number in fill["deleted"]]
            await connection.execute(of_generation("forget_sizes", generation), gone)
            await connection.execute(QUERIES["finish_fills"], ids)

    async def _ask(
        self, connection: Any, generation: int, in_force: InForce, behind: Sequence[Any], cursor: bytes, page: Any
    ) -> Answered:
        locked = await asking.lock(connection, generation, [row["component"] for row in page])
        rows = await connection.fetch(
            of_generation("profiles_between", generation), cursor, page[-1]["id"], sorted(locked)
        )
        return await asking.ask(
            connection,
            generation,
            in_force,
            [(row["id"], row["fields"]) for row in rows],
            in_force.situation.audience_set.mask(number for fill in behind for number in fill["audiences"]),
            "audience",
            self._clock(),
            frozenset(number for fill in behind for number in fill["deleted"]),
        )


async def fills(connection: Any, audience: int | None = None, limit: int = 100) -> list[Fill]:
    """What was filled and is being filled, the newest first; of one audience by number, or of all."""
    rows = await connection.fetch(QUERIES["fills"], audience, limit)
    return [Fill(**{**dict(row), "audiences": tuple(row["audiences"])}) for row in rows]
