"""What the roles count about themselves, read from their `/metrics` and added up since the start of the demo.

A process that is started again counts from zero. It is known by its start time, so that nothing is counted twice or
below zero; what it counted between the last reading and its death is missing, and `restarted` says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Samples = Mapping[tuple[str, Labels], float]

START_TIME = ("process_start_time_seconds", frozenset[tuple[str, str]]())
DELIVERED = "headwater_route_delivered_total"
RETRIED = "headwater_route_retried_total"
DROPPED = "headwater_route_dropped_total"
DEAD = "headwater_route_dead_total"
LATENCY = "headwater_route_latency_seconds_bucket"
LAG = "headwater_log_lag"


def parse(text: str) -> Samples:
    """The samples of a page of metrics in Prometheus' text format. Raises ValueError when it is none."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Meter:
    """The growth of every counter of some processes since each was first read, and their newest gauges."""

    def __init__(self) -> None:
        self._last: dict[str, Samples] = {}
        self._silent: set[str] = set()
        self._growth: dict[tuple[str, Labels], float] = {}
        self.restarted = False

    def read(self, process: str, samples: Samples) -> None:
        """Take note of a process' samples."""
        before = self._last.get(process)
        self._last[process] = samples
        self._silent.discard(process)
        if before is None:
            return
        if before.get(START_TIME) != samples.get(START_TIME):
            self.restarted = True
            before = {}
        for key, value in samples.items():
            if grown := value - before.get(key, 0.0):
                self._growth[key] = self._growth.get(key, 0.0) + grown

    def miss(self, process: str) -> None:
        """Take note that a process does not answer: its counters stay, its gauges say nothing until it does."""
        self._silent.add(process)

    def growth(self, name: str, integration: str | None = None) -> int:
        """How much a counter grew, of one integration ("pipeline/integration") or of all label values."""
        return int(sum(grown for labels, grown in self._grown(name) if _is_of(labels, integration)))

    def latency(self, integrations: Collection[str]) -> dict[float, float]:
        """Counts of deliveries by upper bound in seconds, cumulative as in Prometheus' histograms."""
        buckets: dict[float, float] = {}
        for labels, grown in self._grown(LATENCY):
            values = dict(labels)
            if values["integration"] in integrations:
                bound = float(values["le"])
                buckets[bound] = buckets.get(bound, 0.0) + grown
        return buckets

    def lag(self, consumers: Collection[str]) -> int | None:
        """Records that the named consumers have not settled; None while one of them is not heard of."""
        found: dict[tuple[str, str], float] = {}
        for process, samples in self._last.items():
            for (name, labels), value in samples.items():
                if name == LAG and process not in self._silent:
                    values = dict(labels)
                    found[values["consumer"], values["stream"]] = value
        if not set(consumers) <= {consumer for consumer, _ in found}:
            return None
        return int(sum(value for (consumer, _), value in found.items() if consumer in consumers))

    def _grown(self, name: str) -> Iterable[tuple[Labels, float]]:
        return [(labels, grown) for (found, labels), grown in self._growth.items() if found == name]


class Quantiles(NamedTuple):
    """Seconds below which half, and 99 of 100, of the deliveries stayed; None when there were none."""

    half: float | None
    most: float | None


def quantiles(buckets: Mapping[float, float]) -> Quantiles:
    """p50 and p99 of a cumulative histogram."""
    return Quantiles(quantile(buckets, 0.5), quantile(buckets, 0.99))


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """The value below which `share` of a cumulative histogram lies, by a straight line within its bucket.

    In the last bucket, which has no upper bound, it is the bound before it. None for an empty histogram.
    """
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    wanted = share * buckets[bounds[-1]]
    lower, below = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted and buckets[bound] > below:
            if bound == float("inf"):
                return lower
            return lower + (bound - lower) * (wanted - below) / (buckets[bound] - below)
        lower, below = bound, buckets[bound]
    return lower


def _is_of(labels: Labels, integration: str | None) -> bool:
    return integration is None or ("integration", integration) in labels
