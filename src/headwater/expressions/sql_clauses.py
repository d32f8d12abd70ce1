"""Clauses in SQL: a field compared with a value that is known when the statement is made.

Each function mirrors the row of `comparison` for every kind that the field's content can have. A boolean result may be
NULL: not evaluable. What has no faithful form in SQL raises `Untranslatable`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from headwater.expressions import sql_parts as sql
from headwater.expressions.comparison import MEMBERSHIP, ORDER
from headwater.expressions.dates import number_to_time, parse_moment
from headwater.expressions.patterns import PATTERN_LIMIT, Part, split_pattern
from headwater.expressions.sql_parts import FALSE, NULL, TRUE, Parameters, boolean
from headwater.expressions.values import (
    FALSE_WORDS,
    TRUE_WORDS,
    Value,
    epoch_second,
    parse_amount,
    parse_boolean,
    parse_numeral,
    to_boolean,
    to_integer,
    to_number,
    to_text,
)


class Untranslatable(Exception):  # noqa: N818 - a signal between the parts of the translation, never an error
    """A part of a filter has no faithful form in SQL."""


_SIGNS = {"==": "=", "!=": "<>"}


def _sign(op: str) -> str:
    return _SIGNS.get(op, op)


def _missing(op: str) -> str:
    """The result if the field is missing and the other side is not."""
    return boolean(op == "!=")


class Clauses:
    """Makes the clauses of one statement; `now` is what date math counts from."""

    def __init__(self, parameters: Parameters, now: datetime) -> None:
        self._bind = parameters
        self._now = now

    # --- the field on the left

    def field_left(self, op: str, field: str, value: Value) -> str:
        """`field op value`."""
        if isinstance(value, tuple):
            return self._in_list(op, field, value)
        if value is None:
            return self._with_null(op, field)
        if isinstance(value, bool):
            return self._with_boolean(op, field, value)
        if isinstance(value, int | float):
            return self._with_number(op, field, value)
        if isinstance(value, str):
            return self._with_text(op, field, value)
        raise Untranslatable

    def _ordered(self, op: str) -> None:
        if op not in ORDER:
            raise Untranslatable

    def _with_null(self, op: str, field: str) -> str:
        if op not in ("==", "!="):
            raise Untranslatable
        same = op == "=="
        empty = f"jsonb_array_length({field}) = 0"
        strings = f"WHEN {sql.is_strings(field)} THEN FALSE " if same else ""
        return sql.by_kind(
            field,
            {
                "missing": boolean(not same),
                "string": f"{sql.text(field)} {_sign(op)} ''",
                "boolean": boolean(not same),
                "null": TRUE,
                "array": f"CASE WHEN {empty} THEN FALSE {strings}END",
            },
        )

    def _with_boolean(self, op: str, field: str, value: bool) -> str:
        self._ordered(op)
        equality = op in ("==", "!=")
        return sql.by_kind(
            field,
            {
                "missing": _missing(op),
                "string": self._string_with_boolean(op, field, value) if equality else NULL,
                "boolean": f"({field})::boolean {_sign(op)} {boolean(value)}" if equality else NULL,
                "null": boolean(op == "!=") if equality else NULL,
                "array": self._array(op, field, None),
            },
        )

    def _string_with_boolean(self, op: str, field: str, value: bool) -> str:
        content = sql.text(field)
        true_result, false_result = boolean(ORDER[op](True, value)), boolean(ORDER[op](False, value))
        return (
            f"CASE WHEN {content} = ANY({self._bind.texts(TRUE_WORDS)}) THEN {true_result} "
            f"WHEN {content} = ANY({self._bind.texts(FALSE_WORDS)}) THEN {false_result} "
            f"ELSE {FALSE if op == '==' else NULL} END"
        )

    def _with_number(self, op: str, field: str, value: float) -> str:
        self._ordered(op)
        place = self._bind.number(value)
        bare = sql.without_money(sql.text(field))
        instant = number_to_time(value)
        second = None if instant is None else epoch_second(instant)
        return sql.by_kind(
            field,
            {
                "missing": _missing(op),
                "number": f"{sql.number(field)} {_sign(op)} {place}",
                "string": f"CASE WHEN {sql.is_numeral(bare)} THEN {bare}::float8 {_sign(op)} {place}::float8 "
                f"ELSE {boolean(op == '!=')} END",
                "null": self._null(op),
                "time": self._time(op, field, second),
                "array": self._array(op, field, second),
            },
        )

    def _null(self, op: str) -> str:
        return {"==": FALSE, "!=": TRUE}.get(op, NULL)

    def _time(self, op: str, field: str, second: int | None) -> str:
        return NULL if second is None else f"{sql.second(field)} {_sign(op)} {self._bind.number(second)}"

    def _array(self, op: str, field: str, second: int | None) -> str:
        """An order against a list: true if any of its times satisfies it."""
        cases = [f"WHEN jsonb_array_length({field}) = 0 THEN FALSE"]
        if op == "==":
            cases.append(f"WHEN {sql.is_strings(field)} THEN FALSE")
        if second is not None:
            condition = (
                f"CASE WHEN jsonb_typeof(item) = 'object' AND {sql.is_time('item')} "
                f"THEN {self._time(op, 'item', second)} ELSE FALSE END"
            )
            first = f"({field}->0)"
            is_time = f"CASE WHEN jsonb_typeof({first}) = 'object' THEN {sql.is_time(first)} ELSE FALSE END"
            cases.append(f"WHEN {is_time} THEN {sql.any_element(field, condition)}")
        return f"CASE {' '.join(cases)} END"

    def _second_of(self, value: str) -> int | None:
        instant = parse_moment(value, self._now)
        return None if instant is None else epoch_second(instant)

    def _with_text(self, op: str, field: str, value: str) -> str:
        if op == "like" or op == "contains":
            return self._text_test(op, field, value)
        if op in MEMBERSHIP:
            equal = f"{sql.text(field)} = {self._bind.text(value)}"
            return sql.by_kind(field, {"missing": FALSE, "string": equal})
        numeral, second = parse_numeral(value), self._second_of(value)
        equality = op in ("==", "!=")
        return sql.by_kind(
            field,
            {
                "missing": _missing(op),
                "number": NULL if numeral is None else f"{sql.number(field)} {_sign(op)} {self._bind.number(numeral)}",
                "string": f"{sql.text(field)} {_sign(op)} {self._bind.text(value)}" if equality else NULL,
                "null": self._null(op),
                "time": self._time(op, field, second),
                "array": self._array(op, field, second),
            },
        )

    def _text_test(self, op: str, field: str, value: str) -> str:
        def holds(content: str) -> str:
            return self._like(content, value) if op == "like" else f"strpos({content}, {self._bind.text(value)}) > 0"

        return sql.by_kind(
            field,
            {
                "missing": FALSE,
                "string": holds(sql.text(field)),
                "array": sql.any_element(field, holds(sql.ELEMENT_TEXT)),
            },
        )

    def _like(self, content: str, pattern: str) -> str:
        parts = split_pattern(pattern) if len(pattern) <= PATTERN_LIMIT else None
        if parts is None:
            return FALSE
        return f"({content}) ~ {self._bind.text(_regular_expression(parts))}"

    def _in_list(self, op: str, field: str, values: tuple[Value, ...]) -> str:
        if op == "contains" or op == "like":
            return self._string_with_list(op, field, values)
        if op not in MEMBERSHIP:
            raise Untranslatable
        texts = self._bind.texts({to_text(item) for item in values if item is not None})
        whole = self._bind.numbers(_integers(values))
        fractions = self._bind.numbers(_fractions(item for item in values if not isinstance(item, bool)))
        listed = f"CASE WHEN {sql.is_whole(field)} THEN {sql.number(field)} = ANY({whole}) "
        strings = sql.any_element(field, f"item#>>'{{}}' = ANY({texts})")
        return sql.by_kind(
            field,
            {
                "missing": FALSE,
                "number": f"{listed}ELSE {sql.number(field)} = ANY({fractions}) END",
                "string": f"{sql.text(field)} = ANY({texts})",
                "map": f"{field} ?| {texts}",
                "array": f"CASE WHEN {sql.is_strings(field)} THEN {strings} ELSE {self._mixed(field, values)} END",
            },
        )

    def _mixed(self, field: str, values: tuple[Value, ...]) -> str:
        """A list of mixed kinds shares an element with the values; the element's kind decides how."""
        texts = self._bind.texts({to_text(item) for item in values if item is not None})
        whole = self._bind.numbers(_integers(values))
        fractions = self._bind.numbers(_fractions(values))
        truths = {truth for truth in map(to_boolean, values) if truth is not None}
        condition = (
            f"CASE jsonb_typeof(item) WHEN 'string' THEN item#>>'{{}}' = ANY({texts}) "
            f"WHEN 'number' THEN CASE WHEN {sql.is_whole('item')} THEN {sql.number('item')} = ANY({whole}) "
            f"ELSE {sql.number('item')} = ANY({fractions}) END "
            f"WHEN 'boolean' THEN ({boolean(True in truths)} AND (item)::boolean) "
            f"OR ({boolean(False in truths)} AND NOT (item)::boolean) "
            f"WHEN 'null' THEN {boolean(None in values)} ELSE FALSE END"
        )
        return sql.any_element(field, condition)

    def _string_with_list(self, op: str, field: str, values: tuple[Value, ...]) -> str:
        content = sql.text(field)
        tests = [
            self._like(content, item) if op == "like" else f"strpos({content}, {self._bind.text(item)}) > 0"
            for item in map(to_text, (item for item in values if item is not None))
        ]
        fractions = self._bind.numbers(_fractions(item for item in values if not isinstance(item, bool)))
        # A fraction and a list give membership whatever the operator; an int does not.
        number = f"CASE WHEN NOT {sql.is_whole(field)} THEN {sql.number(field)} = ANY({fractions}) END"
        string = f"({' OR '.join(tests)})" if tests else FALSE
        return sql.by_kind(field, {"missing": FALSE, "number": number, "string": string})

    # --- the field on the right

    def field_right(self, op: str, value: Value, field: str) -> str:
        """`value op field`."""
        if isinstance(value, str):
            return self._text_left(op, value, field)
        if isinstance(value, bool) and op in ("==", "!="):
            compared = f"{boolean(value)} {_sign(op)} ({field})::boolean"
            return sql.by_kind(field, {"missing": _missing(op), "boolean": compared, "null": boolean(op == "!=")})
        if type(value) is int and op in ORDER:
            return self._number_left(op, value, field)
        raise Untranslatable

    def _number_left(self, op: str, value: int, field: str) -> str:
        place, content = self._bind.number(value), sql.text(field)
        return sql.by_kind(
            field,
            {
                "missing": _missing(op),
                "number": f"{place} {_sign(op)} {sql.number(field)}",
                "string": f"CASE WHEN {sql.is_numeral(content)} "
                f"THEN {place}::float8 {_sign(op)} {content}::float8 ELSE NULL END",
            },
        )

    def _text_left(self, op: str, value: str, field: str) -> str:
        place = self._bind.text(value)
        if op in MEMBERSHIP:
            elements = sql.any_element(field, f"jsonb_typeof(item) <> 'null' AND {sql.ELEMENT_TEXT} = {place}")
            same = f"{place} = {sql.text(field)}"
            kinds = {"missing": FALSE, "string": same, "map": f"{field} ? {place}", "array": elements}
            return sql.by_kind(field, {**kinds, "boolean": FALSE})
        self._ordered(op)
        amount, second, equality = parse_amount(value), self._second_of(value), op in ("==", "!=")
        return sql.by_kind(
            field,
            {
                "missing": _missing(op),
                "number": boolean(op == "!=")
                if amount is None
                else f"{self._bind.number(amount)} {_sign(op)} {sql.number(field)}",
                "string": f"{place} {_sign(op)} {sql.text(field)}" if equality else NULL,
                "boolean": self._text_left_boolean(op, value, field),
                "null": boolean(ORDER[op](value == "", True)) if equality else NULL,
                "time": NULL if second is None else f"{self._bind.number(second)} {_sign(op)} {sql.second(field)}",
            },
        )

    def _text_left_boolean(self, op: str, value: str, field: str) -> str:
        truth = parse_boolean(value)
        if truth is not None and op in ("==", "!="):
            return f"{boolean(truth)} {_sign(op)} ({field})::boolean"
        return FALSE if op == "==" else NULL

    # --- BETWEEN

    def between(self, field: str, low: Value, high: Value) -> str:
        """`field BETWEEN low AND high`."""
        if isinstance(low, datetime | tuple) or isinstance(high, datetime | tuple):
            raise Untranslatable
        whole = self._inside(sql.number(field), to_integer(low), to_integer(high))
        fraction = self._inside(sql.number(field), to_number(low), to_number(high))
        time = self._inside(sql.second(field), self._bound(low), self._bound(high))
        return sql.by_kind(
            field,
            {"number": f"CASE WHEN {sql.is_whole(field)} THEN {whole} ELSE {fraction} END", "time": time},
        )

    def _inside(self, content: str, low: float | None, high: float | None) -> str:
        if low is None or high is None:
            return NULL
        return f"({content} > {self._bind.number(low)} AND {content} < {self._bind.number(high)})"

    def _bound(self, value: Value) -> int | None:
        if isinstance(value, str):
            return self._second_of(value)
        instant = number_to_time(value) if type(value) in (int, float) else None
        return None if instant is None else epoch_second(instant)


def _integers(values: Iterable[Value]) -> set[int]:
    return {number for number in map(to_integer, values) if number is not None}


def _fractions(values: Iterable[Value]) -> set[float]:
    return {number for number in map(to_number, values) if number is not None}


def _regular_expression(parts: list[Part]) -> str:
    """A LIKE pattern as an advanced regular expression of PostgreSQL, where `.` matches a line end as well."""
    return "^(?:" + ".*".join(part.regex for part in parts) + ")$"
