"""Many dead letters at once: sent again or discarded in the background, by whichever console process is free.

A run is a row. Its progress is not kept but counted: how many of the chosen letters still wait. So a process may be killed
at any point and another one goes on; a record that was queued and not yet marked is sent twice, as with any replay.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import Any, Literal

import msgspec
import structlog

from headwater.api.ports import DeadLetters
from headwater.database.queries import load
from headwater.database.transactions import transaction
from headwater.errors import InputError, TransientError
from headwater.routing.dead_letters import Choice

QUERIES = load("headwater.console.deliveries")
SHOWN = 20
SILENCE_SECONDS = 15.0
"""A process that was not heard of for so long does not work on its run any more."""
BEAT_SECONDS = 3.0
IDLE_SECONDS = 1.0
"""How often a process looks for a run."""
RETRY_SECONDS = 2.0

Action = Literal["replay", "discard"]
logger = structlog.get_logger(__name__)


class Run(msgspec.Struct, frozen=True):
    """A run. The letters are those of `choice` that waited when it began; `total` is how many that were."""

    id: int
    action: Action
    ids: list[int] | None
    pipeline_id: str | None
    integration_id: str | None
    reason: str | None
    up_to: int
    total: int
    started_at: datetime
    started_by: str
    beat_at: datetime | None
    finished_at: datetime | None

    @property
    def choice(self) -> Choice:
        """The letters that it is about."""
        ids = None if self.ids is None else tuple(self.ids)
        return Choice(ids, self.pipeline_id, self.integration_id, self.reason, self.up_to)


async def begin(pool: Any, letters: DeadLetters, action: Action, choice: Choice, actor: str) -> Run:
    """Ask for a run; a worker takes it within IDLE_SECONDS. Raises InputError when none of the letters waits."""
    bounded = msgspec.structs.replace(choice, up_to=await letters.newest_id())
    total = await letters.count(bounded)
    if total == 0:
        raise InputError("none of these letters waits any more", "letters", code="conflict")
    ids = None if choice.ids is None else list(choice.ids)
    async with transaction(pool) as connection:
        number = await connection.fetchval(
            QUERIES["insert_run"],
            action,
            ids,
            choice.pipeline_id,
            choice.integration_id,
            choice.reason,
            bounded.up_to,
            total,
            actor,
        )
        return Run(**await connection.fetchrow(QUERIES["run"], number))


async def find(connection: Any, number: int) -> Run:
    """One run. Raises InputError with the code "not_found"."""
    row = await connection.fetchrow(QUERIES["run"], number)
    if row is None:
        raise InputError(f"there is no run {number}", "run", code="not_found")
    return Run(**row)


async def newest(connection: Any) -> list[Run]:
    """The newest SHOWN runs."""
    return [Run(**row) for row in await connection.fetch(QUERIES["runs"], SHOWN)]


class RunWorker:
    """Works off runs, one at a time. `run` as a task; cancelled, it lets another process go on at once."""

    def __init__(self, pool: Any, letters: DeadLetters) -> None:
        self._pool = pool
        self._letters = letters

    async def run(self) -> None:
        """Work for ever; waits while the database or the log is away."""
        while True:
            try:
                async with transaction(self._pool) as connection:
                    row = await connection.fetchrow(QUERIES["claim_run"], SILENCE_SECONDS)
                if row is None:
                    await asyncio.sleep(IDLE_SECONDS)
                else:
                    await self._work(Run(**row))
            except TransientError as fault:
                logger.warning("dead letters wait; they are taken up again", reason=str(fault))
                await asyncio.sleep(RETRY_SECONDS)

    async def _work(self, run: Run) -> None:
        beating = asyncio.create_task(self._beat(run))
        try:
            if run.action == "replay":
                await self._letters.replay(run.choice, run.started_by)
            else:
                await self._letters.discard(run.choice, run.started_by)
            await self._note("finish_run", run)
        finally:
            beating.cancel()
            with contextlib.suppress(TransientError):  # then silence tells that nobody works on it
                await self._note("release_run", run)

    async def _beat(self, run: Run) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with contextlib.suppress(TransientError):
                await self._note("beat", run)

    async def _note(self, statement: str, run: Run) -> None:
        async with transaction(self._pool) as connection:
            await connection.execute(QUERIES[statement], run.id)
