"""Mappings: an event in, values for profile fields out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.expressions.mappings import CompiledMapping, Row
from headwater.expressions.statements import Select, parse_statement

NOW = datetime(2026, 11, 23, tzinfo=UTC)
EVENT = datetime(2026, 11, 20, 7, tzinfo=UTC)


def compiled(text: str) -> CompiledMapping:
    """A mapping ready to run."""
    statement = parse_statement(text)
    assert isinstance(statement, Select)
    return CompiledMapping(statement)


def run(text: str, event: dict[str, Any]) -> Row:
    """What a mapping makes of an event."""
    return compiled(text).run(event, NOW, EVENT)


def test_a_column_is_written_if_its_guard_is_true_and_it_has_a_value() -> None:
    """A missing value, a false guard and a guard that is no boolean leave the column out."""
    row = run(
        "SELECT a, b AS b2, c AS c IF a > 1, d AS d IF a > 100, e AS e IF a + 1, 'web' AS channel FROM s INTO user BY a",
        {"a": 5, "c": 1, "d": 1, "e": 1},
    )
    assert row.fields == {"a": 5, "c": 1, "channel": "web"}


@pytest.mark.parametrize(
    ("event", "matched", "evaluable"),
    [({"bot": "f"}, True, True), ({}, True, True), ({"bot": "t"}, False, True), ({"bot": "t", "x": "a"}, False, True)],
)
def test_where_drops_the_whole_event(event: dict[str, Any], matched: bool, evaluable: bool) -> None:
    """The customary guard against robots."""
    row = run("SELECT x FROM s INTO user BY x WHERE bot = 'f' OR NOT EXISTS bot", event)
    assert (row.matched, row.evaluable) == (matched, evaluable)


def test_where_that_cannot_be_evaluated_drops_the_event_and_says_so() -> None:
    """Two texts in an order have no answer."""
    row = run('SELECT x FROM s INTO user BY x WHERE x > "a"', {"x": "b"})
    assert (row.matched, row.evaluable, row.fields) == (False, False, {})


def test_now_is_the_time_of_the_event() -> None:
    """Functions of the clock mean the event's time, date math counts from the run."""
    row = run('SELECT now() AS at, hourofday() AS hour, todate("now-1d") AS yesterday FROM s INTO user BY at', {})
    assert row.fields == {"at": EVENT, "hour": 7, "yesterday": datetime(2026, 11, 22, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("column", "field", "kind"),
    [
        ("visits", "visits", "string"), ("count(visits)", "ct_visits", "int"), ("valuect(page)", "cts_page", "map[string]int"),
        ("todate(born)", "born", "date"), ("toint(n)", "n", "int"), ("tofloat(n)", "n", "number"), ("email(m)", "email_m", "string"),
        ("split(tags, ',')", "split_tags", "[]string"), ("oneof(a, b)", "oneof_a", "string"), ("email(m) AS mail", "mail", "string"),
        ("toint(n) AS x KIND number", "x", "number"),
    ],
)  # fmt: skip
def test_names_and_kinds_of_columns(column: str, field: str, kind: str) -> None:
    """Without AS and KIND, the function decides."""
    made = compiled(f"SELECT {column} FROM s INTO user BY a").columns[0]  # noqa: S608 - a mapping, not SQL
    assert (made.field, made.kind) == (field, kind)


def test_a_projection_with_a_star_takes_all_fields() -> None:
    """`*` stands for the event's own fields."""
    assert run("SELECT *, tolower(a) AS low FROM s FILTER a CONTAINS 'B'", {"a": "AB", "B": "B"}).fields == {
        "a": "AB",
        "B": "B",
        "low": "ab",
    }
