"""Text to tokens.

Two things of this language are decided here: a word may contain `.`, `-` and `/`, so `a-1` is one name; and a token
remembers whether a new line stands before it, because a new line ends an item of `AND (…)`. What a single quote means
(a name in a filter, a text in a mapping) is left to the parser.
"""

from __future__ import annotations

import enum
import json
import re
from typing import Any, NamedTuple

from headwater.expressions.errors import ExpressionError

TEXT_LIMIT = 1_000_000
"""Longest text that is read, in characters: a filter of some 10,000 clauses has half of it."""


class TokenKind(enum.Enum):
    """The sorts of tokens."""

    WORD = "word"
    """A bare name or a keyword."""
    NAME = "quoted name"
    """A name in backticks or square brackets."""
    SINGLE = "text in single quotes"
    STRING = "text"
    NUMBER = "number"
    DIGIT_WORD = "word that begins with a digit"
    """Legal only where a name is sure to stand: after INCLUDE, ALIAS and FROM."""
    SYMBOL = "symbol"
    OBJECT = "JSON object"
    END = "end of the text"


class Token(NamedTuple):
    """A piece of the text.

    `value` is what it means (a text without its quotes, the decoded JSON object), `text` what was typed, `newline`
    whether a line break stands between the token before and this one.
    """

    kind: TokenKind
    value: Any
    text: str
    at: int
    newline: bool

    @property
    def lower(self) -> str:
        """A word or symbol in lower case; "" for anything quoted, which is never a keyword."""
        return self.value.lower() if self.kind in _KEYWORD_KINDS else ""


_KEYWORD_KINDS = (TokenKind.WORD, TokenKind.SYMBOL)

_SPACE = re.compile(r"\s+")
_LINE_COMMENT = re.compile(r"(?:--|#|//)([^\n]*)")
_BLOCK_COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_WORD = re.compile(r"[^\W\d_][\w.\-/]*|[_.@][\w.\-/]*")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DIGIT_WORD = re.compile(r"[0-9][\w.\-/]*")
_NAME_START = re.compile(r"[^\W\d_]|[_.@]")
# A text ends at a quote that is neither doubled nor behind a backslash.
_STRING = re.compile(r'"((?:[^"\\]|\\"|\\|"")*?)"(?!")', re.DOTALL)
_ESCAPED_QUOTE = re.compile(r'\\"|""')
_SYMBOLS = ("==", "!=", "<>", ">=", "<=", "&&", "||", *"=<>!(),;+-*/%[]")
_QUOTED_NAMES = {"`": "`", "[": "]"}


class Lexer:
    """Splits a text token by token, so that a text which is refused early is not read to its end.

    `description` is what the comments before the first token say, joined as they are; it is known after that token.
    """

    def __init__(self, text: str) -> None:
        if len(text) > TEXT_LIMIT:
            raise ExpressionError(f"the text is longer than {TEXT_LIMIT:,} characters: split it with INCLUDE", text, 0)
        self.description = ""
        self._text = text
        self._at = 0
        self._begun = False

    def next(self) -> Token:
        """The next token; of kind END at the end, again and again. Raises ExpressionError."""
        newline = self._skip()
        self._begun = True
        if self._at >= len(self._text):
            return Token(TokenKind.END, "", "", len(self._text), newline)
        token = _next_token(self._text, self._at, newline)
        self._at += len(token.text)
        return token

    def _skip(self) -> bool:
        """Pass over white space and comments; whether there was a line break. `/* */` counts only at the begin."""
        begin = self._at
        while True:
            if space := _SPACE.match(self._text, self._at):
                self._at = space.end()
                continue
            comment = _LINE_COMMENT.match(self._text, self._at)
            if comment is None and not self._begun:
                comment = _BLOCK_COMMENT.match(self._text, self._at)
            if comment is None:
                return "\n" in self._text[begin : self._at]
            if not self._begun:
                self.description += comment[1]
            self._at = comment.end()


def _next_token(text: str, at: int, newline: bool) -> Token:
    char = text[at]
    if char == '"':
        return _string(text, at, newline)
    if char == "'" or char == "`" or (char == "[" and _NAME_START.match(text, at + 1)):
        return _quoted_name(text, at, newline)
    if char == "{":
        return _object(text, at, newline)
    if "0" <= char <= "9":
        return _number(text, at, newline)
    if word := _WORD.match(text, at):
        return Token(TokenKind.WORD, word[0], word[0], at, newline)
    for symbol in _SYMBOLS:
        if text.startswith(symbol, at):
            return Token(TokenKind.SYMBOL, symbol, symbol, at, newline)
    raise ExpressionError(f"{char!r} cannot stand here; put a name that contains it in backticks", text, at)


def _string(text: str, at: int, newline: bool) -> Token:
    found = _STRING.match(text, at)
    if found is None:
        raise ExpressionError('a text in double quotes does not end; close it with "', text, at)
    return Token(TokenKind.STRING, _ESCAPED_QUOTE.sub('"', found[1]), found[0], at, newline)


def _quoted_name(text: str, at: int, newline: bool) -> Token:
    quote = text[at]
    close = text.find(_QUOTED_NAMES.get(quote, quote), at + 1)
    if close < 0:
        raise ExpressionError(f"a name in {quote} does not end", text, at)
    kind = TokenKind.SINGLE if quote == "'" else TokenKind.NAME
    return Token(kind, text[at + 1 : close], text[at : close + 1], at, newline)


def _object(text: str, at: int, newline: bool) -> Token:
    try:
        value, end = json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError) as fault:
        raise ExpressionError(f"not a JSON object: {fault}", text, at) from None
    return Token(TokenKind.OBJECT, value, text[at:end], at, newline)


def _number(text: str, at: int, newline: bool) -> Token:
    found = _NUMBER.match(text, at)
    following = text[found.end() : found.end() + 1] if found else ""
    if found is None or following in ("-", ".", "_") or (following and following.isalnum()):
        word = _DIGIT_WORD.match(text, at)
        typed = word[0] if word else text[at]
        return Token(TokenKind.DIGIT_WORD, typed, typed, at, newline)
    return Token(TokenKind.NUMBER, _number_value(found[0]), found[0], at, newline)


_INT64_LIMIT = 2.0**63
_DIGITS_LIMIT = 100


def _number_value(typed: str) -> int | float:
    """A whole number is an int however it is written: `7`, `7.0`, `0x7`, `7e0`. Infinite if it is too long."""
    if len(typed) > _DIGITS_LIMIT:
        return float("inf")
    if typed[:2] in ("0x", "0X"):
        return int(typed, 16)
    if typed.isdigit():
        return int(typed)
    value = float(typed)
    return int(value) if value.is_integer() and abs(value) < _INT64_LIMIT else value
