"""Join small files of one day and source, so that reading months does not mean opening thousands of files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from headwater.archive import manifest, storing
from headwater.archive.files import ArchivedFile
from headwater.archive.stores import Store
from headwater.archive.storing import Staged
from headwater.database.transactions import transaction

OPEN_DAY_FILES = 16
"""As many small files of a day that is not over are worth a larger one."""
READERS_SECONDS = 600.0
"""How long a joined file stays for those who are reading it."""


def plan(small: Sequence[ArchivedFile], file_bytes: int, today: date) -> Iterator[tuple[ArchivedFile, ...]]:
    """Groups of files to join; `small` are those below half of `file_bytes`, by place and in order.

    A joined file is no larger than `file_bytes`. It is either no longer small or the only small one of its place, so
    joining comes to an end.
    """
    for place, found in groupby(small, key=lambda file: file.place):
        enough = 2 if place.day < today else OPEN_DAY_FILES
        for group in _filled(found, file_bytes):
            if len(group) >= enough:
                yield group


def _filled(files: Iterator[ArchivedFile], limit: int) -> Iterator[tuple[ArchivedFile, ...]]:
    group: list[ArchivedFile] = []
    size = 0
    for file in files:
        if group and size + file.content.bytes > limit:
            yield tuple(group)
            group, size = [], 0
        group.append(file)
        size += file.content.bytes
    if group:
        yield tuple(group)


async def compact(pool: Any, store: Store, file_bytes: int, today: date) -> int:
    """Join one group of small files. Returns how many were joined, 0 when there is nothing to do."""
    async with transaction(pool, read_only=True) as connection:
        small = await manifest.small_files(connection, file_bytes // 2)
    group = next(plan(small, file_bytes, today), ())
    if group:
        joined = await asyncio.to_thread(_join, store, group)
        entries = await storing.put(pool, store, [joined])
        async with transaction(pool) as connection:
            await manifest.replace_files(connection, group, entries, READERS_SECONDS)
    return len(group)


def _join(store: Store, group: Sequence[ArchivedFile]) -> Staged:
    from headwater.archive import parquet  # loads pyarrow: see there

    target = storing.staging_path(store)
    content = parquet.rewrite([store.open(file.path) for file in group], target)
    assert content is not None  # noqa: S101  # no file of the manifest is empty
    return Staged(group[0].place, target, content)
