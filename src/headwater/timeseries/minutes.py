"""From the counters of a process to values by minute. Pure: a look at the counters goes in, minutes come out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from headwater.timeseries.measures import LEVELS, MEASURES

KEPT_MINUTES = 24 * 60
"""Minutes that wait while the database is away; the oldest are given up first."""


class Key(NamedTuple):
    """What a value is of."""

    measure: str
    subject: str
    detail: str


Values = Mapping[Key, float]

_BY_SAMPLE = {measure.sample: measure for measure in MEASURES}


def read(registry: CollectorRegistry) -> Values:
    """The measures' present values; samples that differ in other labels only are added up."""
    values: defaultdict[Key, float] = defaultdict(float)
    for metric in registry.collect():
        for sample in metric.samples:
            measure = _BY_SAMPLE.get(sample.name)
            if measure is not None:
                subject, detail = sample.labels.get(measure.subject, measure.of), sample.labels.get(measure.detail, "")
                values[Key(measure.name, subject, detail)] += sample.value
    return values


class Minutes:
    """The minutes that are not in the database yet, with the running one. Minutes are counted from 1970."""

    def __init__(self, values: Values, minute: int) -> None:
        """`values` is where counting begins: what they hold already happened before."""
        self._begin = values
        self._minute = minute
        self._waiting: dict[int, Values] = {}

    def look(self, values: Values, minute: int) -> None:
        """Note what the counters say now. What rose since the last look belongs to the minute of that look."""
        self._waiting[self._minute] = _since(self._begin, values)
        if minute != self._minute:
            self._begin, self._minute = values, minute
            while len(self._waiting) > KEPT_MINUTES:
                del self._waiting[min(self._waiting)]

    def waiting(self) -> Mapping[int, Values]:
        """What is to be written, by minute."""
        return {minute: values for minute, values in self._waiting.items() if values}

    def written(self, minutes: Mapping[int, Values]) -> None:
        """Forget what is in the database, as far as it has not changed since."""
        for minute, values in minutes.items():
            if self._waiting.get(minute) is values or self._waiting.get(minute) == values:
                del self._waiting[minute]


def _since(begin: Values, values: Values) -> Values:
    """How much counts rose, without those that did not; and every level."""
    risen = {
        key: value if key.measure in LEVELS else value - begin.get(key, 0.0)
        for key, value in values.items()
        if key.subject or key.measure not in LEVELS
    }
    return {key: value for key, value in risen.items() if value > 0 or key.measure in LEVELS}
