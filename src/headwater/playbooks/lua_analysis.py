"""What a Lua body reads and changes, found out from its tokens.

Both answers err on the safe side: a body counts as changing something unless it plainly does not, and the whole event
counts as read unless every mention of `input` is followed by a fixed path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from headwater.playbooks.lua_purity import is_pure
from headwater.playbooks.lua_tokens import Token, tokens

WHOLE: tuple[str, ...] = ()
"""The path of the whole event."""


class Analysis(NamedTuple):
    """`pure`: changes nothing but its own locals. `paths`: the paths of `input` that it may read, `WHOLE` for all."""

    pure: bool
    paths: frozenset[tuple[str, ...]]


def analyse(body: str) -> Analysis:
    """Analyse a body whose placeholders are already replaced. Raises ConfigurationError for text that is no Lua."""
    meaningful = [token for token in tokens(body) if token.kind not in ("space", "comment")]
    paths = _paths(meaningful)
    if is_pure(meaningful):
        return Analysis(True, frozenset(paths))
    # A body that changes things must see which objects are there, so it gets everything below the first key.
    return Analysis(False, frozenset(path[:1] for path in paths))


def with_arguments(body: str, names: Mapping[tuple[str, ...], str]) -> str:
    """A pure body as one that takes the values at its paths as arguments, `names` giving each path its variable.

    Lines stay where they are, so that messages keep their line numbers.
    """
    found = list(tokens(body))
    pieces: list[str] = []
    index = 0
    last = ""
    while index < len(found):
        token = found[index]
        if token.kind == "name" and token.text == "input" and last not in (".", ":"):
            path, skipped, index = _path_with_gaps(found, index)
            pieces.append(names[path] + skipped)
            last = ""
            continue
        if token.kind not in ("space", "comment"):
            last = token.text
        pieces.append(token.text)
        index += 1
    return f"local {', '.join(names.values())} = ...; {''.join(pieces)}"


def _path_with_gaps(found: list[Token], index: int) -> tuple[tuple[str, ...], str, int]:
    """The path that starts at `index`, the line breaks inside it, and the index after it."""
    segments: list[str] = []
    breaks = ""
    while True:
        dot = _next_meaningful(found, index + 1)
        name = _next_meaningful(found, dot + 1)
        if name >= len(found) or found[dot].text != "." or found[name].kind != "name":
            return tuple(segments), breaks, index + 1
        breaks += "\n" * sum(token.text.count("\n") for token in found[index + 1 : name])
        segments.append(found[name].text)
        index = name


def _next_meaningful(found: list[Token], index: int) -> int:
    while index < len(found) and found[index].kind in ("space", "comment"):
        index += 1
    return index


def _text(found: list[Token], index: int) -> str:
    return found[index].text if 0 <= index < len(found) else ""


def _is_name(found: list[Token], index: int) -> bool:
    return 0 <= index < len(found) and found[index].kind == "name"


def _paths(found: list[Token]) -> set[tuple[str, ...]]:
    paths: set[tuple[str, ...]] = set()
    for index, token in enumerate(found):
        if token.kind != "name" or token.text != "input" or _text(found, index - 1) in (".", ":"):
            continue
        paths.add(_path_after(found, index))
    return paths


def _path_after(found: list[Token], index: int) -> tuple[str, ...]:
    segments: list[str] = []
    while _text(found, index + 1) == "." and _is_name(found, index + 2):
        segments.append(found[index + 2].text)
        index += 2
    return tuple(segments)
