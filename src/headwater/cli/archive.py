"""`headwater archive`: what the archive holds, whether it is whole, and getting it out.

Commands are named by import path: the archiver's own process must not load pyarrow or DuckDB for a list of commands.
"""

from __future__ import annotations

from cyclopts import App

app = App(name="archive", help="The archive: Parquet files of every record, by day and source.")

app.command("headwater.cli.role:archive", name="run", help="Run one archiver; `headwater up` does it by itself.")
app.command("headwater.cli.archive_reports:show", name="list", help="Show what the archive holds, and what is missing.")
app.command(
    "headwater.cli.archive_reports:check", name="verify", help="Check that every record is there, once, unchanged."
)
app.command("headwater.cli.archive_export:export", name="export", help="Write records, or an answer in SQL, as a file.")
