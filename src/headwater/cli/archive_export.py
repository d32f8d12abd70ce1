"""`headwater archive export`: records of the archive, or the answer to a question about them, as a file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headwater.archive import analysis, manifest
from headwater.archive.analysis import OutputFormat
from headwater.archive.manifest import Selection
from headwater.archive.stores import open_store
from headwater.cli.configuration_session import session
from headwater.cli.moments import parse_range
from headwater.cli.output import write_json_line, write_note
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.events import RecordKind
from headwater.pipelines import pipeline_store

EXACT = """SELECT sequence, strftime(stored_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ'), meta, data
FROM archive ORDER BY sequence"""
EVERY_COLUMN = "SELECT * FROM archive ORDER BY sequence"
FETCH = 1000
STANDARD_OUTPUT = Path("/dev/stdout")


async def export(
    *,
    since: str | None = None,
    until: str | None = None,
    pipeline: str | None = None,
    stream: str | None = None,
    type: str | None = None,  # noqa: A002  # the option's name is the field's name in events
    sql: str | None = None,
    format: OutputFormat = "ndjson",  # noqa: A002  # as people know it from other tools
    output: Path | None = None,
) -> None:
    """Write records, oldest first; as JSON lines they have sequence, stored_at, meta and data, digit for digit.

    Parameters
    ----------
    since
        Stored at or after this moment: RFC 3339, a date, or a span before now such as 2h, 30m, 1d.
    until
        Stored before this moment.
    pipeline
        Only events of this pipeline, by slug or id.
    stream
        Only records of this stream of the Lytics doors.
    type
        Only events of this type, such as track.
    sql
        A SELECT of DuckDB over the view `archive`, which has the records that the other options choose.
    format
        Lines of JSON, CSV with a head, or Parquet.
    output
        The file to write; standard output by default.
    """
    if format == "parquet" and output is None:
        raise InputError("Parquet is no text for a terminal; name a file", "--output")
    first, last = parse_range(since, until, time.time())
    async with session() as made:
        async with transaction(made.pool, read_only=True) as connection:
            kind, sources = await _sources(connection, pipeline, stream)
            selection = Selection(kind=kind, sources=sources, since=_moment(first), until=_moment(last))
            files = await manifest.files(connection, selection)
            position = await manifest.position(connection)
        with analysis.database(open_store(made.settings), files, selection, type) as database:
            written = _write(database, sql, format, output)
    write_note(f"{written:,} rows; the archive reaches up to record {position:,} of the log.")


async def _sources(
    connection: Any, pipeline: str | None, stream: str | None
) -> tuple[RecordKind | None, tuple[str, ...] | None]:
    if pipeline is not None and stream is not None:
        raise InputError("choose --pipeline or --stream, not both", "--stream")
    if pipeline is not None:
        return "event", ((await pipeline_store.find(connection, pipeline)).id,)
    return (None, None) if stream is None else ("stream", (stream,))


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _write(database: Any, sql: str | None, output_format: OutputFormat, output: Path | None) -> int:
    if output_format == "ndjson" and sql is None:
        return _write_exactly(database, output)
    target = STANDARD_OUTPUT if output is None else output
    return analysis.write(database, EVERY_COLUMN if sql is None else sql, target, output_format)


def _write_exactly(database: Any, output: Path | None) -> int:
    """JSON lines made of the texts as they are: DuckDB would write long numbers anew."""
    lines = _lines(database)
    written = 0
    if output is None:
        for written, line in enumerate(lines, 1):  # noqa: B007  # how many there were
            write_json_line(line)
    else:
        with output.open("wb") as file:
            for written, line in enumerate(lines, 1):  # noqa: B007  # see above
                file.write(line + b"\n")
    return written


def _lines(database: Any) -> Iterator[bytes]:
    rows = database.execute(EXACT)
    while batch := rows.fetchmany(FETCH):
        for sequence, stored_at, meta, data in batch:
            yield f'{{"sequence":{sequence},"stored_at":"{stored_at}","meta":{meta},"data":{data}}}'.encode()
