"""Find a key that an object holds twice.

A JSON decoder keeps the last value and drops the others without a word. That would be silent loss, so it is an error.
Almost no request has one, so the check starts cheap: the number of keys in the text is compared with the number of
keys in the decoded document, and only a difference is worth reading the text a second time.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from headwater import jsontext

# White space is taken out of both texts before `":` is counted in them, so that `"a" : 1` counts like `"a":1`. Inside of
# strings both lose the same, unless the quote, the colon or the blank is written as an escape there.
_WHITE_SPACE = b" \t\r\n"
_HIDDEN_MARK = re.compile(rb"\\u00(?:2[02]|3[aA])")
_STRING_AND_COLON = re.compile(rb'"(?:[^"\\]++|\\.)*+"[ \t\r\n]*+(:?)', re.DOTALL)
_TOKEN = re.compile(rb'("(?:[^"\\]++|\\.)*+")[ \t\r\n]*+(:?)|([{}\[\],])', re.DOTALL)


class DuplicateKey(NamedTuple):
    """`path` leads to the second appearance: keys as text, list positions as numbers."""

    path: tuple[str | int, ...]

    @property
    def key(self) -> str:
        return str(self.path[-1])


def may_repeat_keys(text: bytes, encoded: bytes) -> bool:
    """Whether `text` holds more keys than `encoded`, the compact text of what was decoded from it."""
    if _HIDDEN_MARK.search(text):
        return _count_keys(text) != _count_keys(encoded)
    return _count_marks(text) != _count_marks(encoded)


def _count_marks(text: bytes) -> int:
    return text.translate(None, _WHITE_SPACE).count(b'":')


def _count_keys(text: bytes) -> int:
    return sum(map(len, _STRING_AND_COLON.findall(text)))


def find_duplicate_keys(text: bytes) -> list[DuplicateKey]:
    """Every repeated key of a valid JSON text, in order of appearance. Does not recurse."""
    found: list[DuplicateKey] = []
    path: list[str | int] = []
    seen: list[set[str]] = []
    for string, colon, mark in _TOKEN.findall(text):
        if colon:
            key = jsontext.decode(string) if b"\\" in string else string[1:-1].decode("utf-8")
            path[-1] = key
            if key in seen[-1]:
                found.append(DuplicateKey(tuple(path)))
            seen[-1].add(key)
        elif mark in (b"{", b"["):
            path.append("" if mark == b"{" else 0)
            seen.append(set())
        elif mark in (b"}", b"]"):
            path.pop()
            seen.pop()
        elif mark and isinstance(position := path[-1], int):
            path[-1] = position + 1
    return found


def path_text(path: tuple[str | int, ...]) -> str:
    """A path as people write it: `batch[3].properties.price`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
