"""What a field holds within an audience: the commonest values, a histogram, the share of profiles that have it. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

SAMPLE = 10_000
"""Members that statistics are made of."""
BINS = 10
_TIME_KEY = "$time"


class NumberStatistics(msgspec.Struct, frozen=True):
    """Of all numbers of a field; instants are epoch milliseconds."""

    mean: float
    sd: float
    min: float
    max: float
    n: int


class Bin(msgspec.Struct, frozen=True):
    """Values from `start` up to `end`; the last bin holds its end as well."""

    start: float
    end: float
    count: int


class FieldStatistics(msgspec.Struct, frozen=True):
    """One field in a sample of profiles. `terms_counts` are the commonest values, of lists their items, of maps their keys."""

    field: str
    ents_present: int
    ents_absent: int
    approx_cardinality: int
    terms_counts: dict[str, int]
    more_terms: bool
    stats: NumberStatistics | None
    histograms: tuple[Bin, ...]


def field_statistics(field: str, profiles: Iterable[Mapping[str, Any]], limit: int = 20) -> FieldStatistics:
    """Statistics of a field over profiles (their stored fields), with at most `limit` values."""
    terms: Counter[str] = Counter()
    numbers: list[float] = []
    present = absent = 0
    for fields in profiles:
        if field not in fields:
            absent += 1
            continue
        present += 1
        for value in _values(fields[field]):
            number = _number(value)
            if number is not None:
                numbers.append(number)
            terms[_term(value)] += 1
    common = dict(sorted(terms.items(), key=lambda pair: (-pair[1], pair[0]))[:limit])
    return FieldStatistics(
        field, present, absent, len(terms), common, len(terms) > limit, _statistics(numbers), histogram(numbers)
    )


def histogram(numbers: Sequence[float], bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal width from the smallest to the largest number; one bin if all are equal, none without numbers."""
    if not numbers:
        return ()
    low, high = min(numbers), max(numbers)
    if low == high:
        return (Bin(low, high, len(numbers)),)
    width = (high - low) / bins
    counts = [0] * bins
    for number in numbers:
        counts[min(int((number - low) / width), bins - 1)] += 1
    return tuple(Bin(low + width * place, low + width * (place + 1), count) for place, count in enumerate(counts))


def _values(value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and value.keys() != {_TIME_KEY}:
        return list(value)
    return [value]


def _number(value: Any) -> float | None:
    if isinstance(value, dict):
        return float(value[_TIME_KEY]) * 1000 if value.keys() == {_TIME_KEY} else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _term(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(round(float(value[_TIME_KEY]) * 1000)) if value.keys() == {_TIME_KEY} else "{}"
    return str(value)


def _statistics(numbers: Sequence[float]) -> NumberStatistics | None:
    if not numbers:
        return None
    mean = math.fsum(numbers) / len(numbers)
    variance = math.fsum((number - mean) ** 2 for number in numbers) / len(numbers)
    return NumberStatistics(mean, math.sqrt(variance), min(numbers), max(numbers), len(numbers))
