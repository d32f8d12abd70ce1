"""What an identifier under the degree alarm was seen with.

Its links are kept by its neighbours, each in a component of its own, and a till may have ten thousand of them. So they are
counted, and the first few are read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from headwater.profiles.decisions import Decisions
from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import IdentityRules
from headwater.profiles.links import Link, Pair, pair_of
from headwater.profiles.resolution import Part, RefusedLink, Resolution
from headwater.profiles.store.bodies import Component, component_from
from headwater.profiles.store.gathering import alone
from headwater.profiles.store.tables import statement

NEIGHBOURS_SHOWN = 50


class Neighbourhood(NamedTuple):
    """Links of one alarmed identifier with the profiles at their other ends; `unread` is how many more links there are."""

    links: dict[Pair, Link]
    parts: dict[Identifier, Part]
    unread: int


async def neighbourhood(connection: Any, generation: int, alarmed_id: bytes, component: Component) -> Neighbourhood:
    """The first NEIGHBOURS_SHOWN neighbours, by id, of the one member of an alarmed component. Errors are the driver's."""
    (alarmed,) = component.seen
    links = dict(component.links)  # to others under the alarm: one of the two keeps the link
    ends = [end for pair in links for end in pair if end != alarmed]
    parts = {end: Part(end, (end,)) for end in ends}
    rows = await connection.fetch(statement("first_neighbours", generation), alarmed_id, NEIGHBOURS_SHOWN)
    bodies = {row["component"]: row["body"] for row in rows}
    components = {number: component_from(body) for number, body in bodies.items()}
    for row in rows:
        neighbour, home = Identifier(row["type"], row["value"]), components[row["component"]]
        pair = pair_of(alarmed, neighbour)
        if pair in home.links:
            links[pair] = home.links[pair]
            parts[neighbour] = next(part for part in home.parts if neighbour in part.members)
    count = await connection.fetchval(statement("count_neighbours", generation), alarmed_id)
    return Neighbourhood(links, parts, count - len(rows))


def refusing_all(alarmed: Identifier, around: Neighbourhood, rules: IdentityRules, decisions: Decisions) -> Resolution:
    """What is decided about an identifier under the alarm, with the links that were read as refused ones."""
    own = alone(alarmed, rules)
    refused = [
        RefusedLink(pair, "degree alarm" if decisions.blocked.isdisjoint(pair) else "value blocked")
        for pair in sorted(around.links)
    ]
    return Resolution(
        parts=(*own.parts, *dict.fromkeys(around.parts.values())),
        held=(),
        refused=tuple(refused),
        nobodys=own.nobodys,
        alarmed=own.alarmed,
        version=own.version,
    )
