"""How often a password may be guessed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.console.accounts.attempts import KEYS_LIMIT, LIMIT, REFILL_SECONDS, Attempts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_after_the_limit_each_guess_costs_half_a_minute():
    """Ten at once, then one for each refill; another key is not held up."""
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(LIMIT):
        assert attempts.wait("account a") == 0
        attempts.fail("account a")
    assert attempts.wait("account a") == REFILL_SECONDS
    assert attempts.wait("account b", "account a") == REFILL_SECONDS
    assert attempts.wait("account b") == 0
    clock.now += REFILL_SECONDS
    assert attempts.wait("account a") == 0


@given(st.lists(st.floats(0, 600), max_size=60))
def test_no_pace_of_guessing_gets_more(pauses):
    """However one waits in between, at most the limit and what time refilled can be tried."""
    clock, tried = Clock(), 0
    attempts = Attempts(clock)
    for pause in pauses:
        clock.now += pause
        if attempts.wait("account a") == 0:
            attempts.fail("account a")
            tried += 1
    assert tried <= LIMIT + clock.now / REFILL_SECONDS + 1e-6


def test_a_flood_of_keys_is_forgotten_from_its_oldest():
    """Memory is bounded; what failed last is remembered."""
    attempts = Attempts(Clock())
    for number in range(KEYS_LIMIT + 5):
        for _ in range(LIMIT if number in (0, KEYS_LIMIT + 4) else 1):
            attempts.fail(f"address {number}")
    assert attempts.wait("address 0") == 0
    assert attempts.wait(f"address {KEYS_LIMIT + 4}") > 0
