"""Look at the log as it grows: a few records of each look are shown, the rest is counted.

What comes in faster than a page can be read, or than this process should read, is passed over; the page says how much.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from typing import NamedTuple

import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError

from headwater.console.live.filters import LiveFilter
from headwater.errors import InputError, UnavailableError
from headwater.events import Record, decode_record
from headwater.log import streams
from headwater.log.consumer import Delivered
from headwater.log.ordered import OrderedReader
from headwater.log.reader import Query, last_sequence

LOOK_SECONDS = 1.0
SHOWN_PER_LOOK = 20
KEPT_ROWS = 100
"""Rows of the page; a script drops older ones."""
READ_PER_LOOK = 4_000
"""Records that are read in a look; what is behind them is passed over."""
QUICK_LOOK_BACK = 500
"""How far the first answer looks back, in records at the address."""
LOOK_BACK = 20_000
"""How far the stream looks back for records that are asked for by content."""
_BATCH = 500
_WAIT_SECONDS = 0.5


class Row(NamedTuple):
    """A record and its place in the log; `stored_at` in seconds since 1970."""

    sequence: int
    stored_at: float
    record: Record

    @property
    def moment(self) -> datetime:
        """When the log took it."""
        return datetime.fromtimestamp(self.stored_at, UTC)

    @property
    def name(self) -> str:
        """What the event is called, "" for none."""
        data = self.record.data
        return str(data.get("event") or data.get("name") or "")

    @property
    def user(self) -> str:
        """Whose it is, "" when nobody is named."""
        data, meta = self.record.data, self.record.meta
        named = meta.user_key if meta.kind == "stream" and meta.user_key != meta.message_id else ""
        return str(data.get("userId") or data.get("anonymousId") or named)


class Look(NamedTuple):
    """What a look found: rows newest first, how many records matched, and how many were passed over unread."""

    rows: tuple[Row, ...] = ()
    matching: int = 0
    passed: int = 0


async def recent(
    client: Client, query: Query, chosen: LiveFilter, look_back: int, limit: int = KEPT_ROWS
) -> tuple[Look, int]:
    """The newest matching records among the last `look_back`, and the place up to which was read. Raises UnavailableError."""
    last = await last_sequence(client, query)
    if last == 0:
        return Look(), 0
    found: deque[Row] = deque(maxlen=limit)
    matching = place = 0
    reader = OrderedReader(client, streams.MAIN, query.subjects(), after=max(last - look_back, 0))
    try:
        while place < last:
            messages = await reader.take(_BATCH, _WAIT_SECONDS)
            if not messages:
                break
            for message in messages:
                row = _row(message, chosen) if message.sequence <= last else None
                if row is not None:
                    found.append(row)
                    matching += 1
            place = messages[-1].sequence
    finally:
        await reader.stop()
    return Look(tuple(reversed(found)), matching), last


class LogTail:
    """Takes what arrives after a place. `stop` it at the end."""

    def __init__(self, client: Client, query: Query, chosen: LiveFilter, after: int) -> None:
        self._client = client
        self._query = query
        self._chosen = chosen
        self._place = after
        self._reader = self._begin()

    def _begin(self) -> OrderedReader:
        since = None if self._place else time.time()
        return OrderedReader(self._client, streams.MAIN, self._query.subjects(), after=self._place, since=since)

    async def look(self) -> Look:
        """What arrived since the last look; waits up to LOOK_SECONDS for it. Raises UnavailableError."""
        deadline = time.monotonic() + LOOK_SECONDS
        shown: deque[Row] = deque(maxlen=SHOWN_PER_LOOK)
        matching = read = 0
        while read < READ_PER_LOOK and (left := deadline - time.monotonic()) > 0:
            for message in await self._reader.take(_BATCH, left):
                self._place = message.sequence
                read += 1
                row = _row(message, self._chosen)
                if row is not None:
                    shown.append(row)
                    matching += 1
        passed = await self._catch_up() if read >= READ_PER_LOOK else 0
        return Look(tuple(reversed(shown)), matching, passed)

    async def _catch_up(self) -> int:
        """Go to the end of the log where too much waits. Returns how many records are passed over."""
        waiting = await self._reader.waiting()
        if waiting < READ_PER_LOOK:
            return 0
        await self._reader.stop()
        self._place = await last_sequence(self._client, self._query)
        self._reader = self._begin()
        return waiting

    async def stop(self) -> None:
        """Give the position in the log up."""
        await self._reader.stop()


async def record_at(client: Client, sequence: int) -> tuple[Row, bytes] | None:
    """The record at a place in the log and its bytes; None when it is not there (any more). Raises UnavailableError."""
    try:
        found = await client.jsm().get_msg(streams.MAIN, sequence, direct=True)
    except NotFoundError:
        return None
    except (OSError, TimeoutError, nats.errors.Error, APIError) as fault:
        raise UnavailableError(f"the event log does not answer ({type(fault).__name__})") from fault
    if found.data is None or found.time is None:
        return None
    return Row(sequence, found.time.timestamp(), decode_record(found.data)), found.data


def _row(message: Delivered, chosen: LiveFilter) -> Row | None:
    """The record of a message if it is asked for. What cannot be read as a record is not."""
    try:
        record = decode_record(message.payload)
    except InputError:
        return None
    matches = chosen.matches(record, message.payload)
    return Row(message.sequence, message.stored_at, record) if matches else None
