"""Time layouts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.playbooks.layouts import RFC3339, Instant, convert, format_time, instant_of, parse_time

MOMENT = "2025-03-09T05:07:08.0456Z"


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("2006-01-02T15:04:05Z07:00", "2025-03-09T05:07:08Z"),
        ("2006-01-02 15:04:05.000", "2025-03-09 05:07:08.045"),
        ("2006-01-02T15:04:05.000Z", "2025-03-09T05:07:08.045Z"),
        ("2006-01-02T15:04:05-0700", "2025-03-09T05:07:08+0000"),
        ("2006-01-02T15:04:05Z", "2025-03-09T05:07:08Z"),
        ("2006-01-02 15:04:05-07:00", "2025-03-09 05:07:08+00:00"),
        ("20060102_1504", "20250309_0507"),
        ("06-1-2 3:4:5 PM", "25-3-9 5:7:8 AM"),
        ("Monday, _2 January; Mon Jan 02 03:04pm MST", "Sunday,  9 March; Sun Mar 09 05:07am UTC"),
        ("15:04:05.999999", "05:07:08.0456"),
        ("15:04:05,99", "05:07:08,04"),
        ("Z0700 Z07 -07", "Z Z +00"),
        ("no time Z", "no time Z"),
    ],
)
def test_output_layouts(layout: str, text: str) -> None:
    """Each piece of the reference time, fractions cut and not rounded, a lone Z literal, everything in UTC."""
    assert convert(MOMENT, RFC3339, layout) == text


def test_an_output_location_shifts_the_time() -> None:
    """With an offset the local time, the offset and the zone's name are printed."""
    instant = parse_time("2025-01-01T00:30:00Z")
    layout = "2006-01-02 15:04 -07:00 Z0700 MST"
    assert format_time(instant, layout, "BRT", -3 * 3600) == "2024-12-31 21:30 -03:00 -0300 BRT"


@pytest.mark.parametrize(
    ("text", "layout", "seconds"),
    [
        ("1970-01-01T00:00:01.999999999Z", RFC3339, 1),
        ("1970-01-01T01:00:00+01:00", RFC3339, 0),
        ("1969-12-31T19:00:00-05:00", RFC3339, 0),
        ("70-1-2", "06-1-2", 86400),
        ("68-1-1", "06-1-2", 3092601600),
        ("Thu, 1 January 1970 12:00:00 AM", "Mon, 2 January 2006 03:04:05 PM", 0),
        ("1970-01-01 12:00pm", "2006-01-02 03:04pm", 43200),
        ("1970-01-01", "2006-01-02", 0),
    ],
)
def test_input_layouts(text: str, layout: str, seconds: int) -> None:
    """A fraction after the seconds is accepted although the layout has none; parts that are absent are the first."""
    assert parse_time(text, layout).seconds == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-02-30T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T00:00:00",
        "2025-01-01 00:00:00Z",
        "x2025-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time(text: str) -> None:
    """The whole text must match and name a real time."""
    with pytest.raises(ValueError, match="time"):
        parse_time(text)


def test_a_year_beyond_the_calendar_is_no_time() -> None:
    """Shifting past the year 9999 fails instead of wrapping."""
    with pytest.raises(ValueError, match="year"):
        format_time(parse_time("9999-12-31T23:59:59Z"), "2006", "", 86400)


moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: minutes * 60)


@given(moments, offsets)
def test_every_offset_round_trips(moment: datetime, offset: int) -> None:
    """Printed with any offset and read back, a time is the same instant to the second."""
    instant = instant_of(moment)
    for layout in (
        RFC3339,
        "2006-01-02T15:04:05-0700",
        "Mon Jan _2 15:04:05 2006 -07:00",
        "Jan 2 2006 3:04:05 pm -07:00",
    ):
        assert parse_time(format_time(instant, layout, "X", offset), layout).seconds == instant.seconds


@given(moments)
def test_the_calendar_agrees_with_the_standard_library(moment: datetime) -> None:
    """The printed date is the one that datetime prints, to the microsecond."""
    instant = instant_of(moment)
    assert format_time(instant, "2006-01-02T15:04:05.000000") == moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert instant.nanoseconds == moment.microsecond * 1000


@given(st.integers(-(10**10), 10**11), st.integers(0, 999_999_999))
def test_milliseconds_are_rounded_down(seconds: int, nanoseconds: int) -> None:
    """Also before 1970 a part of a millisecond counts towards the earlier one."""
    assert Instant(seconds, nanoseconds).milliseconds == (seconds * 10**9 + nanoseconds) // 10**6
