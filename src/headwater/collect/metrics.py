"""What the doors count. Every event that comes in ends as accepted or refused, and a refusal has its reason.

Duplicates are not counted here: the log absorbs them, and the doors never learn of it.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class CollectMetrics:
    """Counters of one process. Labels are routes, status codes and reasons: small, fixed sets."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "headwater_collect_requests", "Requests by route and status", ["route", "status"], registry=registry
        )
        self._received = Counter(
            "headwater_collect_received", "Events and records received, by route", ["route"], registry=registry
        )
        self._accepted = Counter(
            "headwater_collect_accepted", "Events and records made durable, by route", ["route"], registry=registry
        )
        self._refused = Counter(
            "headwater_collect_refused",
            "Events, records and requests refused, by reason",
            ["reason"],
            registry=registry,
        )
        self._conflicts = Counter(
            "headwater_collect_write_key_conflicts", "Requests that named two different write keys", registry=registry
        )
        self._dropped = Counter(
            "headwater_collect_client_metrics",
            "Measurements of SDKs about themselves, answered and dropped",
            registry=registry,
        )
        self.in_flight = Gauge(
            "headwater_collect_in_flight_bytes", "Bytes of request bodies held in memory", registry=registry
        )
        # `labels()` takes a lock and builds a key; on the hot path the child counters are looked up here instead.
        self._request_children: dict[tuple[str, int], Counter] = {}
        self._children: dict[tuple[int, str], Counter] = {}

    def request(self, route: str, status: int) -> None:
        """Count one answered request."""
        child = self._request_children.get((route, status))
        if child is None:
            child = self._request_children[route, status] = self._requests.labels(route, str(status))
        child.inc()

    def received(self, route: str, count: int = 1) -> None:
        """Count events or records that were found in a request."""
        self._child(self._received, route).inc(count)

    def accepted(self, route: str, count: int) -> None:
        """Count events or records that the log has."""
        self._child(self._accepted, route).inc(count)

    def refused(self, reason: str, count: int = 1) -> None:
        """Count what was refused, with its reason code."""
        self._child(self._refused, reason).inc(count)

    def key_conflict(self) -> None:
        """Count a request with two different write keys; the first one was used."""
        self._conflicts.inc()

    def client_metrics(self) -> None:
        """Count a report of an SDK about itself."""
        self._dropped.inc()

    def _child(self, counter: Counter, label: str) -> Counter:
        child = self._children.get((id(counter), label))
        if child is None:
            child = self._children[id(counter), label] = counter.labels(label)
        return child
