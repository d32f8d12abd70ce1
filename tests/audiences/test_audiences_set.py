"""Asking only the audiences that a change can matter to gives the same members as asking all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import filter_generation
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from making import audiences

from headwater.audiences.audience_set import AudienceSet
from headwater.audiences.trees import dependents
from headwater.expressions import Flips

NOW = filter_generation.NOW
OTHER = "FILTER f > 5"
PROFILES = filter_generation.profiles()


def _set(texts: list[str]) -> AudienceSet:
    return AudienceSet(audiences([f"FILTER {text}" for text in texts], other=OTHER), 1)


def _changed(before: dict[str, Any], after: dict[str, Any]) -> frozenset[str]:
    names = before.keys() | after.keys()
    gone = object()
    return frozenset(n for n in names if repr(before.get(n, gone)) != repr(after.get(n, gone)))


@settings(max_examples=400)
@given(
    st.lists(filter_generation.conditions, min_size=1, max_size=4),
    st.sampled_from(PROFILES),
    st.sampled_from(PROFILES),
)
@example(['NOT (f > "now-1d")'], {}, {"f": 5})
@example(["NOT (f > 5)"], {}, {"f": None})
def test_an_audience_that_is_not_asked_has_the_same_answer(
    texts: list[str], before: dict[str, Any], after: dict[str, Any]
) -> None:
    """For any two states of a profile, answers differ only within the audiences that are named as affected."""
    made = _set(texts)
    asked = made.affected(before, after, _changed(before, after), NOW)
    changed = made.answers(made.everyone, before, NOW) ^ made.answers(made.everyone, after, NOW)
    assert changed & ~asked == 0


@settings(max_examples=200)
@given(st.lists(filter_generation.conditions, min_size=1, max_size=4), st.sampled_from(PROFILES))
def test_a_new_profile_is_asked_about_everything_that_can_hold(texts: list[str], profile: dict[str, Any]) -> None:
    """Audiences that a new profile is not asked about do not hold it."""
    made = _set(texts)
    asked = made.affected(None, profile, frozenset(profile), NOW)
    assert made.answers(made.everyone, profile, NOW) & ~asked == 0


_steps = st.integers(-40, 40).map('"now{:+d}s"'.format)
_near = st.integers(-40, 40).map(lambda count: NOW + timedelta(seconds=count, milliseconds=count % 7))
_moving = st.one_of(
    st.builds("f {} {}".format, st.sampled_from((">", "<=", "==", "!=")), _steps),
    st.builds("{} < g".format, _steps),
    st.builds("g BETWEEN {} AND {}".format, _steps, _steps),
    st.just('todate("now-5s") > f'),
    st.just('f > "now-1M"'),
    st.just("INCLUDE other"),
    st.just("f > g"),
)


@settings(max_examples=300)
@given(st.lists(_moving, min_size=1, max_size=3), _near, st.one_of(_near, st.lists(_near, max_size=3), st.just("x")))
def test_no_moment_is_missed(texts: list[str], f: datetime, g: Any) -> None:
    """The next moment is never after the first flip of any audience, and between two moments no answer changes."""
    made = _set(texts)
    profile = {"f": f, "g": g}
    moment = made.next_moment(profile, NOW)
    flips = [Flips(each.tree, made.trees.get).next_flip(profile, NOW) for each in made.members]
    first = min((flip for flip in flips if flip is not None), default=None)
    if first is not None:
        assert moment is not None
        assert moment <= first
        timely = made.timely
        assert (made.answers(made.everyone, profile, NOW) ^ made.answers(made.everyone, profile, first)) & ~timely == 0


def test_a_counter_asks_only_about_bounds_between_old_and_new() -> None:
    """From 17 to 18 only filters with a bound of 17 or 18 are asked; that is what makes many audiences cheap."""
    made = AudienceSet(audiences([f"FILTER visits >= {bound}" for bound in range(100)]), 1)
    asked = made.affected({"visits": 17}, {"visits": 18}, frozenset({"visits"}), NOW)
    assert [each.audience.segment_ql for each in made.chosen(asked)] == ["FILTER visits >= 17", "FILTER visits >= 18"]


def test_a_visit_within_the_window_asks_nothing() -> None:
    """A person who was here lately and comes again stays in 'here lately': neither bound is crossed."""
    made = AudienceSet(audiences(['FILTER seen > "now-7d"', 'FILTER seen > "now-30d"']), 1)
    before, after = {"seen": NOW - timedelta(days=10)}, {"seen": NOW - timedelta(seconds=1)}
    asked = made.affected(before, after, frozenset({"seen"}), NOW)
    assert [each.audience.number for each in made.chosen(asked)] == [1]


def test_includes_are_read_through() -> None:
    """An audience depends on the fields of what it includes, and is named as depending on it."""
    made = AudienceSet(audiences(["FILTER INCLUDE buyers"], buyers="FILTER orders > 0"), 1)
    asked = made.affected({"orders": 0}, {"orders": 1}, frozenset({"orders"}), NOW)
    assert asked == made.everyone
    first, second = (each.audience for each in made.members)
    assert dependents(second, [first]) == [first]


@pytest.mark.parametrize("text", ["FILTER (", "FILTER INCLUDE nowhere"])
def test_a_filter_that_cannot_be_asked_has_nobody(text: str) -> None:
    """Whatever got into the database, the other audiences go on."""
    made = AudienceSet(audiences([text, "FILTER NOT EXISTS f"]), 1)
    members = made.chosen(made.answers(made.everyone, {}, datetime(2026, 1, 1, tzinfo=UTC)))
    assert [each.audience.segment_ql for each in members] == ["FILTER NOT EXISTS f"]
