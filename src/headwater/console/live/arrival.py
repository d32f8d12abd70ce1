"""What the collector did with an event before it wrote it into the log, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from headwater.console.value_changes import ValueChange, changes
from headwater.console.wording import span
from headwater.events import Record
from headwater.playbooks.preview import with_traits
from headwater.privacy.permission import forwarded

_FLAGS = {
    "timestamp_unparsable": "Its timestamp could not be read; the time of receipt stands in its place.",
    "sent_at_unparsable": "Its sentAt could not be read, so the sender's clock was not corrected.",
    "future_timestamp": "Its timestamp lies in the future. It was kept as it is.",
    "timestamp_out_of_range": "Its timestamp is none of this era; the time of receipt stands in its place.",
}
_LEAST_CORRECTION_SECONDS = 0.5


def notes(record: Record) -> list[str]:
    """What was corrected on arrival, a sentence each."""
    found = [_FLAGS.get(flag, flag.replace("_", " ").capitalize() + ".") for flag in record.meta.flags]
    corrected = _correction(record.data)
    if corrected is not None and abs(corrected) >= _LEAST_CORRECTION_SECONDS:
        direction = "slow" if corrected > 0 else "fast"
        found.append(f"The sender's clock was {span(abs(corrected))} {direction}; timestamp is corrected.")
    return found


def as_seen(record: Record) -> list[ValueChange]:
    """What integrations see otherwise than it is in the log."""
    return changes(record.data, with_traits(forwarded(record.data)))


def _correction(data: dict[str, Any]) -> float | None:
    moments = [_moment(data.get(field)) for field in ("originalTimestamp", "timestamp")]
    if moments[0] is None or moments[1] is None:
        return None
    return (moments[1] - moments[0]).total_seconds()


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
