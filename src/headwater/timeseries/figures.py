"""Read figures: series for charts, totals for tiles, levels for what is the case now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from headwater.timeseries.measures import LEVELS
from headwater.timeseries.minutes import Key
from headwater.timeseries.ranges import Range
from headwater.timeseries.recorder import MINUTE_SECONDS, QUERIES

Series = Mapping[str, list[float]]
"""Values by subject, one for each step of the range; 0 where nothing was counted."""


async def series(connection: Any, measures: Iterable[str], span: Range, now: datetime) -> Mapping[str, Series]:
    """The series of some measures over a range, by measure."""
    steps = span.steps(now)
    place = {moment: index for index, moment in enumerate(steps)}
    found: defaultdict[str, dict[str, list[float]]] = defaultdict(dict)
    rows = await _ask(connection, "series", span, list(measures), steps[0], list(LEVELS))
    for row in rows:
        if row["at"] in place:
            values = found[row["measure"]].setdefault(row["subject"], [0.0] * len(steps))
            values[place[row["at"]]] = row["value"]
    return found


async def totals(connection: Any, measures: Iterable[str], span: Range, now: datetime) -> Mapping[Key, float]:
    """Sums of some counts over a range, with their details."""
    rows = await _ask(connection, "totals", span, list(measures), span.steps(now)[0])
    return {Key(row["measure"], row["subject"], row["detail"]): row["value"] for row in rows}


async def levels(connection: Any) -> Mapping[str, Mapping[str, float]]:
    """Every level as it is now, by measure and subject; what no process told of for three minutes is not there."""
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for row in await connection.fetch(QUERIES["levels"], list(LEVELS)):
        found[row["measure"]][row["subject"]] = row["value"]
    return found


async def _ask(connection: Any, what: str, span: Range, *values: Any) -> list[Any]:
    seconds = round(span.step.total_seconds())
    place = ("minutes", ()) if seconds == MINUTE_SECONDS else ("steps", (seconds,))
    rows: list[Any] = await connection.fetch(QUERIES[f"{what}_of_{place[0]}"], *values, *place[1])
    return rows
