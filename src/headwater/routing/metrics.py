"""What delivery counts. `integration` is the slug of the attachment: "pipeline/integration"."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

TAKEN = Counter("headwater_route_taken", "Records taken from the log", ["integration"])
DELIVERED = Counter("headwater_route_delivered", "Pieces that the other side has", ["integration"])
DROPPED = Counter(
    "headwater_route_dropped", "Records that were meant not to be sent, by reason", ["integration", "reason"]
)
FAULTS = Counter("headwater_route_playbook_faults", "Parts of a playbook that failed on a record", ["integration"])
REQUESTS = Counter("headwater_route_requests", "Requests by outcome", ["integration", "outcome"])
RETRIED = Counter("headwater_route_retried", "Pieces that will be sent again", ["integration"])
DEAD = Counter("headwater_route_dead", "Pieces that became dead letters", ["integration"])
REPEATED = Counter(
    "headwater_route_handed_out_again", "Records that the log handed out although they were settled", ["integration"]
)
IN_HAND = Gauge("headwater_route_in_hand", "Records taken and not settled", ["integration"])
CIRCUIT_OPEN = Gauge(
    "headwater_route_circuit_open", "1 while nothing is sent because the other side is sick", ["integration"]
)
REVISION_FAULTY = Gauge(
    "headwater_route_revision_faulty",
    "1 while the deployed revision cannot work; records wait in the log or go on with the one before",
    ["integration"],
)
REQUEST_SECONDS = Histogram(
    "headwater_route_request_seconds",
    "Time of one request",
    ["integration"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
LATENCY_SECONDS = Histogram(
    "headwater_route_latency_seconds",
    "From received by a collector to delivered, of the oldest record of each request",
    ["integration"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1, 2, 5, 10, 30, 60, 300, 3600),
)


def begin(integration: str) -> None:
    """Show the counters of an integration as 0 before anything happens: a first dead letter is then a rise, too."""
    for counter in (TAKEN, DELIVERED, RETRIED, DEAD):
        counter.labels(integration)
    CIRCUIT_OPEN.labels(integration).set(0)
