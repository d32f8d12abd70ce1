"""Charts as values: lines over time, with what is worth saying about each, for eyes and for screen readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

LINES = 6
"""Lines that can be told apart; the smaller ones are added up into one."""
OTHERS = "all others"


Series = Mapping[str, list[float]]
"""Values by label, one for each step."""


class Line(NamedTuple):
    """One line: its name, its values, and `total` of a count or the last value of a level."""

    label: str
    values: list[float]
    total: float
    highest: float


class Chart(NamedTuple):
    """A chart. `name` is unique on the page; `total_label` says what the sum of a line is called."""

    name: str
    title: str
    note: str
    total_label: str
    steps: Sequence[datetime]
    lines: Sequence[Line]

    @property
    def data(self) -> str:
        """What the script draws, as JSON: seconds since 1970, labels, values."""
        return msgspec.json.encode(
            {
                "steps": [round(step.timestamp()) for step in self.steps],
                "labels": [line.label for line in self.lines],
                "values": [line.values for line in self.lines],
            }
        ).decode()

    @property
    def empty(self) -> bool:
        """Whether nothing happened at all."""
        return not any(line.highest for line in self.lines)


def counts(name: str, title: str, note: str, steps: Sequence[datetime], series: Series) -> Chart:
    """A chart of counts by label: the largest lines, and one of all others."""
    return Chart(name, title, note, "total", steps, _lines(series, sum))


def levels(name: str, title: str, note: str, steps: Sequence[datetime], series: Series) -> Chart:
    """A chart of levels by label; instead of a total it says what is the case now."""
    return Chart(name, title, note, "now", steps, _lines(series, lambda values: values[-1]))


def _lines(series: Series, total: Callable[[list[float]], float]) -> list[Line]:
    lines = [Line(label, values, total(values), max(values)) for label, values in series.items()]
    lines.sort(key=lambda line: (-sum(line.values), line.label))
    if len(lines) <= LINES:
        return lines
    values = [sum(column) for column in zip(*(line.values for line in lines[LINES - 1 :]), strict=True)]
    return [*lines[: LINES - 1], Line(OTHERS, values, total(values), max(values))]
