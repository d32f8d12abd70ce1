"""Identity as a picture: a column of identifiers for each type, strongest first, with the links between them.

What conflicts keep outside stands in a column of its own. Positions are in units of the drawing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from headwater.profiles.explain import Explanation
from headwater.profiles.identifiers import Identifier

NODE_WIDTH = 178
NODE_HEIGHT = 46
COLUMN_STEP = 238
ROW_STEP = 62
TOP = 34
MARGIN = 4
SAG = 44
"""How far below the boxes a link hangs that goes past other columns."""
ROWS_SHOWN = 12
"""Identifiers of one type that are drawn; the list beside the picture has all."""

VALUE_SHOWN = 20
OUTSIDE = "Kept outside"


class Node(NamedTuple):
    """A box: `place` is its number in the list of identifiers, -1 for one that is outside of the profile."""

    identifier: Identifier
    text: str
    x: int
    y: int
    place: int


class Edge(NamedTuple):
    """A line from box to box. `tone` is "event", "alias", "person" or "conflict"."""

    path: str
    tone: str
    title: str


class Column(NamedTuple):
    """A head above a column, and how many of it are not drawn."""

    label: str
    x: int
    hidden: int


class Picture(NamedTuple):
    """All of it with its size."""

    width: int
    height: int
    columns: tuple[Column, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def picture_of(explanation: Explanation) -> Picture:
    """The picture of a profile's identity."""
    members = [each.identifier for each in explanation.identifiers]
    places = {identifier: place for place, identifier in enumerate(members)}
    by_column: dict[str, list[Identifier]] = {}
    for identifier in members:
        by_column.setdefault(identifier.type, []).append(identifier)
    outside = sorted({end for each in explanation.conflicts for end in each.pair if end not in places})
    if outside:
        by_column[OUTSIDE] = outside
    columns, nodes = _laid_out(by_column, places)
    at = {node.identifier: node for node in nodes}
    tallest = max((min(len(each), ROWS_SHOWN + 1) for each in by_column.values()), default=1)
    width = 2 * MARGIN + COLUMN_STEP * (len(by_column) - 1) + NODE_WIDTH
    edges = tuple(_edges(explanation, at))
    return Picture(width, TOP + tallest * ROW_STEP + SAG // 2, columns, nodes, edges)


def _laid_out(
    by_column: Mapping[str, Sequence[Identifier]], places: Mapping[Identifier, int]
) -> tuple[tuple[Column, ...], tuple[Node, ...]]:
    columns, nodes = [], []
    for number, (label, identifiers) in enumerate(by_column.items()):
        x = MARGIN + number * COLUMN_STEP
        columns.append(Column(label, x, max(0, len(identifiers) - ROWS_SHOWN)))
        nodes += [
            Node(each, _short(each.value), x, TOP + row * ROW_STEP, places.get(each, -1))
            for row, each in enumerate(identifiers[:ROWS_SHOWN])
        ]
    return tuple(columns), tuple(nodes)


def _edges(explanation: Explanation, at: Mapping[Identifier, Node]) -> Iterable[Edge]:
    words = {"event": "seen together", "alias": "stated by an alias", "person": "joined by a person"}
    for link in explanation.links:
        if link.pair[0] in at and link.pair[1] in at:
            yield Edge(_path(at[link.pair[0]], at[link.pair[1]]), link.by, f"{_names(link.pair)}: {words[link.by]}")
    for each in explanation.conflicts:
        if each.rule is not None and each.pair[0] in at and each.pair[1] in at:
            yield Edge(_path(at[each.pair[0]], at[each.pair[1]]), "conflict", f"{_names(each.pair)}: {each.reason}")


def _path(one: Node, other: Node) -> str:
    """A curve between facing sides; within a column around its right side, past other columns below the boxes."""
    left, right = (one, other) if one.x <= other.x else (other, one)
    middle = NODE_HEIGHT // 2
    start_x, start_y = left.x + NODE_WIDTH, left.y + middle
    if left.x == right.x:
        bend = start_x + 40
        return f"M{start_x} {start_y}C{bend} {start_y} {bend} {right.y + middle} {start_x} {right.y + middle}"
    if right.x - left.x > COLUMN_STEP:
        from_x, to_x = left.x + NODE_WIDTH * 3 // 4, right.x + NODE_WIDTH // 4
        from_y, to_y = left.y + NODE_HEIGHT, right.y + NODE_HEIGHT
        return f"M{from_x} {from_y}C{from_x + SAG} {from_y + SAG} {to_x - SAG} {to_y + SAG} {to_x} {to_y}"
    bend = (right.x - start_x) // 2
    end_y = right.y + middle
    return f"M{start_x} {start_y}C{start_x + bend} {start_y} {right.x - bend} {end_y} {right.x} {end_y}"


def _names(pair: tuple[Identifier, Identifier]) -> str:
    return " – ".join(f"{end.type} {_short(end.value)}" for end in pair)


def _short(text: str) -> str:
    return text if len(text) <= VALUE_SHOWN else f"{text[: VALUE_SHOWN - 1]}…"
