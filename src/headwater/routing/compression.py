"""Compress the content of an object, by the numbers that connections use: 1 snappy, 2 gzip, 3 none, 0 gzip as well."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headwater.errors import ConfigurationError
from headwater.playbooks.grammar import number_of

GZIP_LEVEL = 6


class Compression(msgspec.Struct, frozen=True):
    """How content is compressed. The same content always gives the same bytes."""

    suffix: str
    content_type: str
    compress: Callable[[bytes], bytes]


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, GZIP_LEVEL, mtime=0)


GZIP = Compression(".gz", "application/gzip", _gzip)
PLAIN = Compression("", "application/x-ndjson", bytes)


def _snappy() -> Compression:
    try:
        from cramjam import snappy  # an optional extra: only who stores snappy objects needs it
    except ImportError:
        raise ConfigurationError(
            'snappy needs a library that is not installed; run pip install "headwater[object-store]"', "compression"
        ) from None
    return Compression(".sz", "application/x-snappy-framed", lambda content: bytes(snappy.compress(content)))


_CHOICES: Mapping[int, Callable[[], Compression]] = {
    0: lambda: GZIP,
    1: _snappy,
    2: lambda: GZIP,
    3: lambda: PLAIN,
}


def compression_of(value: Any) -> Compression:
    """The compression that a connection's number stands for; None (absent) is gzip. Raises ConfigurationError."""
    return _CHOICES[choice_of(value)]()


def choice_of(value: Any) -> int:
    """The number of a compression; None (absent) is 0. Raises ConfigurationError when there is no such choice."""
    number = 0 if value is None else number_of(value)
    if not isinstance(number, int) or number not in _CHOICES:
        raise ConfigurationError(f"must be 1 (snappy), 2 (gzip) or 3 (none); got {value!r}", "compression")
    return number
