"""What the doors count. Every event that comes in ends as accepted or refused, and a refusal has its reason.

Duplicates are not counted here: the log absorbs them, and the doors never learn of it. The counts are plain numbers
of one event loop, and become metrics when somebody asks for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_PREFIX = "headwater_collect_"


class CollectMetrics(Collector):
    """Counts of one process. Labels are routes, status codes and reasons: small, fixed sets.

    To be used from one thread. `in_flight` gives the bytes of request bodies that are held in memory.
    """

    def __init__(self, registry: CollectorRegistry, in_flight: Callable[[], int]) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._received: Counter[str] = Counter()
        self._accepted: Counter[str] = Counter()
        self._by_pipeline: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._conflicts = 0
        self._client_metrics = 0
        self._in_flight = in_flight
        registry.register(self)

    def request(self, route: str, status: int) -> None:
        """Count one answered request."""
        self._requests[route, status] += 1

    def received(self, route: str, count: int = 1) -> None:
        """Count events or records that were found in a request."""
        self._received[route] += count

    def accepted(self, route: str, count: int) -> None:
        """Count events or records that the log has."""
        self._accepted[route] += count

    def accepted_by_pipeline(self, pipeline_id: str, count: int) -> None:
        """Count events that the log has by their pipeline; people make pipelines, so the set stays small."""
        self._by_pipeline[pipeline_id] += count

    def refused(self, reason: str, count: int = 1) -> None:
        """Count what was refused, with its reason code."""
        self._refused[reason] += count

    def key_conflict(self) -> None:
        """Count a request with two different write keys; the first one was used."""
        self._conflicts += 1

    def client_metrics(self) -> None:
        """Count a report of an SDK about itself."""
        self._client_metrics += 1

    def collect(self) -> Iterable[Metric]:
        """The metrics, for Prometheus."""
        requests = CounterMetricFamily(f"{_PREFIX}requests", "Requests by route and status", labels=("route", "status"))
        for (route, status), count in list(self._requests.items()):
            requests.add_metric((route, str(status)), count)
        yield requests
        yield _family("received", "Events and records found in requests", "route", self._received)
        yield _family("accepted", "Events and records made durable", "route", self._accepted)
        yield _family("accepted_by_pipeline", "Events made durable, by pipeline id", "pipeline", self._by_pipeline)
        yield _family("refused", "Events, records and requests refused", "reason", self._refused)
        yield CounterMetricFamily(
            f"{_PREFIX}write_key_conflicts", "Requests that named two write keys", self._conflicts
        )
        yield CounterMetricFamily(f"{_PREFIX}client_metrics", "Reports of SDKs about themselves", self._client_metrics)
        yield GaugeMetricFamily(f"{_PREFIX}in_flight_bytes", "Bytes of request bodies in memory", self._in_flight())


def _family(name: str, text: str, label: str, counts: Counter[str]) -> CounterMetricFamily:
    family = CounterMetricFamily(_PREFIX + name, text, labels=(label,))
    for value, count in list(counts.items()):
        family.add_metric((value,), count)
    return family
