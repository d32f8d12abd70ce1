"""A limit of requests a second for each write key or token: a token bucket that may hold one second's worth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from headwater.errors import TransientError


class RateLimitedError(TransientError):
    """Too many requests for one key; `retry_after` says when the next one will pass."""


class RateLimiter:
    """Counts requests by key. A rate of 0 means no limit.

    Only keys of known sources are asked for, so the table stays as small as the configuration.
    """

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._rate = per_second
        self._burst = max(1.0, per_second)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def check(self, key: str) -> None:
        """Take one request from the bucket of `key`. Raises RateLimitedError when it is empty."""
        if not self._rate:
            return
        now = self._clock()
        left, since = self._buckets.get(key, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        if left < 1.0:
            self._buckets[key] = (left, now)
            raise RateLimitedError("too many requests for this key; slow down", (1.0 - left) / self._rate)
        self._buckets[key] = (left - 1.0, now)


def token_key(raw: str) -> str:
    """A stand-in for a secret token, so that the table of buckets holds none."""
    return hashlib.blake2b(raw.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
