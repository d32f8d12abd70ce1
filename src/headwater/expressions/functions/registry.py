"""How a function is declared: once, with its signature, its text for the reference and its examples.

The signature comes from the Python function: its first parameter is the context, parameters with a default are
optional, a starred one takes any number more. From it come the argument check at parse time, the reference page and
the evaluation; the examples are on the page and are run as tests.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headwater.expressions.tree import Literal, Node
from headwater.expressions.values import NOTHING, Value

Evaluator = Callable[..., Value]
"""Takes the context, then the arguments; returns a value or NOTHING."""

ArgumentCheck = Callable[[tuple[Node, ...]], str | None]
"""Looks at the arguments as written; returns what is wrong with them, or None."""


class Example(msgspec.Struct, frozen=True):
    """An expression and its result. `fields` is the event it is run against. NOTHING means no value."""

    expression: str
    result: Any
    fields: Mapping[str, Any] = {}
    unordered: bool = False
    """The result is a list in no order."""


class Function(msgspec.Struct, frozen=True):
    """A function of the language."""

    name: str
    kind: str
    """The kind of its result, as in the reference page; also the kind of a mapped field that names none."""
    evaluate: Evaluator
    parameters: tuple[str, ...]
    at_least: int
    at_most: int | None
    summary: str
    examples: tuple[Example, ...]
    check: ArgumentCheck | None = None
    aliases: tuple[str, ...] = ()
    clock: bool = False
    """The result without arguments depends on the clock."""

    @property
    def signature(self) -> str:
        """For messages and the reference: `string.substr(text, from[, to])`."""
        shown = [f"[{name}]" if place >= self.at_least else name for place, name in enumerate(self.parameters)]
        return f"{self.name}({', '.join(shown)}{', …' if self.at_most is None else ''})"


def function(
    name: str,
    kind: str,
    *examples: Example,
    aliases: tuple[str, ...] = (),
    check: ArgumentCheck | None = None,
    at_least: int | None = None,
    clock: bool = False,
) -> Callable[[Evaluator], Function]:
    """Declare the decorated Python function as a function of the language. Its docstring is the reference text."""

    def declare(evaluate: Evaluator) -> Function:
        parameters = list(inspect.signature(evaluate).parameters.values())[1:]
        required = sum(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in parameters)
        many = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        return Function(
            name=name,
            kind=kind,
            evaluate=evaluate,
            parameters=tuple(p.name.rstrip("_") for p in parameters),
            at_least=required if at_least is None else at_least,
            at_most=None if many else len(parameters),
            summary=inspect.cleandoc(evaluate.__doc__ or ""),
            examples=examples,
            check=check,
            aliases=aliases,
            clock=clock,
        )

    return declare


def argument_problem(spec: Function, args: tuple[Node, ...]) -> str | None:
    """What is wrong with a call's arguments, or None."""
    if len(args) < spec.at_least or (spec.at_most is not None and len(args) > spec.at_most):
        return f"{spec.signature} takes {_count(spec)}, not {len(args)}"
    return None if spec.check is None else spec.check(args)


def _count(spec: Function) -> str:
    if spec.at_most is None:
        return f"at least {spec.at_least} argument{'' if spec.at_least == 1 else 's'}"
    if spec.at_least == spec.at_most:
        return "no arguments" if spec.at_most == 0 else f"{spec.at_most} argument{'' if spec.at_most == 1 else 's'}"
    return f"{spec.at_least} to {spec.at_most} arguments"


def literal_text(node: Node) -> str | None:
    """The text of a literal in quotes; None for every other node."""
    return node.value if isinstance(node, Literal) and isinstance(node.value, str) else None


def is_nothing(value: Value) -> bool:
    """Missing or nil: what a function usually answers with NOTHING."""
    return value is NOTHING or value is None
