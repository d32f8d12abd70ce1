"""What is archived together: rows gathered by place, written to staged files while they come.

Memory holds at most MEMORY_BYTES of rows (and what Arrow makes of a part of them): when there is more, the largest groups
become row groups of their staged files.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from headwater.archive import parquet
from headwater.archive.files import Place
from headwater.archive.manifest import Gap
from headwater.archive.parquet import FileWriter
from headwater.archive.rows import Row
from headwater.archive.storing import Staged

MEMORY_BYTES = 8 * 1024 * 1024
ROW_OVERHEAD_BYTES = 1000
"""What a row takes besides its JSON texts."""


class _Group:
    """The rows of one place: those in memory, and the file for those before."""

    def __init__(self, path: Path) -> None:
        self.rows: list[Row] = []
        self.bytes = 0
        self._path = path
        self._writer: FileWriter | None = None

    def add(self, row: Row, size: int) -> None:
        self.rows.append(row)
        self.bytes += size

    def write(self, forgotten: Collection[int] = ()) -> None:
        if self._writer is None:
            self._writer = FileWriter(self._path)
        rows = [row for row in self.rows if row.sequence not in forgotten] if forgotten else self.rows
        if rows:
            self._writer.write(parquet.table_of(rows))
        self.rows, self.bytes = [], 0

    def finish(self, place: Place, forgotten: Collection[int]) -> Staged | None:
        self.write(forgotten)
        assert self._writer is not None  # noqa: S101  # written one line above
        content = self._writer.close()
        path = self._path
        if content is not None and forgotten and parquet.holds_any(path, forgotten):
            path = self._path.with_suffix(".kept.parquet")
            content = parquet.rewrite([self._path], path, forgotten)
            self._path.unlink()
        return None if content is None else Staged(place, path, content)


class Cut:
    """The records after `position`, as far as they came. `last` is the last sequence that the cut accounts for."""

    def __init__(self, position: int, staging: Path) -> None:
        self.position = position
        self.last = position
        self.bytes = 0
        self.rows = 0
        self.gaps: list[Gap] = []
        self.begun = self.grew = time.monotonic()
        staging.mkdir(parents=True, exist_ok=True)
        # Of its own: a thread of a cut that was given up may still be writing.
        self._folder = Path(tempfile.mkdtemp(dir=staging))
        self._groups: dict[Place, _Group] = {}
        self._waiting_bytes = 0

    def add(self, row: Row) -> None:
        """Take a row in. Rows come in the order of their sequences."""
        place = Place(row.received_at.date(), "event" if row.kind == "event" else "stream", row.source)
        group = self._groups.get(place)
        if group is None:
            group = self._groups[place] = _Group(self._folder / f"{len(self._groups)}.parquet")
        size = len(row.data) + len(row.meta)
        self.bytes += size
        size += ROW_OVERHEAD_BYTES
        group.add(row, size)
        self._waiting_bytes += size
        self.rows += 1

    def account(self, sequence: int) -> None:
        """Everything up to `sequence` is in the cut, or is known not to be in any file."""
        self.last = sequence
        self.grew = time.monotonic()

    @property
    def full(self) -> bool:
        """Whether rows should leave memory before more come."""
        return self._waiting_bytes > MEMORY_BYTES

    def relieve(self) -> None:
        """Write the largest groups to their files, until half of the memory is free. Blocks."""
        for group in sorted(self._groups.values(), key=lambda found: -found.bytes):
            if self._waiting_bytes <= MEMORY_BYTES // 2:
                return
            self._waiting_bytes -= group.bytes
            group.write()

    def finish(self, forgotten: Collection[int]) -> list[Staged]:
        """Close every file, without the rows of the sequences in `forgotten`. Blocks."""
        finished = (group.finish(place, forgotten) for place, group in self._groups.items())
        return [staged for staged in finished if staged is not None]

    def discard(self) -> None:
        """Remove what is staged, and give memory back: the next cut may be far off."""
        self._groups.clear()
        parquet.release_memory()
        shutil.rmtree(self._folder, ignore_errors=True)
