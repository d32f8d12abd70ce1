"""Look back into the log: records of a time range, filtered, in log order, without touching any consumer's position."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError

from headwater.errors import UnavailableError
from headwater.events import Record, RecordKind, decode_record
from headwater.log import streams
from headwater.log.consumer import Delivered
from headwater.log.ordered import OrderedReader
from headwater.log.records import SUBJECT_ROOT, subject_filter

BATCH = 500
WAIT_SECONDS = 2.0
PATIENCE_SECONDS = 20.0
RETRY_SECONDS = 0.5


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
    """The records that the query asks for, oldest first; up to what is there now, or for ever with `follow`.

    Raises UnavailableError when the log cannot be reached for PATIENCE_SECONDS.
    """
    last = None if follow else await _patiently(lambda: last_sequence(client, query))
    if last == 0:
        return  # reading would wait for the first record
    async with aclosing(_messages(client, query, last)) as messages:
        async for message in messages:
            if query.until is not None and message.stored_at >= query.until:
                return
            record = decode_record(message.payload)
            if query.matches(record):
                yield Found(message.sequence, message.stored_at, record, message.payload)


async def count(client: Client, query: Query) -> int:
    """How many records the address and time of the query cover (content is not looked at): for progress."""
    reader = _ordered(client, query)
    try:
        return await _patiently(reader.waiting)
    finally:
        await reader.stop()


def _ordered(client: Client, query: Query) -> OrderedReader:
    return OrderedReader(client, streams.MAIN, query.subjects(), since=query.since, window=2 * BATCH)


async def _messages(client: Client, query: Query, last: int | None) -> AsyncGenerator[Delivered, None]:
    reader = _ordered(client, query)
    try:
        if last is not None and not await _patiently(reader.waiting):
            return  # everything was stored before the time that the query begins with
        while True:
            messages = await _patiently(lambda: reader.take(BATCH, WAIT_SECONDS))
            if not messages and last is not None and not await _patiently(reader.waiting):
                return
            for message in messages:
                if last is not None and message.sequence > last:
                    return
                yield message
            if messages and messages[-1].sequence == last:
                return
    finally:
        await reader.stop()


Answer = TypeVar("Answer")


async def _patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask again while the log cannot be reached, as when a cluster elects a leader. The last fault is raised."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except UnavailableError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(RETRY_SECONDS)


async def last_sequence(client: Client, query: Query) -> int:
    """Sequence of the newest record at the addresses of the query, 0 when there is none. Raises UnavailableError."""
    manager = client.jsm()
    last = 0
    for subject in query.subjects():
        try:
            newest = await manager.get_last_msg(streams.MAIN, subject)
        except NotFoundError:
            continue
        except (OSError, TimeoutError, nats.errors.Error, APIError) as fault:
            raise UnavailableError(f"the event log does not answer ({type(fault).__name__})") from fault
        last = max(last, newest.seq or 0)
    return last
