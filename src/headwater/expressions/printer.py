"""The tree back to text: one canonical form, which reads back as the same tree.

Keywords are written large, except AND, OR, IN, LIKE, CONTAINS and INTERSECTS, which keep the case they were typed in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from headwater.expressions.parser import RESERVED
from headwater.expressions.statements import Column, Filter, Select, Statement
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
)

_BARE_NAME = re.compile(r"[^\W\d_][\w.\-/]*|[_.@][\w.\-/]*")
_PLAIN_INCLUDE = re.compile(r"[^\W\d_][\w\-./]*")

_LEVELS = {"or": 1, "and": 2, "compare": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5}
_TIGHTEST = 6


def canonical(part: Node | Statement) -> str:
    """The canonical text of a statement or an expression."""
    return _Printer().print(part)


def fingerprint(part: Node | Statement) -> str:
    """The canonical text with `?` for every literal: the same for filters that differ only in their values."""
    return _Printer(hide_literals=True).print(part)


class _Printer:
    def __init__(self, hide_literals: bool = False) -> None:
        self._hide = hide_literals

    def print(self, part: Node | Statement) -> str:
        if isinstance(part, Filter):
            return self._filter(part)
        return self._select(part) if isinstance(part, Select) else self.node(part)

    # --- statements

    def _filter(self, statement: Filter) -> str:
        source = None if statement.source is None else f"FROM {name_text(statement.source)}"
        return self._statement(statement, [f"FILTER {self.node(statement.where)}", source])

    def _select(self, statement: Select) -> str:
        parts = [
            f"SELECT {', '.join(map(self._column, statement.columns))}",
            f"FROM {name_text(statement.source)}",
            None if statement.into is None else f"INTO {name_text(statement.into)}",
            f"BY {' OR '.join(map(name_text, statement.by))}" if statement.by else None,
            None if statement.filter is None else f"FILTER {self.node(statement.filter)}",
            None if statement.where is None else f"WHERE {self.node(statement.where)}",
        ]
        return self._statement(statement, parts)

    def _statement(self, statement: Statement, parts: list[str | None]) -> str:
        parts += [
            None if statement.limit is None else f"LIMIT {statement.limit}",
            f"WITH {self._attributes(statement.attributes)}" if statement.attributes else None,
            None if statement.alias is None else f"ALIAS {name_text(statement.alias)}",
        ]
        text = " ".join(part for part in parts if part)
        described = statement.description.strip() and "\n" not in statement.description and not self._hide
        return f"--{statement.description.rstrip()}\n{text}" if described else text

    def _attributes(self, attributes: Mapping[str, Any]) -> str:
        return ", ".join(f"{name_text(name)} = {self._attribute(attributes[name])}" for name in sorted(attributes))

    def _attribute(self, value: Any) -> str:
        if self._hide:
            return "?"
        return text_literal(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def _column(self, column: Column) -> str:
        parts = [
            self.node(column.expression),
            None if column.name is None else f"AS {name_text(column.name)}",
            None if column.guard is None else f"IF {self.node(column.guard)}",
            f"SHORTDESC {text_literal(column.short_description)}" if column.short_description else None,
            f"LONGDESC {text_literal(column.long_description)}" if column.long_description else None,
            None if column.kind is None else f"KIND {column.kind}",
            None if column.merge_op is None else f"MERGEOP {column.merge_op}",
        ]
        return " ".join(part for part in parts if part)

    # --- expressions

    def node(self, node: Node, level: int = 0) -> str:
        """The text of a node that stands where operators looser than `level` need parentheses."""
        match node:
            case Literal():
                return "?" if self._hide else literal_text(node)
            case Field():
                return field_text(node)
            case MatchAll():
                return node.text
            case ListLiteral():
                return self._list(node)
            case Call():
                return f"{node.name}({self._all(node.args)})"
            case Include() | Group():
                text = self._group(node) if isinstance(node, Group) else _include_text(node)
                return _enclosed(f"NOT {text}", level > _LEVELS["compare"]) if node.negated else text
            case _:
                return self._operation(node, level)

    def _group(self, node: Group) -> str:
        return f"{node.typed or node.op.upper()} ( {self._all(node.items)} )"

    def _operation(self, node: Node, level: int) -> str:
        match node:
            case Not():
                return _enclosed(f"NOT {self.node(node.operand, _LEVELS['compare'])}", level > _LEVELS["compare"])
            case Minus():
                return f"-{_enclosed(self.node(node.operand, _TIGHTEST), isinstance(node.operand, Minus))}"
            case Exists():
                return f"EXISTS {_enclosed(self.node(node.operand), not isinstance(node.operand, _OPERANDS))}"
            case Logic():
                own = _LEVELS[node.op]
                text = f" {node.typed or node.op.upper()} ".join(self.node(part, own + 1) for part in node.operands)
                return _enclosed(text, node.paren or level > own)
            case Comparison():
                own = _LEVELS["compare"]
                text = f"{self.node(node.left, own + 1)} {_operator(node)} {self.node(node.right, own + 1)}"
                return _enclosed(text, node.paren or level > own)
            case Between():
                return self._between(node, level)
            case Arithmetic():
                own = _LEVELS[node.op]
                text = f"{self.node(node.left, own)} {node.op} {self.node(node.right, own + 1)}"
                return _enclosed(text, node.paren or level > own)
        raise TypeError(f"no text for {type(node).__name__}")

    def _between(self, node: Between, level: int) -> str:
        own = _LEVELS["compare"]
        subject, low, high = (self.node(part, own + 1) for part in (node.subject, node.low, node.high))
        text = f"{subject} {'NOT ' if node.negated else ''}BETWEEN {low} AND {high}"
        return _enclosed(text, node.paren or level > own)

    def _list(self, node: ListLiteral) -> str:
        if self._hide:
            return "(?)"
        return f"[{self._all(node.items)}]" if node.bracket else f"({self._all(node.items)})"

    def _all(self, nodes: tuple[Node, ...]) -> str:
        return ", ".join(map(self.node, nodes))


_OPERANDS = (Literal, Field, Call, ListLiteral)


def _include_text(node: Include) -> str:
    bare = not node.quoted and _PLAIN_INCLUDE.fullmatch(node.name) and node.name.lower() not in RESERVED
    return f"INCLUDE {node.name if bare else _quoted(node.name)}"


def _enclosed(text: str, needed: bool) -> str:
    return f"({text})" if needed else text


def _operator(node: Comparison) -> str:
    if node.op in ("in", "intersects", "like", "contains"):
        return node.typed or node.op.upper()
    return node.typed if node.typed in ("=", "==") else node.op


def literal_text(node: Literal) -> str:
    """A literal as it is typed."""
    if node.text:
        return node.text
    if isinstance(node.value, str):
        return text_literal(node.value)
    if node.value is None:
        return "NULL"
    return json.dumps(node.value)


def text_literal(text: str) -> str:
    r"""A text in double quotes. A quote inside is written `\"`; a backslash stays as it is."""
    return '"' + text.replace('"', '\\"') + '"'


def name_text(name: str) -> str:
    """A name, in backticks unless it can stand bare and begins with a letter."""
    bare = _BARE_NAME.fullmatch(name) and name[0].isalpha() and name.lower() not in RESERVED
    return name if bare else _quoted(name)


def _quoted(name: str) -> str:
    """A name in quotes that it does not contain."""
    if "`" not in name:
        return f"`{name}`"
    return f"[{name}]" if "]" not in name and _BARE_NAME.match(name) else f"'{name}'"


def field_text(field: Field) -> str:
    """A field as a person would write it."""
    bare = _BARE_NAME.fullmatch(field.name) and field.name.lower() not in RESERVED
    if bare and (not field.quoted or field.name[0].isalpha()) and field.map_name == _owner(field.name):
        return field.name
    if field.map_name is None:
        return _quoted(field.name)
    return f"{name_text(field.map_name)}.{_quoted(field.key)}"


def _owner(name: str) -> str | None:
    owner, dot, key = name.partition(".")
    return owner if dot and owner and key else None
