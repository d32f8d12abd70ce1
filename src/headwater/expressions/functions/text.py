"""Functions on texts. Where one text is expected, a list stands for its first element."""

from __future__ import annotations

import re

from headwater.expressions.context import Context
from headwater.expressions.functions.registry import Example, Function, function
from headwater.expressions.values import NOTHING, Value, one_text, to_integer, to_text

_BLANKS = " \n\t\r"


@function("tolower", "string", Example('tolower("Apple")', "apple"), aliases=("string.lowercase",))
def tolower(_context: Context, x: Value) -> Value:
    """The text in lower case."""
    text = one_text(x)
    return NOTHING if text is None else text.lower()


@function("string.uppercase", "string", Example('string.uppercase("Apple")', "APPLE"))
def uppercase(_context: Context, x: Value) -> Value:
    """The text in upper case."""
    text = one_text(x)
    return NOTHING if text is None else text.upper()


_WORD_START = re.compile(r"(?<!\w)\w")


@function("string.titlecase", "string", Example('string.titlecase("new yORK o\'neil")', "New YORK O'Neil"))
def titlecase(_context: Context, x: Value) -> Value:
    """The first letter of each word in upper case, the rest unchanged."""
    text = one_text(x)
    return NOTHING if text is None else _WORD_START.sub(lambda letter: letter[0].upper(), text)


@function("contains", "bool", Example('contains(url, "/blog/")', True, {"url": "example.com/blog/x"}),
          Example('contains(missing, "x")', False), Example('contains("abc", "")', NOTHING))  # fmt: skip
def contains(_context: Context, s: Value, t: Value) -> Value:
    """Whether the first text contains the second. Missing gives false, an empty text no value."""
    text, part = one_text(s), one_text(t)
    if text is None or part is None:
        return False
    return part in text if text and part else NOTHING


@function("hasprefix", "bool", Example('hasprefix("hello", "he")', True), Example('hasprefix("hello", "")', NOTHING))
def hasprefix(_context: Context, s: Value, t: Value) -> Value:
    """Whether the first text begins with the second. An empty second text gives no value, a missing first false."""
    prefix = one_text(t)
    return (one_text(s) or "").startswith(prefix) if prefix else NOTHING


@function("hassuffix", "bool", Example('hassuffix("hello", "lo")', True), Example('hassuffix(missing, "lo")', False))
def hassuffix(_context: Context, s: Value, t: Value) -> Value:
    """Whether the first text ends with the second. An empty second text gives no value, a missing first false."""
    suffix = one_text(t)
    return (one_text(s) or "").endswith(suffix) if suffix else NOTHING


@function("string.index", "int", Example('string.index("apple", "p")', 1), Example('string.index("a", "z")', NOTHING))
def index(_context: Context, s: Value, t: Value) -> Value:
    """Where the second text first stands in the first, in bytes of UTF-8 from 0."""
    text, part = one_text(s), one_text(t)
    if not text or part is None:
        return NOTHING
    place = text.encode().find(part.encode())
    return NOTHING if place < 0 else place


_TO_THE_END = object()


@function("string.substr", "string", Example('string.substr("android", 0, 3)', "and"),
          Example('string.substr("android", 2)', "droid"), Example('string.substr("a", 5)', NOTHING))  # fmt: skip
def substr(_context: Context, s: Value, from_: Value, to: Value = _TO_THE_END) -> Value:
    """A part of the text, in bytes of UTF-8 from 0, end exclusive. Out of range gives no value."""
    text, start = one_text(s), to_integer(from_)
    if not text or start is None:
        return NOTHING
    content = text.encode()
    end = len(content) if to is _TO_THE_END else to_integer(to)
    if end is None or not 0 <= start <= end <= len(content):
        return NOTHING
    return content[start:end].decode(errors="replace")


@function("split", "[]string", Example('split("a,b", ",")', ["a", "b"]), Example('split("", ",")', NOTHING),
          aliases=("string.split",))  # fmt: skip
def split(_context: Context, s: Value, sep: Value) -> Value:
    """The parts of the text between separators. An empty text or separator gives no value."""
    text, separator = one_text(s), one_text(sep)
    return text.split(separator) if text and separator else NOTHING


@function("strip", "any", Example('strip(" apples ")', "apples"), Example('strip(split("a, b", ","))', ["a", "b"]),
          aliases=("string.strip",))  # fmt: skip
def strip(_context: Context, x: Value) -> Value:
    """The text, or each text of a list, without blanks, tabs and line ends around it."""
    if isinstance(x, str):
        return x.strip(_BLANKS)
    if isinstance(x, list) and all(isinstance(item, str) for item in x):
        return [item.strip(_BLANKS) for item in x]
    return NOTHING


@function("replace", "string", Example('replace("M20:30", "M")', "20:30"), Example('replace("a-b", "-", "+")', "a+b"))
def replace(_context: Context, s: Value, old: Value, new: Value = "") -> Value:
    """The text with every `old` replaced by `new`, or removed. A missing text gives ""."""
    text, gone = one_text(s) or "", one_text(old)
    return text.replace(gone, one_text(new) or "") if gone else text


@function("join", "string", Example('join("a", "", "b", ",")', "a,b"), Example('join(["a", "b"], "-")', "a-b"),
          at_least=2)  # fmt: skip
def join(_context: Context, *x: Value) -> Value:
    """The arguments joined; the last one is the separator. Lists are spread and keep their empty items; other empty
    arguments and booleans are left out. With nothing left there is no value."""
    separator = one_text(x[-1])
    if separator is None:
        return NOTHING
    parts: list[str] = []
    for value in x[:-1]:
        if isinstance(value, list | tuple):
            parts.extend(map(to_text, value))
        elif isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            parts.append(to_text(value))
    return separator.join(parts) if parts else NOTHING


FUNCTIONS: tuple[Function, ...] = (
    tolower,
    uppercase,
    titlecase,
    contains,
    hasprefix,
    hassuffix,
    index,
    substr,
    split,
    strip,
    replace,
    join,
)
