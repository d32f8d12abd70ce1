"""Spreading an object over many keys: `context.page.url` becomes `context_page_url`.

This is the hottest loop of the router. Keys repeat from event to event, so the joined names are remembered per object
path, and the nested loops are generated once for each depth. The rule "keys in sorted order, later ones overwrite" only
matters when two paths join to the same key; such a clash is noticed while names are remembered, and from then on the
slow way, in sorted order, is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

NAME_LIMIT = 20_000
"""Joined names that one spreading remembers; made-up keys without end must not fill the memory."""

FAST_DEPTH = 12
"""Deepest spreading for which loops are generated; Python nests at most 20 blocks."""


class _Node:
    """Remembered names below one object: `names` key → joined name, `inner` key → node of the object or list there."""

    __slots__ = ("inner", "joined", "names")

    def __init__(self, joined: str | None) -> None:
        self.joined = joined
        self.names: dict[str | int, str] = {}
        self.inner: dict[str | int, _Node] = {}


Fast = Callable[[Any, dict[str, Any], _Node], None]
"""Writes the keys of a value into an output with the names of a node."""


class Spreading:
    """One spreading, ready to run. `depth` 0 means no limit."""

    def __init__(self, separator: str = "_", prefix: str = "", depth: int = 0) -> None:
        self._separator = separator
        self._prefix = prefix or None
        self._depth = depth
        self._root = _Node(self._prefix)
        self._owners: dict[str, tuple[str, ...]] = {}
        self._clash = False
        self._fast = _generate(depth) if 0 < depth <= FAST_DEPTH else None

    @property
    def quick(self) -> Fast | None:
        """The generated loops, to be called with value, output and `root`; they raise KeyError when `spread` must do it."""
        return self._fast

    @property
    def root(self) -> _Node:
        """The names remembered so far; after a clash there are none, so that the quick way always gives up."""
        return self._root

    def spread(self, value: dict[str, Any] | list[Any], output: dict[str, Any]) -> None:
        """Write the keys of an object into the output; a list counts as an object whose keys are its indexes."""
        if self._fast is not None and not self._clash:
            try:
                self._fast(value, output, self._root)
            except KeyError:
                self._learn(value, (), self._root)
                self._forget_when_clashing()
            else:
                return
        spread_in_order(value, output, self._separator, self._prefix, self._depth)

    def _forget_when_clashing(self) -> None:
        """Without names the quick way gives up at the first key, for ever."""
        if self._clash:
            self._root.names.clear()
            self._root.inner.clear()

    def _learn(self, value: dict[str, Any] | list[Any], path: tuple[str, ...], node: _Node) -> None:
        for key, item in enumerate(value) if type(value) is list else value.items():  # type: ignore[union-attr]  # no list
            joined = str(key) if node.joined is None else f"{node.joined}{self._separator}{key}"
            below = (*path, str(key))
            if key not in node.names:
                if len(self._owners) >= NAME_LIMIT:
                    return
                node.names[key] = joined
                self._clash = self._clash or self._owners.setdefault(joined, below) != below
            if (type(item) is dict or type(item) is list) and len(below) < self._depth:
                self._learn(item, below, node.inner.setdefault(key, _Node(joined)))


def spread_in_order(
    value: Any, output: dict[str, Any], separator: str, joined: str | None, depth: int, first_index: int = 0
) -> None:
    """The rule itself, plainly: sorted keys, null and empty containers left out, whole containers at the depth limit."""
    pairs = enumerate(value, first_index) if type(value) is list else sorted(value.items())
    for key, item in pairs:
        name = str(key) if joined is None else f"{joined}{separator}{key}"
        if type(item) is dict or type(item) is list:
            if not item:
                continue
            if depth == 1:
                output[name] = item
            else:
                spread_in_order(item, output, separator, name, depth - 1 if depth else 0, first_index)
        elif item is not None:
            output[name] = item


_generated: dict[int, Fast] = {}


def _generate(depth: int) -> Fast:
    """Nested loops for a depth. The generated function raises KeyError at a key that is not remembered."""
    if depth not in _generated:
        lines = ["def fast(v0, out, node, str=str, dict=dict, list=list, type=type, enumerate=enumerate):"]
        _loop(lines, 1, depth, " ")
        scope: dict[str, Any] = {}
        exec("\n".join(lines), scope)  # noqa: S102  # built from the depth alone
        _generated[depth] = scope["fast"]
    return _generated[depth]


def _loop(lines: list[str], level: int, depth: int, pad: str) -> None:
    names, value, outer = f"names{level}", f"v{level}", f"v{level - 1}"
    lines += [
        f"{pad}{names} = node.names; inner{level} = node.inner",
        f"{pad}for k, {value} in {outer}.items() if type({outer}) is dict else enumerate({outer}):",
        f"{pad} if type({value}) is str: out[{names}[k]] = {value}",
        f"{pad} elif type({value}) is dict or type({value}) is list:",
    ]
    if level == depth:
        lines.append(f"{pad}  if {value}: out[{names}[k]] = {value}")
    else:
        lines += [f"{pad}  if {value}:", f"{pad}   node = inner{level}[k]"]
        _loop(lines, level + 1, depth, pad + "   ")
    lines.append(f"{pad} elif {value} is not None: out[{names}[k]] = {value}")
