"""From counters to minutes: every rise in exactly one minute, whatever the pace of looking."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge

from headwater.timeseries.minutes import KEPT_MINUTES, Key, Minutes, read
from headwater.timeseries.quantiles import quantile

DELIVERED = Key("delivered", "web/ga4", "")
WAITING = Key("waiting", "web/ga4", "")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.booleans()), max_size=40))
def test_every_rise_is_in_one_minute(steps):
    """However counting, looking and writing take turns, what was written adds up to what was counted."""
    minutes, counted, minute = Minutes({DELIVERED: 7.0}, 0), 7.0, 0
    database: dict[int, float] = {}
    for later, rise, write in steps:
        minute += later
        counted += rise
        minutes.look({DELIVERED: counted}, minute)
        if write:
            waiting = minutes.waiting()
            database |= {number: values[DELIVERED] for number, values in waiting.items()}
            minutes.written(waiting)
    minutes.look({DELIVERED: counted}, minute)
    database |= {number: values[DELIVERED] for number, values in minutes.waiting().items()}
    assert sum(database.values()) == counted - 7.0


def test_a_level_that_falls_to_zero_is_told():
    """A count that did not rise is not written; a level always is, or an alarm would never end."""
    minutes = Minutes({}, 0)
    minutes.look({WAITING: 5.0, DELIVERED: 0.0}, 0)
    assert minutes.waiting() == {0: {WAITING: 5.0}}
    minutes.look({WAITING: 0.0, DELIVERED: 0.0}, 0)
    assert minutes.waiting() == {0: {WAITING: 0.0}}


def test_a_day_without_database_is_kept_and_no_more():
    """The oldest minutes make room."""
    minutes = Minutes({}, 0)
    for minute in range(KEPT_MINUTES + 10):
        minutes.look({DELIVERED: float(minute + 1)}, minute)
    assert len(minutes.waiting()) <= KEPT_MINUTES + 1
    assert 0 not in minutes.waiting()


def test_samples_are_read_by_their_labels():
    """Labels that a measure does not name are added up; metrics that are no measure are left out."""
    registry = CollectorRegistry()
    lag = Gauge("headwater_log_lag", "text", ["stream", "integration"], registry=registry)
    lag.labels("main", "web/ga4").set(3)
    lag.labels("replays", "web/ga4").set(4)
    Counter("headwater_route_delivered", "text", ["integration"], registry=registry).labels("web/ga4").inc(2)
    Counter("another", "text", registry=registry).inc()
    assert read(registry) == {WAITING: 7.0, DELIVERED: 2.0}


def test_a_metric_without_labels_has_the_subject_of_its_measure():
    """How far profiles and the archive are behind is one measure of two metrics; a level of nobody would not be kept."""
    registry = CollectorRegistry()
    Gauge("headwater_profiles_lag", "text", registry=registry).set(3)
    Gauge("headwater_archive_lag_records", "text", registry=registry).set(0)
    minutes = Minutes({}, 0)
    minutes.look(read(registry), 0)
    assert minutes.waiting() == {0: {Key("behind", "profiles", ""): 3.0, Key("behind", "archive", ""): 0.0}}


@pytest.mark.parametrize(
    ("buckets", "fraction", "expected"),
    [
        ({1.0: 0.0, math.inf: 0.0}, 0.5, None),
        ({1.0: 10.0, math.inf: 10.0}, 0.5, 0.5),
        ({1.0: 5.0, 2.0: 10.0, math.inf: 10.0}, 0.75, 1.5),
        ({1.0: 0.0, math.inf: 4.0}, 0.5, 1.0),
    ],
)
def test_quantiles(buckets, fraction, expected):
    """Evenly within a bucket, at the last bound above it, nothing without values."""
    assert quantile(buckets, fraction) == expected
