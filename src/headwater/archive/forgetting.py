"""Forget records: out of the log, and out of every file.

Asking is one row for each record, in the transaction of whoever asks; the archiver does the work, goes on where it was
interrupted, and says when it is done. What is asked for before it is archived reaches no file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError

from headwater.archive import manifest, storing
from headwater.archive.files import ArchivedFile
from headwater.archive.manifest import QUERIES
from headwater.archive.stores import Store
from headwater.archive.storing import Staged
from headwater.database.transactions import transaction
from headwater.errors import UnavailableError
from headwater.log import streams

AT_ONCE = 1000


async def forget(connection: Any, sequences: Sequence[int]) -> None:
    """Ask for records of the log, by sequence, to be forgotten; with the commit of the caller's transaction it is certain."""
    await connection.execute(QUERIES["ask_to_forget"], list(sequences))


async def remaining(connection: Any, sequences: Sequence[int]) -> int:
    """How many of these are not forgotten yet; 0 means that neither the log nor any file has one of them."""
    return int(await connection.fetchval(QUERIES["unforgotten_among"], list(sequences)))


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
    for sequence in asked:
        await _delete_message(client, sequence)
    if asked:
        async with transaction(pool) as connection:
            await connection.execute(QUERIES["left_log"], asked)
    return len(asked)


async def _delete_message(client: Client, sequence: int) -> None:
    """JetStream overwrites the message on disk before it answers. A record that is not there any more is no fault."""
    manager = client.jsm()
    try:
        try:
            await manager.delete_msg(streams.MAIN, sequence)
        except APIError:
            # The answer to a number that is gone is the same as to a disk that fails: look whether it is there.
            await manager.get_msg(streams.MAIN, seq=sequence)
            raise
    except NotFoundError:
        return
    except (OSError, nats.errors.Error, APIError) as fault:
        raise UnavailableError(f"the event log does not delete a record ({type(fault).__name__})") from fault


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
    kept = await asyncio.to_thread(_without, store, file, wanted)
    if kept is None:
        return
    entries = await storing.put(pool, store, kept)
    async with transaction(pool) as connection:
        await manifest.replace_files(connection, [file], entries, removal_seconds=0)


def _without(store: Store, file: ArchivedFile, sequences: Sequence[int]) -> list[Staged] | None:
    """The file without these records, or no file when none is left; None when it holds none of them."""
    from headwater.archive import parquet  # loads pyarrow: see there

    if not parquet.holds_any(store.open(file.path), sequences):
        return None
    target = storing.staging_path(store)
    content = parquet.rewrite([store.open(file.path)], target, sequences)
    return [] if content is None else [Staged(file.place, target, content)]


async def _numbers(pool: Any, query: str) -> list[int]:
    async with transaction(pool, read_only=True) as connection:
        return [row["sequence"] for row in await connection.fetch(QUERIES[query], AT_ONCE)]
