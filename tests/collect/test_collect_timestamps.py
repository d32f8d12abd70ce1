"""Times of events: read, and corrected by the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.collect.timestamps import correct_times, format_time, parse_time

NOW = 1_795_444_496_000
NOW_TEXT = "2026-11-23T14:34:56.000Z"
MILLISECONDS = st.integers(min_value=-62_135_596_800_000, max_value=253_402_300_799_999)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-23T14:34:56.000Z", NOW),
        ("2026-11-23T15:34:56+01:00", NOW),
        ("2026-11-23T14:34:56", NOW),
        ("2026-11-23T14:34:56.000999Z", NOW),
        (NOW, NOW),
        (NOW // 1000, NOW),
        (NOW / 1000, NOW),
        (str(NOW), NOW),
        ("yesterday", None),
        ("", None),
        (7, None),
        (True, None),
        (float("1e300"), None),
        ({}, None),
        (None, None),
    ],
)
def test_reads_iso_text_and_epoch_numbers(value, expected):
    """ISO 8601 in any zone and epoch seconds or milliseconds are times; nothing else is."""
    assert parse_time(value) == expected


@given(MILLISECONDS)
def test_what_is_written_is_read_back(milliseconds):
    """Writing and reading a time are inverse over all years that a calendar has."""
    text = format_time(milliseconds)
    assert parse_time(text) == milliseconds
    assert text == datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@given(MILLISECONDS, st.integers(-(10**9), 10**9), st.integers(0, 10**9))
def test_an_error_of_the_clients_clock_cancels_out(happened, skew, delay):
    """However wrong the client's clock is, the corrected time is the arrival less the time between event and sending."""
    event = {"timestamp": happened + skew, "sentAt": happened + skew + delay}
    if not 10**12 <= event["timestamp"] <= event["sentAt"] < 10**13 or parse_time(format_time(NOW - delay)) is None:
        return
    assert correct_times(event, NOW, NOW_TEXT, None).timestamp == format_time(NOW - delay)


@pytest.mark.parametrize(
    ("event", "batch", "expected"),
    [
        ({}, None, (NOW_TEXT, None, None, ())),
        (
            {"timestamp": "2026-11-23T14:00:00Z"},
            None,
            ("2026-11-23T14:00:00.000Z", "2026-11-23T14:00:00.000Z", None, ()),
        ),
        (
            {"timestamp": "2026-11-23T10:00:00Z"},
            NOW - 3_600_000,
            ("2026-11-23T11:00:00.000Z", "2026-11-23T10:00:00.000Z", "2026-11-23T13:34:56.000Z", ()),
        ),
        ({"originalTimestamp": "2026-11-23T14:00:00Z"}, None, ("2026-11-23T14:00:00.000Z",) * 2 + (None, ())),
        (
            {"timestamp": "2026-01-01T00:00:00.000Z", "originalTimestamp": "2026-11-23T14:00:00.000Z"},
            None,
            ("2026-01-01T00:00:00.000Z", "2026-11-23T14:00:00.000Z", None, ()),
        ),
        ({"timestamp": "soon"}, None, (NOW_TEXT, None, None, ("timestamp_unparsable",))),
        (
            {"timestamp": "2026-11-23T14:00:00.000Z", "sentAt": "2026-13-45T99:99:99.000Z"},
            None,
            ("2026-11-23T14:00:00.000Z", "2026-11-23T14:00:00.000Z", None, ("sent_at_unparsable",)),
        ),
        (
            {"timestamp": "2026-11-25T14:00:00.000Z"},
            None,
            ("2026-11-25T14:00:00.000Z", "2026-11-25T14:00:00.000Z", None, ("future_timestamp",)),
        ),
        (
            {"timestamp": "0001-01-01T00:00:00.000Z", "sentAt": "9999-01-01T00:00:00.000Z"},
            None,
            (NOW_TEXT, None, None, ("timestamp_out_of_range",)),
        ),
    ],
)
def test_corrects_by_the_rule_and_flags_what_it_could_not_use(event, batch, expected):
    """timestamp = receivedAt - (sentAt - original); without sentAt the original; without both the arrival."""
    assert correct_times(event, NOW, NOW_TEXT, batch) == expected


def test_the_time_that_the_user_chose_beats_the_time_of_the_call():
    """Rudder's server SDKs send both: `timestamp` is the event's, `originalTimestamp` when the SDK was called."""
    event = {"timestamp": "2026-01-01T00:00:00Z", "originalTimestamp": NOW_TEXT, "sentAt": NOW_TEXT}
    assert correct_times(event, NOW, NOW_TEXT, None).timestamp == "2026-01-01T00:00:00.000Z"
