"""The clauses of a filter: its parts between AND, OR and NOT, ready to be asked one by one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from headwater.expressions import CompiledExpression, Resolver, canonical, compile_expression, fields_read
from headwater.expressions.includes import resolve
from headwater.expressions.tree import Field, Group, Include, Logic, Node, Not, children, walk


class Clause:
    """One clause. `included_from` names the filter that it stands in, "" for the filter itself."""

    def __init__(self, node: Node, included_from: str, resolver: Resolver) -> None:
        self.node = node
        self.included_from = included_from
        self.expression: CompiledExpression = compile_expression(node, resolver)

    @cached_property
    def reads(self) -> frozenset[str]:
        """Names of the fields whose change can change its answer."""
        return fields_read(self.node)

    @cached_property
    def text(self) -> str:
        """The clause in canonical form."""
        return canonical(self.node)

    @cached_property
    def fields(self) -> tuple[tuple[str, CompiledExpression], ...]:
        """The fields that it reads, by name."""
        found = {part.name: compile_expression(part) for part in walk(self.node) if isinstance(part, Field)}
        return tuple(found.items())


def clauses_of(tree: Node, resolver: Resolver) -> tuple[Clause, ...]:
    """The clauses of a tree, and those of everything that it includes, each included filter once."""
    own = [Clause(leaf, "", resolver) for leaf in _leaves(tree)]
    below = [
        Clause(leaf, name, resolver)
        for name, found in resolve(tree, resolver).items()
        if isinstance(found, Node)
        for leaf in _leaves(found)
    ]
    return (*own, *below)


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, Group | Logic | Not):
        for child in children(node):
            yield from _leaves(child)
    elif not isinstance(node, Include):
        yield node
