"""Which sequences of a range are not there, as ranges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def missing_ranges(first: int, last: int, present: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The ranges (ends included) of `first`…`last` that hold none of `present`, which comes in ascending order."""
    expected = first
    for sequence in present:
        if sequence > last:
            break
        if sequence > expected:
            yield expected, sequence - 1
        expected = max(expected, sequence + 1)
    if expected <= last:
        yield expected, last
