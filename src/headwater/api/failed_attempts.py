"""Counts failed authentications by address, so that guessing is slowed down."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

LIMIT = 10
"""Failures that an address has at once."""
REFILL_SECONDS = 6.0
"""Seconds until an address may fail once more."""
ADDRESS_LIMIT = 10_000
"""Addresses that are remembered; the one that failed longest ago is forgotten first."""


class FailedAttempts:
    """A bucket of failures for each address; a valid token is never held up, whoever else fails from its address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def note(self, address: str) -> float:
        """Count one failure; returns the seconds to wait, 0 while the address is within its limit."""
        now = self._clock()
        used_up_until = max(self._full_at.pop(address, now), now) + REFILL_SECONDS
        wait = used_up_until - now - LIMIT * REFILL_SECONDS
        # A refused attempt does not push the end further away, so that the wait that was told holds.
        self._full_at[address] = used_up_until - REFILL_SECONDS if wait > 0 else used_up_until
        if len(self._full_at) > ADDRESS_LIMIT:
            self._full_at.popitem(last=False)
        return max(wait, 0.0)
