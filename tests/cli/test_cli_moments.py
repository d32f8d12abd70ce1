"""Moments on the command line."""

from __future__ import annotations

import pytest

from headwater.cli.moments import parse_moment, parse_range
from headwater.errors import InputError

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOW - 7200),
        ("30m", NOW - 1800),
        ("1d", NOW - 86_400),
        ("2w", NOW - 1_209_600),
        ("1970-01-02", 86_400.0),
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T01:01:00+01:00", 60.0),
        ("1970-01-01T00:00:00.5", 0.5),
    ],
)
def test_moment(text: str, expected: float) -> None:
    """Spans count back from now, times without a zone are UTC."""
    assert parse_moment(text, NOW, "--since") == expected


@pytest.mark.parametrize("text", ["yesterday", "", "-2h", "2 hours", "1h30m"])
def test_what_is_no_moment_names_the_option(text: str) -> None:
    """The error says which option is wrong and how to write it."""
    with pytest.raises(InputError, match=r"^--since: .*2h, 30m or 1d"):
        parse_moment(text, NOW, "--since")


def test_range_that_is_empty_is_refused() -> None:
    """A range that ends before it begins is a mistake, not an empty answer."""
    assert parse_range(None, None, NOW) == (None, None)
    assert parse_range("2h", "1h", NOW) == (NOW - 7200, NOW - 3600)
    with pytest.raises(InputError, match="--until"):
        parse_range("1h", "2h", NOW)
