"""The manifest in PostgreSQL: which files there are, up to where the log is archived, what is missing and why.

Every function takes a connection, so that a caller puts what belongs together into one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from headwater.archive.files import ArchivedFile, Content, Place
from headwater.database import queries
from headwater.errors import TransientError
from headwater.events import RecordKind

QUERIES = queries.load("headwater.archive")

GapReason = Literal["expired", "deleted", "unreadable"]


class Gap(msgspec.Struct, frozen=True):
    """Sequences, both ends included, that are in no file although nobody asked to forget them."""

    first: int
    last: int
    reason: GapReason


class Summary(msgspec.Struct, frozen=True):
    """What the files of one day and source hold together."""

    day: date
    kind: RecordKind
    source: str
    files: int
    rows: int
    bytes: int
    first_sequence: int
    last_sequence: int


class Selection(msgspec.Struct, frozen=True):
    """Which records: `after` < sequence <= `until_sequence`; stored from `since` until before `until` (UTC).

    None leaves a condition out. `sources` are pipeline ids (kind "event") or names of streams (kind "stream").
    """

    after: int = 0
    until_sequence: int | None = None
    kind: RecordKind | None = None
    sources: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


class OvertakenError(TransientError):
    """Another process changed the archive; what this one was about to commit is void."""


async def position(connection: Any) -> int:
    """The last sequence of the log that needs no more work."""
    return int(await connection.fetchval(QUERIES["position"]))


async def move_position(connection: Any, before: int, after: int) -> None:
    """Move the position from `before` to `after`. Raises OvertakenError when it is not at `before`."""
    if await connection.fetchval(QUERIES["move_position"], before, after) is None:
        raise OvertakenError("another process archives the same log; the cut is void")


async def add_files(connection: Any, files: Sequence[ArchivedFile]) -> None:
    """Take announced files into the manifest: they stay. Raises OvertakenError when somebody else condemned one."""
    if not files:
        return
    columns = zip(
        *((found.path, *found.place, *msgspec.structs.astuple(found.content)) for found in files), strict=True
    )
    await connection.execute(QUERIES["insert_files"], *(list(values) for values in columns))
    paths = [found.path for found in files]
    if len(await connection.fetch(QUERIES["confirm_files"], paths)) != len(paths):
        raise OvertakenError("another process took the archive over; the files of this one are void")


async def replace_files(
    connection: Any, old: Sequence[ArchivedFile], new: Sequence[ArchivedFile], removal_seconds: float
) -> None:
    """Swap files; the old ones may be removed after `removal_seconds`. Raises OvertakenError when one is not there."""
    paths = [found.path for found in old]
    deleted = await connection.fetch(QUERIES["delete_files"], paths)
    if len(deleted) != len(paths):
        raise OvertakenError("another process replaced a file of the archive")
    await add_files(connection, new)
    await connection.execute(QUERIES["condemn_files"], paths, removal_seconds)


async def files(connection: Any, selection: Selection) -> list[ArchivedFile]:
    """The files that may hold what is selected, in the order of their first record."""
    rows = await connection.fetch(
        QUERIES["files"],
        selection.after,
        selection.until_sequence,
        selection.kind,
        None if selection.sources is None else list(selection.sources),
        selection.since,
        selection.until,
    )
    return [_file(row) for row in rows]


async def files_with(connection: Any, sequences: Sequence[int]) -> list[ArchivedFile]:
    """The files whose range of sequences holds one of these."""
    return [_file(row) for row in await connection.fetch(QUERIES["files_with"], list(sequences))]


async def small_files(connection: Any, limit_bytes: int) -> list[ArchivedFile]:
    """Files below a size, by day, kind, source and first record."""
    return [_file(row) for row in await connection.fetch(QUERIES["small_files"], limit_bytes)]


def _file(row: Any) -> ArchivedFile:
    content = Content(**{name: row[name] for name in Content.__struct_fields__})
    return ArchivedFile(row["path"], Place(row["day"], row["kind"], row["source"]), content)


async def add_gaps(connection: Any, gaps: Sequence[Gap]) -> None:
    """Say what is missing."""
    if gaps:
        columns = zip(*(msgspec.structs.astuple(gap) for gap in gaps), strict=True)
        await connection.execute(QUERIES["insert_gaps"], *(list(values) for values in columns))


async def gaps(connection: Any) -> list[Gap]:
    """Everything that is missing, in order."""
    return [Gap(*row) for row in await connection.fetch(QUERIES["gaps"])]


async def overview(connection: Any, first: date | None = None, last: date | None = None) -> list[Summary]:
    """What there is of each day and source, in order; of the days from `first` to `last`."""
    return [Summary(**dict(row)) for row in await connection.fetch(QUERIES["overview"], first, last)]


async def announce(connection: Any, paths: Sequence[str]) -> None:
    """Say that files will be written, so that a crash leaves none that nobody knows of."""
    await connection.execute(QUERIES["announce_files"], list(paths))


async def due_removals(connection: Any) -> list[str]:
    """Paths of files to remove now, at most a thousand."""
    return [row["path"] for row in await connection.fetch(QUERIES["due_removals"])]


async def removed(connection: Any, paths: Sequence[str]) -> None:
    """These files are gone."""
    await connection.execute(QUERIES["removed"], list(paths))


async def condemn_announced(connection: Any) -> None:
    """Void what a process before this one wrote and did not commit."""
    await connection.execute(QUERIES["condemn_announced"])


async def hasten_removals(connection: Any) -> None:
    """Remove condemned files now, whoever may still be reading them."""
    await connection.execute(QUERIES["hasten_removals"])


async def kept_paths(connection: Any) -> set[str]:
    """Every path that is in the store with good reason."""
    return {row["path"] for row in await connection.fetch(QUERIES["kept_paths"])}
