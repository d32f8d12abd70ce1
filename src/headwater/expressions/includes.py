"""INCLUDE: finding the filters that a filter refers to, refusing cycles, inlining.

A resolver gives the tree of a filter by its name, exactly as written, or None if there is none.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping

import msgspec

from headwater.errors import InputError
from headwater.expressions.tree import (
    Arithmetic,
    Between,
    Call,
    Comparison,
    Exists,
    Field,
    Group,
    Include,
    ListLiteral,
    Logic,
    Minus,
    Node,
    Not,
    children,
    negate,
    walk,
)

Resolver = Callable[[str], Node | None]

DEPTH_LIMIT = 200
"""Deepest nesting of a filter with all its includes put in, in nodes. It bounds the stack of an evaluation."""
INLINE_LIMIT = 100
"""Longest chain of includes that is inlined."""
INLINE_NODE_LIMIT = 50_000


class IncludeError(InputError):
    """An INCLUDE cannot be resolved; `field` is the name of the included filter."""


def no_includes(_name: str) -> Node | None:
    """The resolver that knows no filter."""
    return None


def resolver_of(filters: Mapping[str, Node]) -> Resolver:
    """The resolver of a fixed set of filters."""
    return filters.get


def includes(node: Node) -> tuple[str, ...]:
    """The names that a tree includes itself, in the order of the text, each once."""
    return tuple(dict.fromkeys(part.name for part in walk(node) if isinstance(part, Include)))


def resolve(node: Node, resolver: Resolver) -> dict[str, Node | IncludeError]:
    """Everything that a tree includes, directly or below: the tree of each name, or why it cannot be evaluated.

    A name is in error if it is unknown, if it includes itself at any depth, if the whole is nested too deeply, or if a
    name below it is in error.
    """
    return _Resolution(resolver).run(node)


class _Resolution:
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._found: dict[str, Node | IncludeError] = {}
        self._depths: dict[str, int] = {}

    def run(self, node: Node) -> dict[str, Node | IncludeError]:
        for name in includes(node):
            self._visit(name, ())
        return self._found

    def _visit(self, name: str, path: tuple[str, ...]) -> None:
        if name in self._found:
            return
        if len(path) >= DEPTH_LIMIT:
            self._found[name] = IncludeError(f"more than {DEPTH_LIMIT} includes inside one another", field=name)
            return
        node = self._resolver(name)
        self._found[name] = IncludeError("there is no filter of this name", field=name) if node is None else node
        if node is None:
            return
        path = (*path, name)
        names = includes(node)
        fault = next((self._cycle(below, path) for below in names if below in path), None)
        for below in names:
            if below not in path:
                self._visit(below, path)
                fault = fault or self._below(name, below)
        fault = fault or self._too_deep(name, node)
        if fault is not None:
            self._found[name] = fault

    def _cycle(self, below: str, path: tuple[str, ...]) -> IncludeError:
        chain = " > ".join([*path[path.index(below) :], below])
        return IncludeError(f"the filter includes itself: {chain}", field=below)

    def _below(self, name: str, below: str) -> IncludeError | None:
        found = self._found[below]
        if isinstance(found, IncludeError):
            return IncludeError(f"it includes {below}, which fails: {found.message}", field=name)
        return None

    def _too_deep(self, name: str, node: Node) -> IncludeError | None:
        self._depths[name] = depth(node, self._depths)
        if self._depths[name] > DEPTH_LIMIT:
            return IncludeError(f"nested more than {DEPTH_LIMIT} levels deep with all its includes", field=name)
        return None


def depth(node: Node, of_includes: Mapping[str, int]) -> int:
    """The nesting of a tree, in nodes, each include counting as what it refers to."""
    deepest = 0
    level: Iterable[Node] = [node]
    count = 0
    while level:
        count += 1
        below: list[Node] = []
        for part in level:
            if isinstance(part, Include):
                deepest = max(deepest, count + of_includes.get(part.name, 0))
            below.extend(children(part))
        level = below
    return max(deepest, count)


def check_includes(node: Node, resolver: Resolver, known_names: Iterable[str] = ()) -> None:
    """Refuse a tree that includes an unknown name, itself, or too much. Raises IncludeError with the nearest name."""
    for name, found in resolve(node, resolver).items():
        if isinstance(found, IncludeError):
            near = difflib.get_close_matches(name, list(known_names), n=1)
            raise IncludeError(f"{found.message}{f'; did you mean {near[0]}?' if near else ''}", field=name)


def fields_read(node: Node, resolver: Resolver = no_includes) -> frozenset[str]:
    """The names of all top-level fields whose content can change the result, through includes.

    A path gives both the whole name and the map's name. `match("x_")` gives the pattern `x_*`.
    """
    trees = [node, *(found for found in resolve(node, resolver).values() if isinstance(found, Node))]
    names: set[str] = set()
    for tree in trees:
        for part in walk(tree):
            if isinstance(part, Field):
                names.update({part.name} if part.map_name is None else {part.name, part.map_name})
            elif isinstance(part, Call) and part.name.lower() == "match":
                names.update(_prefixes(part))
    return frozenset(names)


def _prefixes(call: Call) -> set[str]:
    literals = [getattr(arg, "value", None) for arg in call.args]
    return {f"{text}*" if isinstance(text, str) else "*" for text in literals}


def inline(node: Node, resolver: Resolver) -> Node:
    """The tree with every INCLUDE replaced by the filter it refers to; a negated one by its negation.

    Raises IncludeError for unknown names, cycles, and more than 100 includes inside one another. Where a filter cannot
    be evaluated, `NOT INCLUDE` is true and its inlined form is not: that is the one difference in meaning.
    """
    return _Inlining(resolver).node(node, 0)


class _Inlining:
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._nodes = 0

    def node(self, node: Node, chain: int) -> Node:
        self._nodes += 1
        if self._nodes > INLINE_NODE_LIMIT:
            raise IncludeError(f"more than {INLINE_NODE_LIMIT:,} parts with all includes put in")
        if isinstance(node, Include):
            return self._included(node, chain)
        return with_children(node, tuple(self.node(child, chain) for child in children(node)))

    def _included(self, include: Include, chain: int) -> Node:
        if chain >= INLINE_LIMIT:
            raise IncludeError(f"more than {INLINE_LIMIT} includes inside one another", field=include.name)
        target = self._resolver(include.name)
        if target is None:
            raise IncludeError("there is no filter of this name", field=include.name)
        inlined = self.node(target, chain + 1)
        return negate(inlined, include.at) if include.negated else inlined


def with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    """The same node with other nodes below it."""
    if parts == children(node):
        return node
    replace = msgspec.structs.replace
    match node:
        case Group() | ListLiteral():
            return replace(node, items=parts)
        case Logic():
            return replace(node, operands=parts)
        case Comparison() | Arithmetic():
            return replace(node, left=parts[0], right=parts[1])
        case Between():
            return replace(node, subject=parts[0], low=parts[1], high=parts[2])
        case Call():
            return replace(node, args=parts)
        case Not() | Minus() | Exists():
            return replace(node, operand=parts[0])
    raise TypeError(f"{type(node).__name__} has no nodes below it")
