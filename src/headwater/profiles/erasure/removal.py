"""What leaves a component when a person is deleted. Pure."""

from __future__ import annotations

import msgspec

from headwater.profiles.identifiers import Identifier
from headwater.profiles.resolution import Part
from headwater.profiles.store.bodies import Component


class Removal(msgspec.Struct, frozen=True):
    """`going` are the identifiers that leave, `parts` the profiles that they made, `left` what stays of the component, if anything."""

    going: frozenset[Identifier]
    parts: tuple[Part, ...]
    left: Component | None


def remove(component: Component, identifier: Identifier, *, with_conflicts: bool) -> Removal:
    """Take the profile of an identifier out of its component.

    `with_conflicts`: also everything else in the component, that is what links which do not hold lead to. An identifier under the alarm is nobody's:
    it stays known, because others have links to it, and only what its own events said goes.
    """
    if component.alarmed:
        return Removal(frozenset({identifier}), component.parts, component)
    parts = component.parts if with_conflicts else tuple(each for each in component.parts if identifier in each.members)
    going = frozenset(member for part in parts for member in part.members)
    seen = {member: sighting for member, sighting in component.seen.items() if member not in going}
    if not seen:
        return Removal(going, parts, None)
    links = {pair: link for pair, link in component.links.items() if going.isdisjoint(pair)}
    staying = tuple(part for part in component.parts if part not in parts)
    return Removal(going, parts, Component(seen, links, staying))
