"""Columns made of buffers are what pyarrow makes itself, without what pyarrow loads for it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.archive import arrow_columns

MOMENTS = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))


@settings(deadline=None)  # pyarrow loads pandas in the first one
@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_are_those_of_pyarrow(values: list[str | None]) -> None:
    """Missing ones, empty ones and all of Unicode, as texts or as UTF-8."""
    assert made(arrow_columns.texts(values)) == pa.array(values, pa.string()).to_pylist()
    encoded = [None if value is None else value.encode() for value in values]
    assert made(arrow_columns.texts(encoded)) == values


@settings(deadline=None)  # pyarrow loads pandas in the first one
@given(st.lists(st.none() | MOMENTS))
def test_moments_are_those_of_pyarrow(values: list[datetime | None]) -> None:
    """To the microsecond, missing ones too."""
    assert made(arrow_columns.moments(values)) == pa.array(values, arrow_columns.MOMENT).to_pylist()


@settings(deadline=None)  # pyarrow loads pandas in the first one
@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_are_those_of_pyarrow(values: list[int]) -> None:
    """All of 64 bits."""
    assert made(arrow_columns.integers(values)) == values


def made(column: Any) -> list[Any]:
    """The values, after Arrow's own check of the buffers."""
    column.validate(full=True)
    return list(column.to_pylist())


PROGRAM = """
import sys
from pathlib import Path
from headwater.archive import parquet
from headwater.archive.rows import row_of
from headwater.log.consumer import Delivered
meta = b'{"kind":"event","source":"s","message_id":"m","user_key":"u","received_at":"2026-11-23T10:00:00.000Z"}'
row = row_of(Delivered(b'{"meta":%s,"data":{}}' % meta, "", "", 1, 1, 1.0, 1))
file = parquet.FileWriter(Path(sys.argv[1]) / "one.parquet")
file.write(parquet.table_of([row]))
assert file.close().rows == 1
assert not parquet.holds_any(file.path, [2])
print("pandas" in sys.modules)
"""


def test_an_archiver_never_loads_pandas(tmp_path: Any) -> None:
    """It is installed here, and would cost as much memory as all the rest of the process."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, cwd=__file__.rpartition("/")[0]
    )
    assert done.stdout == "False\n", done.stderr
