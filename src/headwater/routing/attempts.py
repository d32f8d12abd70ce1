"""What was sent lately, with request and answer, for people to look at: the newest attempts within a size.

Counters say how many, dead letters keep what was refused for good; this keeps a sample of everything else. Failures are
kept first, a few successes a second beside them, and more of a pipeline that somebody is watching right now: whoever
watches says so every few seconds on `watch_subject`. Nothing waits for it, and what does not fit is not kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError

from headwater.archive import forgetting
from headwater.database.transactions import transaction
from headwater.errors import TransientError
from headwater.log import streams
from headwater.log.records import SUBJECT_ROOT, EncodedRecord, dedup_id, subject_token
from headwater.log.writer import LogWriter
from headwater.routing.destination import Exchange

FLUSH_SECONDS = 1.0
QUEUE_LIMIT = 500
FAILURES_PER_SECOND = 10.0
SUCCESSES_PER_SECOND = 2.0
WATCHED_PER_SECOND = 30.0
WATCH_SECONDS = 15.0
"""A watcher who was not heard of for so long is gone."""
BODY_CHARACTERS = 16 * 1024
MESSAGES_SHOWN = 200

Result = Literal["delivered", "again", "refused"]


class KeptAttempt(msgspec.Struct, frozen=True):
    """One attempt to send a batch.

    `at` is when it ended, seconds since 1970; `seconds` how long it took; `number` counts the attempts of this batch from 1.
    `messages` are message ids of the batch, the first ones of a large one; `records` how many there were. `request` and
    `reply` are masked and cut.
    """

    pipeline_id: str
    integration_id: str
    revision: int
    at: float
    seconds: float
    result: Result
    reason: str
    number: int
    records: int
    messages: tuple[str, ...]
    request: dict[str, Any]
    reply: dict[str, Any] | None


class Allowance:
    """So many a second, and as many at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = rate
        self._seen = 0.0

    def take(self, now: float, rate: float | None = None) -> bool:
        """Whether one more is allowed; `rate` replaces the usual one for this question."""
        allowed = self._rate if rate is None else rate
        self._left = min(allowed, self._left + (now - self._seen) * allowed)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class AttemptLog:
    """Keeps attempts of this process' deliveries in the stream ATTEMPTS. `run` as a task.

    `pool` is of the database that knows which records were forgotten while they were being sent.
    """

    def __init__(self, client: Client, writer: LogWriter, pool: Any) -> None:
        self._client = client
        self._writer = writer
        self._pool = pool
        self._queue: deque[KeptAttempt] = deque(maxlen=QUEUE_LIMIT)
        self._watched: dict[str, float] = {}

    def of(self, pipeline_id: str, integration_id: str) -> AttachmentAttempts:
        """The log of one attachment."""
        return AttachmentAttempts(self, pipeline_id, integration_id)

    def is_watched(self, pipeline_id: str, now: float) -> bool:
        """Whether somebody looks at the pipeline at this moment (seconds of the monotonic clock)."""
        return self._watched.get(pipeline_id, 0.0) > now

    def add(self, attempt: KeptAttempt) -> None:
        """Take an attempt; the oldest makes room when nobody can write."""
        self._queue.append(attempt)

    async def run(self) -> None:
        """Write what gathered, once a second, for ever."""
        subscription = await self._client.subscribe(f"{SUBJECT_ROOT}.watch.*", cb=self._note_watcher)
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                if self._queue:
                    queued = list(self._queue)
                    self._queue.clear()
                    with contextlib.suppress(TransientError):  # a convenience, and counted already
                        await self._write(queued)
        finally:
            with contextlib.suppress(OSError, nats.errors.Error):
                await subscription.unsubscribe()

    async def _write(self, queued: Sequence[KeptAttempt]) -> None:
        """Into the stream, but for attempts with a record that was forgotten."""
        messages = [[dedup_id("event", each.pipeline_id, message) for message in each.messages] for each in queued]
        async with transaction(self._pool, read_only=True) as connection:
            forgotten = await forgetting.forgotten_among(connection, [key for keys in messages for key in keys])
        kept = [each for each, keys in zip(queued, messages, strict=True) if forgotten.isdisjoint(keys)]
        if kept:
            await self._writer.append([_encoded(each) for each in kept])

    async def _note_watcher(self, message: Msg) -> None:
        self._watched[message.data.decode("utf-8", "replace")] = time.monotonic() + WATCH_SECONDS


class AttachmentAttempts:
    """What one delivery tells of its attempts. It decides what is worth keeping before anything is put together."""

    def __init__(self, log: AttemptLog, pipeline_id: str, integration_id: str) -> None:
        self._log = log
        self._pipeline_id = pipeline_id
        self._integration_id = integration_id
        self._failures = Allowance(FAILURES_PER_SECOND)
        self._successes = Allowance(SUCCESSES_PER_SECOND)

    def wants(self, result: Result) -> bool:
        """Whether this attempt will be kept."""
        now = time.monotonic()
        if result != "delivered":
            return self._failures.take(now)
        watched = self._log.is_watched(self._pipeline_id, now)
        return self._successes.take(now, WATCHED_PER_SECOND if watched else None)

    def keep(
        self,
        result: Result,
        reason: str,
        *,
        revision: int,
        seconds: float,
        number: int,
        messages: Sequence[str],
        exchange: Exchange | None,
    ) -> None:
        """Keep one attempt; ask `wants` before."""
        request = {} if exchange is None else _cut(exchange.request)
        reply = None if exchange is None or exchange.reply is None else _cut(exchange.reply)
        self._log.add(
            KeptAttempt(
                pipeline_id=self._pipeline_id,
                integration_id=self._integration_id,
                revision=revision,
                at=time.time(),
                seconds=seconds,
                result=result,
                reason=reason,
                number=number,
                records=len(messages),
                messages=tuple(messages[:MESSAGES_SHOWN]),
                request=request,
                reply=reply,
            )
        )


def watch_subject(pipeline_id: str) -> str:
    """Where a watcher of a pipeline publishes its id, at least every WATCH_SECONDS / 3."""
    return f"{SUBJECT_ROOT}.watch.{subject_token(pipeline_id)}"


def attempts_subject(pipeline_id: str, integration_id: str | None = None) -> str:
    """Where the attempts of a pipeline, or of one of its integrations, are."""
    token = "*" if integration_id is None else subject_token(integration_id)
    return f"{SUBJECT_ROOT}.attempt.{subject_token(pipeline_id)}.{token}"


async def newest(
    client: Client, limit: int, pipeline_id: str | None = None, integration_id: str | None = None
) -> AsyncIterator[KeptAttempt]:
    """Attempts, newest first, at most `limit`; of one attachment or of all. Nothing when there are none yet."""
    manager = client.jsm()
    subject = f"{SUBJECT_ROOT}.attempt.>" if pipeline_id is None else attempts_subject(pipeline_id, integration_id)
    try:
        sequence = (await manager.get_last_msg(streams.ATTEMPTS, subject)).seq or 0
        first = (await manager.stream_info(streams.ATTEMPTS)).state.first_seq
    except NotFoundError:
        return
    found = 0
    while sequence >= first and found < limit:
        with contextlib.suppress(NotFoundError):
            message = await manager.get_msg(streams.ATTEMPTS, sequence, direct=True)
            attempt = decode(message.data or b"")
            if _is_of(attempt, pipeline_id, integration_id):
                found += 1
                yield attempt
        sequence -= 1


def decode(payload: bytes) -> KeptAttempt:
    """An attempt from the stream."""
    return msgspec.json.decode(payload, type=KeptAttempt)


def _is_of(attempt: KeptAttempt, pipeline_id: str | None, integration_id: str | None) -> bool:
    return pipeline_id in (None, attempt.pipeline_id) and integration_id in (None, attempt.integration_id)


def _encoded(attempt: KeptAttempt) -> EncodedRecord:
    subject = attempts_subject(attempt.pipeline_id, attempt.integration_id)
    return EncodedRecord(subject, uuid.uuid4().hex, msgspec.json.encode(attempt))


def _cut(shown: dict[str, Any]) -> dict[str, Any]:
    body = shown.get("body")
    if not isinstance(body, str) or len(body) <= BODY_CHARACTERS:
        return shown
    return {**shown, "body": body[:BODY_CHARACTERS], "cut": len(body)}
