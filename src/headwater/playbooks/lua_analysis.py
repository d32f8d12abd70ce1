"""What a Lua body reads and changes, found out from its tokens.

Both answers err on the safe side: a body counts as changing something unless it plainly does not, and the whole event
counts as read unless every mention of `input` is followed by a fixed path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from headwater.playbooks.lua_tokens import Token, tokens

WHOLE: tuple[str, ...] = ()
"""The path of the whole event."""

_CHANGING_NAMES = frozenset({"rawset", "setmetatable", "getmetatable", "_G", "getfenv", "setfenv"})


class Analysis(NamedTuple):
    """`pure`: changes nothing but its own locals. `paths`: the paths of `input` that it may read, `WHOLE` for all."""

    pure: bool
    paths: frozenset[tuple[str, ...]]


def analyse(body: str) -> Analysis:
    """Analyse a body whose placeholders are already replaced. Raises ConfigurationError for text that is no Lua."""
    meaningful = [token for token in tokens(body) if token.kind not in ("space", "comment")]
    return Analysis(not _changes(meaningful), frozenset(_paths(meaningful)))


def without_inner(paths: frozenset[tuple[str, ...]]) -> frozenset[tuple[str, ...]]:
    """Paths that are not below another one: who reads an object reads everything in it."""
    return frozenset(path for path in paths if not any(path[:length] in paths for length in range(len(path))))


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


def _changes(found: list[Token]) -> bool:
    blocks: list[str] = []
    for index, token in enumerate(found):
        if _names_a_changer(found, index) or _declares_global(found, index):
            return True
        _track(token, blocks)
        # `=` inside a table constructor names a field; anywhere else it assigns.
        assigns = token.kind == "operator" and token.text == "=" and (not blocks or blocks[-1] != "{")
        if assigns and not _is_local(found, index):
            return True
    return False


def _names_a_changer(found: list[Token], index: int) -> bool:
    if not _is_name(found, index) or _text(found, index - 1) in (".", ":"):
        return False
    name = found[index].text
    if name in ("table", "string", "math"):
        harmless = name != "table" or _text(found, index + 2) == "concat"
        return not (_text(found, index + 1) == "." and _is_name(found, index + 2) and harmless)
    return name in _CHANGING_NAMES


def _declares_global(found: list[Token], index: int) -> bool:
    if found[index].text != "function" or found[index].kind != "keyword":
        return False
    return _is_name(found, index + 1) and _text(found, index - 1) != "local"


def _track(token: Token, blocks: list[str]) -> None:
    text = token.text
    if token.kind == "operator":
        if text in ("{", "(", "["):
            blocks.append(text)
        elif text in ("}", ")", "]") and blocks:
            blocks.pop()
    elif token.kind == "keyword":
        if text in ("function", "if", "do", "repeat"):
            blocks.append(text)
        elif text in ("end", "until") and blocks:
            blocks.pop()


def _is_local(found: list[Token], index: int) -> bool:
    """Whether the names before `=` at `index` are declared by `local` or a numeric `for`."""
    index -= 1
    while _is_name(found, index):
        before = _text(found, index - 1)
        if before in ("local", "for"):
            return True
        if before != ",":
            return False
        index -= 2
    return False
