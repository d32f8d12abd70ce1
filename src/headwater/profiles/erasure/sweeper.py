"""Bring deletions to their end: look through log and archive, wait until all has forgotten, then through the copies.

A deletion is complete when, in this order,
1. events of our own about the person, which were being sent at that moment, are in the log,
2. whoever builds profiles has passed everything that came in before the deletion: he must not wait for records that are gone,
3. log and archive were looked through for records that no profile knows (`traces`),
4. profiles that a rebuild replaced, and that the deletion did not reach any more, are dropped,
5. the archiver has taken all records out of log and archive,
6. a few seconds later, copies are gone from wherever they are kept (`keepers`).
What was looked for is then forgotten as well. Everything here can be done again: a crash costs work, and nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any
from uuid import UUID

import msgspec
import structlog
from nats.aio.client import Client

from headwater.archive.stores import Store
from headwater.database.pool import open_pool
from headwater.database.transactions import transaction
from headwater.errors import HeadwaterError, InputError
from headwater.events import decode_record
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.erasure.keepers import CopyKeeper
from headwater.profiles.erasure.past import QUERIES, forget_records
from headwater.profiles.erasure.traces import Erasing, Trace, Traces
from headwater.profiles.preparation import LogRecord
from headwater.profiles.progress import last_sequence
from headwater.profiles.rebuild.source import History, Stretch
from headwater.profiles.store import generations
from headwater.profiles.store.generations import namespace_of

LOOK_SECONDS = 1.0
PAUSE_SECONDS = 10.0
SETTLE_SECONDS = 5.0
"""Copies, and examples of keys, that processes were about to write when everything else was done are written by then."""
SIZE = 500
NOTED_RECORDS = 20_000
"""After so many records at most it is written down how far the search has come."""
STATEMENT_LIMIT_SECONDS = 600.0

logger = structlog.get_logger(__name__)


class _Open(msgspec.Struct, frozen=True):
    """A deletion under way. `sweep_until` is None while an event of our own is being sent."""

    id: UUID
    records_too: bool
    until_sequence: int
    requested_at: Any
    sweep_until: int | None
    swept_to: int

    @property
    def is_swept(self) -> bool:
        return not self.records_too or (self.sweep_until is not None and self.swept_to >= self.sweep_until)


class Sweeper:
    """Does what was asked for at `ErasureDesk`. One process at a time should: two would do the same work twice."""

    def __init__(
        self,
        client: Client,
        database_url: str,
        store: Store,
        keepers: Sequence[CopyKeeper] = (),
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._client = client
        self._database_url = database_url
        self._store = store
        self._keepers = tuple(keepers)
        self._settle_seconds = settle_seconds
        self._ready_since: dict[UUID, float] = {}

    async def run(self) -> None:
        """For ever; whatever fails is tried again."""
        while True:
            try:
                await self._session()
            except HeadwaterError as fault:
                logger.warning("deletions do not go on; trying again", reason=str(fault))
            except Exception:  # this goes on as long as its process; all of it is safe to begin again
                logger.exception("deletions do not go on; trying again")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _session(self) -> None:
        async with AsyncExitStack() as stack:
            pool = await open_pool(self._database_url, size=1, statement_limit_seconds=STATEMENT_LIMIT_SECONDS)
            stack.callback(pool.terminate)
            while True:
                await self.work(pool)
                await asyncio.sleep(LOOK_SECONDS)

    async def work(self, pool: Any) -> int:
        """Take every deletion as far as it can go now; how many were completed.

        Raises UnavailableError while log, archive or database cannot be reached, and what keepers raise.
        """
        await self._bound(pool)
        await self._sweep(pool, [each for each in await self._open(pool) if await _is_built(pool, each)])
        ready = [each for each in await self._open(pool) if await self._is_ready(pool, each) and self._is_settled(each)]
        with_records = [each for each in ready if each.records_too]
        if with_records:
            await self._forget_copies(pool, with_records)
        if ready:
            await self._complete(pool, [each.id for each in ready])
        return len(ready)

    async def _open(self, pool: Any) -> list[_Open]:
        async with transaction(pool, read_only=True) as connection:
            rows = await connection.fetch(QUERIES["open_erasures"])
        return [_Open(**row) for row in rows]

    # Log and archive

    async def _bound(self, pool: Any) -> None:
        """How far to look: to where the log was, or where it is now if events of our own were still on their way into it."""
        waiting = [each for each in await self._open(pool) if each.sweep_until is None]
        async with transaction(pool) as connection:
            sent = [each for each in waiting if not await connection.fetchval(QUERIES["is_event_being_sent"], each.id)]
            last = await last_sequence(self._client) if sent else 0  # not before: then they are in the log
            for each in sent:
                had_events = await connection.fetchval(QUERIES["had_events_being_sent"], each.id)
                await connection.execute(QUERIES["sweep_until"], each.id, last if had_events else each.until_sequence)

    async def _sweep(self, pool: Any, open_ones: Sequence[_Open]) -> None:
        bounded = [(each, each.sweep_until) for each in open_ones if each.sweep_until is not None and not each.is_swept]
        if not bounded:
            return
        ids = [each.id for each, _ in bounded]
        first, last = min(each.swept_to for each, _ in bounded), max(until for _, until in bounded)
        traces = await _traces(pool, [each for each, _ in bounded])
        logger.info("looking for records of deleted persons", deletions=len(ids), after=first, last=last)
        noted = first
        async with aclosing(self._history(pool, first, last)) as stretches:
            async for stretch in stretches:
                begun = time.perf_counter()
                found = _found(traces, stretch.records)
                if found or stretch.reached >= min(last, noted + NOTED_RECORDS):
                    noted = stretch.reached
                    async with transaction(pool) as connection:
                        await forget_records(connection, found)
                        await connection.execute(QUERIES["swept_to"], ids, noted)
                # As long as it took: whoever builds profiles shares the process.
                await asyncio.sleep(time.perf_counter() - begun)

    async def _history(self, pool: Any, after: int, last: int) -> AsyncGenerator[Stretch, None]:
        # Loads pyarrow, which a process without deletions does not need.
        from headwater.archive.reading import ArchiveReader

        history = History(self._client, ArchiveReader(pool, self._store), after, SIZE)
        try:
            async with aclosing(history.archived()) as archived:
                async for stretch in archived:
                    yield stretch
                    if stretch.reached >= last:
                        return
            while history.reached < last:
                yield await history.logged(last)
        finally:
            await history.close()

    # The end

    async def _is_ready(self, pool: Any, each: _Open) -> bool:
        if not each.is_swept or not await _is_built(pool, each):
            return False
        async with transaction(pool, read_only=True) as connection:
            kept = await connection.fetchval(QUERIES["is_replaced_kept"], each.requested_at)
            return not kept and await connection.fetchval(QUERIES["unforgotten"], each.id) == 0

    def _is_settled(self, each: _Open) -> bool:
        """Whether what processes were about to write, when everything else was done, is written by now."""
        since = self._ready_since.setdefault(each.id, time.monotonic())
        return time.monotonic() - since >= self._settle_seconds

    async def _complete(self, pool: Any, ids: Sequence[UUID]) -> None:
        async with transaction(pool) as connection:
            rows = await connection.fetch(QUERIES["traces_of"], ids)
            values = [row["value"] for row in rows if row["kind"] == "identifier" and row["value"]]
            await connection.execute(
                QUERIES["forget_observed"], values
            )  # whoever built meanwhile may have kept another
            await connection.execute(QUERIES["complete"], ids)
            await connection.execute(QUERIES["forget_traces"], ids)
        for each in ids:
            self._ready_since.pop(each, None)

    async def _forget_copies(self, pool: Any, ready: Sequence[_Open]) -> None:
        traces = await _traces(pool, ready)
        async with transaction(pool, read_only=True) as connection:
            rows = await connection.fetch(QUERIES["messages_of"], [each.id for each in ready])
        messages = frozenset(row["message"] for row in rows)
        for keeper in self._keepers:
            gone = await keeper.forget(pool, traces, messages)
            logger.info("copies of deleted persons' records are gone", keeper=type(keeper).__name__, copies=gone)


async def _is_built(pool: Any, each: _Open) -> bool:
    """Whether builders have passed what had come in when the deletion was asked for."""
    async with transaction(pool, read_only=True) as connection:
        live = await generations.live(connection)
        lowest = QUERIES["lowest_position"].replace("{namespace}", namespace_of(live.number))
        return bool(await connection.fetchval(lowest) >= each.until_sequence)


async def _traces(pool: Any, wanted: Sequence[_Open]) -> Traces:
    async with transaction(pool, read_only=True) as connection:
        schema = (await generations.live(connection)).schema
        rows = await connection.fetch(QUERIES["traces_of"], [each.id for each in wanted])
    erasing = [Erasing(each.id, each.until_sequence, each.requested_at) for each in wanted]
    return Traces(erasing, [Trace(**row) for row in rows], CompiledSchema(schema))


def _found(traces: Traces, records: Sequence[LogRecord]) -> dict[UUID, list[int]]:
    """The records of a stretch that fall under deletions."""
    found: dict[UUID, list[int]] = {}
    for each in records:
        try:
            erasure = traces.of_logged(each.sequence, decode_record(each.payload))
        except InputError:
            continue  # no record: the archiver tells it to people
        if erasure is not None:
            found.setdefault(erasure, []).append(each.sequence)
    return found
