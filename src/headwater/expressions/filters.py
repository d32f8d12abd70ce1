"""A filter ready to be asked, and an expression ready to be evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headwater.expressions.compiler import Evaluate, compile_node
from headwater.expressions.context import Context
from headwater.expressions.includes import Resolver, no_includes
from headwater.expressions.statements import Filter
from headwater.expressions.tree import Node
from headwater.expressions.values import NOTHING, Nothing, Value


class CompiledFilter:
    """Answers whether a profile is in an audience."""

    __slots__ = ("_evaluate", "tree")

    def __init__(self, tree: Node, evaluate: Evaluate) -> None:
        self.tree = tree
        self._evaluate = evaluate

    def matches(self, profile: Mapping[str, Any], now: datetime) -> bool:
        """Whether the result is true. False, not evaluable and any other value are no match."""
        return self._evaluate(Context(profile, now)) is True

    def matches_in(self, context: Context) -> bool:
        """`matches` for one of many filters that are asked about the same profile: included filters are evaluated once.

        All filters that share a context must resolve INCLUDE alike.
        """
        return self._evaluate(context) is True

    def evaluate(self, profile: Mapping[str, Any], now: datetime) -> bool | Nothing:
        """The three-valued result: True, False, or NOTHING if the filter cannot be evaluated for this profile.

        A result that is no boolean, such as that of `FILTER name`, is False.
        """
        value = self._evaluate(Context(profile, now))
        return NOTHING if value is NOTHING else value is True


class CompiledExpression:
    """Gives the value of an expression for an event."""

    __slots__ = ("_evaluate", "tree")

    def __init__(self, tree: Node, evaluate: Evaluate) -> None:
        self.tree = tree
        self._evaluate = evaluate

    def value(self, fields: Mapping[str, Any], now: datetime, event_time: datetime | None = None) -> Value:
        """The value, or NOTHING. `now` is what date math counts from, `event_time` what `now()` gives."""
        return self._evaluate(Context(fields, now, event_time))


def compile_filter(tree: Filter | Node, resolver: Resolver = no_includes) -> CompiledFilter:
    """A filter, with its includes, ready to be asked.

    Unknown functions and includes do not fail here: they are not evaluable. `check` finds them before a filter is saved.
    """
    node = tree.where if isinstance(tree, Filter) else tree
    return CompiledFilter(node, compile_node(node, resolver))


def compile_expression(tree: Node, resolver: Resolver = no_includes) -> CompiledExpression:
    """An expression ready to be evaluated."""
    return CompiledExpression(tree, compile_node(tree, resolver))
