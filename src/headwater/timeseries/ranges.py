"""The spans of time that charts show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple


class Range(NamedTuple):
    """A span up to now in steps; figures are kept in steps of just these lengths."""

    name: str
    label: str
    length: timedelta
    step: timedelta

    def steps(self, now: datetime) -> list[datetime]:
        """The beginning of each step, the last one holds `now`."""
        seconds = self.step.total_seconds()
        last = datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)
        count = round(self.length / self.step)
        return [last - self.step * back for back in range(count - 1, -1, -1)]


RANGES = (
    Range("hour", "Hour", timedelta(hours=1), timedelta(minutes=1)),
    Range("day", "Day", timedelta(days=1), timedelta(minutes=15)),
    Range("week", "Week", timedelta(days=7), timedelta(hours=1)),
    Range("month", "Month", timedelta(days=30), timedelta(hours=6)),
)
"""Last hour to last month, each in 60 to 170 steps."""


def range_named(name: str) -> Range:
    """The range with this name, the first one for any other."""
    return next((found for found in RANGES if found.name == name), RANGES[0])
