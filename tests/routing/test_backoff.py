"""Waiting times between attempts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.routing.backoff import LONGEST_SECONDS, delay


def test_the_wait_doubles_from_half_a_second() -> None:
    """Without jitter's lower half: 0.25, 0.5, 1, 2 seconds at least."""
    assert [delay(attempt, 0.0) for attempt in (1, 2, 3, 4)] == [0.25, 0.5, 1.0, 2.0]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_wait_is_bounded_and_spread(attempt: int, chance: float) -> None:
    """However often it failed, the wait lies between half of the full wait and the full wait, at most five minutes."""
    full = min(0.5 * 2.0 ** min(attempt - 1, 32), LONGEST_SECONDS)
    assert full / 2 <= delay(attempt, chance) <= full
