"""How audiences grow: a small line for lists, and the change of a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from headwater.audiences.sizes import HourlySize

WIDTH = 120
HEIGHT = 28
_EDGE = 2


class Trend(NamedTuple):
    """A line as a path of an SVG, and by how much the size changed within a day; None as long as nobody can say."""

    path: str
    change: int | None


def trend_of(history: Sequence[HourlySize], size: int, now: datetime) -> Trend:
    """The trend of an audience from its hourly sizes (the newest first) and its size now."""
    points = [*((each.hour.timestamp(), each.size) for each in reversed(history)), (now.timestamp(), size)]
    day_ago = now - timedelta(days=1)
    before = next((each.size for each in history if each.hour <= day_ago), None)
    return Trend(_path(points), None if before is None else size - before)


def _path(points: Sequence[tuple[float, int]]) -> str:
    if len(points) < 2:
        return ""
    first, last = points[0][0], points[-1][0]
    low, high = min(size for _, size in points), max(size for _, size in points)
    span, height = max(last - first, 1.0), max(high - low, 1)
    places = [
        (
            _EDGE + (at - first) / span * (WIDTH - 2 * _EDGE),
            HEIGHT - _EDGE - (size - low) / height * (HEIGHT - 2 * _EDGE) if high > low else HEIGHT / 2,
        )
        for at, size in points
    ]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
