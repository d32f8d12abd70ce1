"""Mapping expressions of a schema: LQL text in, a function over records out, and what its value depends on.

Most expressions look at very little: one key, the names of the keys, the hour of the event. Knowing that, a schema evaluates
them once for many events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NoReturn

import msgspec

from headwater.expressions.compiler import Evaluate, compile_node
from headwater.expressions.context import Context
from headwater.expressions.errors import ExpressionError
from headwater.expressions.functions import find_function, nearest_function
from headwater.expressions.statements import parse_expression
from headwater.expressions.tree import Call, Field, Include, Node, walk
from headwater.expressions.tree import Literal as Constant
from headwater.expressions.values import NOTHING, Value, is_empty

Dependence = Literal["key", "values", "moment", "key and moment", "hour", "key names", "anything"]
"""What a value depends on:

"key"             the expression is nothing but one key: its value as it stands
"values"          the values of the expression's keys, as long as it does not ask for the time (`Timeless`)
"moment"          the expression is `now()`
"key and moment"  the expression is `map(key, now())`
"hour"            the hour of the event
"key names"       the expression is a `match` of written prefixes: it takes the keys that begin with one
"anything"        whatever else
"""

_COUNTING = frozenset({"count", "sum"})
_READ_WHOLE_EVENT = frozenset({"match"})
_BY_CHANCE = frozenset({"uuid"})
_OF_THE_HOUR = frozenset({"yy", "mm", "yymm", "dayofweek", "hourofday", "hourofweek"})


class MappingExpression(msgspec.Struct, frozen=True):
    """A compiled expression. `evaluate(context)` gives a value; None and NOTHING stand for no value.

    `key` is the record's key if the expression is nothing but that key, else "". `keys` are all keys that it names, in order.
    `needs`: keys without which it gives no value, `guard_needs`: keys without which it is not true, as far as that can be told. `counts`: it is a call of `count`
    or `sum`, so its values are meant to be added up. `prefixes`: of a `match`, if that is all.
    """

    text: str
    evaluate: Evaluate
    key: str
    keys: tuple[str, ...]
    needs: frozenset[str]
    guard_needs: frozenset[str]
    counts: bool
    depends_on: Dependence
    prefixes: tuple[str, ...] = ()


class TimeAskedError(Exception):
    """An expression asked for the time where there is none."""


class Timeless(Context):
    """A context without a time: what is evaluated with it depends on the record's values alone.

    An expression that asks for the time raises TimeAskedError. For the same values the outcome is always the same.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        # The times are not set, so that asking for one comes to __getattr__.
        self.fields = fields
        self.included = None
        self._second = None

    def __getattr__(self, name: str) -> NoReturn:
        raise TimeAskedError(name)


def compile_mapping(text: str) -> MappingExpression:
    """Compile an expression. Raises ExpressionError, an InputError, that says what is wrong and where in the text."""
    tree = parse_expression(text)
    for node in walk(tree):
        _refuse(node, text)
    evaluate = compile_node(tree)
    fields = [node for node in walk(tree) if isinstance(node, Field)]
    keys = tuple(sorted({field.name for field in fields}))
    depends_on = _dependence(tree, fields)
    return MappingExpression(
        text=text,
        evaluate=evaluate,
        key=keys[0] if depends_on == "key" else "",
        keys=keys,
        needs=_needs(tree, _is_no_value),
        guard_needs=_needs(tree, _is_not_true),
        counts=isinstance(tree, Call) and tree.name.lower() in _COUNTING,
        depends_on=depends_on,
        prefixes=_written_prefixes(tree) if depends_on == "key names" else (),
    )


def _dependence(tree: Node, fields: list[Field]) -> Dependence:
    if isinstance(tree, Field) and tree.map_name is None:
        return "key"
    names = _function_names(tree)
    if isinstance(tree, Call):
        if names == {"now"}:
            return "moment"
        if names == {"match"} and _written_prefixes(tree):
            return "key names"
        if _is_key_and_moment(tree):
            return "key and moment"
    if _is_of_the_hour(tree):
        return "hour"
    free = not any(field.map_name is not None for field in fields) and names.isdisjoint(_READ_WHOLE_EVENT | _BY_CHANCE)
    return "values" if fields and free and "now" not in names else "anything"


def _is_key_and_moment(tree: Call) -> bool:
    if tree.name.lower() != "map" or len(tree.args) != 2:
        return False
    key, moment = tree.args
    return (
        isinstance(key, Field)
        and key.map_name is None
        and isinstance(moment, Call)
        and _function_names(moment) == {"now"}
    )


def _function_names(tree: Node) -> set[str]:
    specs = (find_function(node.name) for node in walk(tree) if isinstance(node, Call))
    return {spec.name for spec in specs if spec is not None}


def _written_prefixes(tree: Node) -> tuple[str, ...]:
    if not isinstance(tree, Call):
        return ()
    values = tuple(each.value for each in tree.args if isinstance(each, Constant) and isinstance(each.value, str))
    return values if len(values) == len(tree.args) else ()


def _is_of_the_hour(tree: Node) -> bool:
    """Whether there is nothing in it but functions of the event's hour, maps and constants."""
    nodes = list(walk(tree))
    if not all(isinstance(node, Call | Constant) for node in nodes):
        return False
    calls = [node for node in nodes if isinstance(node, Call)]
    names = _function_names(tree)
    without_argument = all(not node.args for node in calls if node.name.lower() != "map")
    return bool(names & _OF_THE_HOUR) and names <= _OF_THE_HOUR | {"map"} and without_argument


def _is_no_value(value: Value) -> bool:
    return value is NOTHING or value is None


def _is_not_true(value: Value) -> bool:
    return value is not True


def _needs(tree: Node, is_nothing: Callable[[Value], bool]) -> frozenset[str]:
    """The keys without which the result is nothing: found by leaving out the only key of a part."""
    if isinstance(tree, Call) and tree.name.lower() == "map":
        # A map of one pair is none if its key or its value is empty.
        return frozenset[str]().union(*(_needs(each, is_empty) for each in tree.args))
    fields = [node for node in walk(tree) if isinstance(node, Field)]
    names = {field.name for field in fields}
    if len(names) != 1 or any(field.map_name is not None for field in fields):
        return frozenset()
    try:
        without = compile_node(tree)(Timeless({}))
    except TimeAskedError:
        return frozenset()
    reads_all = not _function_names(tree).isdisjoint(_READ_WHOLE_EVENT | _BY_CHANCE)
    return frozenset(names) if is_nothing(without) and not reads_all else frozenset()


def _refuse(node: Node, text: str) -> None:
    if isinstance(node, Include):
        raise ExpressionError("INCLUDE names an audience; an event is in none", text, node.at)
    if isinstance(node, Call) and find_function(node.name) is None:
        nearest = nearest_function(node.name)
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        raise ExpressionError(f"unknown function {node.name!r}{hint}", text, node.at)
