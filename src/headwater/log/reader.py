"""Look back into the log: records of a time range, filtered, in log order, without touching any consumer's position."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import msgspec
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from headwater.events import Record, RecordKind, decode_record
from headwater.log import consumer, streams
from headwater.log.consumer import Consumer, ConsumerSpec, Delivered
from headwater.log.records import SUBJECT_ROOT, subject_filter

BATCH = 500
PATIENCE_SECONDS = 2.0


class Query(msgspec.Struct, frozen=True):
    """Which records. Times are seconds since 1970 and refer to when the log took the record (`until` is exclusive).

    `kind` and `source` (pipeline id or stream name) choose by address, the rest by content: `type` of the event
    ("track"), `name` of the event ("Order Completed"), `user` (userId or anonymousId).
    """

    kind: RecordKind | None = None
    source: str | None = None
    since: float | None = None
    until: float | None = None
    type: str | None = None
    name: str | None = None
    user: str | None = None

    def subjects(self) -> tuple[str, ...]:
        """The subject filters that cover the query."""
        kinds: tuple[RecordKind, ...] = ("event", "stream") if self.kind is None else (self.kind,)
        if self.source is None:
            return tuple(f"{SUBJECT_ROOT}.{kind}.>" for kind in kinds)
        return tuple(subject_filter(kind, self.source) for kind in kinds)

    def matches(self, record: Record) -> bool:
        """Whether the content is asked for."""
        data = record.data
        return (
            (self.type is None or data.get("type") == self.type)
            and (self.name is None or self.name in (data.get("event"), data.get("name")))
            and (self.user is None or self.user in (data.get("userId"), data.get("anonymousId"), record.meta.user_key))
        )


class Found(msgspec.Struct, frozen=True):
    """A record with its place in the log."""

    sequence: int
    stored_at: float
    record: Record
    payload: bytes


async def read(client: Client, query: Query, *, follow: bool = False) -> AsyncGenerator[Found, None]:
    """The records that the query asks for, oldest first; up to what is there now, or for ever with `follow`."""
    last = await _last_sequence(client, query)
    if last == 0 and not follow:
        return
    async with aclosing(_messages(client, streams.MAIN, query, None if follow else last)) as messages:
        async for message in messages:
            if query.until is not None and message.stored_at >= query.until:
                return
            record = decode_record(message.payload)
            if query.matches(record):
                yield Found(message.sequence, message.stored_at, record, message.payload)


async def count(client: Client, query: Query) -> int:
    """How many records the address and time of the query cover (content is not looked at): for progress."""
    spec = _spec(streams.MAIN, query)
    reader = Consumer(client, spec)
    await reader.start()
    try:
        for found in await consumer.lag(client, streams.MAIN):
            if found.name == spec.name:
                return found.waiting
        return 0
    finally:
        await reader.stop()
        await consumer.delete(client, spec.stream, spec.name)


def _spec(stream: str, query: Query) -> ConsumerSpec:
    return ConsumerSpec(
        stream=stream,
        name=f"reader-{uuid.uuid4().hex[:12]}",
        subjects=query.subjects(),
        start_time=query.since,
        durable=False,
    )


async def _messages(client: Client, stream: str, query: Query, last: int | None) -> AsyncGenerator[Delivered, None]:
    spec = _spec(stream, query)
    reader = Consumer(client, spec, window=2 * BATCH)
    await reader.start()
    try:
        if last is not None and not await _waiting(client, spec):
            return  # everything was stored before the time that the query begins with
        while True:
            messages = await reader.take(BATCH, PATIENCE_SECONDS)
            if not messages and last is not None and not await _waiting(client, spec):
                return
            for message in messages:
                if last is not None and message.sequence > last:
                    return
                yield message
            if messages and messages[-1].sequence == last:
                return
    finally:
        await reader.stop()
        await consumer.delete(client, spec.stream, spec.name)


async def _waiting(client: Client, spec: ConsumerSpec) -> int:
    info = await client.jsm().consumer_info(spec.stream, spec.name)
    return info.num_pending or 0


async def _last_sequence(client: Client, query: Query) -> int:
    """Sequence of the newest record at the addresses of the query, 0 when there is none: there reading ends at once."""
    manager = client.jsm()
    last = 0
    for subject in query.subjects():
        with suppress(NotFoundError):
            newest = await manager.get_last_msg(streams.MAIN, subject)
            last = max(last, newest.seq or 0)
    return last
