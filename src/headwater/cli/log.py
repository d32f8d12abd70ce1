"""`headwater log`: the streams, who is how far behind, the records themselves, and what was refused."""

from __future__ import annotations

import time
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from rich.filesize import decimal as readable_size

from headwater.cli import attachment_names
from headwater.cli.configuration_session import write_json, write_line, write_table
from headwater.cli.log_session import LogSession, log_session
from headwater.cli.moments import parse_range
from headwater.cli.output import write_json_line, write_note
from headwater.collect import kept_refusals
from headwater.collect.refusal_log import KeptRefusal
from headwater.collect.timestamps import format_time
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.events import RecordKind
from headwater.log import consumer, reader
from headwater.log import streams as log_streams
from headwater.log.consumer import Lag
from headwater.log.reader import Found, Query
from headwater.log.streams import StreamReport
from headwater.pipelines import pipeline_store
from headwater.settings import LogSettings

app = App(name="log", help="The event log: streams, lag, records, refusals.")

EXCERPT_CHARACTERS = 150
"""How much of what was sent is shown to people; --json has all that is kept."""

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]


@app.default
async def overview() -> None:
    """Show the streams and how far each consumer is behind."""
    async with log_session("log") as made:
        await _show_streams(made, json=False)
        write_line("")
        await _show_lag(made, json=False)


@app.command
async def streams(*, json: AsJson = False) -> None:
    """Show how full each stream is, and from when its first and last record are."""
    async with log_session("log streams") as made:
        await _show_streams(made, json=json)


@app.command
async def lag(*, json: AsJson = False) -> None:
    """Show how many records each consumer has not settled."""
    async with log_session("log lag") as made:
        await _show_lag(made, json=json)


@app.command
async def read(
    *,
    pipeline: str | None = None,
    stream: str | None = None,
    since: str | None = None,
    until: str | None = None,
    type: str | None = None,  # noqa: A002  # the option's name is the field's name in events
    name: str | None = None,
    user: str | None = None,
    limit: int | None = None,
    follow: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Print records, oldest first, as JSON lines: sequence, stored_at, meta, data. Numbers stay as they were sent.

    Parameters
    ----------
    pipeline
        Only events of this pipeline, by slug or id.
    stream
        Only records of this stream of the Lytics doors.
    since
        Stored at or after this moment: RFC 3339, a date, or a span before now such as 2h, 30m, 1d.
    until
        Stored before this moment.
    type
        Only events of this type, such as track.
    name
        Only events of this name, such as "Order Completed".
    user
        Only records of this userId or anonymousId.
    limit
        At most so many.
    follow
        Go on with records as they arrive, until interrupted.
    """
    first, last = parse_range(since, until, time.time())
    _check_limit(limit)
    async with log_session("log read") as made:
        kind, source = await _source(made, pipeline, stream)
        query = Query(kind=kind, source=source, since=first, until=last, type=type, name=name, user=user)
        printed = 0
        async with aclosing(reader.read(made.client, query, follow=follow)) as records:
            async for found in records:
                write_json_line(_line(found), flush=follow)
                printed += 1
                if printed == limit:
                    return
    if not printed:
        write_note("No record matches.")


@app.command
async def refused(*, limit: int = 20, json: AsJson = False) -> None:
    """Show what the collectors refused, newest first.

    Parameters
    ----------
    limit
        At most so many.
    """
    _check_limit(limit)
    async with log_session("log refused") as made:
        found = [refusal async for refusal in kept_refusals.newest(made.client, limit)]
    if json:
        for refusal in found:
            write_json_line(msgspec.json.encode(refusal))
        return
    if not found:
        write_line("Nothing was refused.")
    for refusal in found:
        write_line(f"{refusal.received_at}  {refusal.route}  {refusal.reason}  {_explained(refusal)}")
        write_line(f"    {refusal.excerpt[:EXCERPT_CHARACTERS]!r}")


def _explained(refusal: KeptRefusal) -> str:
    return f"{refusal.field}: {refusal.message}" if refusal.field else refusal.message


async def _show_streams(made: LogSession, *, json: bool) -> None:
    found = await log_streams.report(made.client)
    if json:
        write_json(found)
        return
    limits = _size_limits(made.settings.log)
    rows = [
        (
            report.name,
            f"{report.messages:,}",
            readable_size(report.bytes),
            f"{report.bytes / limits[report.name]:.1%}",
            _moment(report, report.first_ts),
            _moment(report, report.last_ts),
        )
        for report in found
    ]
    write_table("Streams", ("stream", "records", "size", "full", "first stored", "last stored"), rows)


async def _show_lag(made: LogSession, *, json: bool) -> None:
    names = (await attachment_names.load(made.pool)).by_consumer()
    found = [
        entry for stream in (log_streams.MAIN, log_streams.REPLAYS) for entry in await consumer.lag(made.client, stream)
    ]
    if json:
        write_json([{**msgspec.to_builtins(entry), "integration": names.get(entry.name)} for entry in found])
        return
    write_table(
        "Consumers",
        ("consumer", "of", "waiting", "in work", "handed out again"),
        [_lag_row(entry, names) for entry in found],
    )


def _lag_row(entry: Lag, names: dict[str, str]) -> tuple[str, ...]:
    of = "replays" if entry.stream == log_streams.REPLAYS else "log"
    shown = names.get(entry.name, entry.name)
    return shown, of, f"{entry.waiting:,}", f"{entry.unacknowledged:,}", f"{entry.redelivered:,}"


async def _source(made: LogSession, pipeline: str | None, stream: str | None) -> tuple[RecordKind | None, str | None]:
    if pipeline is not None and stream is not None:
        raise InputError(
            "a record belongs to a pipeline or to a stream; give one of --pipeline and --stream", "--stream"
        )
    if stream is not None:
        return "stream", stream
    if pipeline is None:
        return None, None
    async with transaction(made.pool, read_only=True) as connection:
        return "event", (await pipeline_store.find(connection, pipeline)).id


def _check_limit(limit: int | None) -> None:
    if limit is not None and limit <= 0:
        raise InputError(f"must be more than 0, got {limit}", "--limit")


def _line(found: Found) -> bytes:
    """The record's own text with its place in front: nothing is decoded, so no number can change."""
    stored_at = format_time(int(found.stored_at * 1000))
    return b'{"sequence":%d,"stored_at":"%s",%s' % (found.sequence, stored_at.encode(), found.payload[1:])


def _size_limits(settings: LogSettings) -> dict[str, int]:
    return {
        log_streams.MAIN: settings.retention_bytes,
        log_streams.REPLAYS: settings.retention_bytes,
        log_streams.REFUSED: settings.refused_bytes,
        log_streams.ATTEMPTS: settings.attempts_bytes,
    }


def _moment(report: StreamReport, text: str) -> Any:
    if report.messages == 0:
        return "-"
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
