"""Deliver one pipeline's records to one integration.

Way of a record: taken from the log → prepared by the revision in force → pieces gathered into batches → sent, a few
requests at once → settled: delivered, dropped on purpose, or kept as a dead letter → acknowledged to the log.

Invariants
1. A record is acknowledged only after each of its pieces is delivered, dropped or safely stored as a dead letter.
2. At most `IN_HAND_LIMIT` records are in hand, so memory is bounded however long the other side is away.
3. Nothing here waits for another integration: each has its own consumer, its own limits and its own circuit.
4. A deployment changes the destination between two records. What was prepared before is sent as it was prepared.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog

from headwater.errors import InputError, UnavailableError
from headwater.events import decode_record
from headwater.log.consumer import Consumer
from headwater.log.consumer import Delivered as LogMessage
from headwater.routing import circuit, metrics
from headwater.routing.attempts import AttachmentAttempts, Result
from headwater.routing.backoff import delay
from headwater.routing.batching import Batch, Batcher, Job, Parcel
from headwater.routing.circuit import Circuit
from headwater.routing.dead_letters import DeadLetter
from headwater.routing.destination import Attempt, Destination, Exchange
from headwater.routing.outcomes import Delivered, Outcome, Refused, Retry

IN_HAND_LIMIT = 4000
TAKE_LIMIT = 500
TAKE_WAIT_SECONDS = 1.0
KEEP_SECONDS = 8.0
"""How often the log is told that work on a record goes on; well below the consumer's `ack_wait`."""
REMEMBERED = 20_000
STOP_SECONDS = 20.0

logger = structlog.get_logger(__name__)

StoreDeadLetters = Callable[[Sequence[DeadLetter]], Awaitable[None]]


class Delivery:
    """The worker of one attachment. `run` until cancelled, or `stop` for an orderly end."""

    def __init__(
        self,
        name: str,
        destination: Destination,
        consumers: Sequence[Consumer],
        store: StoreDeadLetters,
        attempts: AttachmentAttempts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._destination = destination
        self._consumers = tuple(consumers)
        self._store = store
        self._attempts = attempts
        self._clock = clock
        self.ordered = destination.pace.order_per_user
        self._stopping = False
        metrics.begin(name)
        self._reset()

    def _reset(self) -> None:
        """Nothing in hand: at the start, and when an ordered delivery begins again."""
        self._batcher = Batcher()
        self._retries: list[tuple[float, int, Batch]] = []
        self._numbers = itertools.count()
        self._circuit = Circuit()
        self._jobs: dict[tuple[int, int], Job] = {}
        self._settled: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._sending: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def circuit(self) -> Circuit:
        """The state of the destination, for pages and metrics."""
        return self._circuit

    @property
    def in_hand(self) -> int:
        """Records taken and not settled."""
        return len(self._jobs)

    def use(self, destination: Destination) -> None:
        """Work with another revision from the next record on."""
        self._destination = destination

    async def run(self) -> None:
        """Deliver until `stop` is called. Cancelled, it leaves what is in hand to the log, which hands it out again.

        An ordered delivery begins at the first record that is not settled, whatever was handed out after it: only so
        no later event of a user overtakes an earlier one.
        """
        self._reset()
        for consumer in self._consumers:
            await _started(consumer, rewind=self.ordered)
        try:
            async with asyncio.TaskGroup() as group:
                intakes = [group.create_task(self._intake(number)) for number in range(len(self._consumers))]
                helpers = [group.create_task(self._dispatch()), group.create_task(self._keep())]
                await asyncio.wait(intakes)
                await self._finish()
                for helper in helpers:
                    helper.cancel()
        finally:
            for task in self._sending:
                task.cancel()
            for consumer in self._consumers:
                await consumer.stop()

    async def stop(self) -> None:
        """Take no more records; `run` returns when the requests under way are answered."""
        self._stopping = True
        self._room.set()
        self._wake.set()

    async def _finish(self) -> None:
        """Let requests under way end, then give everything else back to the log for whoever comes next."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=STOP_SECONDS)
        self._batcher.drain()
        self._retries.clear()
        for job in self._jobs.values():
            await self._consumers[job.origin].give_back(job.message)
        for consumer in self._consumers:
            for message in consumer.untaken():
                await consumer.give_back(message)
        self._jobs.clear()

    # Taking records

    async def _intake(self, origin: int) -> None:
        consumer = self._consumers[origin]
        while not self._stopping:
            room = IN_HAND_LIMIT - len(self._jobs)
            if room <= 0:
                self._room.clear()
                await self._room.wait()
                continue
            messages = await consumer.take(min(room, TAKE_LIMIT), TAKE_WAIT_SECONDS)
            for message in messages:
                await self._accept(message, origin)
            if messages:
                metrics.TAKEN.labels(self.name).inc(len(messages))
                metrics.IN_HAND.labels(self.name).set(len(self._jobs))
                self._wake.set()
                await asyncio.sleep(0)

    async def _accept(self, message: LogMessage, origin: int) -> None:
        place = (origin, message.sequence)
        if place in self._settled:  # our acknowledgement was lost
            metrics.REPEATED.labels(self.name).inc()
            await self._consumers[origin].acknowledge(message)
            return
        known = self._jobs.get(place)
        if known is not None:
            known.message = message
            return
        try:
            record = decode_record(message.payload)
        except (InputError, KeyError, TypeError) as fault:
            logger.error(
                "a log entry is no record and is skipped", sequence=message.sequence, reason=type(fault).__name__
            )
            metrics.DROPPED.labels(self.name, "not a record").inc()
            await self._consumers[origin].acknowledge(message)
            return
        meta = record.meta
        job = Job(message, origin, meta.message_id, meta.user_key, meta.received_at, self._clock())
        destination = self._destination
        prepared = destination.prepare(record)
        if prepared.faults:
            metrics.FAULTS.labels(self.name).inc(len(prepared.faults))
        if not prepared.outgoing:
            metrics.DROPPED.labels(
                self.name, prepared.dropped if prepared.dropped is not None else "nothing to send"
            ).inc()
            await self._acknowledge(job)
            return
        job.outstanding = len(prepared.outgoing)
        self._jobs[place] = job
        now = time.monotonic()
        for number, piece in enumerate(prepared.outgoing):
            self._batcher.add(Parcel(job, number, piece), destination, now)

    # Sending batches

    async def _dispatch(self) -> None:
        while True:
            now = time.monotonic()
            batch = self._next(now)
            if batch is not None:
                self._circuit = circuit.on_start(self._circuit)
                task = asyncio.create_task(self._deliver(batch))
                self._sending.add(task)
                task.add_done_callback(self._sent)
                continue
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause(now)):
                    await self._wake.wait()

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            logger.error("delivery failed in a way nobody foresaw", integration=self.name, exc_info=task.exception())

    def _next(self, now: float) -> Batch | None:
        if self._stopping or len(self._sending) >= self._destination.pace.concurrency:
            return None
        if not circuit.may_send(self._circuit, now):
            return None
        if self._retries and self._retries[0][0] <= now:
            return heapq.heappop(self._retries)[2]
        return self._batcher.take(now)

    def _pause(self, now: float) -> float | None:
        """Seconds until something can become sendable by time alone; None when only an event can change that."""
        if len(self._sending) >= self._destination.pace.concurrency or self._circuit.state == "probing":
            return None
        dues = [
            due for due in (self._batcher.next_due(), self._retries[0][0] if self._retries else None) if due is not None
        ]
        if not dues:
            return None
        earliest = max(min(dues), self._circuit.until if self._circuit.state == "open" else 0.0)
        return max(earliest - now, 0.0)

    async def _deliver(self, batch: Batch) -> None:
        started = time.monotonic()
        if batch.first_attempt is None:
            batch.first_attempt = started
        batch.attempts += 1
        attempt = await batch.destination.send([parcel.piece for parcel in batch.parcels])
        seconds = time.monotonic() - started
        metrics.REQUEST_SECONDS.labels(self.name).observe(seconds)
        self._keep_attempt(batch, attempt, seconds)
        metrics.REQUESTS.labels(self.name, type(attempt.outcome).__name__.lower()).inc()
        match attempt.outcome:
            case Delivered():
                self._note(circuit.on_success(self._circuit))
                await self._delivered(batch)
            case Retry(reason, after):
                self._note(circuit.on_failure(self._circuit, time.monotonic(), reason, after))
                await self._retry(batch, attempt, reason, after)
            case Refused(reason, split):
                self._note(circuit.on_success(self._circuit))
                if split and len(batch.parcels) > 1:
                    for half in batch.halves():
                        self._push(0.0, half)
                else:
                    await self._bury(batch, attempt, reason)

    def _keep_attempt(self, batch: Batch, attempt: Attempt, seconds: float) -> None:
        result, reason = _result(attempt.outcome)
        if self._attempts.wants(result):
            self._attempts.keep(
                result,
                reason,
                revision=batch.destination.revision,
                seconds=seconds,
                number=batch.attempts,
                messages=[parcel.job.message_id for parcel in batch.parcels],
                exchange=attempt.shown(),
            )

    def _note(self, state: Circuit) -> None:
        if state.state != self._circuit.state:
            metrics.CIRCUIT_OPEN.labels(self.name).set(0 if state.state == "closed" else 1)
            if state.state == "open" and self._circuit.state == "closed":
                logger.warning(
                    "a destination does not answer; nothing is lost", integration=self.name, reason=state.reason
                )
            if state.state == "closed":
                logger.info("a destination answers again", integration=self.name)
        self._circuit = state

    async def _delivered(self, batch: Batch) -> None:
        oldest = min(parcel.job.received_at for parcel in batch.parcels)
        metrics.LATENCY_SECONDS.labels(self.name).observe(max(self._clock() - _seconds(oldest), 0.0))
        metrics.DELIVERED.labels(self.name).inc(len(batch.parcels))
        await self._settle(batch)

    async def _retry(self, batch: Batch, attempt: Attempt, reason: str, after: float | None) -> None:
        now = time.monotonic()
        assert batch.first_attempt is not None  # noqa: S101  # set before the first send
        age = now - batch.first_attempt
        if age > batch.destination.pace.retry_seconds:
            await self._bury(batch, attempt, f"gave up after {batch.attempts} attempts in {age / 3600:.1f} h: {reason}")
            return
        metrics.RETRIED.labels(self.name).inc(len(batch.parcels))
        wait = delay(batch.attempts, random.random())  # noqa: S311  # jitter is no secret
        self._push(now + (wait if after is None else max(wait, after)), batch)

    def _push(self, due: float, batch: Batch) -> None:
        heapq.heappush(self._retries, (due, next(self._numbers), batch))

    async def _bury(self, batch: Batch, attempt: Attempt, reason: str) -> None:
        """Store dead letters. While the database is away the batch is held: losing it is no option."""
        exchange = attempt.shown()
        letters = [self._letter(batch, parcel, exchange, reason) for parcel in batch.parcels]
        pause = 0.2
        while True:
            try:
                await self._store(letters)
                break
            except UnavailableError:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10.0)
        metrics.DEAD.labels(self.name).inc(len(letters))
        await self._settle(batch)

    def _letter(self, batch: Batch, parcel: Parcel, exchange: Exchange | None, reason: str) -> DeadLetter:
        job = parcel.job
        return DeadLetter(
            message_id=job.message_id,
            piece=parcel.number,
            revision=batch.destination.revision,
            reason=reason,
            attempts=batch.attempts,
            first_seen=job.first_seen,
            failed_at=self._clock(),
            record=job.message.payload,
            request={} if exchange is None else exchange.request,
            reply=None if exchange is None else exchange.reply,
        )

    # Settling records

    async def _settle(self, batch: Batch) -> None:
        for parcel in batch.parcels:
            job = parcel.job
            job.outstanding -= 1
            if job.outstanding == 0:
                self._jobs.pop((job.origin, job.message.sequence), None)
                await self._acknowledge(job)
        self._batcher.settled(batch.parcels, time.monotonic())
        metrics.IN_HAND.labels(self.name).set(len(self._jobs))
        self._room.set()

    async def _acknowledge(self, job: Job) -> None:
        self._settled[job.origin, job.message.sequence] = None
        if len(self._settled) > REMEMBERED:
            self._settled.popitem(last=False)
        await self._consumers[job.origin].acknowledge(job.message)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            for job in list(self._jobs.values()):
                await self._consumers[job.origin].keep(job.message)
            for consumer in self._consumers:
                for message in consumer.untaken():
                    await consumer.keep(message)


def _result(outcome: Outcome) -> tuple[Result, str]:
    match outcome:
        case Delivered():
            return "delivered", ""
        case Retry(reason):
            return "again", reason
        case Refused(reason):
            return "refused", reason


async def _started(consumer: Consumer, *, rewind: bool) -> None:
    """Start a consumer, however long the log is away."""
    pause = 0.2
    while True:
        try:
            await consumer.start(rewind=rewind)
            return
        except UnavailableError as fault:
            logger.warning("waiting for the event log", reason=str(fault))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


def _seconds(received_at: str) -> float:
    return datetime.fromisoformat(received_at).timestamp()
