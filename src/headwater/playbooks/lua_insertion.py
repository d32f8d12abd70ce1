"""Parameter values inside Lua source, inserted by place so that no value can change the program."""

from __future__ import annotations

import re

from headwater.errors import ConfigurationError
from headwater.playbooks.grammar import PLACEHOLDER
from headwater.playbooks.lua_tokens import Token, tokens
from headwater.playbooks.parameters import ParameterValues, Unset

_NUMBER = re.compile(r"\s*([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\000"}
_PIECE = re.compile(r"\\.|\$\$([A-Z][A-Z0-9_]*)\$\$|.", re.DOTALL)


def insert(body: str, values: ParameterValues) -> str:
    """The body with its placeholders replaced.

    In a quoted string the value is escaped; in a long string it stands as it is and may not hold `]`; in a comment it
    is left out; elsewhere a decimal number becomes a number, `true` and `false` a boolean, other text a quoted string,
    unset `nil`. Raises ConfigurationError for an undeclared name and for `]` in a long string.
    """
    if "$$" not in body:
        return body
    return "".join(_inserted(token, values) for token in tokens(body))


def _inserted(token: Token, values: ParameterValues) -> str:
    if token.kind == "placeholder":
        return f" {literal(_value(token.text[2:-2], values))} "
    if "$$" not in token.text:
        return token.text
    if token.kind == "comment":
        return PLACEHOLDER.sub(" ", token.text)
    if token.kind == "long":
        return PLACEHOLDER.sub(lambda match: _in_long_string(match[1], values), token.text)
    if token.kind == "quoted":
        return _in_quoted_string(token.text, values)
    return token.text


def literal(value: str | Unset) -> str:
    """A parameter value as a Lua expression."""
    if isinstance(value, Unset):
        return "nil"
    if value in ("true", "false"):
        return value
    number = _NUMBER.fullmatch(value)
    if number is None:
        return f'"{escape(value)}"'
    digits = number[2] + (number[3] if number[3] is not None else "")
    return f"(-{digits})" if number[1] == "-" else digits


def escape(value: str) -> str:
    """Text as the inside of a quoted Lua string. A leading digit is escaped too: it could extend an escape before it."""
    text = "".join(_ESCAPES.get(char, char) for char in value)
    if text and text[0] in "0123456789":
        return f"\\{ord(text[0]):03d}{text[1:]}"
    return text


def _in_quoted_string(text: str, values: ParameterValues) -> str:
    def replace(match: re.Match[str]) -> str:
        return match[0] if match[1] is None else escape(_text(match[1], values))

    return _PIECE.sub(replace, text)


def _in_long_string(name: str, values: ParameterValues) -> str:
    text = _text(name, values)
    if "]" in text:
        raise ConfigurationError(
            f"the value of {name} stands in a long Lua string and holds ']'; change the value or use a quoted string"
        )
    return text


def _text(name: str, values: ParameterValues) -> str:
    value = _value(name, values)
    return "" if isinstance(value, Unset) else value


def _value(name: str, values: ParameterValues) -> str | Unset:
    if name not in values:
        raise ConfigurationError(
            f"$${name}$$ stands for no declared parameter; add {name} to params or correct the name"
        )
    return values[name]
