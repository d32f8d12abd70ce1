"""Forget records: out of the log, and out of every file.

Asking is one row for each record, in the transaction of whoever asks; the archiver does the work, goes on where it was
interrupted, and says when it is done. What is asked for before it is archived reaches no file. Of each record a digest stays that
tells which message it was: copies of it are known by that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from nats.aio.client import Client

from headwater.archive import manifest, storing
from headwater.archive.files import ArchivedFile
from headwater.archive.manifest import QUERIES
from headwater.archive.stores import Store
from headwater.archive.storing import Staged
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.events import decode_record
from headwater.log import deletion, streams
from headwater.log.records import dedup_id

AT_ONCE = 1000


async def forget(connection: Any, sequences: Sequence[int]) -> None:
    """Ask for records of the log, by sequence, to be forgotten; with the commit of the caller's transaction it is certain."""
    await connection.execute(QUERIES["ask_to_forget"], list(sequences))


async def remaining(connection: Any, sequences: Sequence[int]) -> int:
    """How many of these are not forgotten yet; 0 means that neither the log nor any file has one of them."""
    return int(await connection.fetchval(QUERIES["unforgotten_among"], list(sequences)))


async def forgotten_among(connection: Any, messages: Collection[str]) -> frozenset[str]:
    """Those of these messages, by `log.records.dedup_id`, whose record was forgotten: nobody may keep a copy of it."""
    rows = await connection.fetch(QUERIES["forgotten_messages"], list(messages))
    return frozenset(row["message"] for row in rows)


async def between(connection: Any, first: int, last: int) -> list[int]:
    """The sequences of a range, both ends included, that nothing may keep, in order."""
    return [row["sequence"] for row in await connection.fetch(QUERIES["forgotten_between"], first, last)]


async def work(pool: Any, client: Client, store: Store) -> int:
    """Do a part of what was asked for. Returns how many steps were taken, 0 when there is nothing to do.

    Raises UnavailableError when the log or the store cannot be reached.
    """
    return await _clear_log(pool, client) + await _clear_files(pool, store)


async def _clear_log(pool: Any, client: Client) -> int:
    asked = await _numbers(pool, "still_in_log")
    messages = {}
    for sequence in asked:
        payload = await deletion.take_out(client, streams.MAIN, sequence)
        if payload is not None:
            messages[sequence] = _message_of(payload)
    if asked:
        async with transaction(pool) as connection:
            await _note_messages(connection, messages)
            await connection.execute(QUERIES["left_log"], asked)
    return len(asked)


def _message_of(payload: bytes) -> str | None:
    """By what copies of a record are known; None for what is no record."""
    try:
        meta = decode_record(payload).meta
    except InputError:
        return None
    return dedup_id(meta.kind, meta.source, meta.message_id)


async def _note_messages(connection: Any, messages: Mapping[int, str | None]) -> None:
    known = {sequence: message for sequence, message in messages.items() if message is not None}
    if known:
        await connection.execute(QUERIES["note_messages"], list(known), list(known.values()))


async def _clear_files(pool: Any, store: Store) -> int:
    asked = await _numbers(pool, "still_in_files")
    if not asked:
        return 0
    async with transaction(pool, read_only=True) as connection:
        files = await manifest.files_with(connection, asked)
    for file in files:
        await _clear_file(pool, store, file, asked)
    async with transaction(pool) as connection:
        await manifest.hasten_removals(connection)  # files that were replaced earlier may hold these records too
    while await storing.remove_due(pool, store):
        pass
    async with transaction(pool) as connection:
        await connection.execute(QUERIES["forgotten_completely"], asked)
    return len(asked)


async def _clear_file(pool: Any, store: Store, file: ArchivedFile, asked: Sequence[int]) -> None:
    content = file.content
    wanted = [sequence for sequence in asked if content.first_sequence <= sequence <= content.last_sequence]
    rewritten = await asyncio.to_thread(_without, store, file, wanted)
    if rewritten is None:
        return
    entries = await storing.put(pool, store, rewritten.files)
    async with transaction(pool) as connection:
        await _note_messages(connection, rewritten.messages)
        await manifest.replace_files(connection, [file], entries, removal_seconds=0)


class _Rewritten(NamedTuple):
    """What takes the place of a file, and which messages the records were that left it, by sequence."""

    files: list[Staged]
    messages: dict[int, str | None]


def _without(store: Store, file: ArchivedFile, sequences: Sequence[int]) -> _Rewritten | None:
    """The file without these records, or no file when none is left; None when it holds none of them."""
    from headwater.archive import parquet  # loads pyarrow: see there

    leaving = list(parquet.read_chosen(store.open(file.path), sequences))
    if not leaving:
        return None
    messages = {each.sequence: _message_of(each.payload) for each in leaving}
    target = storing.staging_path(store)
    content = parquet.rewrite([store.open(file.path)], target, sequences)
    return _Rewritten([] if content is None else [Staged(file.place, target, content)], messages)


async def _numbers(pool: Any, query: str) -> list[int]:
    async with transaction(pool, read_only=True) as connection:
        return [row["sequence"] for row in await connection.fetch(QUERIES[query], AT_ONCE)]
