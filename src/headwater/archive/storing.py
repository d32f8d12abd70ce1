"""Bring finished files into the store and the manifest, and remove what is not wanted there.

Order: announce in PostgreSQL, put into the store, commit the manifest. Killed anywhere in between, the announced files are
condemned by the next process and removed; the rows are still in the log, or in the files that were to be replaced.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from headwater.archive import manifest
from headwater.archive.files import ArchivedFile, Content, Place, entry
from headwater.archive.stores import Store
from headwater.database.transactions import transaction


class Staged(NamedTuple):
    """A finished file that is not in the store yet."""

    place: Place
    path: Path
    content: Content


async def put(pool: Any, store: Store, staged: Sequence[Staged]) -> list[ArchivedFile]:
    """Announce files and put them into the store; the caller commits them with `manifest.add_files`."""
    entries = [entry(found.place, found.content) for found in staged]
    async with transaction(pool) as connection:
        await manifest.announce(connection, [found.path for found in entries])
    for found, made in zip(staged, entries, strict=True):
        await asyncio.to_thread(store.put, found.path, made.path)
    return entries


def staging_path(store: Store) -> Path:
    """A name for a new file in the staging folder."""
    store.staging.mkdir(parents=True, exist_ok=True)
    return store.staging / f"{uuid.uuid4().hex}.parquet"


async def remove_due(pool: Any, store: Store) -> int:
    """Remove files whose time has come. Returns how many."""
    async with transaction(pool, read_only=True) as connection:
        paths = await manifest.due_removals(connection)
    for path in paths:
        await asyncio.to_thread(store.delete, path)
    if paths:
        async with transaction(pool) as connection:
            await manifest.removed(connection, paths)
    return len(paths)
