"""Whether a Lua body changes anything but its own locals and tables, told from its tokens.

The answer errs on the safe side: a body counts as changing something unless it plainly does not. Three kinds of
assignment are harmless:

- to a local that is declared at the top level of the body, so that its name means that local from then on;
- to a field of a table that the body made itself: a local declared once, as `local t = {`, and never assigned again;
- by `table.insert(t, …)` and the like to such a table.
"""

from __future__ import annotations

from typing import NamedTuple

from headwater.playbooks.lua_tokens import Token

_CHANGING_NAMES = frozenset({"rawset", "setmetatable", "getmetatable", "_G", "getfenv", "setfenv"})
_LIBRARIES = frozenset({"string", "table", "math"})
_OPENING = {"function", "if", "do", "repeat", "{", "(", "["}
_CLOSING = {"end", "until", "}", ")", "]"}


class _Names(NamedTuple):
    """`top`: locals of the top level. `own`: locals that hold a table which the body made itself."""

    top: frozenset[str]
    own: frozenset[str]


def is_pure(found: list[Token]) -> bool:
    """Whether a body, given as tokens without white space and comments, changes nothing but its own."""
    names = _declared(found)
    blocks: list[str] = []
    for index, token in enumerate(found):
        if token.kind == "name" and not _harmless_name(found, index, names):
            return False
        if token.kind == "keyword" and token.text == "function" and _declares_global(found, index):
            return False
        _track(token, blocks)
        # `=` inside a table constructor names a field; anywhere else it assigns.
        assigns = token.kind == "operator" and token.text == "=" and (not blocks or blocks[-1] != "{")
        if assigns and not _harmless_assignment(found, index, names):
            return False
    return True


def _text(found: list[Token], index: int) -> str:
    return found[index].text if 0 <= index < len(found) else ""


def _is_name(found: list[Token], index: int) -> bool:
    return 0 <= index < len(found) and found[index].kind == "name"


def _track(token: Token, blocks: list[str]) -> None:
    if token.kind not in ("operator", "keyword"):
        return
    if token.text in _OPENING:
        blocks.append(token.text)
    elif token.text in _CLOSING and blocks:
        blocks.pop()


def _declared(found: list[Token]) -> _Names:
    counts: dict[str, int] = {}
    tables: set[str] = set()
    top: set[str] = set()
    blocks: list[str] = []
    for index, token in enumerate(found):
        if token.kind == "keyword" and token.text in ("local", "for", "function"):
            names, after = _names_after(found, index)
            for name in names:
                counts[name] = counts.get(name, 0) + 1
            if token.text == "local":
                top |= set(names) if not blocks else set()
                if len(names) == 1 and _text(found, after) == "=" and _text(found, after + 1) == "{":
                    tables.add(names[0])
        _track(token, blocks)
    assigned = _assigned_again(found)
    return _Names(frozenset(top), frozenset(name for name in tables if counts[name] == 1 and name not in assigned))


def _names_after(found: list[Token], index: int) -> tuple[list[str], int]:
    """The names that `local`, `for` or `function` declares at `index`, and the index after them."""
    word = found[index].text
    at = index + 1
    if word == "local" and _text(found, at) == "function":
        return [_text(found, at + 1)], at + 2
    if word == "function":
        while at < len(found) and _text(found, at) != "(":
            at += 1
        at += 1
    names: list[str] = []
    while _is_name(found, at):
        names.append(found[at].text)
        at += 1
        if _text(found, at) != ",":
            break
        at += 1
    return names, at


def _assigned_again(found: list[Token]) -> set[str]:
    """Names that stand alone before an `=` without `local` or `for`; fields of constructors count too, to be safe."""
    assigned: set[str] = set()
    for index, token in enumerate(found):
        if token.kind == "operator" and token.text == "=":
            chain, before = _chain(found, index)
            if before not in ("local", "for"):
                assigned |= set(chain)
    return assigned


def _chain(found: list[Token], index: int) -> tuple[list[str], str]:
    """The names joined by commas that stand before `index`, and the token before them."""
    names: list[str] = []
    index -= 1
    while _is_name(found, index):
        names.append(found[index].text)
        index -= 1
        if _text(found, index) != ",":
            break
        index -= 1
    return names, _text(found, index)


def _harmless_name(found: list[Token], index: int, names: _Names) -> bool:
    if _text(found, index - 1) in (".", ":"):
        return True
    name = found[index].text
    if name not in _LIBRARIES:
        return name not in _CHANGING_NAMES
    if _text(found, index + 1) != "." or not _is_name(found, index + 2):
        return False
    if name != "table" or found[index + 2].text == "concat":
        return True
    return (
        _text(found, index + 3) == "("
        and _text(found, index + 4) in names.own
        and _text(found, index + 5) in (",", ")")
    )


def _declares_global(found: list[Token], index: int) -> bool:
    return _is_name(found, index + 1) and _text(found, index - 1) != "local"


def _harmless_assignment(found: list[Token], index: int, names: _Names) -> bool:
    chain, before = _chain(found, index)
    if before in ("local", "for"):
        return True
    if before in (".", ":") and len(chain) == 1:
        return _is_own_table(found, index - 3, names)
    if chain:
        return before not in (".", ":", ",") and set(chain) <= names.top
    if _text(found, index - 1) == "]":
        return _is_own_table(found, _opening_bracket(found, index - 1) - 1, names)
    return False


def _is_own_table(found: list[Token], index: int, names: _Names) -> bool:
    """Whether the table whose field is assigned is a name alone, and one of the body's own tables."""
    return _is_name(found, index) and found[index].text in names.own and _text(found, index - 1) not in (".", ":", ",")


def _opening_bracket(found: list[Token], index: int) -> int:
    depth = 0
    while index >= 0:
        if found[index].kind == "operator":
            depth += (found[index].text == "]") - (found[index].text == "[")
            if depth == 0:
                return index
        index -= 1
    return -1
