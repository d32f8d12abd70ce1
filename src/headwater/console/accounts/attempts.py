"""How often a password may be guessed: a bucket of failures for each key, looked at before the password is."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

LIMIT = 10
"""Failures that a key has at once."""
REFILL_SECONDS = 30.0
"""Seconds until a key may fail once more."""
KEYS_LIMIT = 20_000
"""Keys that are remembered; the one that failed longest ago is forgotten first."""


class Attempts:
    """Failures by key, in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, *keys: str) -> float:
        """Seconds until all keys may be tried again, 0 for now."""
        now = self._clock()
        used_up = max(self._full_at.get(key, now) for key in keys)
        return max(used_up + REFILL_SECONDS - now - LIMIT * REFILL_SECONDS, 0.0)

    def fail(self, *keys: str) -> None:
        """Count a failure of each key."""
        now = self._clock()
        for key in keys:
            self._full_at[key] = max(self._full_at.pop(key, now), now) + REFILL_SECONDS
        while len(self._full_at) > KEYS_LIMIT:
            self._full_at.popitem(last=False)
