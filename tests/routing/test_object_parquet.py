"""Events as Parquet objects: folders, columns and their types, and what engines read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_object_store import S3, Store, destination, record, send

from headwater.errors import ConfigurationError
from headwater.events import Record, RecordMeta
from headwater.routing.columns import OTHER, UNDECLARED_LIMIT, columns_of, text_of
from headwater.routing.object_formats import format_of, hive_folder
from headwater.routing.outcomes import Delivered
from receiver import Answer

PARQUET = {**S3, "FORMAT": "parquet", "COLUMNS": "timestamp:time, total:number"}


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store([])
    yield made
    made.receiver.close()


def table(outputs: list[dict[str, Any]], columns: str = "", compression: int = 2) -> Any:
    """The Parquet table that outputs become."""
    made = format_of({"format": "parquet", "columns": columns, "compression": compression})
    return pq.read_table(io.BytesIO(made.encode([json.dumps(one).encode() for one in outputs])))


async def test_a_batch_is_one_file_of_its_hour(store: Store) -> None:
    """Its folder is a partition, its rows are the events, and its declared columns have their types."""
    attempt = await send(destination("s3", PARQUET, store.receiver.url), record(1), record(2))
    assert attempt.outcome == Delivered()
    (request,) = store.receiver.requests
    assert request.headers["content-type"] == "application/vnd.apache.parquet"
    path = unquote(store.paths()[0])
    assert path.startswith("/events/raw/event_date=2026-03-04/event_hour=05/")
    assert path.endswith(".parquet")
    rows = pq.read_table(io.BytesIO(request.body)).to_pylist()
    assert [row["messageId"] for row in rows] == ["m1", "m2"]
    assert rows[0]["timestamp"] == datetime(2026, 3, 4, 5, 59, 59, 999000, UTC)


async def test_a_refusal_shows_lines(store: Store) -> None:
    """A dead letter of a Parquet object can be read: it has lines of JSON."""
    store.answers[:] = [Answer(403)]
    attempt = await send(destination("s3", PARQUET, store.receiver.url), record(1))
    assert attempt.exchange is not None
    assert '"messageId":"m1"' in attempt.exchange().request["body"]


def test_a_value_of_another_type_is_flagged_and_kept() -> None:
    """The declared column stays empty, the value goes to the last column, and the event shows the fault."""
    meta = RecordMeta("event", "p", "m1", "u", "2026-07-08T09:10:11.000Z")
    prepared = destination("s3", PARQUET).prepare(Record(meta, {"type": "page", "total": "free"}))
    assert [fault.message.split(":")[0] for fault in prepared.faults] == ["total"]
    assert len(prepared.outgoing) == 1
    (row,) = table([{"total": "free"}], "total:number").to_pylist()
    assert row == {"total": None, OTHER: '{"total":"free"}'}


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        ("number", "4.50", 4.5),
        ("number", 3, 3.0),
        ("number", 10**400, None),
        ("integer", 2**63 - 1, 2**63 - 1),
        ("integer", 2**63, None),
        ("integer", 1.5, None),
        ("boolean", "true", True),
        ("boolean", 0, False),
        ("time", "2025-11-20T10:00:00+01:00", datetime(2025, 11, 20, 9, tzinfo=UTC)),
        ("time", "yesterday", None),
        ("time", 5, None),
        ("text", {"a": 1}, '{"a":1}'),
    ],
)
def test_declared_types(kind: str, value: Any, held: Any) -> None:
    """What a column of a type holds of a value; None where it does not fit."""
    (row,) = table([{"v": value}], f"v:{kind}").to_pylist()
    assert row["v"] == held
    assert (row[OTHER] is None) == (held is not None)


def test_the_example_of_the_page() -> None:
    """docs/integrations.md shows this output and this row."""
    output = {"id": "m-1", "timestamp": "2025-11-20T09:17:16.036Z", "total": "19.90", "items": [{"sku": "A"}]}
    made = table([output], "timestamp:time, total:number")
    assert json.dumps(output) in (Path(__file__).parents[2] / "docs" / "integrations.md").read_text("utf-8")
    assert made.to_pylist() == [
        {
            "timestamp": datetime(2025, 11, 20, 9, 17, 16, 36000, UTC),
            "total": 19.9,
            "id": "m-1",
            "items": '[{"sku":"A"}]',
            OTHER: None,
        }
    ]


def test_declared_columns_are_always_there() -> None:
    """All files have the same typed columns, with or without values."""
    schema = table([{}], "b:integer,a:time").schema
    assert schema == pa.schema([("b", pa.int64()), ("a", pa.timestamp("us", tz="UTC")), (OTHER, pa.string())])


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["a", "A", "b", OTHER, "event_date", "ü"]), VALUES), min_size=1, max_size=4
    )
)
def test_no_value_is_lost_and_no_type_depends_on_values(outputs: list[dict[str, Any]]) -> None:
    """Every value is in its text column, or under its key in the last one; there are no other types."""
    made = table(outputs)
    assert {field.type for field in made.schema} == {pa.string()}
    assert len({name.lower() for name in made.column_names}) == len(made.column_names)
    for output, row in zip(outputs, made.to_pylist(), strict=True):
        rest = {} if row[OTHER] is None else json.loads(row[OTHER])
        for name, value in output.items():
            if value is not None:
                assert rest.get(name) == value or row[name] == text_of(value)


def test_outputs_cannot_add_columns_without_end() -> None:
    """Beyond the limit keys go to the last column."""
    made = table([{f"k{number:04}": "v" for number in range(UNDECLARED_LIMIT + 2)}])
    assert made.num_columns == UNDECLARED_LIMIT + 1
    assert set(json.loads(made.to_pylist()[0][OTHER])) == {f"k{UNDECLARED_LIMIT:04}", f"k{UNDECLARED_LIMIT + 1:04}"}


@pytest.mark.parametrize(("number", "codec"), [(0, "SNAPPY"), (1, "SNAPPY"), (2, "GZIP"), (3, "UNCOMPRESSED")])
def test_the_number_of_a_compression_is_the_codec(number: int, codec: str) -> None:
    """The numbers of connections choose the codec inside the file, and the same rows give the same bytes."""
    made = format_of({"format": "parquet", "compression": number})
    content = made.encode([b'{"a":1}'])
    assert pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0).column(0).compression == codec
    assert made.encode([b'{"a":1}']) == content


def test_a_query_engine_reads_folders_as_one_table(tmp_path: Path) -> None:
    """Objects with different keys are one table, and the partitions are columns."""
    made = format_of({"format": "parquet", "columns": "total:number"})
    for hour, output in (("2026/03/04/05", {"total": 1.5}), ("2026/03/04/06", {"total": "2", "coupon": "X"})):
        folder = tmp_path / hive_folder(hour)
        folder.mkdir(parents=True)
        (folder / "o.parquet").write_bytes(made.encode([json.dumps(output).encode()]))
    files = [str(file) for file in tmp_path.rglob("*.parquet")]
    query = "from read_parquet(?, union_by_name = true, hive_partitioning = true, hive_types_autocast = false)"
    with duckdb.connect() as database:
        rows = database.execute(f"select event_date, event_hour, total, coupon {query} order by 2", [files]).fetchall()
    assert rows == [("2026-03-04", "05", 1.5, None), ("2026-03-04", "06", 2.0, "X")]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"format": "csv"}, "must be ndjson or parquet"),
        ({"columns": "a:number"}, "only Parquet has columns"),
        ({"format": "parquet", "columns": "a:float"}, "'a:float' is not name:type"),
        ({"format": "parquet", "columns": "a:text,A:text"}, "'A' is there twice"),
        ({"format": "parquet", "columns": [f"{OTHER}:text"]}, "reserved"),
        ({"format": "parquet", "compression": 4}, "must be 1"),
    ],
)
def test_a_format_that_cannot_be_is_refused(settings: dict[str, Any], named: str) -> None:
    """The error names what is wrong."""
    with pytest.raises(ConfigurationError, match=named):
        format_of(settings)


def test_a_column_name_may_hold_a_colon() -> None:
    """The type is what stands after the last one."""
    assert columns_of("a:b:number").types == {"a:b": "number"}
