"""How far profiles are in the log."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import nats.errors
from nats.aio.client import Client

from headwater.database.transactions import transaction
from headwater.errors import UnavailableError
from headwater.log import streams
from headwater.profiles.store import generations
from headwater.profiles.store.tables import statement

LOOK_SECONDS = 0.02


async def last_sequence(client: Client) -> int:
    """The sequence of the last record in the log. Raises UnavailableError when the log does not answer."""
    try:
        reports = await streams.report(client)
    except (OSError, TimeoutError, nats.errors.Error) as fault:
        raise UnavailableError(f"the event log does not answer ({type(fault).__name__})") from fault
    return next((report.last_seq for report in reports if report.name == streams.MAIN), 0)


class BuildingProgress:
    """Compares the log with what is in profiles."""

    def __init__(self, pool: Any, client: Client) -> None:
        self._pool = pool
        self._client = client

    async def last_sequence(self) -> int:
        """The sequence of the last record in the log. Raises UnavailableError when the log does not answer."""
        return await last_sequence(self._client)

    async def caught_up(self, limit_seconds: float) -> bool:
        """Wait until everything that is in the log now is in profiles; False when it takes longer."""
        wanted = await self.last_sequence()
        end = time.monotonic() + limit_seconds
        while await self._position() < wanted:
            if time.monotonic() >= end:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    async def _position(self) -> int:
        async with transaction(self._pool, read_only=True) as connection:
            number = (await generations.live(connection)).number
            rows = await connection.fetch(statement("positions", number))
        return min((row["sequence"] for row in rows), default=0)
