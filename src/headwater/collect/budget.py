"""How many bytes of request bodies are held in memory at once, over all requests of the process."""

from __future__ import annotations

from headwater.errors import UnavailableError

RETRY_AFTER_SECONDS = 2.0


class ByteBudget:
    """A limit that requests take from while they live. Nobody waits: who finds it spent is told to come again."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0

    def lease(self) -> Lease:
        """A new request's share, empty at first."""
        return Lease(self)


class Lease:
    """What one request holds."""

    __slots__ = ("_budget", "taken")

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.taken = 0

    def take(self, count: int) -> None:
        """Hold `count` more bytes. Raises UnavailableError when others hold too much; a lone request always may."""
        budget = self._budget
        if budget.in_flight + count > budget.limit and budget.in_flight > self.taken:
            raise UnavailableError("too many request bytes in flight; try again soon", RETRY_AFTER_SECONDS)
        budget.in_flight += count
        self.taken += count

    def release(self) -> None:
        """Give everything back."""
        self._budget.in_flight -= self.taken
        self.taken = 0
