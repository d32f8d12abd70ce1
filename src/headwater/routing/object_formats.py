"""What an object of a store holds: lines of JSON, or a Parquet table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from headwater.errors import ConfigurationError
from headwater.routing.columns import Columns, columns_of
from headwater.routing.compression import Compression, choice_of, compression_of

NDJSON, PARQUET = "ndjson", "parquet"
_CODECS = {0: "snappy", 1: "snappy", 2: "gzip", 3: "none"}
"""Compression inside a Parquet file, by the numbers of connections."""


class ObjectFormat(msgspec.Struct, frozen=True):
    """How outputs, given as JSON texts, become the content of an object.

    `folder` makes the folder from an hour (`yyyy/mm/dd/hh`), `misfits` says what of an output its columns cannot hold.
    The same texts in the same order always give the same content.
    """

    suffix: str
    content_type: str
    folder: Callable[[str], str]
    encode: Callable[[Sequence[bytes]], bytes]
    misfits: Callable[[dict[str, Any]], Iterable[str]]


def format_of(settings: Mapping[str, Any]) -> ObjectFormat:
    """The format that a connection asks for; nothing is `ndjson`. Raises ConfigurationError that names the key."""
    chosen = settings.get("format")
    if chosen in (None, "", NDJSON):
        if settings.get("columns"):
            raise ConfigurationError("only Parquet has columns; remove them or set format to parquet", "columns")
        return _ndjson(compression_of(settings.get("compression")))
    if chosen != PARQUET:
        raise ConfigurationError(f"must be {NDJSON} or {PARQUET}; got {chosen!r}", "format")
    return _parquet(columns_of(settings.get("columns")), _CODECS[choice_of(settings.get("compression"))])


def _ndjson(compression: Compression) -> ObjectFormat:
    return ObjectFormat(
        f".jsonl{compression.suffix}",
        compression.content_type,
        str,
        lambda texts: compression.compress(b"".join(text + b"\n" for text in texts)),
        lambda _output: (),
    )


def _parquet(columns: Columns, codec: str) -> ObjectFormat:
    # Loading pyarrow costs tens of megabytes: only a process that writes Parquet pays for it.
    from headwater.routing.parquet_objects import encode

    return ObjectFormat(
        ".parquet",
        "application/vnd.apache.parquet",
        hive_folder,
        lambda texts: encode(texts, columns, codec),
        columns.misfits,
    )


def hive_folder(hour: str) -> str:
    """The folder of an hour in the form that query engines read as two columns, `event_date` and `event_hour`."""
    date, _, clock = hour.replace("/", "-", 2).partition("/")
    return f"event_date={date}/event_hour={clock}"
