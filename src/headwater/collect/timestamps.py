"""The time of an event: read what clients write, and correct it by the clock of this server.

Rule of the Segment spec: `timestamp = receivedAt - (sentAt - originalTimestamp)`. Both client times come from one
clock, so its error cancels out. Times are milliseconds since 1970 inside and RFC 3339 UTC text outside.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FUTURE_TOLERANCE_MS = 24 * 3600 * 1000
"""An event that lies further in the future is flagged, never moved."""

_DAY_MS = 86_400_000
_CANONICAL_LENGTH = len("2026-11-23T14:34:56.000Z")
_MARKS = itemgetter(4, 7, 10, 19, 23)
_CANONICAL_MARKS = ("-", "-", "T", ".", "Z")
_TWO_DIGITS = tuple(f"{number:02}" for number in range(60))
_THREE_DIGITS = tuple(f"{number:03}" for number in range(1000))
_SECONDS_DIGITS = 10
_MILLISECONDS_DIGITS = 13


class EventTimes(NamedTuple):
    """Corrected times of one event as text; None where the client gave none. `flags` say what was not readable."""

    timestamp: str
    original: str | None
    sent_at: str | None
    flags: tuple[str, ...]


def parse_time(value: Any) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 text or of a 10 or 13 digit number (seconds, milliseconds), else None.

    Text without a zone is UTC.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _from_number(value)
    return None


@lru_cache(maxsize=1024)  # the events of a batch share the time of sending, and often that of happening
def _parse_text(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        return to_milliseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return _from_digits(text) if text.isascii() and text.isdigit() else None


def _from_digits(digits: str) -> int | None:
    return _from_number(int(digits)) if len(digits) in (_SECONDS_DIGITS, _MILLISECONDS_DIGITS) else None


def _from_number(value: float | Decimal) -> int | None:
    if 10 ** (_SECONDS_DIGITS - 1) <= value < 10**_SECONDS_DIGITS:
        return int(value * 1000)
    return int(value) if 10 ** (_MILLISECONDS_DIGITS - 1) <= value < 10**_MILLISECONDS_DIGITS else None


def to_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970 of an aware time."""
    since = moment - EPOCH
    return since.days * _DAY_MS + since.seconds * 1000 + since.microseconds // 1000


def format_time(milliseconds: int) -> str:
    """RFC 3339 UTC with milliseconds. Raises OverflowError outside of the years 1 to 9999."""
    day, rest = divmod(milliseconds, _DAY_MS)
    seconds, fraction = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    clock = f"{_TWO_DIGITS[hour]}:{_TWO_DIGITS[minute]}:{_TWO_DIGITS[second]}"
    return f"{_date_text(day)}T{clock}.{_THREE_DIGITS[fraction]}Z"


@lru_cache(maxsize=1024)  # events come from few days, and the calendar is the slow part
def _date_text(day: int) -> str:
    return (EPOCH + timedelta(days=day)).date().isoformat()


def _canonical(text: Any, milliseconds: int) -> str:
    """The time as `format_time` writes it; `text` itself where it has that form already, as most SDKs send it."""
    if isinstance(text, str) and len(text) == _CANONICAL_LENGTH and _MARKS(text) == _CANONICAL_MARKS:
        return text
    return format_time(milliseconds)


def correct_times(event: dict[str, Any], received_ms: int, received_at: str, batch_sent_at: int | None) -> EventTimes:
    """The times of an event that arrived at `received_ms`.

    The client's time is `timestamp`, else `originalTimestamp`: where both are given, the first is the one that the
    user chose and the second is when the SDK was called. `batch_sent_at` serves events without a sentAt of their own.
    """
    sent_at, chosen, called = event.get("sentAt"), event.get("timestamp"), event.get("originalTimestamp")
    sent, happened, original = parse_time(sent_at), parse_time(chosen), parse_time(called)
    flags: tuple[str, ...] = ()
    if (chosen is not None and happened is None) or (called is not None and original is None):
        flags = ("timestamp_unparsable",)
    if sent_at is not None and sent is None:
        flags += ("sent_at_unparsable",)
    if sent is None:
        sent, sent_at = batch_sent_at, None
    if happened is None:
        happened, chosen = original, called
    try:
        sent_text = None if sent is None else _canonical(sent_at, sent)
        if happened is None:
            return EventTimes(received_at, None, sent_text, flags)
        original_text = _canonical(chosen, happened) if original is None else _canonical(called, original)
        corrected = happened if sent is None else received_ms - (sent - happened)
        if corrected > received_ms + FUTURE_TOLERANCE_MS:
            flags += ("future_timestamp",)
        return EventTimes(format_time(corrected), original_text, sent_text, flags)
    except OverflowError:
        return EventTimes(received_at, None, None, (*flags, "timestamp_out_of_range"))
