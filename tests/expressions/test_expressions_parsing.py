"""Reading text: what is a token, what ends an item, what is refused and how it is said."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from filter_generation import conditions
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.errors import InputError
from headwater.expressions.errors import ExpressionError
from headwater.expressions.filters import compile_filter
from headwater.expressions.json_tree import from_json, to_json
from headwater.expressions.parser import NESTING_LIMIT
from headwater.expressions.printer import canonical, fingerprint
from headwater.expressions.statements import (
    Filter,
    Select,
    parse_expression,
    parse_filter,
    parse_statement,
    parse_statements,
)
from headwater.expressions.tree import Comparison, Field, Group, Literal

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def shape(text: str) -> str:
    """The canonical text of a filter without its first word."""
    return canonical(parse_filter(f"FILTER {text}").where)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AND ( a > 1 b == \"x\" )", 'AND ( a > 1, b == "x" )'),
        ("AND (\n a > 1\n b == 2\n)", "AND ( a > 1, b == 2 )"),
        ("AND (, a > 1,, b == 2, )", "AND ( a > 1, b == 2 )"),
        ("AND ( EXISTS a NOT EXISTS b )", "AND ( NOT EXISTS a, EXISTS b )"),
        ("AND ( EXISTS a\n NOT EXISTS b )", "AND ( EXISTS a, NOT EXISTS b )"),
        ("AND ( EXISTS a, NOT EXISTS b )", "AND ( EXISTS a, NOT EXISTS b )"),
        ("AND ( INCLUDE a NOT b )", "AND ( NOT INCLUDE a, b )"),
        ("AND ( a > 1 NOT EXISTS b )", "AND ( a > 1, NOT EXISTS b )"),
        ("AND ( a > 1 OR (b > 2), c > 3 )", "AND ( a > 1 OR (b > 2), c > 3 )"),
        ("AND ( a > 1\n OR (b > 2), c > 3 )", "AND ( a > 1, b > 2, c > 3 )"),
        ("AND ( a > 1 AND (b > 2, c > 3) )", "AND ( a > 1, AND ( b > 2, c > 3 ) )"),
        ("AND ( a > 1 AND b > 2 )", "a > 1 AND b > 2"),
        ("a NOT IN (1)", "NOT (a IN (1))"),
        ("NOT a IN (1)", "NOT (a IN (1))"),
        ("NOT (a IN (1))", "NOT (a IN (1))"),
        ("a NOT > 1", "NOT (a > 1)"),
        ("NOT a > 1 AND b", "NOT (a > 1) AND b"),
        ("a OR b AND c", "a OR b AND c"),
        ("(a OR b) AND c", "(a OR b) AND c"),
        ("a - 1 > 2", "a - 1 > 2"),
        ("a-1 > 2", "a-1 > 2"),
        ("-a > 1", "-a > 1"),
        ("NOT NOT AND (a, b)", "AND ( a, b )"),
        ("NOT (a NOT BETWEEN 1 AND 2)", "(a BETWEEN 1 AND 2)"),
        ("NOT NOT INCLUDE x", "INCLUDE x"),
        ("NOT AND (a > 1)", "NOT (a > 1)"),
        ("EXISTS (a)", "EXISTS a"),
        ("exists(a)", "EXISTS a"),
        ("!a", "NOT a"),
        ("!INCLUDE x", "NOT INCLUDE x"),
        ("!EXISTS a", "NOT EXISTS a"),
        ("a IS NOT NULL", "a != NULL"),
        ("a IS NULL", "NOT EXISTS a"),
        ('a LIKE "x*" AND b', 'a LIKE "x*" AND b'),
        ("a >\n 1", "a > 1"),
        ("a > -- why\n 1", "a > 1"),
        ("AND ( -- one, not an item\n a > 1 # two\n b > 2 // three\n )", "AND ( a > 1, b > 2 )"),
        ("a IN (\n1\n2)", "a IN (1, 2)"),
        ("'city' == 1", "city == 1"),
        ("'my city' == 1", "`my city` == 1"),
        ("`a b`.`c.d` > 1", "`a b`.`c.d` > 1"),
        ("map.`key with space` > 1", "map.`key with space` > 1"),
        ("[my field] > 1", "`my field` > 1"),
        ("@id == .5", "@id == .5"),
        ('a == "x\\"y" AND b == "x""y"', 'a == "x\\"y" AND b == "x\\"y"'),
        ('a == "tab\\there"', 'a == "tab\\there"'),
        ('a == "é\\t\\"é"', 'a == "é\\t\\"é"'),
        ("a == nil", "a == nil"),
        ("a == Null OR b == TRUE", "a == NULL OR b == true"),
        ("contains(a, \"b\") AND filter(a, \"b\")", 'contains(a, "b") AND filter(a, "b")'),
        ("INCLUDE 3d42", "INCLUDE `3d42`"),
        ("INCLUDE 61e24", "INCLUDE `61e24`"),
        ('f LIKE ("a*")', 'f LIKE "a*"'),
        ('f CONTAINS ["a", -1]', 'f CONTAINS ["a", -1]'),
    ],
)  # fmt: skip
def test_how_texts_read(text: str, expected: str) -> None:
    """The traps of the grammar, each with what it means, shown by the canonical text."""
    assert shape(text) == expected


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("", 1, 1, "FILTER or SELECT"),
        ("WHERE a > 1", 1, 1, "FILTER or SELECT"),
        ("FILTER a > 1 b", 1, 14, "end of the statement"),
        ("FILTER a > 1 LIMIT 5 FROM t", 1, 22, "end of the statement"),
        ('FILTER a ALIAS "x"', 1, 16, "name after ALIAS"),
        ("FILTER a LIMIT 5.5", 1, 16, "whole number"),
        ("FILTER (a > 1", 1, 14, "close a parenthesis"),
        ("FILTER AND (a > 1", 1, 18, "comma, a new line"),
        ("FILTER AND a", 1, 12, "'('"),
        ("FILTER AND ( OR (a, b) OR (c, d) )", 1, 29, "close a parenthesis"),
        ("FILTER AND (a\n > 1)", 2, 2, "found '>'"),
        ('FILTER f CONTAINS ("a", "b")', 1, 23, "close a parenthesis"),
        ('FILTER f INTERSECTS ["a"]', 1, 21, "a list"),
        ('FILTER f INTERSECTS "a"', 1, 21, "a list"),
        ("FILTER a == 007", 1, 13, "neither a number nor a name"),
        ("FILTER a > 0-1", 1, 12, "neither a number nor a name"),
        ("FILTER a > 5.", 1, 12, "neither a number nor a name"),
        ("FILTER a > +5", 1, 12, "found '+'"),
        ("FILTER a > 10d", 1, 12, "neither a number nor a name"),
        ("FILTER a > " + "9" * 5000, 1, 12, "too large"),
        ("FILTER a > 1e999", 1, 12, "too large"),
        ("FILTER a LIMIT " + "9" * 50, 1, 16, "whole number"),
        ("FILTER from == 1", 1, 8, "reserved"),
        ("FILTER in == 1", 1, 8, "reserved"),
        ("FILTER INCLUDE 123", 1, 16, "name of a filter"),
        ('FILTER a == "x', 1, 13, "does not end"),
        ("FILTER `a", 1, 8, "does not end"),
        ("FILTER $a == 1", 1, 8, "backticks"),
        ("FILTER eq(a)", 1, 8, "eq(a, b) takes 2 arguments, not 1"),
        ("FILTER a ALIAS x; FILTER", 1, 25, "a field, a value"),
        ("SELECT a FILTER b", 1, 10, "'FROM'"),
        ("SELECT a KIND int KIND int FROM x", 1, 19, "twice"),
    ],
)  # fmt: skip
def test_what_is_refused_says_where_and_what_was_expected(text: str, line: int, column: int, says: str) -> None:
    """An error names line and column, and what should stand there."""
    with pytest.raises(ExpressionError) as caught:
        parse_statements(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert says in caught.value.problem
    assert f"line {line}, column {column}" in str(caught.value)


def test_single_quotes_are_names_in_a_filter_and_texts_in_a_mapping() -> None:
    """`'x'` means two things; the statement decides."""
    assert isinstance(parse_filter("FILTER 'x'").where, Field)
    assert isinstance(parse_expression("'x'"), Literal)
    mapping = parse_statement("SELECT oneof(a, 'n/a') AS a FROM s WHERE b = 'x'")
    assert isinstance(mapping, Select)
    assert isinstance(mapping.where, Comparison)
    assert isinstance(mapping.where.right, Literal)


def test_a_filter_statement_with_everything() -> None:
    """All clauses, the description from the comment, the alias in lower case."""
    text = '-- active people\nFILTER a > 1 FROM t LIMIT 5 WITH k = "v", on = true, n = -2 ALIAS Some_Name;'
    statement = parse_filter(text)
    assert statement.description.strip() == "active people"
    assert (statement.source, statement.limit, statement.alias) == ("t", 5, "some_name")
    assert statement.attributes == {"k": "v", "on": True, "n": -2}
    assert canonical(statement) == (
        '-- active people\nFILTER a > 1 FROM t LIMIT 5 WITH k = "v", n = -2, on = true ALIAS some_name'
    )


def test_attributes_may_be_a_json_object() -> None:
    """WITH takes an object as well as pairs."""
    assert parse_filter('FILTER * WITH {"name": "x", "deep": {"a": [1]}}').attributes == {
        "name": "x",
        "deep": {"a": [1]},
    }


def test_block_comments_stand_only_before_the_statement() -> None:
    """They are part of the description; later they are no comment."""
    assert parse_filter("/* one */ -- two\nFILTER a").description == " one  two"
    with pytest.raises(ExpressionError):
        parse_filter("FILTER a /* no */")


def test_a_mapping_statement() -> None:
    """Columns with their clauses in any order, the keys, the guard of the whole."""
    statement = parse_statement(
        """SELECT
             email(mail) AS email SHORTDESC "Mail" KIND string MERGEOP latest,
             count(visit) KIND int,
             set(tag) AS tags KIND []string IF tag != "x" LONGDESC "All tags",
             valuect(page) AS pages MERGEOP sum KIND map[string]int
           FROM web INTO user BY email OR `user id` WHERE _bot = "f" OR NOT EXISTS _bot ALIAS web_user"""
    )
    assert isinstance(statement, Select)
    assert [column.kind for column in statement.columns] == ["string", "int", "[]string", "map[string]int"]
    assert [column.merge_op for column in statement.columns] == ["latest", None, None, "sum"]
    assert statement.columns[2].guard is not None
    assert (statement.into, statement.by, statement.alias) == ("user", ("email", "user id"), "web_user")
    assert canonical(parse_statement(canonical(statement))) == canonical(statement)


@settings(max_examples=500)
@given(conditions)
@example("(NOT f) == true")
@example("(NOT INCLUDE other) == true")
@example("- - f > 1")
@example("EXISTS (NOT f)")
@example("(f > 1) > (g > 2)")
@example("f - (g - 1) > 1")
@example("AND (AND (), OR ())")
def test_the_canonical_text_reads_back_as_the_same_filter(condition: str) -> None:
    """Printing is stable: what was printed prints the same again."""
    printed = canonical(parse_filter(f"FILTER {condition}"))
    assert canonical(parse_filter(printed)) == printed


@settings(max_examples=300)
@given(conditions)
def test_the_json_form_is_stable(condition: str) -> None:
    """Through JSON only the difference between 5 and "5" is lost, and double negations cancel: once, and no more."""
    document = to_json(from_json(to_json(parse_filter(f"FILTER {condition}").where)))
    assert to_json(from_json(document)) == document


def test_the_json_form_of_a_filter() -> None:
    """The form that other programs build."""
    tree = parse_filter('FILTER AND (x > 5, NOT EXISTS e, INCLUDE i, email(m) IN ("a"))').where
    assert to_json(tree) == {
        "op": "and",
        "args": [
            {"op": ">", "args": [{"ident": "x"}, {"val": "5"}]},
            {"op": "not", "args": [{"op": "exists", "args": [{"ident": "e"}]}]},
            {"op": "include", "args": [{"ident": "i"}]},
            {
                "op": "in",
                "args": [{"op": "expr", "args": [{"ident": "email"}, {"ident": "m"}]}, {"args": [{"val": "a"}]}],
            },
        ],
    }


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], "$"),
        ({"op": "and"}, "$.args"),
        ({"op": "and", "args": [{"val": 5}]}, "$.args[0].val"),
        ({"op": "maybe", "args": []}, "$"),
        ({"op": "expr", "args": [{"ident": "eq"}]}, "$"),
    ],
)
def test_a_json_form_that_is_wrong_names_the_place(document: object, place: str) -> None:
    """A program that builds filters learns where it went wrong."""
    with pytest.raises(InputError) as caught:
        from_json(document)
    assert caught.value.field == place


def test_the_fingerprint_hides_the_literals() -> None:
    """Filters that differ only in their values have the same fingerprint."""
    first, second = (
        fingerprint(parse_filter(text)) for text in ('FILTER a > 1 AND b IN ("x")', "FILTER a > 22 AND b IN (1, 2)")
    )
    assert first == second == "FILTER a > ? AND b IN (?)"


def nested(text: str, depth: int) -> str:
    """A filter of so many levels; `text` has one `{}`."""
    inner = "a"
    for _ in range(depth):
        inner = text.format(inner)
    return f"FILTER {inner}"


@pytest.mark.parametrize("level", ["({})", "NOT {}", "AND ({}, b)", "-{}", "tolower({})", "a IN ({})"])
def test_deep_nesting_is_refused_before_it_hurts(level: str) -> None:
    """Up to the limit a filter reads, prints and answers; far beyond it is refused with a plain error."""
    good = parse_filter(nested(level.replace("-{}", "- {}"), NESTING_LIMIT - 2))
    canonical(good)
    compile_filter(good).matches({}, NOW)
    with pytest.raises(ExpressionError, match="nested more than"):
        parse_filter(nested(level.replace("-{}", "- {}"), 20_000))


def test_ten_thousand_clauses_read_and_answer() -> None:
    """Width is no harm: a filter of 10,000 clauses is read in seconds, in a group or in a row."""
    begin = time.perf_counter()
    for text in (
        f"OR ({', '.join(f'f{n} == {n}' for n in range(10_000))})",
        " OR ".join(f"f{n} == {n}" for n in range(10_000)),
    ):
        tree = parse_filter(f"FILTER {text}")
        assert canonical(parse_filter(canonical(tree))) == canonical(tree)
        assert compile_filter(tree).matches({"f9999": 9999}, NOW)
    assert time.perf_counter() - begin < 20


@pytest.mark.parametrize("text", ["FILTER " + " > ".join(["a"] * 500), "FILTER " + " + ".join(["a"] * 500)])
def test_long_chains_of_comparisons_and_sums_are_refused(text: str) -> None:
    """They nest to the left, so they are bounded like nesting."""
    with pytest.raises(ExpressionError, match="in a row"):
        parse_filter(text)


def test_a_text_that_is_too_long_is_refused() -> None:
    """A million characters are no filter."""
    with pytest.raises(ExpressionError, match="longer than"):
        parse_filter(f'FILTER a == "{"x" * 1_000_001}"')


@settings(max_examples=500)
@given(st.text(alphabet="AND OR()[]{}\"'`,.;-+*/%<>=!ab1 \n#FILTERNOTEXISTSINLIKEBETWEEN", max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    """No text ends in anything but a statement or an ExpressionError."""
    try:
        found: object = parse_statements(f"FILTER {text}")[0]
    except ExpressionError as fault:
        found = fault
    assert isinstance(found, Filter) or (isinstance(found, ExpressionError) and found.offset <= len(text) + 7)


def test_positions_point_into_the_text() -> None:
    """Every node knows where it begins."""
    text = 'FILTER AND (\n  a > 1\n  tolower(b) == "x"\n)'
    tree = parse_filter(text).where
    assert isinstance(tree, Group)
    second = tree.items[1]
    assert isinstance(second, Comparison)
    assert text[second.left.at :].startswith("tolower(")
    assert text[second.at :].startswith("==")
