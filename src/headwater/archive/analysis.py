"""Ask the archive questions in SQL: DuckDB over the files that hold what is selected.

The view `archive` has the columns of the files. `data` and `meta` stay texts, so that numbers keep their digits; DuckDB's
JSON functions read them as they are: `data ->> '$.properties.total'`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import duckdb

from headwater.archive import parquet
from headwater.archive.files import ArchivedFile
from headwater.archive.manifest import Selection
from headwater.archive.stores import Store
from headwater.errors import InputError

OutputFormat = Literal["ndjson", "csv", "parquet"]

_FORMATS = {"csv": "FORMAT csv, HEADER", "ndjson": "FORMAT json", "parquet": "FORMAT parquet, COMPRESSION zstd"}
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # Everything that is needed is built in; nothing may be fetched from a network on the way.
    "autoinstall_known_extensions": "false",
    "TimeZone": "UTC",
}


@contextmanager
def database(
    store: Store, files: Sequence[ArchivedFile], selection: Selection, event_type: str | None = None
) -> Iterator[Any]:
    """A DuckDB connection with the view `archive`: the records of `files` that the selection and the type ask for.

    `files` are those that the manifest names for the selection. Blocks; files of an object store are copied here first.
    """
    with ExitStack() as stack:
        paths = [str(stack.enter_context(store.local(file.path))) for file in files]
        connection = duckdb.connect(config=_SETTINGS)
        stack.callback(connection.close)
        connection.register("nothing", parquet.SCHEMA.empty_table())
        source = f"read_parquet({_list(paths)}, hive_partitioning = false)" if paths else "nothing"
        connection.execute(f"CREATE VIEW archive AS SELECT * FROM {source} WHERE {_where(selection, event_type)}")  # noqa: S608  # every value is quoted
        yield connection


def write(connection: Any, query: str, path: Path, output_format: OutputFormat) -> int:
    """Write the result of a SELECT into a file; returns the number of rows. Raises InputError for a faulty query."""
    try:
        done = connection.execute(f"COPY ({query}) TO {_text(str(path))} ({_FORMATS[output_format]})")
        return int(done.fetchone()[0])
    except duckdb.Error as fault:
        raise InputError(str(fault), "--sql") from None


def _where(selection: Selection, event_type: str | None) -> str:
    conditions = [f"sequence > {selection.after}"]
    if selection.until_sequence is not None:
        conditions.append(f"sequence <= {selection.until_sequence}")
    if selection.kind is not None:
        conditions.append(f"kind = {_text(selection.kind)}")
    if selection.sources is not None:
        conditions.append(f"list_contains({_list(selection.sources)}, source)")
    if selection.since is not None:
        conditions.append(f"stored_at >= {_moment(selection.since)}")
    if selection.until is not None:
        conditions.append(f"stored_at < {_moment(selection.until)}")
    if event_type is not None:
        conditions.append(f"type = {_text(event_type)}")
    return " AND ".join(conditions)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _moment(value: datetime) -> str:
    return f"TIMESTAMPTZ {_text(value.isoformat())}"
