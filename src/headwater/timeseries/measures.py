"""What is kept over time: which metric of a process becomes which measure."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Measure(NamedTuple):
    """One measure. `sample` is the metric's sample as Prometheus names it; the labels name subject and detail.

    A "count" only rises, and its rises are kept. A "level" goes up and down, and what it was last is kept; it needs a
    subject. `of` is the subject of metrics without a label for it, so that several can be one measure.
    """

    name: str
    sample: str
    subject: str = ""
    detail: str = ""
    kind: Literal["count", "level"] = "count"
    of: str = ""


MEASURES = (
    Measure("received", "headwater_collect_accepted_by_pipeline_total", "pipeline"),
    Measure("refused", "headwater_collect_refused_total", detail="reason"),
    Measure("delivered", "headwater_route_delivered_total", "integration"),
    Measure("retried", "headwater_route_retried_total", "integration"),
    Measure("dead", "headwater_route_dead_total", "integration"),
    Measure("dropped", "headwater_route_dropped_total", "integration", "reason"),
    Measure("requests", "headwater_route_requests_total", "integration", "outcome"),
    Measure("latency", "headwater_route_latency_seconds_bucket", "integration", "le"),
    Measure("waiting", "headwater_log_lag", "integration", kind="level"),
    Measure("kept", "headwater_profiles_applied_total", of="profiles"),
    Measure("kept", "headwater_archive_rows_total", of="archive"),
    Measure("behind", "headwater_profiles_lag", kind="level", of="profiles"),
    Measure("behind", "headwater_archive_lag_records", kind="level", of="archive"),
    Measure("circuit_open", "headwater_route_circuit_open", "integration", kind="level"),
    Measure("revision_faulty", "headwater_route_revision_faulty", "integration", kind="level"),
)

LEVELS = tuple(measure.name for measure in MEASURES if measure.kind == "level")
