"""Counters of the roles, added up over restarts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from headwater.demo import measurements
from headwater.demo.measurements import Meter, parse, quantile, quantiles
from headwater.routing import metrics as routing_metrics

PAGE = """\
# TYPE process_start_time_seconds gauge
process_start_time_seconds {start}
# TYPE headwater_route_delivered_total counter
headwater_route_delivered_total{{integration="web/lytics"}} {delivered}
headwater_route_delivered_total{{integration="web/ga"}} 5
# TYPE headwater_log_lag gauge
headwater_log_lag{{consumer="route-p-i",stream="HEADWATER"}} {lag}
headwater_log_lag{{consumer="route-p-i",stream="REPLAYS"}} 2
"""


def _page(delivered: int, start: float = 1.0, lag: int = 0) -> measurements.Samples:
    return parse(PAGE.format(start=start, delivered=delivered, lag=lag))


def test_growth_starts_at_the_first_reading() -> None:
    """What was counted before the replay is not part of it."""
    meter = Meter()
    meter.read("route-0", _page(100))
    meter.read("route-0", _page(130))
    assert meter.growth(measurements.DELIVERED, "web/lytics") == 30
    assert meter.growth(measurements.DELIVERED) == 30


def test_growth_goes_on_after_a_restart() -> None:
    """A process that begins anew adds what it counts since, and the meter knows that something may be missing."""
    meter = Meter()
    for page in (_page(100), _page(130), _page(10, start=2.0), _page(15, start=2.0)):
        meter.read("route-0", page)
    assert meter.growth(measurements.DELIVERED, "web/lytics") == 30 + 15
    assert meter.restarted


def test_lag_is_known_only_while_the_router_answers() -> None:
    """The lag sums both streams of the consumers; a silent router, or a consumer not heard of, leaves it unknown."""
    meter = Meter()
    assert meter.lag(["route-p-i"]) is None
    meter.read("route-0", _page(0, lag=40))
    assert meter.lag(["route-p-i"]) == 42
    assert meter.lag(["route-p-i", "route-p-other"]) is None
    meter.miss("route-0")
    assert meter.lag(["route-p-i"]) is None
    meter.read("route-0", _page(0, lag=1))
    assert meter.lag(["route-p-i"]) == 3


@given(st.lists(st.floats(0.001, 3.9), min_size=1, max_size=50), st.sampled_from([0.5, 0.99]))
def test_quantile_lies_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    """Read back from a real histogram, a quantile is off by less than the width of its bucket."""
    bounds = (0.5, 1.0, 2.0, 4.0)
    registry = CollectorRegistry()
    histogram = Histogram("headwater_route_latency_seconds", "", ["integration"], buckets=bounds, registry=registry)
    for value in values:
        histogram.labels("p/i").observe(value)
    meter = Meter()
    meter.read("route-0", {})
    meter.read("route-0", parse(generate_latest(registry).decode()))
    found = quantile(meter.latency(["p/i"]), share)
    true = sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]
    upper = next(bound for bound in bounds if true <= bound)
    lower = max((bound for bound in bounds if bound < true), default=0.0)
    assert found is not None
    assert lower <= found <= upper


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        pytest.param({}, None, id="nothing measured"),
        pytest.param({1.0: 0.0, float("inf"): 0.0}, None, id="nothing delivered"),
        pytest.param({1.0: 0.0, 2.0: 4.0, float("inf"): 4.0}, 1.5, id="half way through the bucket"),
        pytest.param({1.0: 0.0, float("inf"): 4.0}, 1.0, id="beyond the last bound"),
    ],
)
def test_median(buckets: dict[float, float], expected: float | None) -> None:
    """The median lies on a straight line within its bucket."""
    assert quantiles(buckets).half == expected


def test_names_are_those_that_the_router_counts_under() -> None:
    """The samples that the meter looks for exist under these names in the router's own metrics."""
    counters: dict[str, Counter] = {
        measurements.DELIVERED: routing_metrics.DELIVERED,
        measurements.RETRIED: routing_metrics.RETRIED,
        measurements.DEAD: routing_metrics.DEAD,
    }
    for name, counter in counters.items():
        counter.labels("a/b")
        assert name in {sample.name for family in counter.collect() for sample in family.samples}
