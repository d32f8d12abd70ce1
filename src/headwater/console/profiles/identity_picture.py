"""Identity as a picture: the strongest identifiers at the left, all others by type at the right, and the links between them.

Events link an identifier to the strongest one beside it, so most links go from left to right and cross no box; what
conflicts keep outside stands below the others. Positions are in units of the drawing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from headwater.profiles.explain import Explanation
from headwater.profiles.identifiers import Identifier

NODE_WIDTH = 250
NODE_HEIGHT = 46
ROW_STEP = 58
HEAD_STEP = 30
LEFT = 4
RIGHT = 480
ARC = 70
"""Room at the sides for links between boxes of one column."""

LOWEST_LEFT = 180
"""How far down the strongest identifiers stand at most, so that they are seen without scrolling."""

ROWS_SHOWN = 12
"""Identifiers of one type that are drawn; the list beside the picture has all."""

VALUE_SHOWN = 28
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


class Heading(NamedTuple):
    """A head above boxes of one type, and how many of these are not drawn."""

    label: str
    x: int
    y: int
    hidden: int


class Picture(NamedTuple):
    """All of it with its size."""

    width: int
    height: int
    headings: tuple[Heading, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def picture_of(explanation: Explanation) -> Picture:
    """The picture of a profile's identity."""
    members = [each.identifier for each in explanation.identifiers]
    places = {identifier: place for place, identifier in enumerate(members)}
    by_type: dict[str, list[Identifier]] = {}
    for identifier in members:
        by_type.setdefault(identifier.type, []).append(identifier)
    strongest = next(iter(by_type))
    others = {name: each for name, each in by_type.items() if name != strongest}
    outside = sorted({end for each in explanation.conflicts for end in each.pair if end not in places})
    if outside:
        others[OUTSIDE] = outside
    right = _column(others, RIGHT, 0, places)
    alone = _column({strongest: by_type[strongest]}, LEFT, 0, places)
    down = max(0, min((right.bottom - alone.bottom) // 2, LOWEST_LEFT))
    left = _column({strongest: by_type[strongest]}, LEFT, down, places)
    nodes = (*left.nodes, *right.nodes)
    width = (RIGHT if right.nodes else LEFT) + NODE_WIDTH + ARC
    edges = tuple(_edges(explanation, {node.identifier: node for node in nodes}))
    return Picture(width, max(left.bottom, right.bottom), (*left.headings, *right.headings), nodes, edges)


class _Column(NamedTuple):
    headings: list[Heading]
    nodes: list[Node]
    bottom: int


def _column(groups: Mapping[str, Sequence[Identifier]], x: int, top: int, places: Mapping[Identifier, int]) -> _Column:
    headings, nodes, y = [], [], top
    for label, identifiers in groups.items():
        headings.append(Heading(label, x, y + HEAD_STEP - 10, max(0, len(identifiers) - ROWS_SHOWN)))
        y += HEAD_STEP
        for each in identifiers[:ROWS_SHOWN]:
            nodes.append(Node(each, _short(each.value), x, y, places.get(each, -1)))
            y += ROW_STEP
    return _Column(headings, nodes, y)


def _edges(explanation: Explanation, at: Mapping[Identifier, Node]) -> Iterable[Edge]:
    words = {"event": "seen together", "alias": "stated by an alias", "person": "joined by a person"}
    for link in explanation.links:
        if link.pair[0] in at and link.pair[1] in at:
            yield Edge(_path(at[link.pair[0]], at[link.pair[1]]), link.by, f"{_names(link.pair)}: {words[link.by]}")
    for each in explanation.conflicts:
        if each.rule is not None and each.pair[0] in at and each.pair[1] in at:
            yield Edge(_path(at[each.pair[0]], at[each.pair[1]]), "conflict", f"{_names(each.pair)}: {each.reason}")


def _path(one: Node, other: Node) -> str:
    """A curve between facing sides; within a column around its right side."""
    left, right = (one, other) if one.x <= other.x else (other, one)
    middle = NODE_HEIGHT // 2
    start_x, start_y, end_y = left.x + NODE_WIDTH, left.y + middle, right.y + middle
    if left.x == right.x:
        bend = start_x + ARC - 10
        return f"M{start_x} {start_y}C{bend} {start_y} {bend} {end_y} {start_x} {end_y}"
    bend = (right.x - start_x) // 2
    return f"M{start_x} {start_y}C{start_x + bend} {start_y} {right.x - bend} {end_y} {right.x} {end_y}"


def _names(pair: tuple[Identifier, Identifier]) -> str:
    return " – ".join(f"{end.type} {_short(end.value)}" for end in pair)


def _short(text: str) -> str:
    return text if len(text) <= VALUE_SHOWN else f"{text[: VALUE_SHOWN - 1]}…"
