"""The worker: reads its partitions of the log in order and commits profiles together with its position.

Work is done in sessions. A session has one reader, one plan, and two lanes with a database connection each; anything that changes what it rests
on (partitions, schema, attachments, a lost connection, a worker that took over) ends it, and the next one begins from the positions in the database.
So there is no state that could be wrong after a fault. Each lane has a half of the partitions: while PostgreSQL works for one, this process
prepares and folds for the other. Lanes are to each other as two workers are.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog
from nats.aio.client import Client

from headwater.cancelling import cancelled
from headwater.database import faults
from headwater.database.pool import open_connection
from headwater.errors import HeadwaterError
from headwater.log import streams
from headwater.log.consumer import Delivered
from headwater.log.ordered import OrderedReader
from headwater.pipelines.secrets import SecretResolver
from headwater.pipelines.watcher import SnapshotWatcher
from headwater.profiles import metrics
from headwater.profiles.applying import apply_batch, set_up
from headwater.profiles.observed_fields import ObservedFields
from headwater.profiles.observers import ProfileObserver
from headwater.profiles.partitions import PartitionClaims
from headwater.profiles.plan import Plan, current_generation, make_plan, positions_of, revisions_of, subjects_of
from headwater.profiles.preparation import LogRecord, Preparer
from headwater.profiles.progress import last_sequence
from headwater.profiles.store import generations
from headwater.profiles.store.batch import Batch, Move
from headwater.profiles.store.builder import Builder, OutdatedError, ReplacedError
from headwater.profiles.targets import profile_attachments, targets_of
from headwater.profiles.versions import stream_store

LOOK_SECONDS = 1.0
TAKE_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
KEYS_SECONDS = 3.0
"""How often the keys that records had are written."""
BATCH_LIMIT = 2000
LANES = 2
ENDING_SECONDS = 10.0
STATEMENT_LIMIT_SECONDS = 60.0

logger = structlog.get_logger(__name__)


class _Lane:
    """Some partitions, the positions that were handed on for them, and batches on their way."""

    def __init__(self, positions: dict[int, int]) -> None:
        self.positions = positions
        self.batches: asyncio.Queue[_Prepared] = asyncio.Queue(1)
        self.handed_on = time.monotonic()

    def moves(self, last: int) -> dict[int, Move]:
        """How positions move when everything up to `last` is done."""
        return {partition: Move(before, last) for partition, before in self.positions.items() if before < last}

    async def hand_on(self, batch: Batch, records: int, oldest: float) -> None:
        """Wait until there is room, then pass a batch on."""
        self.positions.update((partition, move.after) for partition, move in batch.moves.items())
        self.handed_on = time.monotonic()
        await self.batches.put(_Prepared(batch, records, oldest))


class _Prepared(NamedTuple):
    """A batch on its way to the database, with what is measured about it."""

    batch: Batch
    records: int
    oldest: float


class ProfileWorker:
    """Builds profiles from the log until told to stop. One per process."""

    def __init__(
        self,
        client: Client,
        database_url: str,
        partitions: int,
        configuration: SnapshotWatcher,
        resolver: SecretResolver,
        observers: Callable[[], Sequence[ProfileObserver]] = tuple,
        batch_limit: int = BATCH_LIMIT,
    ) -> None:
        self._batch_limit = batch_limit
        self._client = client
        self._database_url = database_url
        self._partitions = partitions
        self._configuration = configuration
        self._resolver = resolver
        self._observers = observers
        self._claims = PartitionClaims(database_url, partitions)
        self._plan: Plan | None = None
        self._reader: OrderedReader | None = None
        self._working = False
        self._observed: ObservedFields | None = None
        self._keys_due = 0.0

    @property
    def ready(self) -> bool:
        """Whether a session is under way, so that records become profiles."""
        return self._working

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; whatever fails is tried again, less often while it goes on failing."""
        pause = FIRST_PAUSE_SECONDS
        while not stop.is_set():
            try:
                await self._session(stop)
                pause = FIRST_PAUSE_SECONDS
                continue
            except (ReplacedError, OutdatedError) as change:
                logger.info("beginning again", reason=type(change).__name__)
            except HeadwaterError as fault:
                metrics.FAULTS.labels(type(fault).__name__).inc()
                logger.warning("profiles are not being built; trying again", reason=str(fault))
            except Exception as fault:  # the worker goes on as long as its process
                metrics.FAULTS.labels(type(fault).__name__).inc()
                logger.exception("profiles are not being built; trying again")
            finally:
                self._working = False
            await _wait(stop, pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        await self._claims.close()

    async def measure(self) -> None:
        """Ask for the gauges that are not known without asking."""
        reader = self._reader
        metrics.PARTITIONS.set(len(self._claims.held))
        if not self._claims.held:
            metrics.LAG.set(0)  # the partitions are others', who tell how far they are
        elif reader is not None:
            with contextlib.suppress(HeadwaterError):
                metrics.LAG.set(await reader.waiting())

    # A session

    async def _session(self, stop: asyncio.Event) -> None:
        await self._configuration.wait_ready(LONGEST_PAUSE_SECONDS)
        try:
            partitions = await self._claims.look()
        except HeadwaterError:
            await self._claims.close()
            raise
        if not partitions:
            self._working = True  # others do the work; this one takes over when they are gone
            await _wait(stop, LOOK_SECONDS)
            return
        async with contextlib.AsyncExitStack() as stack:
            with faults.translated():
                await self._work(stack, partitions, stop)

    async def _work(self, stack: contextlib.AsyncExitStack, partitions: frozenset[int], stop: asyncio.Event) -> None:
        connection = await self._connect(stack)
        plan = self._plan = await make_plan(connection, self._client, self._configuration.snapshot, self._plan)
        positions = await positions_of(connection, plan.generation.number, partitions)
        secret = await generations.secret(connection)
        lanes = [
            _Lane({partition: positions[partition] for partition in share})
            for share in _shares(sorted(partitions), LANES)
        ]
        connections = [connection, *[await self._connect(stack) for _ in lanes[1:]]]
        reader = OrderedReader(
            self._client,
            streams.MAIN,
            subjects_of(partitions, self._partitions, {each.attachment.pipeline_id for each in plan.attachments}),
            after=min(positions.values()),
            window=4 * self._batch_limit,
        )
        if self._observed is None:
            self._observed = ObservedFields(await stream_store.known_names(connection))
        preparer = Preparer(plan.schema, targets_of(plan.attachments, self._resolver), self._observed)
        ending = asyncio.Event()
        tasks = [
            asyncio.create_task(self._prepare(reader, preparer, lanes)),
            asyncio.create_task(self._watch(plan, partitions, ending)),
            asyncio.create_task(_wait(stop, None)),
            asyncio.create_task(_wait(ending, None)),
        ]
        building = [
            asyncio.create_task(
                self._build(each, Builder(plan.generation, plan.schema, secret, self._observers()), lane, ending)
            )
            for each, lane in zip(connections, lanes, strict=True)
        ]
        self._reader = reader
        self._working = True
        try:
            done, _ = await asyncio.wait((*tasks, *building), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            ending.set()
            await asyncio.wait(building, timeout=ENDING_SECONDS)  # a batch that is under way is finished
            await cancelled(*tasks, *building)
            self._reader = None
            await reader.stop()

    async def _connect(self, stack: contextlib.AsyncExitStack) -> Any:
        connection = await open_connection(self._database_url, statement_limit_seconds=STATEMENT_LIMIT_SECONDS)
        stack.callback(connection.terminate)
        await set_up(connection)
        return connection

    async def _prepare(self, reader: OrderedReader, preparer: Preparer, lanes: Sequence[_Lane]) -> None:
        """Read and prepare for ever; one finished batch of each lane waits at most."""
        last = 0
        while True:
            messages = await reader.take(self._batch_limit * len(lanes), TAKE_SECONDS)
            oldest = messages[0].stored_at if messages else time.time()
            last = messages[-1].sequence if messages else max(last, await self._nothing_until(reader))
            records = [_log_record(message) for message in messages]
            for lane in lanes:
                own = [record for record in records if record.sequence > lane.positions.get(record.partition, last)]
                moves = lane.moves(last)
                # A lane without records need not write each time, but sooner or later its positions go on as well.
                if own or (moves and time.monotonic() > lane.handed_on + TAKE_SECONDS):
                    preparation = preparer.prepare(own)
                    batch = Batch(tuple(preparation.arrivals), moves, preparation.drops)
                    await lane.hand_on(batch, len(own), oldest)

    async def _nothing_until(self, reader: OrderedReader) -> int:
        """The sequence up to which the log has no more records for us; 0 when it has some.

        Other workers' records move our positions too: who waits for the lowest position would wait for ever otherwise.
        """
        last = await last_sequence(self._client)
        return last if await reader.exhausted() else 0

    async def _build(self, connection: Any, builder: Builder, lane: _Lane, ending: asyncio.Event) -> None:
        """Commit the batches of a lane until the session ends."""
        while not ending.is_set():
            found = await _next(lane.batches)
            if found is not None:
                await self._commit(connection, builder, found)

    async def _watch(self, plan: Plan, partitions: frozenset[int], ending: asyncio.Event) -> None:
        """End the session when its ground moves."""
        connection = await open_connection(self._database_url)
        try:
            known, revisions = self._configuration.snapshot, None
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                await self._note_keys(connection)
                if revisions is None or self._configuration.snapshot is not known:
                    known = self._configuration.snapshot
                    revisions = revisions_of(profile_attachments(known))
                with faults.translated():
                    generation = await current_generation(connection)
                    held = await self._claims.look()
                if (held, generation, revisions) != (partitions, plan.generation, plan.revisions):
                    ending.set()
        except HeadwaterError:
            await self._claims.close()
            raise
        finally:
            connection.terminate()

    async def _note_keys(self, connection: Any) -> None:
        """Write which keys records had. What is lost with a fault or the process is missing in estimates, and nowhere else."""
        if self._observed is not None and time.monotonic() >= self._keys_due:
            self._keys_due = time.monotonic() + KEYS_SECONDS
            with faults.translated():
                await stream_store.add(connection, self._observed.take())

    # A batch

    async def _commit(self, connection: Any, builder: Builder, prepared: _Prepared) -> None:
        started = time.perf_counter()
        applied = await apply_batch(connection, builder, prepared.batch)
        metrics.COMMIT_SECONDS.observe(time.perf_counter() - started)
        metrics.LATENCY_SECONDS.observe(max(0.0, time.time() - prepared.oldest))
        metrics.RECORDS.inc(prepared.records)
        metrics.APPLIED.inc(applied.applied)
        metrics.REPEATED.inc(applied.repeated)
        metrics.WRITTEN.inc(applied.profiles)
        for key, drop in applied.drops.items():
            metrics.DROPPED.labels(*key).inc(drop.count)


async def _next(batches: asyncio.Queue[_Prepared]) -> _Prepared | None:
    """The next batch, None after a while without one."""
    try:
        async with asyncio.timeout(TAKE_SECONDS / 4):
            return await batches.get()
    except TimeoutError:
        return None


def _shares(partitions: Sequence[int], count: int) -> list[Sequence[int]]:
    """Partitions in at most `count` shares, none of them empty."""
    return [partitions[start::count] for start in range(min(count, len(partitions)))]


def _log_record(message: Delivered) -> LogRecord:
    partition = int(message.subject.rsplit(".", 1)[1])
    return LogRecord(message.sequence, partition, message.stored_at, message.payload)


async def _wait(stop: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
