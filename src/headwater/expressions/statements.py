"""Statements: `FILTER …` for audiences, `SELECT …` for projections and mappings.

    FILTER filter [FROM name] [LIMIT n] [WITH k = v, …] [ALIAS name]
    SELECT columns FROM name [INTO table] [BY key OR key] [FILTER filter | WHERE condition] [LIMIT n] [WITH …] [ALIAS name]
    column = expression [AS name] [IF guard] [SHORTDESC "…"] [LONGDESC "…"] [KIND kind] [MERGEOP op]

The clauses after a column's expression may come in any order; those of a statement only in the order above.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.expressions.errors import ExpressionError
from headwater.expressions.lexer import TokenKind
from headwater.expressions.parser import ExpressionParser
from headwater.expressions.tree import MatchAll, Node


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """A FILTER statement. `alias` is in lower case; `description` is the comment before the first word."""

    where: Node
    source: str | None = None
    limit: int | None = None
    attributes: Mapping[str, Any] = {}
    alias: str | None = None
    description: str = ""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a SELECT: the expression, its name if AS gave one, its guard, and what the profile does with it."""

    expression: Node
    name: str | None = None
    guard: Node | None = None
    kind: str | None = None
    merge_op: str | None = None
    short_description: str = ""
    long_description: str = ""


class Select(msgspec.Struct, frozen=True, kw_only=True):
    """A SELECT statement. A projection has a `filter`; a mapping has `into`, `by` and perhaps `where`."""

    columns: tuple[Column, ...]
    source: str
    into: str | None = None
    by: tuple[str, ...] = ()
    filter: Node | None = None
    where: Node | None = None
    limit: int | None = None
    attributes: Mapping[str, Any] = {}
    alias: str | None = None
    description: str = ""


Statement = Filter | Select


def parse_statements(text: str) -> tuple[Statement, ...]:
    """All statements of a text, separated by `;`. Raises ExpressionError."""
    parser = _StatementParser(text)
    statements = [parser.statement()]
    while parser.accept(";"):
        if parser.peek().kind is TokenKind.END:
            break
        statements.append(parser.statement())
    parser.end()
    return tuple(statements)


def parse_statement(text: str) -> Statement:
    """The one statement of a text. Raises ExpressionError."""
    statements = parse_statements(text)
    if len(statements) > 1:
        raise ExpressionError("expected one statement, but there is another after ';'", text, len(text))
    return statements[0]


def parse_filter(text: str) -> Filter:
    """The one FILTER statement of a text. Raises ExpressionError."""
    statement = parse_statement(text)
    if not isinstance(statement, Filter):
        raise ExpressionError("expected FILTER, but found SELECT", text, 0)
    return statement


def parse_expression(text: str) -> Node:
    """A bare expression of a mapping, where single quotes enclose texts. A surplus `)` at its end is ignored.

    Raises ExpressionError.
    """
    parser = _StatementParser(text, single_quotes_are_text=True)
    node = parser.logic()
    while parser.accept(")"):
        pass
    parser.end()
    return node


_LIMIT_DIGITS = 18
_LINE_KIND = re.compile(r"(?:\[\]|ts\[\]|map\[string\])?[A-Za-z_][A-Za-z0-9_]*")


class _StatementParser(ExpressionParser):
    def end(self) -> None:
        """Nothing may follow."""
        if self.peek().kind is not TokenKind.END:
            raise self.unexpected("the end of the statement")

    def statement(self) -> Statement:
        if self.accept("filter"):
            return self._filter()
        if self.accept("select"):
            return self._select()
        raise self.unexpected("FILTER or SELECT")

    def _filter(self) -> Filter:
        self.single_quotes_are_text = False
        where = self.filter()
        source = self._optional_name("from", "the name of a table")
        return Filter(
            where=where,
            source=source,
            limit=self._limit(),
            attributes=self._attributes(),
            alias=self._alias(),
            description=self.description,
        )

    def _select(self) -> Select:
        self.single_quotes_are_text = True
        columns = [self._column()]
        while self.accept(","):
            columns.append(self._column())
        self.expect("from", "after the columns")
        source = self.name("the name of a stream or table", may_begin_with_digit=True).value
        into = self._optional_name("into", "the name of a table")
        by = self._keys()
        chosen = self._choice()
        return Select(
            columns=tuple(columns),
            source=source,
            into=into,
            by=by,
            filter=chosen.get("filter"),
            where=chosen.get("where"),
            limit=self._limit(),
            attributes=self._attributes(),
            alias=self._alias(),
            description=self.description,
        )

    def _choice(self) -> dict[str, Node]:
        """FILTER, where single quotes enclose names, or WHERE, where they enclose texts."""
        if self.accept("filter"):
            self.single_quotes_are_text = False
            return {"filter": self.filter()}
        self.single_quotes_are_text = True
        return {"where": self.logic()} if self.accept("where") else {}

    def _keys(self) -> tuple[str, ...]:
        if not self.accept("by"):
            return ()
        keys = [self.name("the name of a key field").value]
        while self.accept("or", "||"):
            keys.append(self.name("the name of a key field").value)
        return tuple(keys)

    def _optional_name(self, word: str, what: str) -> str | None:
        return str(self.name(what, may_begin_with_digit=True).value) if self.accept(word) else None

    def _limit(self) -> int | None:
        if not self.accept("limit"):
            return None
        token = self.peek()
        if token.kind is not TokenKind.NUMBER or not token.text.isdigit() or len(token.text) > _LIMIT_DIGITS:
            raise self.unexpected("a whole number after LIMIT")
        return int(self.take().value)

    def _alias(self) -> str | None:
        alias = self._optional_name("alias", "a name after ALIAS")
        return None if alias is None else alias.lower()

    def _attributes(self) -> dict[str, Any]:
        if not self.accept("with"):
            return {}
        if self.peek().kind is TokenKind.OBJECT:
            return dict(self.take().value)
        attributes: dict[str, Any] = {}
        while True:
            name = self.name("the name of an attribute after WITH").value
            if not self.accept("=", "=="):
                raise self.unexpected("'=' after the name of an attribute")
            attributes[name] = self._attribute()
            if not self.accept(","):
                return attributes

    def _attribute(self) -> Any:
        token = self.peek()
        if token.lower in _WORD_VALUES:
            return _WORD_VALUES[self.take().lower]
        sign = -1 if self.accept("-") else 1
        token = self.peek()
        if token.kind is TokenKind.NUMBER and token.value != float("inf"):
            return sign * self.take().value
        if sign == 1 and token.kind in (TokenKind.STRING, TokenKind.SINGLE, TokenKind.WORD, TokenKind.OBJECT):
            return self.take().value
        raise self.unexpected("a value after '='")

    # --- columns

    def _column(self) -> Column:
        found: dict[str, Any] = {"expression": self._column_expression()}
        while True:
            token = self.peek()
            read = _CLAUSES.get(token.lower)
            if read is None:
                return Column(**found)
            self.take()
            field, take = read
            if field in found:
                raise self.error(f"{token.text} stands twice in one column", token)
            found[field] = take(self)

    def _column_expression(self) -> Node:
        token = self.peek()
        if token.lower == "*":
            self.take()
            return MatchAll(at=token.at)
        return self.logic()

    def clause_name(self) -> str:
        return str(self.name("a name after AS").value)

    def clause_text(self) -> str:
        token = self.peek()
        if token.kind not in (TokenKind.STRING, TokenKind.SINGLE):
            raise self.unexpected("a text in quotes")
        return str(self.take().value)

    def clause_kind(self) -> str:
        """A kind such as `int`, `[]string` or `map[string]int`: read from the text, for its brackets are no tokens."""
        start = self.peek()
        found = _LINE_KIND.match(self.text, start.at)
        if found is None:
            raise self.unexpected("a kind like int, []string or map[string]int after KIND")
        while self.peek().kind is not TokenKind.END and self.peek().at < found.end():
            self.take()
        return found[0]

    def clause_word(self) -> str:
        token = self.peek()
        if token.kind is not TokenKind.WORD:
            raise self.unexpected("a merge operator after MERGEOP")
        return str(self.take().value).lower()


_WORD_VALUES = {"true": True, "false": False, "null": None}
_CLAUSES = {
    "as": ("name", _StatementParser.clause_name),
    "if": ("guard", _StatementParser.logic),
    "kind": ("kind", _StatementParser.clause_kind),
    "mergeop": ("merge_op", _StatementParser.clause_word),
    "shortdesc": ("short_description", _StatementParser.clause_text),
    "longdesc": ("long_description", _StatementParser.clause_text),
}
