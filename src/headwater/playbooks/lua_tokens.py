"""Lua 5.1 source text cut into tokens, with `$$NAME$$` placeholders as tokens of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from headwater.errors import ConfigurationError
from headwater.playbooks.grammar import PLACEHOLDER

TokenKind = Literal["space", "comment", "name", "keyword", "number", "quoted", "long", "placeholder", "operator"]


class Token(NamedTuple):
    """A piece of source text; joined, the tokens are the source again."""

    kind: TokenKind
    text: str


KEYWORDS = frozenset(
    [
        "and",
        "break",
        "do",
        "else",
        "elseif",
        "end",
        "false",
        "for",
        "function",
        "if",
        "in",
        "local",
        "nil",
        "not",
        "or",
        "repeat",
        "return",
        "then",
        "true",
        "until",
        "while",
    ]
)

_LONG_OPEN = re.compile(r"\[(=*)\[")
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n\f\v]+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<operator>\.\.\.|\.\.|==|~=|<=|>=|[-+*/%^#<>=(){}\[\];:,.])"
)


def tokens(source: str) -> Iterator[Token]:
    """The tokens of a body. Raises ConfigurationError for text that is no Lua."""
    position = 0
    while position < len(source):
        token = _token_at(source, position)
        position += len(token.text)
        yield token


def _token_at(source: str, position: int) -> Token:
    first = source[position]
    if first == "$" and (match := PLACEHOLDER.match(source, position)):
        return Token("placeholder", match[0])
    if first == "-" and source.startswith("--", position):
        return Token("comment", _comment(source, position))
    if first in "\"'":
        return Token("quoted", _quoted(source, position))
    if first == "[" and (opening := _LONG_OPEN.match(source, position)):
        return Token("long", _long(source, position, opening))
    match = _TOKEN.match(source, position)
    if match is None:
        raise ConfigurationError(f"{first!r} is not Lua (line {_line(source, position)} of the body)")
    return _plain(match)


def _plain(match: re.Match[str]) -> Token:
    text = match[0]
    if match.lastgroup == "name":
        return Token("keyword" if text in KEYWORDS else "name", text)
    if match.lastgroup == "space":
        return Token("space", text)
    return Token("number" if match.lastgroup == "number" else "operator", text)


def _comment(source: str, position: int) -> str:
    opening = _LONG_OPEN.match(source, position + 2)
    if opening:
        return "--" + _long(source, position + 2, opening)
    end = source.find("\n", position)
    return source[position:] if end < 0 else source[position:end]


def _quoted(source: str, position: int) -> str:
    quote, at = source[position], position + 1
    while at < len(source):
        char = source[at]
        if char == quote:
            return source[position : at + 1]
        if char == "\n":
            break
        at += 2 if char == "\\" else 1
    raise ConfigurationError(f"a string does not end (line {_line(source, position)} of the body)")


def _long(source: str, position: int, opening: re.Match[str]) -> str:
    closing = f"]{opening[1]}]"
    end = source.find(closing, opening.end())
    if end < 0:
        raise ConfigurationError(f"a long string or comment does not end (line {_line(source, position)} of the body)")
    return source[position : end + len(closing)]


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1
