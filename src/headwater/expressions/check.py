"""What is wrong with a filter that reads well: found before it is saved, not when a profile comes."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from typing import NamedTuple

from headwater.expressions.date_math import looks_like_date_math, parse_date_math
from headwater.expressions.errors import ExpressionError
from headwater.expressions.functions import find_function, nearest_function
from headwater.expressions.includes import IncludeError, Resolver, no_includes, resolve
from headwater.expressions.tree import Between, Call, Comparison, Field, Include, Literal, Node, children, walk


class Problem(NamedTuple):
    """What is wrong, and where in the text."""

    message: str
    at: int


def problems(
    tree: Node,
    resolver: Resolver = no_includes,
    known_fields: Collection[str] | None = None,
    known_filters: Collection[str] = (),
) -> tuple[Problem, ...]:
    """Everything that would make a part of the filter never evaluable, in the order of the text.

    Unknown functions, wrong date math, includes that do not resolve, moving time inside a function and, if the known
    fields are given, unknown ones. Each message names the nearest known name.
    """
    found: list[Problem] = [*_functions(tree), *_date_math(tree), *_moving_time(tree)]
    found += _includes(tree, resolver, known_filters)
    if known_fields is not None:
        found += _fields(tree, known_fields)
    return tuple(sorted(set(found), key=lambda problem: problem.at))


def check(
    tree: Node,
    text: str,
    resolver: Resolver = no_includes,
    known_fields: Collection[str] | None = None,
    known_filters: Collection[str] = (),
) -> None:
    """Raise ExpressionError for the first problem of a filter; `text` is where its places are."""
    for problem in problems(tree, resolver, known_fields, known_filters):
        raise ExpressionError(problem.message, text, problem.at)


def _nearest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _functions(tree: Node) -> Iterator[Problem]:
    for part in walk(tree):
        if isinstance(part, Call) and find_function(part.name) is None:
            near = nearest_function(part.name)
            yield Problem(f"there is no function {part.name}{f'; did you mean {near}?' if near else ''}", part.at)


def date_math_problems(tree: Node) -> tuple[Problem, ...]:
    """The texts in comparisons that were meant as date math and are none."""
    return tuple(_date_math(tree))


def _date_math(tree: Node) -> Iterator[Problem]:
    for part in walk(tree):
        if isinstance(part, Comparison | Between):
            for operand in children(part):
                yield from _wrong_date_math(operand)


def _wrong_date_math(operand: Node) -> Iterator[Problem]:
    text = operand.value if isinstance(operand, Literal) else None
    if isinstance(text, str) and looks_like_date_math(text) and parse_date_math(text) is None:
        message = f'"{text}" is no date math: write now, a sign, a number and one of y M w d h m s, like "now-3d"'
        yield Problem(message, operand.at)


def _includes(tree: Node, resolver: Resolver, known_filters: Collection[str]) -> Iterator[Problem]:
    found = resolve(tree, resolver)
    for part in walk(tree):
        if isinstance(part, Include):
            fault = found[part.name]
            if isinstance(fault, IncludeError):
                yield Problem(f"INCLUDE {part.name}: {fault.message}{_nearest(part.name, known_filters)}", part.at)


def _fields(tree: Node, known: Collection[str]) -> Iterator[Problem]:
    for part in walk(tree):
        if isinstance(part, Field) and part.name not in known and part.map_name not in known:
            yield Problem(f"there is no field {part.name}{_nearest(part.name, known)}", part.at)


_INSTANT_FUNCTIONS = ("now", "todate", "todatein")


def _moving_time(tree: Node) -> Iterator[Problem]:
    """Time that moves with the clock but not as an operand: when the answer changes then is not known beforehand."""
    for part in walk(tree):
        if not isinstance(part, Comparison | Between):
            for child in children(part):
                yield from _moves_inside(part, child)


def _moves_inside(parent: Node, node: Node) -> Iterator[Problem]:
    name = _function_name(parent)
    if isinstance(node, Literal) and isinstance(node.value, str) and parse_date_math(node.value) and name:
        if name not in _INSTANT_FUNCTIONS:
            yield Problem(
                f'"{node.value}" inside {name}() is not followed as time passes: compare it directly', node.at
            )
    elif _function_name(node) == "now" or (_function_name(node) in _INSTANT_FUNCTIONS and _reads_date_math(node)):
        message = f"{_function_name(node)}() moves with time and must be compared directly with a field or a date"
        yield Problem(message, node.at)


def _function_name(node: Node) -> str:
    spec = find_function(node.name) if isinstance(node, Call) else None
    return "" if spec is None else spec.name


def _reads_date_math(node: Node) -> bool:
    first = children(node)[0] if children(node) else None
    text = first.value if isinstance(first, Literal) else None
    return isinstance(text, str) and parse_date_math(text) is not None
