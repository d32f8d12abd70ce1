"""Arrow arrays from Python values, made of buffers.

`pyarrow.array` does the same and loads pandas on the way where that is installed, for a question about types: 46 MB in a
process that never uses it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

import pyarrow as pa

MOMENT = pa.timestamp("us", tz="UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def integers(values: Sequence[int]) -> Any:
    """64-bit integers, none missing."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(array("q", values))])


def moments(values: Sequence[datetime | None]) -> Any:
    """Times to the microsecond."""
    numbers = array("q", (0 if value is None else _microseconds(value) for value in values))
    return pa.Array.from_buffers(MOMENT, len(values), [_present(values), pa.py_buffer(numbers)])


def _microseconds(value: datetime) -> int:
    """Since 1970. A timestamp as a fraction would lose the last digit from the year 2106 on."""
    since = value - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def texts(values: Sequence[str | bytes | None]) -> Any:
    """Texts; bytes are UTF-8 already."""
    pieces = [value.encode() if isinstance(value, str) else b"" if value is None else value for value in values]
    offsets = array("i", accumulate(map(len, pieces), initial=0))
    buffers = [_present(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(pieces))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def _present(values: Sequence[object]) -> Any:
    """One bit for each value that is not None, the first in the lowest bit; nothing when all are there."""
    if None not in values:
        return None
    bits = bytearray((len(values) + 7) // 8)
    for place, value in enumerate(values):
        if value is not None:
            bits[place >> 3] |= 1 << (place & 7)
    return pa.py_buffer(bytes(bits))
