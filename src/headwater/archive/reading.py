"""Read the archive: records in the order of the log, or single ones by their sequence.

Files come and go while somebody reads (small ones are joined, records are forgotten). A reader that misses a file asks the
manifest anew and goes on after the last record that it handed out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Sequence
from functools import partial
from heapq import heappop, heappush, heapreplace
from itertools import islice
from typing import Any

import msgspec

from headwater.archive import manifest, parquet
from headwater.archive.files import ArchivedFile
from headwater.archive.manifest import Selection
from headwater.archive.parquet import Archived
from headwater.archive.stores import MissingFileError, Store
from headwater.database.transactions import transaction

BATCH = 1000
CHANGES = 5
"""How often in a row the files may change under a reader before a missing one counts as lost."""
LAST_SEQUENCE = 2**63 - 1

EVERYTHING = Selection()


class ArchiveReader:
    """Reads one archive; `store` as `stores.open_store` opens it."""

    def __init__(self, pool: Any, store: Store) -> None:
        self._pool = pool
        self._store = store

    async def position(self) -> int:
        """The sequence of the log up to which everything is archived: from the next one on, read the log."""
        async with transaction(self._pool, read_only=True) as connection:
            return await manifest.position(connection)

    async def batches(
        self, selection: Selection = EVERYTHING, size: int = BATCH
    ) -> AsyncGenerator[list[Archived], None]:
        """The selected records, each once, by ascending sequence, up to `size` at a time.

        Memory is bounded by one row group for each source and day that overlap. Close the generator (`aclosing`) when
        leaving early. Raises MissingFileError when a file of the manifest is not in the store.
        """
        missed = 0
        while True:
            rows = merged(await self._files(selection), partial(self._rows, selection=selection))
            try:
                while batch := await asyncio.to_thread(_take, rows, size):
                    yield batch
                    selection = msgspec.structs.replace(selection, after=batch[-1].sequence)
                    missed = 0
                return
            except MissingFileError:
                missed += 1
                if missed == CHANGES:
                    raise

    async def fetch(self, sequences: Collection[int]) -> dict[int, Archived]:
        """The records of these sequences that are in the archive, by sequence."""
        if not sequences:
            return {}
        missed = 0
        while True:
            async with transaction(self._pool, read_only=True) as connection:
                files = await manifest.files_with(connection, sorted(sequences))
            try:
                return await asyncio.to_thread(self._chosen, files, sequences)
            except MissingFileError:
                missed += 1
                if missed == CHANGES:
                    raise

    async def count(self, selection: Selection = EVERYTHING) -> int:
        """How many records the files hold that the selection needs: at least as many as it has. For progress."""
        return sum(file.content.rows for file in await self._files(selection))

    async def _files(self, selection: Selection) -> list[ArchivedFile]:
        async with transaction(self._pool, read_only=True) as connection:
            return await manifest.files(connection, selection)

    def _rows(self, file: ArchivedFile, selection: Selection) -> Iterator[Archived]:
        last = LAST_SEQUENCE if selection.until_sequence is None else selection.until_sequence
        found = parquet.read(self._store.open(file.path), selection.after + 1, last)
        if selection.since is None and selection.until is None:
            return found
        since = float("-inf") if selection.since is None else selection.since.timestamp()
        until = float("inf") if selection.until is None else selection.until.timestamp()
        return (record for record in found if since <= record.stored_at < until)

    def _chosen(self, files: Sequence[ArchivedFile], sequences: Collection[int]) -> dict[int, Archived]:
        left = set(sequences)
        found: dict[int, Archived] = {}
        for file in files:
            content = file.content
            wanted = [number for number in left if content.first_sequence <= number <= content.last_sequence]
            if wanted:
                records = {
                    record.sequence: record for record in parquet.read_chosen(self._store.open(file.path), wanted)
                }
                found |= records
                left.difference_update(records)
        return found


def _take(rows: Iterator[Archived], size: int) -> list[Archived]:
    return list(islice(rows, size))


class _Opened:
    """A file being read, at one of its records. Ordered by that record's sequence."""

    __slots__ = ("record", "rows")

    def __init__(self, record: Archived, rows: Iterator[Archived]) -> None:
        self.record = record
        self.rows = rows

    def __lt__(self, other: _Opened) -> bool:
        return self.record.sequence < other.record.sequence


def merged(files: Sequence[ArchivedFile], rows_of: Callable[[ArchivedFile], Iterator[Archived]]) -> Iterator[Archived]:
    """The records of files, each sorted, as one sorted sequence. A file is opened when its first record may be next."""
    waiting = deque(sorted(files, key=lambda file: file.content.first_sequence))
    opened: list[_Opened] = []
    while waiting or opened:
        while waiting and (not opened or waiting[0].content.first_sequence <= opened[0].record.sequence):
            rows = rows_of(waiting.popleft())
            first = next(rows, None)
            if first is not None:
                heappush(opened, _Opened(first, rows))
        if opened:
            yield from _until_other(opened, waiting[0].content.first_sequence if waiting else LAST_SEQUENCE)


def _until_other(opened: list[_Opened], limit: int) -> Iterator[Archived]:
    """Records in order, until the file that waits may be next (its first record is `limit`)."""
    while opened and opened[0].record.sequence < limit:
        foremost = opened[0]
        yield foremost.record
        following = next(foremost.rows, None)
        if following is None:
            heappop(opened)
        else:
            foremost.record = following
            heapreplace(opened, foremost)
