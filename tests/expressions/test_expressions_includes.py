"""INCLUDE: evaluation, cycles, limits, inlining, and which fields a filter reads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headwater.errors import InputError
from headwater.expressions.check import check, problems
from headwater.expressions.errors import ExpressionError
from headwater.expressions.filters import compile_filter
from headwater.expressions.includes import IncludeError, check_includes, fields_read, inline, resolver_of
from headwater.expressions.printer import canonical
from headwater.expressions.sql import to_sql
from headwater.expressions.statements import parse_filter
from headwater.expressions.tree import Node
from headwater.expressions.values import NOTHING

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def trees(**filters: str) -> dict[str, Node]:
    """Filters by name."""
    return {name: parse_filter(f"FILTER {text}").where for name, text in filters.items()}


LIBRARY = trees(
    yes="x == 1",
    all_people="*",
    undecided='x > "a"',
    diamond="AND (INCLUDE yes, NOT INCLUDE left, INCLUDE yes)",
    left="AND (INCLUDE yes, y == 1)",
    circle="OR (x == 1, INCLUDE round)",
    round="INCLUDE circle",
    above_circle="OR (x == 1, INCLUDE circle)",
    dangling="OR (x == 1, INCLUDE nobody)",
)


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("INCLUDE yes", 1, True), ("INCLUDE yes", 2, False), ("NOT INCLUDE yes", 2, True), ("INCLUDE all_people", 1, True),
        ("NOT INCLUDE all_people", 1, False), ("INCLUDE diamond", 1, True), ("INCLUDE undecided", "text", NOTHING),
        ("NOT INCLUDE undecided", "text", True), ("INCLUDE nobody", 1, NOTHING), ("NOT INCLUDE nobody", 1, NOTHING),
        ("INCLUDE circle", 1, NOTHING), ("NOT INCLUDE circle", 1, NOTHING), ("INCLUDE above_circle", 1, NOTHING),
        ("INCLUDE dangling", 1, NOTHING), ("OR (INCLUDE circle, x == 1)", 1, True), ("INCLUDE Yes", 1, NOTHING),
    ],
)  # fmt: skip
def test_an_include_takes_the_result_of_the_other_filter(text: str, x: object, expected: object) -> None:
    """Cycles and unknown names anywhere below make it not evaluable, negated or not; names are case-sensitive."""
    compiled = compile_filter(parse_filter(f"FILTER {text}"), resolver_of(LIBRARY))
    assert compiled.evaluate({"x": x}, NOW) is expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("INCLUDE circle", "includes itself: circle > round > circle"),
        ("INCLUDE dangling", "there is no filter"),
        ("INCLUDE yess", "did you mean yes"),
    ],
)
def test_what_cannot_be_included_is_refused_before_it_is_saved(text: str, says: str) -> None:
    """The error names the filter, and the nearest known one or the chain of the cycle."""
    with pytest.raises(IncludeError, match=says):
        check_includes(parse_filter(f"FILTER {text}").where, resolver_of(LIBRARY), LIBRARY)


def test_a_ladder_of_diamonds_is_evaluated_once_each() -> None:
    """Each filter includes the one below twice: 2^60 paths, 60 evaluations."""
    ladder = trees(f0="x == 1")
    for step in range(1, 60):
        ladder |= trees(**{f"f{step}": f"AND (INCLUDE f{step - 1}, INCLUDE f{step - 1})"})
    tree = parse_filter("FILTER INCLUDE f59")
    assert compile_filter(tree, resolver_of(ladder)).matches({"x": 1}, NOW)
    assert fields_read(tree.where, resolver_of(ladder)) == {"x"}
    with pytest.raises(InputError, match="parts"):
        to_sql(tree, NOW, resolver_of(ladder))
    with pytest.raises(IncludeError, match="parts"):
        inline(tree.where, resolver_of(ladder))


def test_a_chain_that_is_too_long_is_not_evaluable() -> None:
    """A thousand filters inside one another would end the stack; they are refused instead."""
    chain = trees(f0="x == 1")
    for step in range(1, 1_000):
        chain |= trees(**{f"f{step}": f"AND (x == 1, INCLUDE f{step - 1})"})
    short, long = (
        compile_filter(parse_filter(f"FILTER INCLUDE {name}"), resolver_of(chain)) for name in ("f90", "f999")
    )
    assert short.matches({"x": 1}, NOW)
    assert long.evaluate({"x": 1}, NOW) is NOTHING


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AND (y == 2, INCLUDE left)", "AND ( y == 2, AND ( x == 1, y == 1 ) )"),
        ("AND (y == 2, NOT INCLUDE yes)", "AND ( y == 2, NOT (x == 1) )"),
        ("NOT INCLUDE left", "NOT AND ( x == 1, y == 1 )"),
    ],
)
def test_inlining_puts_the_filters_in(text: str, expected: str) -> None:
    """The text that stands for itself."""
    assert canonical(inline(parse_filter(f"FILTER {text}").where, resolver_of(LIBRARY))) == expected


def test_inlining_refuses_cycles_and_long_chains() -> None:
    """A hundred includes inside one another are the limit."""
    for name in ("circle", "dangling"):
        with pytest.raises(IncludeError):
            inline(LIBRARY[name], resolver_of(LIBRARY))


def test_fields_read_goes_through_includes_and_functions() -> None:
    """A change of any other field cannot change the answer."""
    tree = parse_filter(
        'FILTER AND (a.b > 1, tolower(c) == "x", NOT INCLUDE left, EXISTS d, e IN (f), `g h` BETWEEN i AND j)'
    )
    assert fields_read(tree.where, resolver_of(LIBRARY)) == {"a.b", "a", "c", "x", "y", "d", "e", "f", "g h", "i", "j"}
    assert fields_read(parse_filter('FILTER len(match("utm_")) > 1').where) == {"utm_*"}


TEXT = 'FILTER AND (\n visist > 1\n tolowr(name) == "x"\n last > "now-1x"\n INCLUDE yess\n todate("now-1d") > last\n toint(now()) > 5\n len("now-1d") == 6\n)'


def test_problems_are_found_before_saving_with_place_and_nearest_name() -> None:
    """Everything that would never evaluate is reported at once, in the order of the text."""
    tree = parse_filter(TEXT).where
    found = problems(tree, resolver_of(LIBRARY), known_fields={"visits", "name", "last"}, known_filters=LIBRARY)
    messages = [problem.message for problem in found]
    assert [message.split(":")[0].split(";")[0] for message in messages] == [
        "there is no field visist",
        "there is no function tolowr",
        '"now-1x" is no date math',
        "INCLUDE yess",
        "now() moves with time and must be compared directly with a field or a date",
        '"now-1d" inside len() is not followed as time passes',
    ]
    assert "did you mean visits?" in messages[0]
    assert "did you mean tolower?" in messages[1]
    assert "did you mean yes?" in messages[3]
    with pytest.raises(ExpressionError) as caught:
        check(tree, TEXT, resolver_of(LIBRARY))
    assert (caught.value.line, caught.value.column) == (3, 2)


def test_a_good_filter_has_no_problems() -> None:
    """What audiences are made of passes."""
    text = 'FILTER AND (visits > 1, last > "now-7d", last < now(), map.key > 1, INCLUDE yes)'
    assert problems(parse_filter(text).where, resolver_of(LIBRARY), known_fields={"visits", "last", "map"}) == ()
