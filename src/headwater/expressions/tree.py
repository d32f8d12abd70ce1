"""The immutable tree of a filter, a mapping column or an expression.

Each node knows where it begins in the text (`at`, characters from 0). `paren` remembers that a person wrote
parentheses, so that the canonical text keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all nodes."""

    at: int = 0


class Literal(Node, frozen=True):
    """A number, text, boolean or NULL (None). `text` is a number as typed."""

    value: int | float | str | bool | None
    text: str = ""


class Field(Node, frozen=True):
    """A field by its whole name. If the name is a path, `map_name` and `key` are its two parts.

    There is one split only: `a.b.c` is key `b.c` of map `a`. `quoted` means that it was typed in quotes.
    """

    name: str
    map_name: str | None = None
    key: str = ""
    quoted: bool = False


class MatchAll(Node, frozen=True):
    """`*` or `match_all`: every profile."""

    text: str = "*"


class ListLiteral(Node, frozen=True):
    """A list of values: `("a", "b")` after IN and INTERSECTS, or `["a", "b"]` anywhere (`bracket`)."""

    items: tuple[Node, ...]
    bracket: bool = False


class Call(Node, frozen=True):
    """A function call. `name` as typed."""

    name: str
    args: tuple[Node, ...]


class Include(Node, frozen=True):
    """The result of another filter, by its name."""

    name: str
    negated: bool = False
    quoted: bool = False


class Group(Node, frozen=True):
    """`AND (…)` or `OR (…)`. `op` is "and" or "or", `typed` the keyword as written."""

    op: str
    items: tuple[Node, ...]
    negated: bool = False
    typed: str = ""


class Logic(Node, frozen=True):
    """`a AND b AND c` or `a OR b OR c` between operands; folds from the left."""

    op: str
    operands: tuple[Node, ...]
    typed: str = ""
    paren: bool = False


class Comparison(Node, frozen=True):
    """Two operands and one of == != > >= < <= like contains in intersects. `typed` is the operator as written."""

    op: str
    left: Node
    right: Node
    typed: str = ""
    paren: bool = False


class Between(Node, frozen=True):
    """`subject BETWEEN low AND high`, exclusive at both ends."""

    subject: Node
    low: Node
    high: Node
    negated: bool = False
    paren: bool = False


class Arithmetic(Node, frozen=True):
    """Two operands and one of + - * / %."""

    op: str
    left: Node
    right: Node
    paren: bool = False


class Not(Node, frozen=True):
    """Negation of anything that has no `negated` of its own."""

    operand: Node


class Minus(Node, frozen=True):
    """A number with its sign turned."""

    operand: Node


class Exists(Node, frozen=True):
    """Whether the operand has a value."""

    operand: Node


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order of the text."""
    match node:
        case Group() | ListLiteral():
            return node.items
        case Logic():
            return node.operands
        case Comparison() | Arithmetic():
            return (node.left, node.right)
        case Between():
            return (node.subject, node.low, node.high)
        case Call():
            return node.args
        case Not() | Minus() | Exists():
            return (node.operand,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below, in the order of the text. Does not enter includes."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))


def negate(node: Node, at: int) -> Node:
    """NOT node. A group, BETWEEN and INCLUDE carry the negation themselves, so a double one cancels."""
    if isinstance(node, Group | Between | Include):
        return msgspec.structs.replace(node, negated=not node.negated)
    return Not(operand=in_parentheses(node), at=at)


def in_parentheses(node: Node) -> Node:
    """The node, remembering that it stands in parentheses, if that can make a difference to its text."""
    if isinstance(node, Logic | Comparison | Between | Arithmetic) and not node.paren:
        return msgspec.structs.replace(node, paren=True)
    return node
