"""How values of events become values of a kind."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.profiles.kinds import KINDS, convert

NOON = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", 7, "7"),
        ("string", 7.0, "7"),
        ("string", True, "true"),
        ("string", ["first", "second"], "first"),
        ("string", "a\0b", "a\ufffdb"),
        ("int", "1,234", 1234),
        ("int", "7.9", 7),
        ("int", -7.9, -7),
        ("number", "$19.90", 19.9),
        ("number", Decimal("0.1000000000000000055"), Decimal("0.1000000000000000055")),
        ("bool", "t", True),
        ("bool", 0, False),
        ("date", "2026-11-23T12:00:00Z", NOON),
        ("date", "2026-11-23T14:00:00+02:00", NOON),
        ("date", NOON, NOON),
        ("date", str(NOON // 1000), NOON),
        ("[]string", "one", ["one"]),
        ("[]string", ["one", None, "", 2], ["one", "2"]),
        ("[]time", ["2026-11-23T12:00:00Z"], [NOON]),
        ("map[string]int", {"a": "2", "b": None}, {"a": 2}),
        ("map[string]bool", {"ads": "true", "mail": 0}, {"ads": True, "mail": False}),
        ("membership", {"vip": True}, {"vip": True}),
        ("geolocation", {"lat": 59.91, "lon": 10.75}, "59.91,10.75"),
        ("geolocation", "59.91, 10.75", "59.91,10.75"),
        ("embedding", [1, 0.5], [1, 0.5]),
        ("dynamic", {"b": [1], "a": None}, {"a": None, "b": [1]}),
        ("[]timebucket", NOON, {"20780": 1}),
    ],
)
def test_a_value_is_read_as_the_kind_says(kind, value, expected):
    """The usual spellings of a value arrive as one value."""
    assert convert(KINDS[kind], value) == (expected, ())


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("string", {"a": 1}, "an object or list where text is expected"),
        ("int", "seven", "not a number"),
        ("int", True, "not a number"),
        ("int", "1_000", "not a number"),
        ("number", float("nan"), "a number out of range"),
        ("number", 2**63, "a number out of range"),
        ("number", "1e400", "a number out of range"),
        ("bool", "yes", "not true or false"),
        ("date", "23/11/2026", "not a date"),
        ("date", True, "not a date"),
        ("map[string]int", [1], "not an object of keys and values"),
        ("[]string", {"a": 1}, "an object where a list is expected"),
        ("map[string]value", {"$time": 1}, "a reserved key"),
        ("geolocation", "91,0", "a place outside the globe"),
        ("embedding", "1,2", "not a list of numbers"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(kind, value, reason):
    """A refusal says why, in words that can be counted by."""
    assert convert(KINDS[kind], value) == (None, (reason,))


def test_good_members_stay_beside_refused_ones():
    """One bad entry does not cost the others."""
    assert convert(KINDS["map[string]int"], {"a": 1, "b": "x"}) == ({"a": 1}, ("not a number",))
    assert convert(KINDS["[]time"], ["2026-11-23T12:00:00Z", "soon"]) == ([NOON], ("not a date",))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_nothing_is_no_value_and_no_refusal(kind):
    """Missing, empty text, empty list and empty object say nothing."""
    for nothing in (None, "", [], {}):
        assert convert(kind, nothing) == (None, ())


def test_a_list_that_begins_with_nothing_is_no_single_value():
    """Of a list the first item counts where one value is expected, and nothing is nothing."""
    assert convert(KINDS["string"], ["", "a"]) == convert(KINDS["int"], [None, 1]) == (None, ())


@given(st.sampled_from(sorted(KINDS)), JSON)
def test_no_value_makes_a_conversion_fail(kind, value):
    """Whatever an event holds, a conversion gives a value or a reason, and takes its own values unchanged."""
    converted, refused = convert(KINDS[kind], value)
    if converted is not None and KINDS[kind].shape != "days":
        assert convert(KINDS[kind], converted)[0] == converted
    assert all(isinstance(reason, str) and reason for reason in refused)
