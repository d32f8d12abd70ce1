"""How long to wait before trying again: exponential with jitter."""

from __future__ import annotations

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 300.0


def delay(attempt: int, chance: float) -> float:
    """Seconds to wait after the `attempt`-th failure (1, 2, …).

    Doubles from `FIRST_SECONDS` to `LONGEST_SECONDS`; `chance` in [0, 1) spreads the wait over the upper half, so that
    many batches that failed together do not come back together.
    """
    full = min(FIRST_SECONDS * 2.0 ** min(attempt - 1, 32), LONGEST_SECONDS)
    return full * (0.5 + chance / 2)
