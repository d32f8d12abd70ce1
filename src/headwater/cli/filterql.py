"""`headwater filterql`: try filters and expressions, one JSON object per line in, one per line out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import cyclopts

from headwater import jsontext
from headwater.errors import InputError
from headwater.expressions.check import date_math_problems
from headwater.expressions.dates import parse_date
from headwater.expressions.filters import compile_expression, compile_filter
from headwater.expressions.flips import Flips
from headwater.expressions.includes import IncludeError, Resolver, includes, inline, resolve
from headwater.expressions.mappings import CompiledMapping
from headwater.expressions.printer import canonical
from headwater.expressions.reference import function_reference
from headwater.expressions.statements import (
    Filter,
    Select,
    Statement,
    parse_expression,
    parse_filter,
    parse_statements,
)
from headwater.expressions.stored import from_stored, to_stored
from headwater.expressions.tree import Comparison, Field, Group, Include, Literal, MatchAll, Minus, Node, Not, children
from headwater.expressions.values import NOTHING

app = cyclopts.App(name="filterql", help="Try filters and expressions: JSON lines in, JSON lines out.")


@app.default
def run() -> None:
    """Answer each request on standard input with one line on standard output.

    A request is an object with `id`, `filter` (a statement) or `expr` (an expression), `context` (the profile or
    event, times as {"$time": "RFC 3339"}), `now` (RFC 3339), `includes` (FILTER … ALIAS statements) and `want`: match,
    value, canonical, inline, flip or ast. The answer has the `id` and what was wanted, or `error`.
    """
    for line in sys.stdin.buffer:
        if line.strip():
            sys.stdout.buffer.write(jsontext.encode(answer(line)) + b"\n")
            sys.stdout.buffer.flush()


@app.command
def functions() -> None:
    """Print the reference of all functions as Markdown."""
    sys.stdout.write(function_reference())


class NotEvaluableError(InputError):
    """There is no answer: the statement reads well but cannot be evaluated for this context."""


def answer(line: bytes) -> dict[str, Any]:
    """The answer to one request."""
    try:
        request = jsontext.decode(line)
    except InputError as fault:
        return {"id": None, "error": str(fault)}
    if not isinstance(request, dict):
        return {"id": None, "error": "a request is an object; see `headwater filterql --help`"}
    try:
        return {"id": request.get("id"), **_respond(request)}
    except InputError as fault:
        return {"id": request.get("id"), "error": str(fault)}


def _respond(request: Mapping[str, Any]) -> dict[str, Any]:
    want = request.get("want", "match")
    handler = _HANDLERS.get(want)
    if handler is None:
        raise InputError(f"{want!r} is unknown; use one of {', '.join(_HANDLERS)}", field="want")
    return handler(request)


def _statements(request: Mapping[str, Any]) -> tuple[Statement, ...]:
    if isinstance(request.get("filter"), str):
        return parse_statements(request["filter"])
    if isinstance(request.get("expr"), str):
        return (Filter(where=parse_expression(request["expr"])),)
    raise InputError("give a statement as `filter` or an expression as `expr`", field="filter")


def _resolver(request: Mapping[str, Any]) -> Resolver:
    """Included filters by alias. An alias is lower case; the name after INCLUDE may be written in any."""
    filters = {parsed.alias: parsed.where for parsed in map(parse_filter, request.get("includes", ()))}
    return lambda name: filters.get(name.lower())


def _now(request: Mapping[str, Any]) -> datetime:
    if "now" not in request:
        return datetime.now(UTC)
    now = parse_date(str(request["now"]))
    if now is None:
        raise InputError("not an instant; write it like 2026-11-23T09:45:01Z", field="now")
    return now


def _context(request: Mapping[str, Any]) -> dict[str, Any]:
    context = from_stored(request.get("context", {}))
    if not isinstance(context, dict):
        raise InputError("expected an object", field="context")
    return context


def _where(statement: Statement) -> Node:
    if isinstance(statement, Filter):
        return statement.where
    node = statement.filter if statement.filter is not None else statement.where
    return MatchAll() if node is None else node


def _match(request: Mapping[str, Any]) -> dict[str, Any]:
    tree = _where(_statements(request)[0])
    context, now = _context(request), _now(request)
    verdict = compile_filter(tree, _resolver(request)).evaluate(context, now)
    if verdict is not NOTHING:
        return {"match": verdict}
    if _orders_texts(tree, context, now):
        return {"match": False}
    raise _not_evaluable(tree, _resolver(request))


def _orders_texts(tree: Node, context: Mapping[str, Any], now: datetime) -> bool:
    """Whether a filter is nothing but two texts in an order: an error anywhere inside, yet no match as a whole."""
    if not isinstance(tree, Comparison):
        return False
    return all(isinstance(compile_expression(side).value(context, now), str) for side in (tree.left, tree.right))


def _not_evaluable(tree: Node, resolver: Resolver) -> InputError:
    for name, found in resolve(tree, resolver).items():
        if isinstance(found, IncludeError):
            return NotEvaluableError(f"cannot be evaluated: INCLUDE {name}: {found.message}", code="not_evaluable")
    return NotEvaluableError("cannot be evaluated for this context", code="not_evaluable")


def _value(request: Mapping[str, Any]) -> dict[str, Any]:
    statement = _statements(request)[0]
    now = _now(request)
    if isinstance(statement, Select):
        row = CompiledMapping(statement, _resolver(request)).run(_context(request), now, now)
        if not row.evaluable:
            raise _not_evaluable(_where(statement), _resolver(request))
        return {"value": to_stored(dict(row.fields), iso_times=True) if row.matched else None}
    value = compile_expression(statement.where, _resolver(request)).value(_context(request), now, now)
    if value is NOTHING:
        raise _not_evaluable(statement.where, _resolver(request))
    return {"value": to_stored(value, iso_times=True)}


def _canonical(request: Mapping[str, Any]) -> dict[str, Any]:
    statements = _statements(request)
    printed = statements if "filter" in request else tuple(map(_where, statements))
    return {"canonical": "; ".join(map(canonical, printed))}


def _inline(request: Mapping[str, Any]) -> dict[str, Any]:
    return {"canonical": canonical(inline(_where(_statements(request)[0]), _resolver(request)))}


def _flip(request: Mapping[str, Any]) -> dict[str, Any]:
    tree, resolver = _where(_statements(request)[0]), _resolver(request)
    for node in (tree, *resolve(tree, resolver).values()):
        for problem in date_math_problems(node) if isinstance(node, Node) else ():
            raise InputError(problem.message)
    flip = Flips(tree, resolver).next_check(_context(request), _now(request))
    return {"flip": None if flip is None else _rfc3339(flip)}


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _ast(request: Mapping[str, Any]) -> dict[str, Any]:
    statements = _statements(request)
    first = statements[0]
    tree = _where(first)
    shape: dict[str, Any] = {
        "statements": len(statements),
        "alias": first.alias,
        "from": first.source,
        "limit": first.limit,
        "with": dict(first.attributes),
        "description": first.description,
        "includes": list(includes(tree)),
        "columns": len(first.columns) if isinstance(first, Select) else 0,
    }
    part = "where" if isinstance(first, Select) and first.where is not None else "filter"
    return {"ast": {**shape, part: _shape(tree)}}


def _shape(node: Node) -> dict[str, Any]:
    """A node as {op, negated, nargs, args, canonical}; names of includes, fields and `*` as such."""
    negated = bool(getattr(node, "negated", False)) or isinstance(node, Not)
    text = canonical(node)
    match node:
        case Include():
            return {"include": node.name, "negated": negated, "canonical": text}
        case MatchAll() | Field():
            return {"identity": text, "canonical": text}
        case Literal():
            return {"value": node.value, "canonical": text}
    names = {Not: "not", Minus: "-"}
    operator = getattr(node, "op", names.get(type(node), type(node).__name__.lower()))
    args = [_shape(child) for child in children(node)]
    shape = {"negated": negated, "nargs": len(args), "args": args, "canonical": text}
    return {"op": operator, **shape} if not isinstance(node, Group) else {"op": node.op, **shape}


_HANDLERS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "match": _match,
    "value": _value,
    "canonical": _canonical,
    "inline": _inline,
    "flip": _flip,
    "ast": _ast,
}
