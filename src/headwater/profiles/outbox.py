"""Events that a transaction decided, and how they get into the log exactly once.

Who decides writes rows in his own transaction. One relay sends them, the oldest first, under the message id that the row was given, and deletes
them when the log has them. A row is marked before it is first sent. That mark is flushed to disk and everything before it with it, so nothing is ever sent that
a crash of the database could undo. After a crash of the relay, the log itself drops what comes twice within its window; what was marked
longer ago is looked for in the log first.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from nats.aio.client import Client
from prometheus_client import Counter

from headwater import jsontext
from headwater.database import faults
from headwater.database.pool import open_connection
from headwater.errors import HeadwaterError, InputError
from headwater.events import RecordMeta
from headwater.log import reader
from headwater.log.records import EncodedRecord, encode_event
from headwater.log.writer import LogWriter
from headwater.profiles.identifiers import Identifier
from headwater.profiles.profile_changes import ChangeKind, ProfileChange

PIPELINE = "audiences"
"""Slug of the pipeline that changes of profiles go to, beside entries into audiences and exits."""

EVENT_NAMES: dict[ChangeKind, str] = {
    "merged": "Profile Merged",
    "split": "Profile Split",
    "moved": "Profile Moved",
    "renamed": "Profile Renamed",
}
"""A profile that is new is no event: whoever cares asks for an audience."""

BATCH = 500
CHANNEL = "headwater_outbox"
"""Where the database says that there are new rows."""
LOOK_SECONDS = 1.0
"""The relay looks that often without being called."""
PAUSE_SECONDS = 2.0
WINDOW_SHARE = 0.5
"""Share of the log's dedup window within which a row may simply be sent again."""

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('headwater outbox relay', 0))"
_ROWS = "SELECT id, pipeline_id, message_id, user_key, data, attempted_at FROM outbox ORDER BY id LIMIT $1"
_MARK = "UPDATE outbox SET attempted_at = clock_timestamp() WHERE id = ANY($1::bigint[]) RETURNING id"
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_PUT = """
INSERT INTO outbox (pipeline_id, message_id, user_key, data)
SELECT p.id, put.message_id, put.user_key, put.data::jsonb
FROM pipelines p CROSS JOIN unnest($2::text[], $3::text[], $4::text[]) AS put (message_id, user_key, data)
WHERE p.slug = $1
"""

RELAYED = Counter("headwater_outbox_relayed", "Events of our own that got into the log")
REFUSED = Counter("headwater_outbox_refused", "Events of our own that the log refused for good")

logger = structlog.get_logger(__name__)


async def announce_changes(
    connection: Any, changes: Iterable[ProfileChange], id_of: Callable[[Identifier], str], now: datetime
) -> None:
    """Write what happened to profiles into the outbox, in the caller's transaction. Nothing where the pipeline was deleted."""
    rows = [_row(change, id_of, now) for change in changes if change.kind in EVENT_NAMES]
    if rows:
        await connection.execute(_PUT, PIPELINE, *map(list, zip(*rows, strict=True)))


def _row(change: ProfileChange, id_of: Callable[[Identifier], str], now: datetime) -> tuple[str, str, str]:
    message_id, profile = uuid.uuid4().hex, id_of(change.profile)
    data = {
        "type": "track",
        "event": EVENT_NAMES[change.kind],
        "messageId": message_id,
        "timestamp": _text(now),
        "anonymousId": profile,
        "properties": {"profile_id": profile, "former_ids": [id_of(each) for each in change.former]},
    }
    return message_id, profile, jsontext.encode(data).decode()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class OutboxRelay:
    """Sends what is in the outbox. Of several in one install one works at a time."""

    def __init__(
        self, client: Client, writer: LogWriter, database_url: str, partitions: int, window_seconds: float
    ) -> None:
        self._client = client
        self._writer = writer
        self._database_url = database_url
        self._partitions = partitions
        self._window = timedelta(seconds=window_seconds * WINDOW_SHARE)

    async def run(self) -> None:
        """Relay for ever; whatever fails is tried again."""
        while True:
            try:
                with faults.translated():
                    await self._session()
            except HeadwaterError as fault:
                logger.warning("events of our own wait to be sent", reason=str(fault))
            except Exception:  # the relay goes on as long as its process
                logger.exception("events of our own wait to be sent")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _session(self) -> None:
        connection = await open_connection(self._database_url)
        try:
            if not await connection.fetchval(_LOCK):
                return
            called = asyncio.Event()
            await connection.add_listener(CHANNEL, lambda *_: called.set())
            while True:
                called.clear()
                if not await self.relay(connection):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_SECONDS):
                            await called.wait()
        finally:
            connection.terminate()

    async def relay(self, connection: Any) -> int:
        """Send what waits, up to BATCH events; how many there were. Raises UnavailableError and what the driver raises."""
        rows = await connection.fetch(_ROWS, BATCH)
        if not rows:
            return 0
        old = [row for row in rows if row["attempted_at"] and datetime.now(UTC) - row["attempted_at"] > self._window]
        there = await self._in_the_log(old)
        marked = await connection.fetch(_MARK, [row["id"] for row in rows if row["attempted_at"] is None])
        # A row that is gone by now was taken back: its person was deleted.
        standing = {row["id"] for row in marked} | {row["id"] for row in rows if row["attempted_at"] is not None}
        await self._send([row for row in rows if row["id"] in standing and row["message_id"] not in there])
        await connection.execute(_DELETE, [row["id"] for row in rows])
        RELAYED.inc(len(rows))
        return len(rows)

    async def _in_the_log(self, rows: Sequence[Any]) -> set[str]:
        """The message ids of those rows that the log has."""
        found: set[str] = set()
        for pipeline in {row["pipeline_id"] for row in rows}:
            own = {row["message_id"]: row["attempted_at"] for row in rows if row["pipeline_id"] == pipeline}
            query = reader.Query(kind="event", source=pipeline, since=min(own.values()).timestamp() - 1)
            async with contextlib.aclosing(reader.read(self._client, query)) as records:
                async for each in records:
                    if each.record.meta.message_id in own:
                        found.add(each.record.meta.message_id)
        return found

    async def _send(self, rows: Sequence[Any]) -> None:
        records = [self._record(row) for row in rows]
        try:
            await self._writer.append(records)
        except InputError:
            for record in records:
                try:
                    await self._writer.append([record])
                except InputError as fault:
                    REFUSED.inc()
                    logger.error("an event of our own is lost", reason=str(fault))

    def _record(self, row: Any) -> EncodedRecord:
        meta = RecordMeta("event", row["pipeline_id"], row["message_id"], row["user_key"], _text(datetime.now(UTC)))
        return encode_event(row["pipeline_id"], meta, jsontext.encode(row["data"]), self._partitions)
