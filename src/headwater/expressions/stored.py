"""Profile fields as JSON, in the database and on the wire.

JSON has no instant, so one is an object with the single key `$time`: in the database `{"$time": 1790000000.25}`,
seconds since 1970 with up to six decimals, which SQL compares as a number; for people `{"$time": "2026-…Z"}`. Both
are read. A map must not use `$time` as its only key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from headwater import jsontext
from headwater.errors import InputError
from headwater.expressions.dates import parse_date
from headwater.expressions.values import EPOCH, from_field

TIME_KEY = "$time"
_INSTANTS_ARE_OURS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_AS_IT_IS = frozenset({str, int, bool, float, type(None)})


class RepeatedInstants(list[datetime]):
    """A list of instants of which many are the same: each is written once and repeated as text."""

    __slots__ = ("counts",)

    def __init__(self, counts: Sequence[tuple[datetime, int]]) -> None:
        """`counts`: each instant with how many times it stands in the list, in order."""
        super().__init__()
        for instant, count in counts:
            self += [instant] * count
        self.counts = counts


def to_stored(value: Any, iso_times: bool = False) -> Any:
    """A value, or all fields of a profile, as JSON. `iso_times` writes instants for people."""
    if isinstance(value, datetime):
        return {TIME_KEY: _iso(value) if iso_times else _seconds(value)}
    if isinstance(value, dict):
        return {key: item if type(item) in _AS_IT_IS else to_stored(item, iso_times) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [item if type(item) in _AS_IT_IS else to_stored(item, iso_times) for item in value]
    return value


def stored_json(value: Any) -> bytes:
    """The JSON text of `to_stored(value)`, without making it: one walk over the fields instead of two."""
    try:
        return orjson.dumps(value, default=_stored_special, option=_INSTANTS_ARE_OURS)
    except TypeError:
        return jsontext.encode(to_stored(value))  # exact fractions and very large integers


def _stored_special(value: Any) -> Any:
    if isinstance(value, datetime):
        return {TIME_KEY: _seconds(value)}
    if isinstance(value, RepeatedInstants):
        pieces: list[bytes] = []
        for instant, count in value.counts:
            pieces += [orjson.dumps({TIME_KEY: _seconds(instant)})] * count
        return orjson.Fragment(b"[%b]" % b",".join(pieces))
    raise TypeError(type(value).__name__)


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _seconds(instant: datetime) -> int | float:
    # Seconds have at most 12 digits in the calendar's range: with six decimals more than a double always keeps,
    # but the nearest double to such a decimal, which `timestamp` gives, prints back as that decimal from the
    # year 1700 to the year 2240.
    seconds = instant.timestamp()
    return seconds if instant.microsecond else int(seconds)


def from_stored(document: Any) -> Any:
    """The inverse of `to_stored`. Raises InputError for an instant that is none."""
    if isinstance(document, dict):
        if document.keys() == {TIME_KEY}:
            return _instant(document[TIME_KEY])
        return {key: from_stored(item) for key, item in document.items()}
    if isinstance(document, list):
        return [from_stored(item) for item in document]
    return from_field(document)


def _instant(content: Any) -> datetime:
    instant = parse_date(content) if isinstance(content, str) else None
    if isinstance(content, int | float | Decimal) and not isinstance(content, bool):
        try:
            instant = EPOCH + timedelta(microseconds=round(Decimal(str(content)) * 1_000_000))
        except (OverflowError, ArithmeticError):
            instant = None
    if instant is None:
        raise InputError(f"{content!r} is no instant; write RFC 3339 or seconds since 1970", field=TIME_KEY)
    return instant
