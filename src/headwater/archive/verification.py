"""Is the archive whole? Every file is what the manifest says, and every sequence is in exactly one place.

Every file is read once. The sequences go into a DuckDB database in a temporary file: sorting billions of numbers is its
work, not ours. The archive may change meanwhile: what the manifest dropped is dropped here too, what it gained is read.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import msgspec
import pyarrow as pa

from headwater.archive import forgetting, manifest, parquet
from headwater.archive.files import ArchivedFile
from headwater.archive.manifest import Gap, Selection
from headwater.archive.missing import uncovered
from headwater.archive.stores import MissingFileError, Store
from headwater.database.transactions import transaction

MEMORY_LIMIT = "512MB"

ProblemKind = Literal["missing file", "changed file", "unreadable file", "wrong content", "hole", "repeat", "beyond"]


class Problem(msgspec.Struct, frozen=True):
    """One thing that is not as it should be. `place` is a path, or sequences as "first-last"."""

    kind: ProblemKind
    place: str
    detail: str


class Report(msgspec.Struct, frozen=True):
    """What was found. `gaps` are known and explained; `stray` files are in the store without being in the manifest."""

    position: int
    files: int
    rows: int
    bytes: int
    forgotten: int
    problems: tuple[Problem, ...]
    gaps: tuple[Gap, ...]
    stray: tuple[str, ...]


class _Known(NamedTuple):
    """The manifest at one moment."""

    position: int
    files: dict[str, ArchivedFile]
    gaps: list[Gap]
    forgotten: list[int]


async def verify(pool: Any, store: Store, progress: Callable[[int], None] = lambda _: None) -> Report:
    """Read everything and compare. `progress` is told the bytes of each file that was read."""
    with tempfile.TemporaryDirectory() as folder:
        found = _Found(Path(folder))
        try:
            while True:
                known = await _known(pool)
                found.drop_others(known.files)
                new = [file for path, file in known.files.items() if path not in found.numbers]
                if not new:
                    break
                for file in new:
                    await asyncio.to_thread(found.check, store, file)
                    progress(file.content.bytes)
            stray = await _stray(pool, store)
            return await asyncio.to_thread(_report, known, found, stray)
        finally:
            found.close()


async def _known(pool: Any) -> _Known:
    async with transaction(pool, read_only=True) as connection:
        position = await manifest.position(connection)
        files = await manifest.files(connection, Selection())
        gaps = await manifest.gaps(connection)
        forgotten = await forgetting.between(connection, 1, position)
    return _Known(position, {file.path: file for file in files}, gaps, forgotten)


async def _stray(pool: Any, store: Store) -> tuple[str, ...]:
    there = await asyncio.to_thread(lambda: sorted(store.names()))
    async with transaction(pool, read_only=True) as connection:  # after the list: what was put meanwhile is known
        kept = await manifest.kept_paths(connection)
    return tuple(path for path in there if path not in kept)


class _Found:
    """What the files hold: their problems, and all their sequences."""

    def __init__(self, folder: Path) -> None:
        self.numbers: dict[str, int] = {}
        self._checked = 0
        self.problems: dict[str, Problem] = {}
        self._connection = duckdb.connect(str(folder / "sequences.duckdb"), config={"memory_limit": MEMORY_LIMIT})
        self._connection.execute("CREATE TABLE sequences (file INTEGER, sequence BIGINT)")

    def close(self) -> None:
        """Close the temporary database."""
        self._connection.close()

    def check(self, store: Store, file: ArchivedFile) -> None:
        """Read one file: checksum, rows, order, range. Its sequences are kept, as far as they can be read."""
        self._checked += 1
        self.numbers[file.path] = self._checked
        try:
            with store.local(file.path) as path:
                self._compare(file, path)
                self._keep(file, path)
        except MissingFileError:
            self._note("missing file", file, "is in the manifest and not in the store")
        except (OSError, pa.ArrowException) as fault:
            self._note("unreadable file", file, f"cannot be read as Parquet ({type(fault).__name__})")

    def _compare(self, file: ArchivedFile, path: Path) -> None:
        with path.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != file.content.sha256:
                self._note("changed file", file, "is not what was written: its checksum differs")

    def _keep(self, file: ArchivedFile, path: Path) -> None:
        sequences = parquet.sequences(path)
        if not _as_declared(sequences, file):
            self._note("wrong content", file, "has other sequences than the manifest says")
        number = pa.scalar(self.numbers[file.path], pa.int32())
        part = pa.table({"file": pa.repeat(number, len(sequences)), "sequence": sequences})
        self._connection.register("part", part)
        self._connection.execute("INSERT INTO sequences SELECT file, sequence FROM part")
        self._connection.unregister("part")

    def _note(self, kind: ProblemKind, file: ArchivedFile, detail: str) -> None:
        self.problems.setdefault(file.path, Problem(kind, file.path, detail))

    def drop_others(self, files: dict[str, ArchivedFile]) -> None:
        """Forget the files that are no longer in the manifest."""
        for path in [path for path in self.numbers if path not in files]:
            self._connection.execute("DELETE FROM sequences WHERE file = ?", [self.numbers.pop(path)])
            self.problems.pop(path, None)

    def runs(self) -> list[tuple[int, int]]:
        """The sequences without a hole between them, as ranges, in order."""
        return self._rows(_RUNS)

    def repeats(self) -> list[tuple[int, int]]:
        """Sequences that are there more than once, with how often."""
        return self._rows("SELECT sequence, count(*) FROM sequences GROUP BY sequence HAVING count(*) > 1 ORDER BY 1")

    def beyond(self, position: int) -> int:
        """How many records are there that the position does not cover."""
        return int(self._rows("SELECT count(*) FROM sequences WHERE sequence > ?", position)[0][0])

    def _rows(self, sql: str, *values: int) -> list[Any]:
        return self._connection.execute(sql, list(values)).fetchall()


_RUNS = """
    SELECT min(sequence), max(sequence)
    FROM (SELECT sequence, sum(starts) OVER (ORDER BY sequence ROWS UNBOUNDED PRECEDING) AS run
          FROM (SELECT sequence, CASE WHEN sequence - lag(sequence) OVER (ORDER BY sequence) <= 1 THEN 0 ELSE 1 END AS starts
                FROM sequences))
    GROUP BY run ORDER BY 1
"""


def _as_declared(sequences: Any, file: ArchivedFile) -> bool:
    content = file.content
    return (
        len(sequences) == content.rows
        and sequences[0].as_py() == content.first_sequence
        and sequences[-1].as_py() == content.last_sequence
        and parquet.ascending(sequences)
    )


def _report(known: _Known, found: _Found, stray: tuple[str, ...]) -> Report:
    return Report(
        position=known.position,
        files=len(known.files),
        rows=sum(file.content.rows for file in known.files.values()),
        bytes=sum(file.content.bytes for file in known.files.values()),
        forgotten=len(known.forgotten),
        problems=(*found.problems.values(), *_problems_of_sequences(known, found)),
        gaps=tuple(known.gaps),
        stray=stray,
    )


def _problems_of_sequences(known: _Known, found: _Found) -> Iterator[Problem]:
    explained = [(gap.first, gap.last) for gap in known.gaps] + [(number, number) for number in known.forgotten]
    for first, last in uncovered(1, known.position, sorted(found.runs() + explained)):
        yield Problem("hole", f"{first}-{last}", f"{last - first + 1:,} records are in no file, and nothing says why")
    for sequence, times in found.repeats():
        yield Problem("repeat", f"{sequence}-{sequence}", f"the record is there {times} times")
    beyond = found.beyond(known.position)
    if beyond:
        yield Problem("beyond", f"{known.position + 1}-", f"{beyond:,} records lie after the archive's position")
