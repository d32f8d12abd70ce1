"""The time of an event: read what clients write, and correct it by the clock of this server.

Rule of the Segment spec: `timestamp = receivedAt - (sentAt - originalTimestamp)`. Both client times come from one
clock, so its error cancels out. Times are milliseconds since 1970 inside and RFC 3339 UTC text outside.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FUTURE_TOLERANCE_MS = 24 * 3600 * 1000
"""An event that lies further in the future is flagged, never moved."""

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
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            return to_milliseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            return _from_digits(value) if value.isascii() and value.isdigit() else None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _from_number(value)
    return None


def _from_digits(digits: str) -> int | None:
    return _from_number(int(digits)) if len(digits) in (_SECONDS_DIGITS, _MILLISECONDS_DIGITS) else None


def _from_number(value: float | Decimal) -> int | None:
    if 10 ** (_SECONDS_DIGITS - 1) <= value < 10**_SECONDS_DIGITS:
        return int(value * 1000)
    return int(value) if 10 ** (_MILLISECONDS_DIGITS - 1) <= value < 10**_MILLISECONDS_DIGITS else None


def to_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970 of an aware time."""
    since = moment - EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def format_time(milliseconds: int) -> str:
    """RFC 3339 UTC with milliseconds. Raises OverflowError outside of the years 1 to 9999."""
    text = (EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")
    return text[:-6] + "Z"


def correct_times(event: dict[str, Any], received_ms: int, received_at: str, batch_sent_at: int | None) -> EventTimes:
    """The times of an event that arrived at `received_ms`.

    The client's time is `timestamp`, else `originalTimestamp`: where both are given, the first is the one that the
    user chose and the second is when the SDK was called. `batch_sent_at` serves events without a sentAt of their own.
    """
    given = parse_time(event.get("originalTimestamp"))
    happened = parse_time(event.get("timestamp"))
    if happened is None:
        happened = given
    sent = parse_time(event.get("sentAt"))
    if sent is None:
        sent = batch_sent_at
    flags = _unreadable(event, given)
    try:
        sent_text = None if sent is None else format_time(sent)
        if happened is None:
            return EventTimes(received_at, None, sent_text, flags)
        original = format_time(happened if given is None else given)
        corrected = happened if sent is None else received_ms - (sent - happened)
        if corrected > received_ms + FUTURE_TOLERANCE_MS:
            flags += ("future_timestamp",)
        return EventTimes(format_time(corrected), original, sent_text, flags)
    except OverflowError:
        return EventTimes(received_at, None, None, (*flags, "timestamp_out_of_range"))


def _unreadable(event: dict[str, Any], given: int | None) -> tuple[str, ...]:
    """Flags for times that were sent but cannot be read."""
    flags: tuple[str, ...] = ()
    if (event.get("timestamp") is not None and parse_time(event["timestamp"]) is None) or (
        event.get("originalTimestamp") is not None and given is None
    ):
        flags = ("timestamp_unparsable",)
    if event.get("sentAt") is not None and parse_time(event["sentAt"]) is None:
        flags += ("sent_at_unparsable",)
    return flags
