"""LIKE patterns: a glob over the whole text.

`*` and `%` match any run of characters, `/` included, `?` one character, `[a-z]` and `[^a-z]` one of a class, and a
backslash takes the next character as it is. `_` is an ordinary character. The check takes time proportional to the
text times the number of runs, whatever the pattern: the part between two runs is taken at its first place and never
moved again, which is right because each such part has a fixed length.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

Matcher = Callable[[str], bool]

PATTERN_LIMIT = 4096
"""Longest pattern, in characters. A longer one matches nothing."""

_RUNS = "*%"


def matcher(pattern: str) -> Matcher:
    """A function that tells whether a text matches. A malformed pattern matches nothing."""
    return _compile(pattern)


@functools.lru_cache(maxsize=4096)
def _compile(pattern: str) -> Matcher:
    parts = split_pattern(pattern) if len(pattern) <= PATTERN_LIMIT else None
    if parts is None:
        return _never
    literal = _literal_matcher(parts)
    return literal if literal is not None else _regex_matcher(parts)


def _never(_text: str) -> bool:
    return False


class Part(NamedTuple):
    """A stretch between two runs: its regular expression, and its plain text if it has no wildcard."""

    regex: str
    plain: str | None


def split_pattern(pattern: str) -> list[Part] | None:
    """The stretches between runs; None if the pattern is malformed."""
    parts: list[Part] = []
    regex: list[str] = []
    plain: list[str] | None = []
    at = 0
    while at < len(pattern):
        if pattern[at] in _RUNS:
            parts.append(Part("".join(regex), None if plain is None else "".join(plain)))
            regex, plain = [], []
            at += 1
            continue
        atom = _atom(pattern, at)
        if atom is None:
            return None
        expression, character, at = atom
        regex.append(expression)
        if character is None:
            plain = None
        elif plain is not None:
            plain.append(character)
    parts.append(Part("".join(regex), None if plain is None else "".join(plain)))
    return parts


def _atom(pattern: str, at: int) -> tuple[str, str | None, int] | None:
    """What matches exactly one character at `at`: its regular expression, its plain character, where it ends."""
    char = pattern[at]
    if char == "?":
        return ".", None, at + 1
    if char == "[":
        return _character_class(pattern, at)
    if char == "\\":
        at += 1
        if at == len(pattern):
            return None
        char = pattern[at]
    return re.escape(char), char, at + 1


def _character_class(pattern: str, at: int) -> tuple[str, str | None, int] | None:
    """`[a-z]` or `[^a-z]`; a leading `!` is an ordinary member. None if it does not end, is empty or runs backwards."""
    at += 1
    negated = pattern.startswith("^", at)
    at += negated
    members: list[str] = []
    while at < len(pattern) and pattern[at] != "]":
        low, at = _member(pattern, at)
        if low is None:
            return None
        high: str | None = low
        if pattern.startswith("-", at) and not pattern.startswith("-]", at):
            high, at = _member(pattern, at + 1)
        if high is None or high < low:
            return None
        members.append(f"{re.escape(low)}-{re.escape(high)}")
    if at >= len(pattern) or not members:
        return None
    return f"[{'^' if negated else ''}{''.join(members)}]", None, at + 1


def _member(pattern: str, at: int) -> tuple[str | None, int]:
    if pattern.startswith("\\", at):
        at += 1
    return (pattern[at], at + 1) if at < len(pattern) else (None, at)


def _literal_matcher(parts: list[Part]) -> Matcher | None:
    """The common shapes without a regular expression: equality, prefix, suffix, substring, anything."""
    texts = [part.plain for part in parts]
    if any(text is None for text in texts):
        return None
    first, last = texts[0] or "", texts[-1] or ""
    middle = [text for text in texts[1:-1] if text]
    if len(texts) == 1:
        return first.__eq__
    if not middle:
        return _ends_matcher(first, last)
    if len(middle) == 1 and not first and not last:
        needle = middle[0]
        return lambda text: needle in text
    return None


def _ends_matcher(first: str, last: str) -> Matcher:
    if not last:
        return lambda text: text.startswith(first)
    if not first:
        return lambda text: text.endswith(last)
    length = len(first) + len(last)
    return lambda text: len(text) >= length and text.startswith(first) and text.endswith(last)


def _regex_matcher(parts: list[Part]) -> Matcher:
    if len(parts) == 1:
        found = re.compile(parts[0].regex, re.DOTALL).fullmatch
        return lambda text: found(text) is not None
    middle = "".join(f"(?>.*?{part.regex})" for part in parts[1:-1] if part.regex)
    found = re.compile(f"{parts[0].regex}{middle}.*{parts[-1].regex}", re.DOTALL).fullmatch
    return lambda text: found(text) is not None
