"""Bring a process's counters into the database, every few seconds and once more at the end.

Nothing waits for it. While the database is away the minutes wait here; what a killed process had not written is lost,
a few seconds of figures. The counters themselves are Prometheus'.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from headwater.cancelling import cancelled
from headwater.database import faults
from headwater.database.pool import open_connection
from headwater.database.queries import load
from headwater.errors import HeadwaterError
from headwater.timeseries.measures import LEVELS, MEASURES
from headwater.timeseries.minutes import Minutes, Values, read

INTERVAL_SECONDS = 10.0
LAST_LIMIT_SECONDS = 3.0
"""How long the end of a process waits for its last figures."""
MINUTE_SECONDS = 60
MINUTES_KEPT_HOURS = 50
STEPS = {900: 3, 3600: 10, 21_600: 400}
"""Longer steps in seconds, each a multiple of the one before, and the days that they are kept."""

QUERIES = load("headwater.timeseries")

Refresh = Callable[[], Awaitable[None]]

_log = structlog.get_logger(__name__)


class Recorder:
    """Records one process. `refresh` is awaited before each look, for levels that must be asked for."""

    def __init__(
        self,
        database_url: str,
        role: str,
        refresh: Refresh | None = None,
        *,
        registry: CollectorRegistry = REGISTRY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = database_url
        self._process = f"{role} {secrets.token_hex(8)}"
        self._refresh = refresh
        self._registry = registry
        self._clock = clock
        self._minutes = Minutes(read(registry), self._minute())
        self._rolled_up = self._minute()
        self._complained = False

    async def run(self) -> None:
        """Record for ever."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            await self.record()

    async def record(self) -> None:
        """Look, and write what is not written yet. Faults of the engines are logged once and tried again next time."""
        try:
            if self._refresh is not None:
                await self._refresh()
            self._minutes.look(read(self._registry), self._minute())
            waiting = self._minutes.waiting()
            if waiting:
                await self._write(waiting)
                self._minutes.written(waiting)
            self._complained = False
        except (HeadwaterError, OSError) as fault:
            if not self._complained:
                _log.warning("figures for the console wait here", reason=str(fault))
            self._complained = True

    async def _write(self, waiting: Mapping[int, Values]) -> None:
        connection = await open_connection(self._url)
        try:
            with faults.translated():
                async with connection.transaction():
                    await write(connection, self._process, waiting)
                    await self._roll_up(connection, waiting)
        finally:
            await connection.close()
        self._rolled_up = self._minute()

    async def _roll_up(self, connection: Any, waiting: Mapping[int, Values]) -> None:
        """Once a minute: the longer steps are behind by so much."""
        if self._rolled_up == self._minute() and len(waiting) == 1:
            return
        await roll_up(connection, list(waiting))
        if self._rolled_up // 60 != self._minute() // 60:
            await forget(connection)

    def _minute(self) -> int:
        return int(self._clock() // MINUTE_SECONDS)


@asynccontextmanager
async def recording(database_url: str, role: str, refresh: Refresh | None = None) -> AsyncIterator[None]:
    """Record this process while the block runs, and what is left when it ends."""
    recorder = Recorder(database_url, role, refresh)
    running = asyncio.create_task(recorder.run(), name="figures")
    try:
        yield
    finally:
        await cancelled(running)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_LIMIT_SECONDS):
                await recorder.record()


async def write(connection: Any, process: str, minutes: Mapping[int, Values]) -> None:
    """Write what a process counted, by minute since 1970."""
    rows = [(minute, key, value) for minute, values in minutes.items() for key, value in values.items()]
    await connection.execute(
        QUERIES["write_minutes"],
        process,
        [minute for minute, _, _ in rows],
        [key.measure for _, key, _ in rows],
        [key.subject for _, key, _ in rows],
        [key.detail for _, key, _ in rows],
        [value for _, _, value in rows],
    )


async def roll_up(connection: Any, minutes: list[int]) -> None:
    """Compute the longer steps of these minutes anew. To be called in a transaction, after `write`."""
    await connection.fetchval(QUERIES["lock_counts"])
    levels, measures = list(LEVELS), [measure.name for measure in MEASURES]
    shortest, *longer = STEPS
    await connection.execute(QUERIES["roll_up_minutes"], minutes, shortest, levels)
    for seconds, shorter in zip(longer, STEPS, strict=False):
        await connection.execute(QUERIES["roll_up_steps"], minutes, shorter, seconds, levels, measures)


async def forget(connection: Any) -> None:
    """Remove what nobody asks for any more."""
    await connection.execute(QUERIES["forget_minutes"], MINUTES_KEPT_HOURS)
    for seconds, days in STEPS.items():
        await connection.execute(QUERIES["forget_steps"], seconds, [measure.name for measure in MEASURES], days)
