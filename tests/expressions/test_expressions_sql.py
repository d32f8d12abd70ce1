"""A filter asked in PostgreSQL and the same filter asked in Python select the same profiles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from filter_generation import NOW, PATTERNS, TEXTS, conditions, profiles
from hypothesis import HealthCheck, given, settings

from headwater import jsontext
from headwater.expressions.filters import compile_filter
from headwater.expressions.includes import resolver_of
from headwater.expressions.sql import to_sql
from headwater.expressions.statements import parse_filter
from headwater.expressions.stored import from_stored, to_stored

POOL = profiles()
RESOLVER = resolver_of({"other": parse_filter('FILTER OR (f > 5, g CONTAINS "b")').where})


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A table with the pool of profiles, and a connection to it."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE people (id int PRIMARY KEY, fields jsonb NOT NULL)")
    rows = [(place, jsontext.encode(to_stored(profile)).decode()) for place, profile in enumerate(POOL)]
    await connection.executemany("INSERT INTO people VALUES ($1, $2)", rows)
    yield connection
    await connection.close()


async def selected(people: asyncpg.Connection, text: str) -> tuple[set[int], bool]:
    """The places in the pool that the database selects, and whether it claims to be exact."""
    condition = to_sql(parse_filter(text), NOW, RESOLVER)
    statement = f"SELECT id FROM people WHERE {condition.text}"  # noqa: S608 - that this is safe is tested below
    rows = await people.fetch(statement, *condition.parameters)
    return {row["id"] for row in rows}, condition.exact


def matching(text: str) -> set[int]:
    """The places in the pool that the filter itself matches."""
    compiled = compile_filter(parse_filter(text), RESOLVER)
    return {place for place, profile in enumerate(POOL) if compiled.matches(profile, NOW)}


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conditions)
async def test_database_and_python_agree(people: asyncpg.Connection, condition: str) -> None:
    """Whatever the filter, the database selects what Python matches: all of it, and no more where it says so."""
    text = f"FILTER {condition}"
    found, exact = await selected(people, text)
    expected = matching(text)
    assert (found == expected) if exact else (found >= expected), (text, [POOL[place] for place in found ^ expected])


SCALARS = (*(f'"{text}"' for text in TEXTS), "0", "7", "7.5", "1790000000", "20261123", "true", "false", "NULL")
EVERY_CLAUSE = {
    "orders": [f"f {op} {scalar}" for op in ("==", "!=", ">", "<=") for scalar in SCALARS],
    "mirrored": [f"{scalar} {op} f" for op in ("==", "!=", ">", "<=") for scalar in SCALARS],
    "patterns": [f"f LIKE {given}" for pattern in PATTERNS for given in (f'"{pattern}"', f'["{pattern}", "zz"]')],
    "contents": [f"f CONTAINS {given}" for text in TEXTS for given in (f'"{text}"', f'["{text}", "zz"]')],
    "lists": [f'f IN ({scalar}, "zz")' for scalar in SCALARS] + [f"{scalar} IN f" for scalar in SCALARS],
    "bounds": [f"f BETWEEN {low} AND {high}" for low in SCALARS[::3] for high in SCALARS[1::3]],
    "paths": ["f.k == 7", "f.k", "EXISTS f.k", "EXISTS f", "f", 'f.k LIKE "a*"', "f.abc > 0"],
}


@pytest.mark.parametrize("kind", EVERY_CLAUSE)
async def test_every_clause_agrees_alone_and_negated(people: asyncpg.Connection, kind: str) -> None:
    """Each operator against each literal, over fields of every kind; the negation tells false from not evaluable."""
    wrong = []
    for clause in EVERY_CLAUSE[kind]:
        for text in (f"FILTER {clause}", f"FILTER NOT ({clause})"):
            found, exact = await selected(people, text)
            expected = matching(text)
            if not (found == expected if exact else found >= expected):
                wrong.append((text, [POOL[place] for place in found ^ expected]))
    assert wrong == []


@pytest.mark.parametrize(
    "condition",
    ['f == "abc"', "f > 7", 'f >= "now-7d"', 'f LIKE "*b*"', 'f IN ("abc", 7)', "EXISTS f", "NOT f > 7",
     "f BETWEEN 1 AND 9", "NOT AND (f > 7, EXISTS g)", "NOT INCLUDE other"],
)  # fmt: skip
async def test_plain_clauses_need_no_second_look(people: asyncpg.Connection, condition: str) -> None:
    """What audiences are mostly made of is exact in the database."""
    found, exact = await selected(people, f"FILTER {condition}")
    assert exact
    assert found == matching(f"FILTER {condition}")


def test_nothing_that_a_person_wrote_stands_in_the_statement() -> None:
    """Names and values are bound, so that no text can end the statement."""
    hostile = "'); DROP TABLE people; --"
    condition = to_sql(parse_filter(f'FILTER `{hostile}` == "{hostile}"'), NOW)
    assert "DROP" not in condition.text
    assert hostile in condition.parameters


def test_parameters_begin_where_the_caller_says_and_are_shared() -> None:
    """A condition fits behind parameters that are already taken, and binds an equal value once."""
    condition = to_sql(parse_filter('FILTER OR (f == "x", g == "x")'), NOW, first_parameter=3)
    assert "$3" in condition.text
    assert "$2" not in condition.text
    assert condition.parameters.count("x") == 1


async def test_a_large_filter_runs(people: asyncpg.Connection) -> None:
    """A negated group of 2,000 clauses, which must be evaluated in order, stays within PostgreSQL's stack."""
    items = ", ".join(f"f != {number}" for number in range(2_000))
    found, exact = await selected(people, f"FILTER NOT AND ({items})")
    assert exact
    assert found == matching(f"FILTER NOT AND ({items})")


@pytest.mark.parametrize("profile", POOL)
def test_stored_fields_come_back_as_they_were(profile: dict[str, Any]) -> None:
    """Writing a profile as JSON and reading it keeps every value, instants to the microsecond."""
    assert from_stored(jsontext.decode(jsontext.encode(to_stored(profile)))) == profile


def test_an_instant_keeps_its_microsecond() -> None:
    """Seconds with six decimals hold every microsecond of our time."""
    for microsecond in (1, 499_999, 999_999):
        instant = NOW.replace(microsecond=microsecond) + timedelta(days=365 * 100)
        assert from_stored(jsontext.decode(jsontext.encode(to_stored(instant)))) == instant
