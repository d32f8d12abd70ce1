"""Mapping expressions of a schema: LQL text in, a function over records out."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from headwater.expressions.compiler import Evaluate, compile_node
from headwater.expressions.context import Context
from headwater.expressions.errors import ExpressionError
from headwater.expressions.functions import find_function, nearest_function
from headwater.expressions.statements import parse_expression
from headwater.expressions.tree import Call, Field, Include, Node, walk
from headwater.expressions.values import NOTHING

_COUNTING = frozenset({"count", "sum"})
_READ_WHOLE_EVENT = frozenset({"match"})
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class MappingExpression(msgspec.Struct, frozen=True):
    """A compiled expression. `evaluate(context)` gives a value; None and NOTHING stand for no value.

    `key` is the record's key if the expression is nothing but that key, else "". `keys` are all keys that it names.
    `gate`: a record without this key gives no value, "" if that cannot be told. `counts`: it is a call of `count` or `sum`, so its values are meant to be added up.
    """

    evaluate: Evaluate
    key: str
    keys: frozenset[str]
    gate: str
    counts: bool


def compile_mapping(text: str) -> MappingExpression:
    """Compile an expression. Raises ExpressionError, an InputError, that says what is wrong and where in the text."""
    tree = parse_expression(text)
    for node in walk(tree):
        _refuse(node, text)
    evaluate = compile_node(tree)
    keys = frozenset(node.name for node in walk(tree) if isinstance(node, Field))
    return MappingExpression(
        evaluate=evaluate,
        key=tree.name if isinstance(tree, Field) and tree.map_name is None else "",
        keys=keys,
        gate=_gate(tree, keys, evaluate),
        counts=isinstance(tree, Call) and tree.name.lower() in _COUNTING,
    )


def _gate(tree: Node, keys: frozenset[str], evaluate: Evaluate) -> str:
    """The one key on which the whole expression depends, if without that key it has no value or is not true."""
    fields = [node for node in walk(tree) if isinstance(node, Field)]
    calls = [find_function(node.name) for node in walk(tree) if isinstance(node, Call)]
    if len(keys) != 1 or any(field.map_name is not None for field in fields):
        return ""
    if any(function is None or function.clock or function.name in _READ_WHOLE_EVENT for function in calls):
        return ""
    without = evaluate(Context({}, _ANY_TIME, _ANY_TIME))
    return fields[0].name if without is NOTHING or without is None or without is False else ""


def _refuse(node: Node, text: str) -> None:
    if isinstance(node, Include):
        raise ExpressionError("INCLUDE names an audience; an event is in none", text, node.at)
    if isinstance(node, Call) and find_function(node.name) is None:
        nearest = nearest_function(node.name)
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        raise ExpressionError(f"unknown function {node.name!r}{hint}", text, node.at)
