"""Write and read the Parquet files of the archive.

Row groups are small and sorted by sequence, so that their statistics lead to a record without reading the file. Loading
pyarrow costs tens of megabytes: a process that may stay idle imports this module when it first needs it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.archive.arrow_columns import EPOCH, MOMENT, integers, moments, texts
from headwater.archive.files import Content
from headwater.archive.rows import Row, payload_of
from headwater.archive.stores import MissingFileError
from headwater.events import Record, decode_record

ROW_GROUP_BYTES = 4 * 1024 * 1024
"""Size of a row group before compression."""
READ_ROWS = 1000

SCHEMA = pa.schema(
    [
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("stored_at", MOMENT, nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("message_id", pa.string(), nullable=False),
        pa.field("user_key", pa.string(), nullable=False),
        pa.field("received_at", MOMENT, nullable=False),
        pa.field("event_time", MOMENT),
        pa.field("type", pa.string()),
        pa.field("name", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("anonymous_id", pa.string()),
        pa.field("data", pa.string(), nullable=False),
        pa.field("meta", pa.string(), nullable=False),
    ]
)
_MAKERS: dict[Any, Callable[[Any], Any]] = {pa.int64(): integers, MOMENT: moments, pa.string(): texts}
_REPEATING = ["kind", "source", "user_key", "type", "name", "user_id", "anonymous_id"]
_RECORD_COLUMNS = ["sequence", "stored_at", "meta", "data"]


class Archived(msgspec.Struct, frozen=True, gc=False):
    """A record from the archive. `meta` and `data` are JSON texts, byte for byte as they were in the log."""

    sequence: int
    stored_at: float
    meta: bytes
    data: bytes

    @property
    def payload(self) -> bytes:
        """The bytes of the log's entry."""
        return payload_of(self.meta, self.data)

    @property
    def record(self) -> Record:
        """Decoded as from the log."""
        return decode_record(self.payload)


def table_of(rows: Sequence[Row]) -> Any:
    """Rows as an Arrow table."""
    columns = zip(*rows, strict=True)
    return pa.Table.from_arrays(
        [_MAKERS[field.type](values) for values, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def release_memory() -> None:
    """Give back to the system what Arrow holds and does not use."""
    pa.default_memory_pool().release_unused()


class FileWriter:
    """Writes one file, row group by row group; `close` says what is in it. The file is on disk then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(
            path,
            SCHEMA,
            compression="zstd",
            use_dictionary=_REPEATING,
            sorting_columns=[pq.SortingColumn(0)],
        )
        self._rows = 0
        self._first: Any = None
        self._last: Any = None

    def write(self, table: Any) -> None:
        """Append a table, sorted by sequence, as one row group."""
        if table.num_rows == 0:
            return
        self._writer.write_table(table, row_group_size=table.num_rows)
        if self._first is None:
            self._first = _place(table, 0)
        self._last = _place(table, table.num_rows - 1)
        self._rows += table.num_rows

    def close(self) -> Content | None:
        """Finish the file. None, and no file, when nothing was written."""
        self._writer.close()
        if self._rows == 0:
            self.path.unlink()
            return None
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        (first_sequence, first_stored_at), (last_sequence, last_stored_at) = self._first, self._last
        return Content(
            first_sequence=first_sequence,
            last_sequence=last_sequence,
            first_stored_at=first_stored_at,
            last_stored_at=last_stored_at,
            rows=self._rows,
            bytes=self.path.stat().st_size,
            sha256=digest,
        )

    def discard(self) -> None:
        """Give the file up."""
        self._writer.close()
        self.path.unlink(missing_ok=True)


def _place(table: Any, index: int) -> tuple[int, datetime]:
    """Sequence and time of a row. Arrow's own times would load pandas: see `arrow_columns`."""
    row = table.slice(index, 1)
    microseconds = row["stored_at"].cast(pa.int64())[0].as_py()
    return row["sequence"][0].as_py(), EPOCH + timedelta(microseconds=microseconds)


@contextmanager
def _opened(source: Any) -> Iterator[Any]:
    """A file for reading. Raises MissingFileError when it went since it was asked for."""
    try:
        opened = pq.ParquetFile(source)
    except FileNotFoundError:
        raise MissingFileError(f"{source} is gone") from None
    with opened as file:
        yield file


def tables(source: Any) -> Iterator[Any]:
    """The rows of a file as tables of READ_ROWS at most, in order."""
    with _opened(source) as file:
        for batch in file.iter_batches(READ_ROWS, use_threads=False):
            yield pa.Table.from_batches([batch])


def rewrite(sources: Sequence[Any], target: Path, forgotten: Collection[int] = ()) -> Content | None:
    """Join files of ascending sequences into one, without the forgotten rows. None, and no file, when none is left."""
    writer = FileWriter(target)
    try:
        for table in regrouped(part for source in sources for part in tables(source)):
            writer.write(without(table, forgotten) if forgotten else table)
    except BaseException:
        writer.discard()
        raise
    return writer.close()


def regrouped(parts: Iterator[Any]) -> Iterator[Any]:
    """Tables joined, until they have the size of a row group."""
    gathered: list[Any] = []
    size = 0
    for part in parts:
        gathered.append(part)
        size += part.nbytes
        if size >= ROW_GROUP_BYTES:
            yield pa.concat_tables(gathered)
            gathered, size = [], 0
    if gathered:
        yield pa.concat_tables(gathered)


def without(table: Any, sequences: Collection[int]) -> Any:
    """The table without the rows of these sequences."""
    return table.filter(pc.invert(_among(table, sequences)))


def holds_any(source: Any, sequences: Collection[int]) -> bool:
    """Whether a file has a row of one of these sequences."""
    with _opened(source) as file:
        groups = _groups(file, min(sequences), max(sequences))
        if not groups:
            return False
        return bool(pc.any(_among(file.read_row_groups(groups, columns=["sequence"]), sequences)).as_py())


def _among(table: Any, sequences: Collection[int]) -> Any:
    return pc.is_in(table["sequence"], value_set=integers(sorted(sequences)))


def sequences(source: Any) -> Any:
    """The sequences of a file, in the order of its rows, as an Arrow array."""
    with _opened(source) as file:
        return file.read(columns=["sequence"])["sequence"].combine_chunks()


def ascending(numbers: Any) -> bool:
    """Whether each number of an Arrow array is larger than the one before."""
    return bool(pc.all(pc.greater(numbers[1:], numbers[:-1])).as_py()) if len(numbers) > 1 else True


def read(source: Any, first: int, last: int) -> Iterator[Archived]:
    """The records of a file with first <= sequence <= last, in order."""
    with _opened(source) as file:
        groups = _groups(file, first, last)
        if not groups:
            return
        for batch in file.iter_batches(READ_ROWS, row_groups=groups, columns=_RECORD_COLUMNS, use_threads=False):
            for found in _archived(batch):
                if first <= found.sequence <= last:
                    yield found


def read_chosen(source: Any, sequences: Collection[int]) -> Iterator[Archived]:
    """The records of these sequences that a file has."""
    with _opened(source) as file:
        wanted = sorted(sequences)
        for group in _groups(file, wanted[0], wanted[-1]):
            numbers = file.read_row_group(group, columns=["sequence"])
            if pc.any(_among(numbers, wanted)).as_py():
                table = file.read_row_group(group, columns=_RECORD_COLUMNS)
                yield from _archived(table.filter(_among(table, wanted)))


def _archived(batch: Any) -> Iterator[Archived]:
    return map(
        Archived,
        batch["sequence"].to_pylist(),
        [microseconds / 1e6 for microseconds in batch["stored_at"].cast(pa.int64()).to_pylist()],
        batch["meta"].cast(pa.binary()).to_pylist(),
        batch["data"].cast(pa.binary()).to_pylist(),
    )


def _groups(file: Any, first: int, last: int) -> list[int]:
    """The row groups that may have a sequence of a range, by their statistics."""
    return [
        number
        for number in range(file.metadata.num_row_groups)
        for statistics in [file.metadata.row_group(number).column(0).statistics]
        if statistics.min <= last and statistics.max >= first
    ]
