"""What happened to a person: the messages of a profile, newest first, with their records.

The index of messages is in the database; the records are in the log as long as the log keeps them, and in the archive.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError

from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.events import Record, decode_record
from headwater.log import streams
from headwater.profiles.profile_ids import fragment_id
from headwater.profiles.store import generations
from headwater.profiles.store.lookup import part_of
from headwater.profiles.store.tables import statement

PAGE_LIMIT = 200
_NEWEST = 2**62
_LAST_KEY = UUID(int=2**128 - 1)


class TimelineEntry(msgspec.Struct, frozen=True):
    """One message. `at` is its event time in epoch milliseconds, `record` None when neither log nor archive has it any more."""

    at: int
    stream: str
    name: str
    sequence: int
    record: Record | None


class TimelinePage(msgspec.Struct, frozen=True):
    """Entries, newest first; `older` asks for the page after this one, "" when there is none."""

    entries: tuple[TimelineEntry, ...]
    older: str


class RecordSource(Protocol):
    """Where records are found by their sequence in the log."""

    async def records(self, sequences: Sequence[int]) -> Mapping[int, Record]:
        """Those of the records that are there."""
        ...


class LogRecords:
    """Records that the log still has."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def records(self, sequences: Sequence[int]) -> Mapping[int, Record]:
        """Those of the records that are there; none while the log is away."""
        found: dict[int, Record] = {}
        manager = self._client.jsm()
        for sequence in sequences:
            try:
                message = await manager.get_msg(streams.MAIN, sequence, direct=True)
            except (OSError, TimeoutError, nats.errors.Error, APIError):
                continue
            if message.data:
                found[sequence] = decode_record(message.data)
        return found


class Timeline:
    """Pages of a profile's messages. `sources` are asked in turn for the records."""

    def __init__(self, pool: Any, sources: Sequence[RecordSource] = ()) -> None:
        self._pool = pool
        self._sources = tuple(sources)

    async def page(self, profile_id: str, *, older: str = "", limit: int = 50) -> TimelinePage:
        """The latest messages of the profile that an id leads to, or those before the page that gave `older`.

        Raises InputError for an id or a place that is none, and as `transaction` does.
        """
        try:
            raw = bytes.fromhex(profile_id)
        except ValueError:
            raise InputError("not the id of a profile", "profile") from None
        at, key = _place(older)
        limit = max(1, min(limit, PAGE_LIMIT))
        async with transaction(self._pool, read_only=True) as connection:
            number = (await generations.live(connection)).number
            secret = await generations.secret(connection)
            part = await part_of(connection, number, raw)
            ids = [] if part is None else [bytes.fromhex(fragment_id(member, secret)) for member in part.members]
            rows = await connection.fetch(statement("timeline", number), ids, at, key, limit)
        records = await self._records([row["sequence"] for row in rows])
        entries = tuple(
            TimelineEntry(row["at"], row["stream"], row["name"], row["sequence"], records.get(row["sequence"]))
            for row in rows
        )
        return TimelinePage(entries, _place_text(rows[-1]) if len(rows) == limit else "")

    async def _records(self, sequences: Sequence[int]) -> Mapping[int, Record]:
        found: dict[int, Record] = {}
        for source in self._sources:
            missing = [sequence for sequence in sequences if sequence not in found]
            if missing:
                found |= await source.records(missing)
        return found


def _place_text(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row['at']}.{row['key'].hex}".encode()).decode("ascii")


def _place(text: str) -> tuple[int, UUID]:
    if not text:
        return _NEWEST, _LAST_KEY
    try:
        at, _, key = base64.urlsafe_b64decode(text.encode("ascii")).decode("ascii").partition(".")
        return int(at), UUID(key)
    except ValueError:
        raise InputError("not a place that a page gave; begin without it", "older") from None
