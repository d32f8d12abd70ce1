"""Write records to the log: group commit, so that durability costs one disk flush for all requests in flight.

Way of the data: `append` puts its records into the queue and waits. One task takes everything that is queued (up to a
limit), publishes it as one atomic batch of JetStream, and wakes the waiters when the server has flushed it to disk.
While one batch is being flushed the next gathers by itself. An idle log answers at once; one that was busy a moment ago
waits `gather_seconds` for company, because a flush costs the same for one record as for a hundred.

Invariants
1. `append` returns only after every one of its records is in the log, or was there already (same dedup id).
2. A record is in at most one batch at a time; the order of records from one connection is the order of their appends.
3. Memory is bounded: beyond `queue_limit_bytes` `append` refuses at once, and a waiter that gave up takes its records
   out of the queue with it.
4. An unknown outcome (timeout, lost connection) is repeated with the same dedup ids. The server drops what it has.

A batch that holds a duplicate is refused whole by the server, without saying which. It is halved until small, then sent
one by one. Ids that this process saw committed are remembered, so that the usual repeat, a client's retry of a whole
request, never gets there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Sequence

import msgspec
import nats.errors
import structlog

from headwater.errors import InputError, UnavailableError
from headwater.log import metrics
from headwater.log.connection import LogClient
from headwater.log.records import EncodedRecord

logger = structlog.get_logger(__name__)

DUPLICATE_IN_BATCH = 10201
"""JetStream's error code for an atomic batch that holds a message id of the dedup window."""
BATCH_BYTES = 16 * 1024 * 1024
SINGLES = 16
"""Largest number of records that are sent one by one when a batch holds a duplicate."""
REMEMBERED_IDS = 50_000
FIRST_ATTEMPT_SECONDS = 1.0
"""How long to wait for an answer that may have died with the server; doubles while attempts fail, because a disk that
stalls is not helped by asking more often."""
LONGEST_ATTEMPT_SECONDS = 8.0
RETRY_SECONDS = 0.1
EXPIRE_SECONDS = 0.25
GATHER_BELOW = 64
"""A group of this size is worth a flush of its own."""
OVERHEAD_BYTES = 1024


class _Ack(msgspec.Struct, frozen=True):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Reply(msgspec.Struct, frozen=True):
    error: _Ack | None = None
    seq: int = 0
    duplicate: bool = False


class _DuplicateInBatchError(Exception):
    """The batch was refused because at least one of its records is in the log already."""


class _Waiter:
    """One `append` call: done when none of its records is outstanding."""

    __slots__ = ("done", "outstanding")

    def __init__(self, outstanding: int) -> None:
        self.outstanding = outstanding
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Entry:
    """A queued record and everybody who waits for it."""

    __slots__ = ("record", "waiters")

    def __init__(self, record: EncodedRecord, waiter: _Waiter) -> None:
        self.record = record
        self.waiters = [waiter]

    @property
    def abandoned(self) -> bool:
        return all(waiter.done.done() for waiter in self.waiters)


class LogWriter:
    """Appends records durably. One per process; call `run` as a task, `close` at the end."""

    def __init__(
        self,
        client: LogClient,
        *,
        batch_limit: int = 1000,
        queue_limit_bytes: int = 64 * 1024 * 1024,
        timeout_seconds: float = 8.0,
        gather_seconds: float = 0.002,
    ) -> None:
        self._client = client
        self._gather_seconds = gather_seconds
        self._last_commit = 0.0
        self._batch_limit = batch_limit
        self._queue_limit_bytes = queue_limit_bytes
        self._timeout = timeout_seconds
        self._queue: deque[_Entry] = deque()
        self._pending: dict[str, _Entry] = {}
        self._pending_bytes = 0
        self._wake = asyncio.Event()
        self._deadlines: deque[tuple[float, _Waiter]] = deque()
        self._remembered: OrderedDict[str, None] = OrderedDict()
        self._closed = False
        self._attempt_seconds = FIRST_ATTEMPT_SECONDS
        self._failing = False

    @property
    def healthy(self) -> bool:
        """Whether the log can be reached right now and took the last commit."""
        return self._client.is_connected and not self._failing

    async def append(self, records: Sequence[EncodedRecord]) -> None:
        """Return when all records are durable; a duplicate counts as durable.

        Raises UnavailableError when the log does not take them in time or the queue is full, and InputError for a
        record larger than the log's limit. After UnavailableError any of the records may still be in the log; the
        same dedup ids make a repeat harmless.
        """
        self._check(records)
        waiter = _Waiter(0)
        for record in records:
            self._enqueue(record, waiter)
        if waiter.outstanding == 0:
            return
        self._wake.set()
        self._deadlines.append((time.monotonic() + self._timeout, waiter))
        await waiter.done

    def _check(self, records: Sequence[EncodedRecord]) -> None:
        if self._closed:
            raise UnavailableError("shutting down", retry_after=1)
        limit = self._client.max_payload - OVERHEAD_BYTES
        size = 0
        for record in records:
            if len(record.payload) > limit:
                raise InputError(
                    f"a record of {len(record.payload)} bytes is over the log's limit of {limit}", code="too_large"
                )
            size += len(record.payload)
        if self._pending_bytes + size > self._queue_limit_bytes:
            raise UnavailableError("too much is waiting for the event log", retry_after=1)

    def _enqueue(self, record: EncodedRecord, waiter: _Waiter) -> None:
        if record.dedup_id in self._remembered:
            metrics.DUPLICATES.inc()
            return
        entry = self._pending.get(record.dedup_id)
        if entry is None:
            entry = _Entry(record, waiter)
            self._pending[record.dedup_id] = entry
            self._pending_bytes += len(record.payload)
            self._queue.append(entry)
        else:
            metrics.DUPLICATES.inc()
            entry.waiters.append(waiter)
        waiter.outstanding += 1

    async def run(self) -> None:
        """Commit what is queued, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._commit_for_ever())
            group.create_task(self._expire_for_ever())

    async def _expire_for_ever(self) -> None:
        """Tell waiters whose time is over. All wait equally long, so they expire in the order in which they came.

        One look every quarter of a second costs next to nothing; a timer for each waiter costs as much as reading his event.
        """
        while True:
            await asyncio.sleep(EXPIRE_SECONDS)
            now = time.monotonic()
            while self._deadlines and (self._deadlines[0][1].done.done() or self._deadlines[0][0] <= now):
                _, waiter = self._deadlines.popleft()
                if not waiter.done.done():
                    waiter.done.set_exception(UnavailableError("the event log did not answer in time", retry_after=2))

    async def _commit_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                if len(self._queue) < GATHER_BELOW and time.monotonic() < self._last_commit + self._gather_seconds:
                    await asyncio.sleep(self._gather_seconds)
                await self._commit_until_done(self._take())

    async def close(self) -> None:
        """Take no more, and wait until what is queued is committed or its waiters gave up."""
        self._closed = True
        if waiting := {waiter.done for entry in self._pending.values() for waiter in entry.waiters}:
            await asyncio.wait(waiting)

    def _take(self) -> list[_Entry]:
        batch: list[_Entry] = []
        size = 0
        while self._queue and len(batch) < self._batch_limit and size < BATCH_BYTES:
            entry = self._queue.popleft()
            if entry.abandoned:
                self._forget(entry)
                continue
            batch.append(entry)
            size += len(entry.record.payload)
        return batch

    async def _commit_until_done(self, batch: list[_Entry]) -> None:
        started = time.perf_counter()
        while batch:
            try:
                await self._commit(batch)
            except (TimeoutError, OSError, nats.errors.Error, UnavailableError) as fault:
                self._failing = True
                metrics.COMMIT_FAULTS.labels(type(fault).__name__).inc()
                if isinstance(fault, TimeoutError):
                    self._attempt_seconds = min(self._attempt_seconds * 2, LONGEST_ATTEMPT_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)
                batch = self._without_abandoned(batch)
                continue
            self._attempt_seconds = FIRST_ATTEMPT_SECONDS
            self._failing = False
            self._last_commit = time.monotonic()
            metrics.COMMIT_SECONDS.observe(time.perf_counter() - started)
            metrics.COMMIT_RECORDS.observe(len(batch))
            return

    def _without_abandoned(self, batch: list[_Entry]) -> list[_Entry]:
        for entry in batch:
            if entry.abandoned:
                self._forget(entry)
        return [entry for entry in batch if entry.record.dedup_id in self._pending]

    async def _commit(self, batch: list[_Entry]) -> None:
        """Commit entries that are still pending; finished ones are skipped, so that a repeat after a fault is safe."""
        batch = [entry for entry in batch if entry.record.dedup_id in self._pending]
        if not batch:
            return
        if len(batch) == 1:
            await self._publish_single(batch[0])
            return
        try:
            await self._publish_batch(batch)
        except _DuplicateInBatchError:
            if len(batch) <= SINGLES:
                for entry in batch:  # one after the other: the order of a user's events is kept
                    await self._publish_single(entry)
                return
            middle = len(batch) // 2
            await self._commit(batch[:middle])
            await self._commit(batch[middle:])
            return
        for entry in batch:
            self._finish(entry)

    async def _publish_batch(self, batch: list[_Entry]) -> None:
        batch_id = uuid.uuid4().hex
        pieces: list[bytes] = []
        for number, entry in enumerate(batch[:-1], 1):
            subject, dedup_id, payload = entry.record
            headers = (
                f"NATS/1.0\r\nNats-Msg-Id: {dedup_id}\r\nNats-Batch-Id: {batch_id}\r\n"
                f"Nats-Batch-Sequence: {number}\r\n\r\n"
            )
            size = len(headers)
            pieces.append(f"HPUB {subject} {size} {size + len(payload)}\r\n{headers}".encode("ascii"))
            pieces.append(payload)
            pieces.append(b"\r\n")
        self._client.publish_prepared(pieces, len(batch) - 1)
        last = batch[-1].record
        commit = {
            "Nats-Msg-Id": last.dedup_id,
            "Nats-Batch-Id": batch_id,
            "Nats-Batch-Sequence": str(len(batch)),
            "Nats-Batch-Commit": "1",
        }
        await self._confirmed(last, commit)

    async def _publish_single(self, entry: _Entry) -> None:
        reply = await self._confirmed(entry.record, {"Nats-Msg-Id": entry.record.dedup_id})
        if reply.duplicate:
            metrics.DUPLICATES.inc()
        self._finish(entry)

    async def _confirmed(self, record: EncodedRecord, headers: dict[str, str]) -> _Reply:
        message = await self._client.request(
            record.subject, record.payload, timeout=self._attempt_seconds, headers=headers
        )
        reply = msgspec.json.decode(message.data, type=_Reply)
        if reply.error is None:
            return reply
        if reply.error.err_code == DUPLICATE_IN_BATCH:
            raise _DuplicateInBatchError
        raise UnavailableError(f"the event log refuses: {reply.error.description}")

    def _finish(self, entry: _Entry) -> None:
        self._forget(entry)
        self._remembered[entry.record.dedup_id] = None
        if len(self._remembered) > REMEMBERED_IDS:
            self._remembered.popitem(last=False)
        for waiter in entry.waiters:
            waiter.outstanding -= 1
            if waiter.outstanding == 0:
                with contextlib.suppress(asyncio.InvalidStateError):  # the waiter timed out a moment ago
                    waiter.done.set_result(None)

    def _forget(self, entry: _Entry) -> None:
        if self._pending.pop(entry.record.dedup_id, None) is not None:
            self._pending_bytes -= len(entry.record.payload)
