"""Which sequences of a range are not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def uncovered(first: int, last: int, covered: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of the range `first`…`last` that no range of `covered` touches; all ends are included.

    `covered` comes sorted by its starts; its ranges may overlap and reach beyond.
    """
    expected = first
    for start, end in covered:
        if start > last:
            break
        if start > expected:
            yield expected, start - 1
        expected = max(expected, end + 1)
    if expected <= last:
        yield expected, last
