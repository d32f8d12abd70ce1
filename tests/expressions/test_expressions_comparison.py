"""What a comparison gives for each pair of kinds: true, false, or not evaluable (NE)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from filter_generation import VALUES, conditions, profiles
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.expressions.comparison import calculate, compare, join_and, join_or
from headwater.expressions.filters import compile_expression, compile_filter
from headwater.expressions.includes import resolver_of
from headwater.expressions.statements import parse_expression, parse_filter
from headwater.expressions.values import NOTHING

NOW = datetime(2026, 11, 23, 9, 45, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NE = NOTHING


def result(expression: str, **fields: Any) -> Any:
    """The value of an expression."""
    return compile_expression(parse_expression(expression)).value(fields, NOW)


@pytest.mark.parametrize(
    ("expression", "field", "expected"),
    [
        # int
        ("f > 5", 7, True), ("f == 7.0", 7, True), ('f > "6.5"', 7, True), ('f == "7"', 7, True), ('f != "x"', 7, NE),
        ("f IN (7.9)", 7, True), ('f IN ("07")', 7, True), ('f IN ("x", 8)', 7, False), ("f == true", 1, NE),
        ("f == NULL", 7, NE), ('f LIKE "7*"', 7, NE), ("f CONTAINS 7", 7, NE), ("f == todate('2026-01-01')", 7, NE),
        # number
        ("f > 5", 7.5, True), ('f < "x"', 7.5, NE), ('f == ["x", 7.5]', 7.5, True), ('f + ["x"]', 7.5, False),
        # bool
        ("f == true", True, True), ("f != true", True, False), ('f == "true"', True, NE), ("f == 1", True, NE),
        ("f > false", True, NE), ("f == NULL", True, False), ("f != NULL", True, True),
        # string
        ('f == "abc"', "abc", True), ('f == "ABC"', "abc", False), ('f != "abc"', "abc", False), ('f > "abb"', "abc", NE),
        ('f CONTAINS "b"', "abc", True), ('f LIKE "a?c"', "abc", True), ('f IN ("x", "abc")', "abc", True),
        ('f IN "abc"', "abc", True), ("f > 5", "$7", True), ("f == 5", "x", False), ("f != 5", "x", True), ("f > 5", "x", False),
        ("f > 5", "", False), ("f == true", "t", True), ("f == true", "yes", False), ("f != true", "yes", NE),
        ('f CONTAINS ["x", "bc"]', "abc", True), ('f LIKE ["x*", "*c"]', "abc", True), ("f IN m", "k", True),
        ("f == NULL", "", True), ("f != NULL", "a", True), ("f > todate('2026-01-01')", "2026-06-01", True),
        ("f > todate('2026-01-01')", "june", NE), ("f + 'a'", "b", NE), ('f CONTAINS 7', "7", NE),
        # strings
        ('f CONTAINS "b"', ["abc", "d"], True), ('f LIKE "d"', ["abc", "d"], True), ('f == "d"', ["d"], False),
        ('f != "d"', ["d"], NE), ('f IN ("d")', ["d"], True), ("f INTERSECTS (7)", ["7"], True), ("f CONTAINS 7", ["7"], NE),
        ("f == NULL", ["d"], False), ("f != NULL", ["d"], NE), ('f > "a"', ["d"], NE),
        # list
        ("f == NULL", [], False), ("f != NULL", [], False), ('f > "now"', [], False), ("f CONTAINS 7", [7, "a"], True),
        ('f CONTAINS "a"', [7, "ab"], True), ('f LIKE "7"', [7, "ab"], True), ("f IN (7)", [7, "ab"], True),
        ('f IN ("7")', [7, "ab"], True), ('f IN (7.5)', [8, "ab"], False), ("f > 5", [7, 8], NE),
        ('f > "now-2d"', [NOW - DAY, NOW - 9 * DAY], True), ('f < "now-20d"', [NOW - DAY, NOW - 9 * DAY], False),
        # time
        ('f > "2026-01-01"', NOW, True), ('f > "now-1d"', NOW, True), ('f == "now"', NOW + timedelta(milliseconds=900), True),
        ("f > 1700000000", NOW, True), ("f > 1700000000000", NOW, True), ("1700000000 < f", NOW, NE), ('f != "x"', NOW, NE),
        ('f > "NOW-1d"', NOW, NE), ('f > "nowadays"', NOW, NE), ('f IN ("now")', NOW, NE), ("f > 99", NOW, NE),
        ('"now-1d" < f', NOW, True), ("f == 20261123", datetime(2026, 11, 23, tzinfo=UTC), True),
        # map
        ('f IN ("k")', {"k": 1}, True), ('f INTERSECTS ("x")', {"k": 1}, False), ('f == "k"', {"k": 1}, NE),
        ('"k" IN f', {"k": 1}, True), ('f CONTAINS "k"', {"k": 1}, NE),
        # nil
        ("f == NULL", None, True), ("f != NULL", None, True), ('f == "x"', None, False), ('f != "x"', None, True),
        ("f > 5", None, NE), ('f IN ("x")', None, NE), ('f CONTAINS "x"', None, NE),
    ],
)  # fmt: skip
def test_the_kind_of_the_left_operand_decides(expression: str, field: Any, expected: Any) -> None:
    """Each row of the table of comparisons, by the kind on the left."""
    assert result(expression, f=field, m={"k": 1}) is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("no == 5", False), ("no > 5", False), ('no LIKE "a"', False), ("no != 5", True), ("5 != no", True),
        ("no == nope", False), ("no != nope", False), ("no > nope", False), ("no LIKE nope", False),
        ('no IN ("a")', False), ("no IN nope", NE), ('no CONTAINS "a"', False), ('"a" CONTAINS no', NE),
        ("no CONTAINS nope", NE), ("no BETWEEN 1 AND 2", NE), ("no NOT BETWEEN 1 AND 2", NE), ("5 BETWEEN no AND 9", NE),
        ("no + 1", NE), ("no != NULL", True), ("no == NULL", False), ('no == ""', False),
        ("NOT (no > 5)", True), ('no NOT IN ("x")', True), ('no NOT LIKE "a*"', True), ('no NOT CONTAINS "a"', True),
    ],
)  # fmt: skip
def test_a_missing_operand(expression: str, expected: Any) -> None:
    """A missing field makes most comparisons false, so their negation matches; some are not evaluable at all."""
    assert result(expression) is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 / 2", 3), ("7.0 / 2", 3), ("0 - 7 / 2", -3), ("7.5 / 2", 3.75), ("7 % 4", 3), ("(0 - 7) % 4", -3), ("-7 % 4", -3.0),
        ("7 / 0", NE), ("7 % 0", NE), ("7.5 / 0", NE), ("NOT (7 / 0 > 1)", NE), ('"5" * 6', 30.0), ('6 + "5"', 11),
        ('6 + "5.5"', 11.5), ('"a" + "b"', NE), ('6 + "a"', NE), ("true + 1", NE), ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9),
        ("-5", -5.0), ("-n > -8", True), ("- 5 - -5", 0.0), ("4611686018427387904 * 2", NE),
        ("1e90 * 1e90 * 1e90 * 1e90", NE),
    ],
)  # fmt: skip
def test_calculations(expression: str, expected: Any) -> None:
    """Ints stay ints and are cut towards zero, a fraction makes a fraction, a division by zero has no value."""
    found = result(expression, n=7)
    assert found is expected if expected is NE else (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 BETWEEN 5 AND 9", True), ("5 BETWEEN 5 AND 9", False), ("9 BETWEEN 5 AND 9", False), ("7 BETWEEN 9 AND 5", False),
        ("7 BETWEEN 6.5 AND 7.5", False), ("7.2 BETWEEN 6.5 AND 7.5", True), ('7 BETWEEN "$5" AND "9"', True),
        ('"7" BETWEEN 5 AND 9', NE), ("7 BETWEEN true AND 9", NE), ('t BETWEEN "now-1d" AND "now+1d"', True),
        ('t BETWEEN "now" AND "now+1d"', False), ('t NOT BETWEEN "now" AND "now+1d"', True), ('t BETWEEN "x" AND "now"', NE),
    ],
)  # fmt: skip
def test_between_excludes_both_ends(expression: str, expected: Any) -> None:
    """BETWEEN reads its bounds as the kind of its subject, and excludes them."""
    assert result(expression, t=NOW) is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # groups go from left to right
        ("AND (false, ne > 'a')", False), ("AND (ne > 'a', false)", NE), ("AND (true, ne)", NE), ("AND ()", True),
        ("OR (ne > 'a', true)", True), ("OR (ne > 'a', ne)", False), ("OR ()", False), ("AND (true, 5)", NE),
        ("NOT OR (ne > 'a', false)", True), ("NOT AND (ne > 'a', false)", NE), ("NOT AND (false, ne > 'a')", True),
        # negation
        ("NOT ne", NE), ("NOT (ne > 'a')", NE), ("NOT 5", NE), ("!true", False), ("NOT NOT true", True),
        # EXISTS
        ("EXISTS ''", True), ("EXISTS 0", True), ("EXISTS no", False), ("EXISTS (no + 1)", False), ("EXISTS nil1", False),
        ("EXISTS empty", True), ("EXISTS (ne > 'a')", False),
        # AND and OR between operands evaluate both
        ("(ne > 'a') AND true", False), ("no AND true", False), ("(ne > 'a') OR true", True), ("no OR no", False),
        ("(ne > 'a') OR 5", False), ("true OR no", True), ("1 AND 2", True), ("1 AND 0", False), ("0 OR 0.5", True),
        ("ne AND true", False), ("ne AND ne", NE), ("5 AND true", NE), ("false AND NULL", False), ("true OR NULL", True),
        ("true AND NULL", False), ("NULL OR true", True),
    ],
)  # fmt: skip
def test_logic(expression: str, expected: Any) -> None:
    """Three outcomes through groups, negation, EXISTS, AND and OR. `ne > 'a'` compares two texts, which is not evaluable."""
    assert result(expression, ne="text", nil1=None, empty=[]) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("FILTER name", False), ("FILTER 5", False), ("FILTER *", True), ("FILTER match_all", True), ("FILTER paid", True),
     ('FILTER name > "a"', False)],
)  # fmt: skip
def test_only_true_is_a_match(text: str, expected: bool) -> None:
    """A result that is not boolean, or none, is no match."""
    assert compile_filter(parse_filter(text)).matches({"name": "x", "paid": True}, NOW) is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m.k", 1),
        ("m.k.l", 2),
        ("`m`.`k`", 1),
        ("a.b", "whole"),
        ("a.c", NE),
        ("n.k", NE),
        ("M.k", NE),
        ("`spaced out`.x", 3),
    ],
)
def test_a_path_is_a_field_first_and_then_one_step_into_a_map(expression: str, expected: Any) -> None:
    """`a.b.c` is the field of that name, else the key `b.c` of the map `a`; nothing deeper, and letter case counts."""
    fields = {"m": {"k": 1, "k.l": 2}, "a.b": "whole", "a": {"b": "part"}, "n": 5, "spaced out": {"x": 3}}
    assert result(expression, **fields) == expected


def test_whole_fractions_are_ints() -> None:
    """JSON does not tell 7 from 7.0, so neither does a field."""
    assert result("f / 2", f=7.0) == 3
    assert result("f / 2", f=7.5) == 3.75


POOL = profiles()


@settings(max_examples=300)
@given(conditions, st.sampled_from(POOL))
def test_every_filter_has_one_of_three_results(condition: str, profile: dict[str, Any]) -> None:
    """Whatever the filter and the profile, the result is true, false or not evaluable."""
    resolver = resolver_of({"other": parse_filter('FILTER OR (f > 5, g CONTAINS "b")').where})
    tree = parse_filter(f"FILTER {condition}")
    assert compile_filter(tree, resolver).evaluate(profile, NOW) in (True, False, NOTHING)


_operators = st.sampled_from(("==", "!=", ">", ">=", "<", "<=", "like", "contains", "in", "intersects"))
_values = st.sampled_from((*VALUES, 10**400, 1e300, [Decimal("7.5"), 7], {"k": Decimal(7)}, NOTHING))


@settings(max_examples=2000)
@given(_operators, _values, _values)
def test_any_two_values_can_be_compared(op: str, left: Any, right: Any) -> None:
    """No pair of values stops an evaluation, and the specialised clause for a literal gives what the rule gives."""
    expected = compare(op, left, right, NOW)
    assert expected is True or expected is False or expected is NOTHING
    if type(right) in (int, float, str) and right != 10**400 and not str(right).startswith("-") and left is not NOTHING:
        literal = f'"{right}"' if isinstance(right, str) else str(right)
        text = f"f {op} {literal}" if op not in ("in", "intersects") else f"f {op} ({literal})"
        given_list = compare(op, left, (right,), NOW) if op in ("in", "intersects") else expected
        assert result(text, f=left) is given_list


@given(_values, _values)
def test_any_two_values_can_be_joined_and_calculated(left: Any, right: Any) -> None:
    """Logic and arithmetic take anything."""
    for found in (join_and(left, right), join_or(left, right)):
        assert found is NOTHING or type(found) is bool
    for op in "+-*/%":
        assert calculate(op, left, right) is NOTHING or type(calculate(op, left, right)) in (int, float, bool)
