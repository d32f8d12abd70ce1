"""Texts and numbers read as instants, and date math."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.expressions.date_math import looks_like_date_math, parse_date_math
from headwater.expressions.dates import number_to_time, parse_date, parse_moment

NOON = datetime(2026, 11, 23, 9, 45, 1, tzinfo=UTC)
DAY = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23", DAY), ("2026/11/23", DAY), ("2026.11.23", DAY), ("20261123", DAY), ("11/23/2026", DAY),
        ("Nov 23, 2026", DAY), ("November 23, 2026", DAY), ("23 Nov 2026", DAY), ("23-Nov-2026", DAY), ("2026-Nov-23", DAY),
        ("Mon Nov 23 2026", DAY), ("Nov 23rd, 2026", DAY), ("2026-1-2", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-11", datetime(2026, 11, 1, tzinfo=UTC)), ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("3/4/26", datetime(2026, 3, 4, tzinfo=UTC)), ("03.04.2026", datetime(2026, 3, 4, tzinfo=UTC)),
        ("1/2/70", datetime(1970, 1, 2, tzinfo=UTC)),
        ("2026-11-23T09:45:01Z", NOON), ("2026-11-23 09:45:01", NOON), ("20261123094501", NOON),
        ("11/23/2026 9:45:01 AM", NOON), ("Nov 23, 2026 9:45:01 AM", NOON), ("2026-11-23T11:45:01+02:00", NOON),
        ("2026-11-23 11:45:01 +0200", NOON), ("2026-11-23T02:45:01-07", NOON), ("2026-11-23 11:45:01 +0200 CEST", NOON),
        ("Mon, 23 Nov 2026 09:45:01 GMT", NOON), ("Mon, 23 Nov 2026 11:45:01 +0200", NOON),
        ("Monday, 23-Nov-26 09:45:01 UTC", NOON), ("Mon Nov 23 09:45:01 2026", NOON), ("Mon Nov 23 09:45:01 UTC 2026", NOON),
        ("2026-11-23 09:45:01 +0000 UTC", NOON), ("2026-11-23T09:45", NOON.replace(second=0)),
        ("2026-11-23 09:45:01.25", NOON.replace(microsecond=250_000)), ("12/31/2026 12:00 AM", datetime(2026, 12, 31, tzinfo=UTC)),
        ("12/31/2026 12:00 PM", datetime(2026, 12, 31, 12, tzinfo=UTC)),
        ("1795427101", NOON), ("1795427101000", NOON), ("1795427101000000", NOON), ("1795427101000000000", NOON),
    ],
)  # fmt: skip
def test_accepted_forms(text: str, expected: datetime) -> None:
    """Each accepted form, US order, UTC unless a zone is given."""
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "23/11/2026", "03-04-2026", "2026-02-30", "09:45", "2026-W47", "2026-327", "20261123T094501", " 2026-11-23",
     "Mon Nov 23 2026 09:45:01 GMT+0000 (UTC)", "12345", "June", "Foo 23, 2026", "Xyz, 23 Nov 2026", "2026-11-23T25:00",
     "13:00 PM", "11/23/2026 13:00 PM", "now-3d", "2026-11-23T09:45:01 PST", "9" * 40],
)  # fmt: skip
def test_rejected_forms(text: str) -> None:
    """Whatever is not on the list is no date: guessing would be worse."""
    assert parse_date(text) is None


def test_a_zone_applies_to_texts_without_one() -> None:
    """A text with a zone keeps it."""
    west = timezone(timedelta(hours=-7))
    assert parse_date("2026-11-23", west) == DAY + timedelta(hours=7)
    assert parse_date("2026-11-23T00:00Z", west) == DAY


@given(st.datetimes(timezones=st.just(UTC)))
def test_iso_texts_are_read_as_written(instant: datetime) -> None:
    """What every SDK sends comes back, to the microsecond."""
    assert parse_date(instant.isoformat()) == instant


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1795427101, NOON), (1795427101.5, NOON.replace(microsecond=500_000)), (1795427101000, NOON), (20261123, DAY), (99, None),
     (-1795427101, None), (1e300, None), (99999999999999, None)],
)  # fmt: skip
def test_numbers_are_read_by_their_digits(number: float, expected: datetime | None) -> None:
    """10, 13, 16 and 19 digits are epochs, 4, 8 and 14 dates; the result must lie between 1800 and 2120."""
    assert number_to_time(number) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOON), ("now-7d", NOON - timedelta(days=7)), ("now+2h", NOON + timedelta(hours=2)), ("now-0d", NOON),
        ("now3d", NOON + timedelta(days=3)), ("now-1w", NOON - timedelta(days=7)), ("now-5m", NOON - timedelta(minutes=5)),
        ("now+10s", NOON + timedelta(seconds=10)), ("now-1M", NOON.replace(month=10)), ("now+1y", NOON.replace(year=2027)),
        ("now-11M", NOON.replace(year=2025, month=12)),
    ],
)  # fmt: skip
def test_date_math(text: str, expected: datetime) -> None:
    """One signed step from now; M is months, m minutes."""
    assert parse_moment(text, NOON) == expected


@pytest.mark.parametrize(
    "text",
    ["now-1.5d", "now-1d+2h", "now-1d/d", "now-d", "now-1", "NOW-1d", "now-1D", "now-1Y", "now -1d", "now-", "nowadays",
     "now-99999999y"],
)  # fmt: skip
def test_wrong_date_math_is_no_instant(text: str) -> None:
    """Anything else that begins with now is neither date math nor a date."""
    assert parse_moment(text, NOON) is None


@pytest.mark.parametrize(
    ("start", "text", "expected"),
    [
        ("2026-01-31", "now+1M", "2026-03-03"), ("2028-01-31", "now+1M", "2028-03-02"), ("2026-03-31", "now-1M", "2026-03-03"),
        ("2028-02-29", "now+1y", "2029-03-01"), ("2026-12-15", "now+1M", "2027-01-15"),
    ],
)  # fmt: skip
def test_calendar_steps_roll_over(start: str, text: str, expected: str) -> None:
    """A day that the month lacks counts on into the next."""
    now, result = parse_date(start), parse_date(expected)
    assert now is not None
    assert parse_moment(text, now) == result


def test_what_was_meant_as_date_math_is_told_from_words() -> None:
    """A typo in date math is reported; a word that begins with now is not."""
    assert looks_like_date_math("now-3x")
    assert looks_like_date_math("now")
    assert not looks_like_date_math("nowhere")
    assert parse_date_math("now-3x") is None
