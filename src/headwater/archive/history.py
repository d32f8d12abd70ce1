"""Look back further than the log reaches: the archive for what the log forgot, then the log."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime

from nats.aio.client import Client

from headwater.archive.archiver import log_state
from headwater.archive.manifest import Selection
from headwater.archive.reading import ArchiveReader
from headwater.log import reader as log_reader
from headwater.log.reader import Found, Query


async def read(client: Client, archive: ArchiveReader, query: Query) -> AsyncGenerator[Found, None]:
    """The records that the query asks for, oldest first, each once, up to what is in the log now.

    Raises what `log.reader.read` and `ArchiveReader.batches` raise.
    """
    reached = 0
    # The log goes on forgetting while the archive is read: ask again until it begins where the archive was left.
    while (first := (await log_state(client)).first_seq) > reached + 1:
        async with aclosing(_forgotten(archive, query, reached, first - 1)) as records:
            async for found in records:
                yield found
        reached = first - 1
    async with aclosing(log_reader.read(client, query)) as records:
        async for found in records:
            if found.sequence > reached:
                yield found


async def count(client: Client, archive: ArchiveReader, query: Query) -> int:
    """How many records `read` looks at, at most: for progress."""
    first = (await log_state(client)).first_seq
    after = Query(kind=query.kind, source=query.source, since=query.until)
    in_log = await log_reader.count(client, query)
    if query.until is not None:
        in_log -= await log_reader.count(client, after)
    return in_log + await archive.count(_selection(query, 0, first - 1))


async def _forgotten(archive: ArchiveReader, query: Query, after: int, last: int) -> AsyncGenerator[Found, None]:
    async with aclosing(archive.batches(_selection(query, after, last))) as batches:
        async for batch in batches:
            for archived in batch:
                record = archived.record
                if query.matches(record):
                    yield Found(archived.sequence, archived.stored_at, record, archived.payload)


def _selection(query: Query, after: int, last: int) -> Selection:
    return Selection(
        after=after,
        until_sequence=last,
        kind=query.kind,
        sources=None if query.source is None else (query.source,),
        since=_moment(query.since),
        until=_moment(query.until),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
