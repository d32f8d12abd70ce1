"""Fill a generation beside the live one, with the builder and the preparation of the live one, and switch over when it has caught up.

Positions are in the generation, in the transactions that fill it. So there is nothing to remember: whatever ends a session, a fault, a
change of the attached pipelines or kill -9, the next one goes on from the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import structlog
from nats.aio.client import Client

from headwater.archive.stores import Store
from headwater.database import faults
from headwater.database.pool import open_connection, open_pool
from headwater.database.transactions import transaction
from headwater.errors import HeadwaterError
from headwater.pipelines.changes import change
from headwater.pipelines.secrets import SecretResolver
from headwater.pipelines.watcher import SnapshotWatcher
from headwater.profiles.applying import apply_batch, set_up
from headwater.profiles.plan import Plan, plan_for, positions_of, revisions_of
from headwater.profiles.preparation import Preparer
from headwater.profiles.rebuild.companions import Companion
from headwater.profiles.rebuild.desk import QUERIES, SUBJECT, latest, of_generation
from headwater.profiles.rebuild.source import History, Stretch
from headwater.profiles.store import generations
from headwater.profiles.store.batch import Batch, Move
from headwater.profiles.store.builder import Builder, OutdatedError, ReplacedError
from headwater.profiles.store.generations import Generation
from headwater.profiles.targets import profile_attachments, targets_of
from headwater.profiles.versions import version_store

LOOK_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
SIZE = 2000
"""Records in one transaction, as many as the live worker takes at most: each profile that they touch is folded once."""
KEEP_SECONDS = 60.0
"""How long a generation that was replaced stays for those who are reading it."""
STATEMENT_LIMIT_SECONDS = 3600.0

logger = structlog.get_logger(__name__)


class Rebuilder:
    """Does what was asked for at `RebuildDesk`. Of several processes one works."""

    def __init__(
        self,
        client: Client,
        database_url: str,
        partitions: int,
        configuration: SnapshotWatcher,
        resolver: SecretResolver,
        store: Store,
        companions: Sequence[Companion] = (),
        size: int = SIZE,
    ) -> None:
        self._client = client
        self._database_url = database_url
        self._partitions = partitions
        self._configuration = configuration
        self._resolver = resolver
        self._store = store
        self._companions = tuple(companions)
        self._size = size
        self._known: Plan | None = None
        self._pause = LOOK_SECONDS

    async def run(self) -> None:
        """For ever; whatever fails is noted where people see it, and tried again."""
        while True:
            try:
                await self._work()
            except (ReplacedError, OutdatedError):
                logger.info("the rebuild begins again from where it is")
            except Exception as fault:  # this goes on as long as its process; all of it is safe to begin again
                self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
                if isinstance(fault, HeadwaterError):
                    logger.warning("the rebuild of profiles does not go on; trying again", reason=str(fault))
                else:
                    logger.exception("the rebuild of profiles does not go on; trying again")
            await asyncio.sleep(self._pause)

    async def _work(self) -> None:
        """Rebuild while somebody wants it; then clear away what was replaced."""
        async with AsyncExitStack() as stack:
            pool = await open_pool(self._database_url, size=2, statement_limit_seconds=STATEMENT_LIMIT_SECONDS)
            stack.callback(pool.terminate)
            while True:
                wanted = await _wanted(pool)
                if wanted is not None:
                    await self._noting_faults(pool, wanted)
                await _clear_away(pool)
                self._pause = LOOK_SECONDS
                await asyncio.sleep(LOOK_SECONDS)

    async def _noting_faults(self, pool: Any, generation: Generation) -> None:
        try:
            with faults.translated():
                await self._session(pool, generation)
        except (ReplacedError, OutdatedError):
            raise
        except Exception as fault:
            if await _wanted(pool) != generation:
                return  # it was given up, and its tables with it
            async with transaction(pool) as connection:
                await connection.execute(QUERIES["note_fault"], generation.number, f"{type(fault).__name__}: {fault}")
            raise

    # A session

    async def _session(self, pool: Any, generation: Generation) -> None:
        """Fill the generation until it is live, or something that it rests on changes."""
        await self._configuration.wait_ready(LONGEST_PAUSE_SECONDS)
        connection = await open_connection(self._database_url, statement_limit_seconds=STATEMENT_LIMIT_SECONDS)
        try:
            if not await connection.fetchval(QUERIES["lock_rebuilding"]):
                return
            await set_up(connection)
            # Loads pyarrow, which a process that rebuilds nothing does not need.
            from headwater.archive.reading import ArchiveReader

            everything = frozenset(range(self._partitions))
            snapshot = self._configuration.snapshot
            await positions_of(connection, generation.number, everything)  # begins those that are new
            plan = self._known = await plan_for(connection, self._client, generation, snapshot, self._known)
            positions = await positions_of(connection, generation.number, everything)
            preparer = Preparer(plan.schema, targets_of(plan.attachments, self._resolver))
            builder = Builder(generation, plan.schema, await generations.secret(connection))
            await connection.execute(QUERIES["note_fault"], generation.number, "")
            after = min(positions.values())
            logger.info("rebuilding profiles", generation=generation.number, after=after)
            history = History(self._client, ArchiveReader(pool, self._store), after, self._size)
            filling = _Filling(builder, preparer, positions)
            try:
                await self._fill(pool, connection, plan, history, filling)
            finally:
                await history.close()
        finally:
            connection.terminate()

    async def _fill(self, pool: Any, connection: Any, plan: Plan, history: History, filling: _Filling) -> None:
        async for stretch in history.archived():
            await filling.take(connection, stretch)
            if self._changed(plan):
                return
        await connection.execute(of_generation("analyze", plan.generation.number))
        while not self._changed(plan):
            stretch = await history.logged()
            await filling.take(connection, stretch)
            if len(stretch.records) < self._size:
                await self._switch(pool, plan.generation, history, filling)
                return

    def _changed(self, plan: Plan) -> bool:
        """Whether other pipelines, or other revisions, make profiles now."""
        return revisions_of(profile_attachments(self._configuration.snapshot)) != plan.revisions

    # Switching over

    async def _switch(self, pool: Any, generation: Generation, history: History, filling: _Filling) -> None:
        """Make the generation live. The last records that it lacks are built while nobody else builds."""
        async with change(pool, "rebuild") as made:
            connection = made.connection
            await connection.execute(generations.QUERIES["own_decisions"])
            rebuild = await latest(connection)
            if rebuild is None or rebuild.generation != generation.number or rebuild.state != "building":
                raise OutdatedError
            live = await generations.live(connection)
            furthest = await connection.fetchval(of_generation("furthest", live.number))
            while history.reached < furthest:
                await filling.take(connection, await history.logged(furthest))
            number = int(generation.schema_version)
            if number > await connection.fetchval(version_store.QUERIES["live_number"]):
                await version_store.go_live(made, number)
            await generations.make_live(connection, generation.number)
            for companion in self._companions:
                await companion.move(connection, live.number, generation.number, quiet=rebuild.quiet)
            await connection.execute(QUERIES["finish"], generation.number, "live", history.reached)
            told = {"schema version": generation.schema_version, "generation": generation.number}
            await made.record("rebuild went live", SUBJECT, {"generation": live.number}, told)
        logger.info("the profiles that were built anew are live", generation=generation.number)


class _Filling:
    """Stretches of history into a generation."""

    def __init__(self, builder: Builder, preparer: Preparer, positions: dict[int, int]) -> None:
        self._builder = builder
        self._preparer = preparer
        self._positions = positions

    async def take(self, connection: Any, stretch: Stretch) -> None:
        """Apply a stretch, and move the positions with it."""
        moves = {
            partition: Move(before, stretch.reached)
            for partition, before in self._positions.items()
            if before < stretch.reached
        }
        if not moves:
            return
        preparation = self._preparer.prepare(stretch.records)
        await apply_batch(connection, self._builder, Batch(tuple(preparation.arrivals), moves, preparation.drops))
        self._positions.update((partition, move.after) for partition, move in moves.items())


async def _wanted(pool: Any) -> Generation | None:
    """The generation that is to be filled."""
    async with transaction(pool, read_only=True) as connection:
        number = await connection.fetchval(QUERIES["wanted"])
        every = await generations.every(connection) if number is not None else ()
    return next((each for each in every if each.number == number), None)


async def _clear_away(pool: Any) -> None:
    """Drop generations that were replaced a while ago."""
    async with transaction(pool) as connection:
        for row in await connection.fetch(QUERIES["left_over"], KEEP_SECONDS):
            await generations.drop(connection, row["number"])
            logger.info("dropped the profiles that were replaced", generation=row["number"])
