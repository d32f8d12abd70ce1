"""Filters and profiles for property tests: every operator against every kind of value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

NOW = datetime(2026, 11, 23, 9, 45, 1, 250_000, tzinfo=UTC)
DAY = timedelta(days=1)

VALUES: tuple[Any, ...] = (
    0,
    7,
    -3,
    10**30,
    7.5,
    1_790_000_000,
    20261123,
    "",
    "7",
    "7.5",
    "$7",
    "abc",
    "a/b\nc",
    "true",
    "f",
    "now-3d",
    "2026-11-20",
    True,
    False,
    None,
    NOW,
    NOW - 7 * DAY,
    NOW - 3 * DAY + timedelta(milliseconds=1),
    datetime(2026, 11, 20, tzinfo=UTC),
    [],
    ["abc"],
    ["7", "x/abc"],
    [7, "abc", True],
    [7.5, None, 2],
    [NOW - 3 * DAY, NOW - 30 * DAY],
    {},
    {"abc": 1, "7": NOW - 7 * DAY},
    {"k": "abc"},
    {"k": True},
    {"k": 7},
)


def profiles() -> list[dict[str, Any]]:
    """Each value as `f`, once alone and once with another as `g`; one profile without any field."""
    pool: list[dict[str, Any]] = [{}]
    for place, value in enumerate(VALUES):
        pool.append({"f": value})
        pool.append({"f": value, "g": VALUES[(place * 7 + 3) % len(VALUES)]})
    pool.append({"f.k": "abc", "f": {"k": "other"}})
    return pool


TEXTS = ("", "abc", "b", "7", "7.5", "$7", "true", "f", "now-3d", "now-7d", "now+1d", "now-1M", "now", "now-1x",
         "2026-11-20", "11/16/2026 09:45:01", "1790000000", "k")  # fmt: skip
PATTERNS = ("*", "a*", "*b*", "*c", "a?c", "[a-c]*", "[^a]*", "%/%", "abc", "a[", r"\*", "a.c", "[7-9]", "x/*c", "")

_quoted = st.sampled_from(TEXTS).map('"{}"'.format)
_numbers = st.sampled_from(("0", "7", "7.5", "-3", "8", "1790000000", "20261123"))
_scalars = st.one_of(_quoted, _numbers, st.sampled_from(("true", "false", "NULL")))
_fields = st.sampled_from(("f", "g", "f.k", "missing"))
_orders = st.sampled_from(("==", "!=", ">", ">=", "<", "<="))
_lists = st.lists(_scalars, min_size=1, max_size=4).map(lambda items: f"({', '.join(items)})")

clauses = st.one_of(
    st.builds("{} {} {}".format, _fields, _orders, _scalars),
    st.builds("{} {} {}".format, _scalars, _orders, _fields),
    st.builds("{} LIKE {}".format, _fields, st.sampled_from(PATTERNS).map('"{}"'.format)),
    st.builds("{} CONTAINS {}".format, _fields, _quoted),
    st.builds("{} {} {}".format, _fields, st.sampled_from(("IN", "INTERSECTS")), _lists),
    st.builds("{} IN {}".format, _quoted, _fields),
    st.builds("{} LIKE [{}]".format, _fields, st.sampled_from(PATTERNS).map('"{}"'.format)),
    st.builds("{} BETWEEN {} AND {}".format, _fields, _scalars, _scalars),
    st.builds("{} NOT BETWEEN {} AND {}".format, _fields, _scalars, _scalars),
    st.builds("EXISTS {}".format, _fields),
    _fields,
    st.sampled_from(("true", "false", "INCLUDE other", "NOT INCLUDE other", "INCLUDE nowhere", "NOT INCLUDE nowhere")),
    st.builds("{} == {}".format, _fields, _fields),
    st.builds("tolower({}) == {}".format, _fields, _quoted),
    st.builds("{} > todate({})".format, _fields, _quoted),
)


def _compound(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.lists(parts, min_size=0, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("AND ({})".format, items),
        st.builds("OR ({})".format, items),
        st.builds("NOT ({})".format, parts),
        st.builds("NOT AND ({})".format, items),
        st.builds("({} AND {})".format, parts, parts),
        st.builds("({} OR {})".format, parts, parts),
    )


conditions = st.recursive(clauses, _compound, max_leaves=6)
