"""How large audiences are and how they grow: a small line for lists, and the change of a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from headwater.audiences import sizes
from headwater.audiences.objects import Audience
from headwater.audiences.sizes import HourlySize
from headwater.audiences.trees import holds_everybody
from headwater.profiles.reading import EXACT_BELOW
from headwater.profiles.store.tables import statement

WIDTH = 120
HEIGHT = 28
_EDGE = 2


async def shown_sizes(connection: Any, generation: int, audiences: Sequence[Audience]) -> dict[str, int]:
    """The size of each audience by its id, exact; of everybody, where these are many, as PostgreSQL last counted them."""
    counted = await sizes.sizes(connection, generation)
    whole = [each for each in audiences if holds_everybody(each.segment_ql)]
    found = {each.id: counted.get(each.number, 0) for each in audiences}
    if not whole:
        return found
    everybody = (await connection.fetchrow(statement("estimates", generation)))["profiles"]
    if everybody < EXACT_BELOW:
        return found | await sizes.sizes_of(connection, generation, whole)
    return found | {each.id: everybody for each in whole}


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
