"""The tree as JSON, for programs that build filters.

    {"op": "and", "args": [{"op": ">", "args": [{"ident": "x"}, {"val": "5"}]}, …]}

Every literal is a text under `val`, and stays one when it is read back: the text of a filter is the source of truth,
this form loses whether `5` was quoted. Negation is `{"op": "not", "args": [node]}`.
"""

from __future__ import annotations

from typing import Any

from headwater.errors import InputError
from headwater.expressions.functions import find_function
from headwater.expressions.functions.registry import argument_problem
from headwater.expressions.parser import NESTING_LIMIT
from headwater.expressions.printer import literal_text
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
    Literal,
    Logic,
    MatchAll,
    Minus,
    Node,
    Not,
    negate,
)

_COMPARISONS = frozenset({"==", "!=", ">", ">=", "<", "<=", "like", "contains", "in", "intersects"})
_ARITHMETIC = frozenset("+-*/%")


def to_json(node: Node) -> dict[str, Any]:
    """The JSON form of a tree."""
    match node:
        case Include() | Group() | Between() if node.negated:
            return {"op": "not", "args": [_positive(node)]}
        case Literal():
            return {"val": node.value if isinstance(node.value, str) else literal_text(node)}
        case Field():
            return {"ident": node.name}
        case MatchAll():
            return {"ident": node.text}
        case _:
            return _positive(node)


def _positive(node: Node) -> dict[str, Any]:
    match node:
        case Group():
            return _operation(node.op, node.items)
        case Include():
            return {"op": "include", "args": [{"ident": node.name}]}
        case Between():
            return _operation("between", (node.subject, node.low, node.high))
        case Logic():
            return _operation(node.op, node.operands)
        case Comparison() | Arithmetic():
            return _operation(node.op, (node.left, node.right))
        case Call():
            return {"op": "expr", "args": [{"ident": node.name}, *map(to_json, node.args)]}
        case ListLiteral():
            return {"args": list(map(to_json, node.items))}
        case Not() | Minus() | Exists():
            name = {Not: "not", Minus: "-", Exists: "exists"}[type(node)]
            return _operation(name, (node.operand,))
    raise TypeError(f"no JSON for {type(node).__name__}")


def _operation(op: str, args: tuple[Node, ...]) -> dict[str, Any]:
    return {"op": op, "args": list(map(to_json, args))}


def from_json(document: Any) -> Node:
    """The tree of a JSON form. Raises InputError that names the place of what is wrong."""
    return _read(document, "$", 0)


def _read(document: Any, place: str, depth: int) -> Node:
    if depth > NESTING_LIMIT:
        raise InputError(f"nested more than {NESTING_LIMIT} levels deep", field=place)
    if not isinstance(document, dict):
        raise InputError("expected an object with op, ident or val", field=place)
    if "val" in document:
        return Literal(value=_text(document["val"], f"{place}.val"))
    if "ident" in document:
        return _identifier(_text(document["ident"], f"{place}.ident"))
    args = document.get("args")
    if not isinstance(args, list):
        raise InputError("expected a list", field=f"{place}.args")
    nodes = tuple(_read(arg, f"{place}.args[{at}]", depth + 1) for at, arg in enumerate(args))
    op = document.get("op")
    return ListLiteral(items=nodes) if op is None else _build(str(op).lower(), nodes, place)


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or value.endswith("\\"):
        raise InputError("expected a text that does not end in a backslash", field=place)
    return value


def _identifier(name: str) -> Node:
    if name in ("*", "match_all"):
        return MatchAll(text=name)
    if name.lower() in ("true", "false"):
        return Literal(value=name.lower() == "true")
    owner, dot, key = name.partition(".")
    path = bool(dot and owner and key)
    return Field(name=name, map_name=owner if path else None, key=key if path else "")


def _build(op: str, nodes: tuple[Node, ...], place: str) -> Node:
    if op in ("and", "or"):
        return nodes[0] if len(nodes) == 1 else Group(op=op, items=nodes)
    if op in ("&&", "||"):
        return _build("and" if op == "&&" else "or", nodes, place)
    if op == "expr":
        return _call(nodes, place)
    built = _fixed(op, nodes)
    if built is None:
        raise InputError(f"operator {op!r} is unknown or has the wrong number of arguments", field=place)
    return built


def _call(nodes: tuple[Node, ...], place: str) -> Node:
    if not nodes or not isinstance(nodes[0], Field):
        raise InputError("expected the name of a function as first argument", field=place)
    call = Call(name=nodes[0].name, args=nodes[1:])
    spec = find_function(call.name)
    problem = None if spec is None else argument_problem(spec, call.args)
    if problem is not None:
        raise InputError(problem, field=place)
    return call


def _fixed(op: str, nodes: tuple[Node, ...]) -> Node | None:
    """An operator with a fixed number of arguments; None if there is no such."""
    match (op, nodes):
        case ("not" | "!", (operand,)):
            return negate(operand, 0)
        case ("exists", (operand,)):
            return Exists(operand=operand)
        case ("-", (operand,)):
            return Minus(operand=operand)
        case ("include", (Field(name=name),)):
            return Include(name=name)
        case ("between", (subject, low, high)):
            return Between(subject=subject, low=low, high=high)
        case (_, (left, right)):
            symbol = {"=": "==", "<>": "!="}.get(op, op)
            if symbol in _COMPARISONS:
                typed = symbol.upper() if symbol.isalpha() else symbol
                return Comparison(op=symbol, left=left, right=right, typed=typed)
            return Arithmetic(op=symbol, left=left, right=right) if symbol in _ARITHMETIC else None
    return None
