"""`headwater archive list|verify`: what the archive holds, and whether it is whole."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.filesize import decimal as readable_size

from headwater.archive import manifest
from headwater.archive.manifest import Gap, Selection, Summary
from headwater.archive.stores import open_store
from headwater.archive.verification import Report, verify
from headwater.cli import attachment_names
from headwater.cli.configuration_session import session, write_json, write_line, write_table
from headwater.cli.output import progress_bar
from headwater.database.transactions import transaction
from headwater.errors import InputError

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]


async def show(*, since: str | None = None, until: str | None = None, json: AsJson = False) -> None:
    """Show what the archive holds of each day and source, and what is missing.

    Parameters
    ----------
    since
        From this day on (UTC), such as 2026-11-23.
    until
        Up to this day.
    """
    async with session() as made:
        async with transaction(made.pool, read_only=True) as connection:
            found = await manifest.overview(connection, _day(since, "--since"), _day(until, "--until"))
            gaps = await manifest.gaps(connection)
            position = await manifest.position(connection)
        if json:
            write_json({"position": position, "days": found, "gaps": gaps})
            return
        names = (await attachment_names.load(made.pool)).pipelines
    write_table(
        "Archive",
        ("day", "kind", "source", "records", "files", "size", "first record", "last record"),
        [_row(summary, names) for summary in found],
    )
    write_line(f"In {open_store(made.settings).place}, up to record {position:,} of the log.")
    if not found:
        write_line("Nothing is archived yet; the first files come when records have rested for a minute.")
    _write_gaps(gaps)


async def check(*, json: AsJson = False) -> None:
    """Read every file and check that each record is there once and unchanged. Exit code 1 when it is not so."""
    async with session() as made:
        store = open_store(made.settings)
        async with transaction(made.pool, read_only=True) as connection:
            total = sum(file.content.bytes for file in await manifest.files(connection, Selection()))
        with progress_bar("reading", total) as advance:
            report = await verify(made.pool, store, advance)
    if json:
        write_json(report)
    else:
        _write_report(report)
    if report.problems:
        sys.exit(1)


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no day; write it as 2026-11-23", option) from None


def _write_report(report: Report) -> None:
    write_line(
        f"{report.rows:,} records in {report.files:,} files ({readable_size(report.bytes)}), up to record "
        f"{report.position:,} of the log; {report.forgotten:,} forgotten on request."
    )
    _write_gaps(report.gaps)
    if report.stray:
        write_line(
            f"{len(report.stray):,} files are not in the manifest and may be deleted, the first is {report.stray[0]}"
        )
    if report.problems:
        rows = [msgspec.structs.astuple(problem) for problem in report.problems]
        write_table("Problems", ("problem", "where", "what"), rows)
    else:
        write_line("Every record is there once, and unchanged.")


def _write_gaps(gaps: tuple[Gap, ...] | list[Gap]) -> None:
    for gap in gaps:
        write_line(f"Missing: records {gap.first:,} to {gap.last:,} of the log ({_REASONS[gap.reason]}).")


_REASONS = {
    "expired": "the log forgot them before they were archived",
    "deleted": "they were deleted from the log before they were archived",
    "unreadable": "they were no records",
}


def _row(summary: Summary, pipelines: dict[str, str]) -> tuple[object, ...]:
    source = pipelines.get(summary.source, summary.source) if summary.kind == "event" else summary.source
    return (
        summary.day,
        summary.kind,
        source,
        f"{summary.rows:,}",
        summary.files,
        readable_size(summary.bytes),
        summary.first_sequence,
        summary.last_sequence,
    )
