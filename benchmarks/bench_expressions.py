"""How fast filters are read and asked: clauses a second on one core.

Run: python benchmarks/bench_expressions.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from headwater.expressions.filters import compile_expression, compile_filter
from headwater.expressions.flips import Flips
from headwater.expressions.statements import parse_expression, parse_filter

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PROFILE = {
    "email": "ada@example.com",
    "visits": 12,
    "score": 0.75,
    "plan": "pro",
    "paid": True,
    "tags": ["news", "sport"],
    "last_visit": NOW - timedelta(days=3),
    "hits": {"/blog": 4, "/pricing": 1},
    "url": "https://example.com/blog/2026/x",
}
CLAUSES = {
    "number > literal": "visits > 5",
    "text == literal": 'plan == "pro"',
    "boolean == literal": "paid == true",
    "EXISTS": "EXISTS email",
    "IN list": 'plan IN ("free", "pro", "team")',
    "list INTERSECTS": 'tags INTERSECTS ("sport", "music")',
    "LIKE substring": 'url LIKE "*blog*"',
    "LIKE general": 'url LIKE "https://*/blog/20??/*"',
    "CONTAINS": 'email CONTAINS "@example"',
    "time > date math": 'last_visit > "now-7d"',
    "time > months": 'last_visit > "now-1M"',
    "BETWEEN": "visits BETWEEN 5 AND 50",
    "map key": "hits.`/blog` > 2",
    "missing field": "nothing > 5",
    "function": 'tolower(plan) == "pro"',
}
SECONDS = 0.3


def rate(action: Callable[[], object]) -> float:
    """Calls a second."""
    count, batch, begin = 0, 64, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < SECONDS:
        for _ in range(batch):
            action()
        count += batch
    return count / elapsed


def report(name: str, per_second: float) -> None:
    print(f"{name:34} {per_second:14,.0f}/s")


def main() -> None:
    print("one clause, asked alone (a context for each):")
    for name, clause in CLAUSES.items():
        matches = compile_filter(parse_filter(f"FILTER {clause}")).matches
        assert matches(PROFILE, NOW) is (name != "missing field")
        report(f"  {name}", rate(lambda: matches(PROFILE, NOW)))  # noqa: B023 - called before the loop goes on
    simple = ["visits > 5", 'plan == "pro"', "score < 1", 'email CONTAINS "@"', "EXISTS url", 'last_visit > "now-7d"']
    text = f"FILTER AND ({', '.join(simple * 5)})"
    compiled = compile_filter(parse_filter(text))
    assert compiled.matches(PROFILE, NOW)
    print("a filter of 30 simple clauses:")
    per_filter = rate(lambda: compiled.matches(PROFILE, NOW))
    report("  filters", per_filter)
    report("  clauses", per_filter * 30)
    report("  read (text to tree)", rate(lambda: parse_filter(text)))
    flips = Flips(parse_filter(text))
    report("  next flip", rate(lambda: flips.next_flip(PROFILE, NOW)))
    value = compile_expression(parse_expression("emaildomain(email)")).value
    report("mapping: emaildomain(email)", rate(lambda: value(PROFILE, NOW)))


if __name__ == "__main__":
    main()
