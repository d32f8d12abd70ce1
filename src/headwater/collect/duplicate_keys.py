"""Find a key that an object holds twice.

A JSON decoder keeps the last value and drops the others without a word. That would be silent loss, so it is an error.
Almost no request has one, so the check starts cheap: the number of keys in the text is compared with the number of
keys in the decoded document, and only a difference is worth reading the text a second time.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from headwater import jsontext

# A colon stands behind each key and, alike in both texts, inside of strings, unless it is written as an escape there.
_ESCAPED = b"\\u00"
_HIDDEN_COLON = re.compile(rb"\\u003[aA]")
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
    if _ESCAPED in text and _HIDDEN_COLON.search(text):
        return _count_keys(text) != _count_keys(encoded)
    return text.count(b":") != encoded.count(b":")


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
