"""Find a key that an object holds twice.

A JSON decoder keeps the last value and drops the others without a word. That would be silent loss, so it is an error.
Almost no request has one, so the check starts cheap: the number of keys in the text is compared with the number of
keys in the decoded document, and only a difference is worth reading the text a second time.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from headwater import jsontext

# `":` ends a key in compact text. These spellings would hide or fake one: white space before the colon, and an
# escaped quote or colon inside a string.
_BLANK_BEFORE_COLON = re.compile(rb'"[ \t\r\n]+:')
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
    if not _is_plain(text):
        return _count_keys(text) != _count_keys(encoded)
    return text.count(b'":') != encoded.count(b'":')


def _is_plain(text: bytes) -> bool:
    if b"\\u" in text and (b"\\u0022" in text or b"\\u003a" in text or b"\\u003A" in text):
        return False
    return not (
        (b" :" in text or b"\t:" in text or b"\n:" in text or b"\r:" in text) and _BLANK_BEFORE_COLON.search(text)
    )


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
