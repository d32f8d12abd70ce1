"""What needs a person, and the lines of a chart: decided from values alone."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from headwater.console import charts
from headwater.console.attention import Situation, concerns
from headwater.pipelines.objects import Attachment, Pipeline
from headwater.routing.dead_letters import ReasonCount
from headwater.timeseries.minutes import Key

NOW = datetime(2026, 1, 5, tzinfo=UTC)
WEB = Pipeline("p1", "web", "Web", True, (), ("wk_web",), NOW)
GA4 = Attachment("p1", "web", "i1", "ga4", 3, True, NOW)


def situation(**values: object) -> Situation:
    return Situation(
        **{"pipelines": [WEB], "attachments": [GA4], "reasons": [], "levels": {}, "refused": {}, "health": {}, **values}
    )


def titles(**values: object) -> list[str]:
    return [concern.title for concern in concerns(situation(**values))]


def test_a_healthy_install_needs_nobody():
    """Levels of zero and figures of events that went well are no concern."""
    assert titles(levels={"circuit_open": {"web/ga4": 0.0}, "waiting": {"web/ga4": 50.0}}) == []


def test_what_is_lost_to_its_receiver_comes_before_what_waits():
    """Dead letters are told by integration, with the most frequent reason, before a destination that is tried again."""
    reasons = [
        ReasonCount("p1", "i1", "400 unknown field", 2, NOW, NOW),
        ReasonCount("p1", "i1", "401 wrong key", 5, NOW, NOW),
    ]
    found = concerns(situation(reasons=reasons, levels={"circuit_open": {"web/ga4": 1.0}}))
    assert [concern.tone for concern in found] == ["bad", "warn"]
    assert found[0].title == "7 deliveries to ga4 failed for good"
    assert found[0].text.startswith("401 wrong key, and 1 other reason")


def test_a_pause_is_a_concern_when_something_waits():
    """Nobody must be told of a pause that holds nothing back."""
    paused = msgspec.structs.replace(GA4, enabled=False)
    assert titles(attachments=[paused]) == []
    assert titles(attachments=[paused], levels={"waiting": {"web/ga4": 1.0}}) == ["Delivery from web to ga4 is paused"]


def test_refusals_are_added_up_over_their_reasons():
    """The most frequent reason is named in words."""
    refused = {Key("refused", "", "unknown_write_key"): 3.0, Key("refused", "", "too_large"): 1.0}
    found = concerns(situation(refused=refused))[0]
    assert (found.title, "unknown write key" in found.text) == ("4 events were refused at the door", True)


def test_a_pipeline_that_senders_can_use_delivers_somewhere():
    """One with a write key and no attachment is told, one without a key is nobody's concern."""
    assert titles(attachments=[]) == ["Web delivers nowhere"]
    assert titles(attachments=[], pipelines=[msgspec.structs.replace(WEB, write_keys=())]) == []


def test_the_smallest_lines_become_one():
    """A chart has six lines at most, and together they are what was counted."""
    series = {f"integration {number}": [float(number), 1.0] for number in range(9)}
    lines = charts.counts("c", "Title", "note", [NOW, NOW], series).lines
    assert [line.label for line in lines] == [
        "integration 8", "integration 7", "integration 6", "integration 5", "integration 4", charts.OTHERS,
    ]  # fmt: skip
    assert sum(line.total for line in lines) == sum(map(sum, series.values()))


def test_a_level_has_no_sum():
    """What waits now is the last value, not all values added up."""
    line = charts.levels("c", "Title", "note", [NOW, NOW, NOW], {"ga4": [4.0, 9.0, 2.0]}).lines[0]
    assert (line.total, line.highest) == (2.0, 9.0)


def test_a_quarantined_profile_is_looked_at():
    """Watched ones go on; quarantined ones wait for a person."""
    assert titles(health={"watched": 3}) == []
    assert titles(health={"watched": 3, "quarantined": 1}) == ["1 profile holds more than one person can have"]
