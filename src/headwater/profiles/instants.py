"""Instants: epoch milliseconds inside states, datetimes and RFC 3339 text outside."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from headwater.expressions.dates import number_to_time, parse_date

DAY_MILLISECONDS = 86_400_000

EARLIEST = int(datetime(1800, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""First instant that counts as a date."""

AFTER_LATEST = int(datetime(2121, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""The instant after the last one that counts as a date."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER_LIMIT = 10**19  # more digits than nanoseconds since 1970 have
_MILLISECOND = datetime.resolution * 1000


def milliseconds_of(moment: datetime) -> int:
    """Epoch milliseconds of a datetime, rounded down; one without a zone counts as UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND


def instant(milliseconds: int) -> datetime:
    """Epoch milliseconds as an aware datetime in UTC."""
    return _EPOCH + milliseconds * _MILLISECOND


def instant_text(milliseconds: int) -> str:
    """RFC 3339 in UTC with milliseconds, the form in which a profile shows an instant."""
    return f"{instant(milliseconds).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def parse_milliseconds(value: Any) -> int | None:
    """Epoch milliseconds of a date in any form that the expression language reads; None if it is none."""
    if isinstance(value, str):
        moment = _parse_text(value)
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    elif -_NUMBER_LIMIT < value < _NUMBER_LIMIT:
        moment = number_to_time(value if isinstance(value, int) else float(value))
    else:
        return None
    return None if moment is None else milliseconds_of(moment)


def _parse_text(text: str) -> datetime | None:
    if len(text) >= 20 and text[10] == "T":
        # What every SDK sends; the general reader tries a dozen forms.
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return parse_date(text)
    return parse_date(text)
