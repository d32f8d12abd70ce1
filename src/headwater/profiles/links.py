"""Links: two identifiers that were seen together.

Every link that was ever seen is kept, also those that do not hold. A set of links grows by union and nothing else, so it
is the same whatever order the events came in; which links hold is decided elsewhere, from the whole set (`resolution`).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from headwater.profiles.identifiers import Identifier
from headwater.profiles.sightings import Sighting, merge_sightings

SLOTS_LIMIT = 1_000
"""Most session slots that a link remembers; the latest ones stay."""

Pair = tuple[Identifier, Identifier]
"""Two different identifiers, the smaller by type and value first."""


def pair_of(left: Identifier, right: Identifier) -> Pair:
    """The two identifiers in the order of a pair. Raises ValueError if they are the same."""
    if left == right:
        raise ValueError("an identifier has no link to itself")
    return (left, right) if left < right else (right, left)


class Link(msgspec.Struct, frozen=True, array_like=True):
    """Two identifiers that events carried together.

    `stated`  an alias: somebody said that the two are one, more than a coincidence in an event
    `slots`   session slots of the events, ascending; only for types whose anonymous events may follow a login
    """

    pair: Pair
    seen: Sighting
    stated: bool = False
    slots: tuple[int, ...] = ()

    def other(self, identifier: Identifier) -> Identifier:
        """The end that is not `identifier`."""
        left, right = self.pair
        return right if identifier == left else left


def merge_links(left: Link, right: Link) -> Link:
    """Two findings of one link as one. The parts must come from different messages."""
    slots = left.slots
    if left.slots != right.slots:
        slots = tuple(sorted({*left.slots, *right.slots})[-SLOTS_LIMIT:])
    return Link(left.pair, merge_sightings(left.seen, right.seen), left.stated or right.stated, slots)


def united_links(links: Iterable[Link]) -> dict[Pair, Link]:
    """The links by pair, several findings of one pair merged."""
    united: dict[Pair, Link] = {}
    for link in links:
        held = united.get(link.pair)
        united[link.pair] = link if held is None else merge_links(held, link)
    return united
