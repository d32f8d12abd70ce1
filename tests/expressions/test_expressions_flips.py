"""When time alone changes an answer: compared with asking at every instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import filter_generation
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.expressions.filters import compile_filter
from headwater.expressions.flips import Flips, next_flip
from headwater.expressions.includes import resolver_of
from headwater.expressions.statements import parse_filter

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

_ORDERS = st.sampled_from((">", ">=", "<", "<=", "==", "!="))


def _filters(steps: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Filters that compare the fields `f` and `g` with moving instants, in all the logic there is."""
    quoted = steps.map('"{}"'.format)
    fields = st.sampled_from(("f", "g"))
    clause = st.one_of(
        st.builds("{} {} {}".format, fields, _ORDERS, quoted),
        st.builds("{} {} {}".format, quoted, _ORDERS, fields),
        st.builds("{} BETWEEN {} AND {}".format, fields, quoted, quoted),
        st.builds("{} NOT BETWEEN {} AND {}".format, fields, quoted, st.just('"2026-12-01"')),
        st.builds("{} {} now()".format, fields, _ORDERS),
        st.builds("{} < todate({})".format, fields, quoted),
        st.just("INCLUDE other"),
        st.just("NOT INCLUDE other"),
    )
    return st.recursive(
        clause,
        lambda parts: st.one_of(
            st.builds("AND ({}, {})".format, parts, parts),
            st.builds("OR ({}, {})".format, parts, parts),
            st.builds("NOT ({})".format, parts),
        ),
        max_leaves=4,
    )


def _first_change(text: str, profile: dict[str, Any], instants: list[datetime], other: str) -> datetime | None:
    """The first of the instants at which the answer differs from that at NOW."""
    compiled = compile_filter(parse_filter(text), resolver_of({"other": parse_filter(other).where}))
    answer = compiled.matches(profile, NOW)
    return next((instant for instant in instants if compiled.matches(profile, instant) is not answer), None)


_near = st.integers(-40, 40).map(lambda count: NOW + count * SECOND + timedelta(milliseconds=count % 7))
_near_steps = st.integers(-40, 40).map("now{:+d}s".format)
_every_second = [NOW + count * SECOND for count in range(1, 200)]


@settings(max_examples=300)
@given(_filters(_near_steps), _near, st.one_of(_near, st.lists(_near, max_size=3)))
def test_next_flip_is_the_first_second_with_another_answer(text: str, f: datetime, g: Any) -> None:
    """With steps of seconds, the next flip is what asking at each second finds."""
    other = 'FILTER f > "now-3s"'
    profile = {"f": f, "g": g}
    found = next_flip(parse_filter(f"FILTER {text}"), profile, NOW, resolver_of({"other": parse_filter(other).where}))
    assert found == _first_change(f"FILTER {text}", profile, _every_second, other)


_hours = st.integers(-24 * 100, 24 * 100).map(lambda count: NOW + count * HOUR)
_calendar_steps = st.one_of(
    st.integers(-4, 4).map("now{:+d}M".format),
    st.integers(-60, 60).map("now{:+d}d".format),
)
_around_every_hour = [NOW + count * HOUR + late for count in range(24 * 300) for late in (timedelta(0), SECOND)][1:]


@settings(max_examples=25)
@given(_filters(_calendar_steps), _hours, _hours)
def test_next_flip_is_exact_for_calendar_steps(text: str, f: datetime, g: datetime) -> None:
    """With calendar steps, which jump at the ends of months, the next flip is what asking around each hour finds."""
    other = 'FILTER g < "now-1M"'
    profile = {"f": f, "g": g}
    found = next_flip(parse_filter(f"FILTER {text}"), profile, NOW, resolver_of({"other": parse_filter(other).where}))
    assert found == _first_change(f"FILTER {text}", profile, _around_every_hour, other)


def test_just_before_a_flip_the_old_answer_holds() -> None:
    """A flip is an instant, not a neighbourhood: a microsecond earlier nothing has changed."""
    tree = parse_filter('FILTER last_visit > "now-7d"')
    profile = {"last_visit": NOW - 3 * DAY + timedelta(milliseconds=250)}
    flip = next_flip(tree, profile, NOW)
    assert flip == NOW + 4 * DAY
    compiled = compile_filter(tree)
    assert compiled.matches(profile, flip - timedelta(microseconds=1))
    assert not compiled.matches(profile, flip)


def test_an_end_of_month_can_make_an_answer_come_and_go() -> None:
    """31 January + 1 month is 3 March, 1 February + 1 month 1 March: the step goes back, and so may the answer."""
    january = datetime(2026, 1, 30, tzinfo=UTC)
    profile = {"expires": datetime(2026, 3, 2, 12, tzinfo=UTC)}
    flips = Flips(parse_filter('FILTER expires < "now+1M"'))
    first = flips.next_flip(profile, january)
    assert first == datetime(2026, 1, 30, 12, 0, 1, tzinfo=UTC)
    second = flips.next_flip(profile, first)
    assert second == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "profile", "expected"),
    [
        ('FILTER f > "now-1d"', {"f": NOW + 5 * DAY}, NOW + 6 * DAY),
        ('FILTER f > "now-1d"', {"f": NOW - 5 * DAY}, None),
        ('FILTER f > "now-1d"', {}, None),
        ('FILTER f > "now-1d"', {"f": "text"}, None),
        ("FILTER visits > 5", {"visits": 7}, None),
        ('FILTER AND (visits > 5, f > "now-1d")', {"visits": 1, "f": NOW}, None),
        ('FILTER f < "now-1d"', {"f": [NOW - DAY / 2, NOW]}, NOW + DAY / 2 + SECOND),
        ("FILTER timewindow(f, 1, 7)", {"f": [NOW - 2 * DAY, NOW - 3 * DAY]}, NOW + 5 * DAY),
        ("FILTER hourofday() == 15", {}, NOW + 3 * HOUR),
        ("FILTER dayofweek() == 0", {}, datetime(2026, 11, 29, tzinfo=UTC)),
        ("FILTER mm() == 2", {}, datetime(2027, 2, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_next_flip_of_one_profile(text: str, profile: dict[str, Any], expected: datetime | None) -> None:
    """The instant for typical filters, worked out by hand."""
    assert next_flip(parse_filter(text), profile, NOW) == expected


@pytest.mark.parametrize(
    ("text", "can"),
    [
        ("FILTER visits > 5", False),
        ('FILTER f IN ("a", "b")', False),
        ('FILTER tolower(f) == "a"', False),
        ("FILTER EXISTS f", False),
        ('FILTER f > "2026-01-01"', False),
        ('FILTER f > "now-1d"', True),
        ('FILTER now() > "2027-01-01"', True),
        ('FILTER f == todate("now-1d")', True),
        ("FILTER f < g", True),
        ("FILTER hourofday() > 5", True),
    ],
)
def test_a_filter_says_whether_time_can_change_it(text: str, can: bool) -> None:
    """Plain clauses stand still; two fields may not, for one may hold date math and the other an instant."""
    assert Flips(parse_filter(text)).can_flip is can


@pytest.mark.parametrize(
    ("clause", "at", "expected"),
    [
        ('f > "now-1d"', -DAY / 2, DAY / 2),
        ('f > "now-1d"', -2 * DAY, None),
        ('f < "now-1d"', -DAY, timedelta(0)),
        ('f <= "now-1d"', -DAY / 2, DAY / 2),
        ('f < "now-1d"', -2 * DAY, None),
        ('"now-1d" > f', -DAY / 2, DAY / 2),
        ('f == "now-1d"', -DAY / 2, None),
        ('f BETWEEN "now-2d" AND "now+3d"', 4 * DAY, DAY),
        ('f BETWEEN "now-2d" AND "now+3d"', -DAY, DAY),
        ('f BETWEEN "now-2d" AND "now+3d"', -3 * DAY, None),
        ('f BETWEEN "2020-01-01" AND "now+3d"', 5 * DAY, 2 * DAY),
        ('f > "now-1M"', timedelta(0), timedelta(days=31)),
    ],
)  # fmt: skip
def test_next_check_follows_the_rules_of_the_engine(clause: str, at: timedelta, expected: timedelta | None) -> None:
    """The instant to look again, from how far the field is from the date math now."""
    found = Flips(parse_filter(f"FILTER NOT {clause}")).next_check({"f": NOW + at}, NOW)
    assert found == (None if expected is None else NOW + expected)


def test_next_check_takes_the_earliest_of_all_parts() -> None:
    """Logic around the parts is left out of account, and a list counts each of its times."""
    text = 'FILTER AND (f > "now-10d", OR (g < "now-2d", INCLUDE other))'
    resolver = resolver_of({"other": parse_filter('FILTER f < "now-1d"').where})
    found = Flips(parse_filter(text), resolver).next_check({"f": NOW, "g": [NOW - DAY, NOW]}, NOW)
    assert found == NOW + DAY


_hourly = [filter_generation.NOW + count * HOUR for count in range(1, 24 * 45)]
RESOLVER = resolver_of({"other": parse_filter('FILTER OR (f > "now-5d", g CONTAINS "b")').where})


@settings(max_examples=250)
@given(filter_generation.conditions, st.sampled_from(filter_generation.profiles()))
def test_any_filter_flips_when_it_says_so(condition: str, profile: dict[str, Any]) -> None:
    """For filters and fields of every kind, date math inside fields included: the old answer up to the flip, another at it."""
    tree = parse_filter(f"FILTER {condition}")
    compiled = compile_filter(tree, RESOLVER)
    answer = compiled.matches(profile, filter_generation.NOW)
    flips = Flips(tree, RESOLVER)
    found = flips.next_flip(profile, filter_generation.NOW)
    before = [instant for instant in _hourly if found is None or instant < found]
    assert all(compiled.matches(profile, instant) is answer for instant in before)
    if found is not None:
        assert flips.can_flip
        assert compiled.matches(profile, found - timedelta(microseconds=1)) is answer
        assert compiled.matches(profile, found) is not answer
