"""Quantiles out of the buckets of a histogram, as Prometheus' histogram_quantile computes them."""

from __future__ import annotations

import math
from collections.abc import Mapping


def quantile(buckets: Mapping[float, float], fraction: float) -> float | None:
    """The value below which this fraction lies; None when nothing was counted.

    `buckets` has, by upper bound, how many values were at most so high, infinity included. Within a bucket values are
    taken to lie evenly; above the last bound, at the bound.
    """
    total = buckets.get(math.inf, 0.0)
    if total <= 0:
        return None
    wanted, below, lower = total * fraction, 0.0, 0.0
    for bound in sorted(buckets):
        count = buckets[bound]
        if count >= wanted:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * (wanted - below) / (count - below) if count > below else bound
        below, lower = count, bound
    return lower
