"""Write outputs as one Parquet file in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater import jsontext
from headwater.routing.columns import OTHER, Columns, fitted, text_of

_TYPES = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
}
_GZIP_LEVEL = 6


def encode(texts: Sequence[bytes], columns: Columns, codec: str) -> bytes:
    """The file of these outputs, given as JSON texts: a row each, in their order. `codec` is snappy, gzip or none."""
    outputs = [jsontext.decode(text) for text in texts]
    names = columns.undeclared(outputs)
    fields = [*((name, _TYPES[kind]) for name, kind in columns.types.items()), *((name, pa.string()) for name in names)]
    arrays: list[Any] = [
        *([fitted(kind, output.get(name)) for output in outputs] for name, kind in columns.types.items()),
        *([text_of(output.get(name)) for output in outputs] for name in names),
    ]
    known = frozenset(names)
    fields.append((OTHER, pa.string()))
    arrays.append([columns.rest(output, known) for output in outputs])
    schema = pa.schema(fields)
    table = pa.Table.from_arrays(
        [pa.array(values, field.type) for values, field in zip(arrays, schema, strict=True)], schema=schema
    )
    sink = pa.BufferOutputStream()
    level = _GZIP_LEVEL if codec == "gzip" else None
    pq.write_table(table, sink, compression=codec, compression_level=level)
    content: bytes = sink.getvalue().to_pybytes()
    return content
