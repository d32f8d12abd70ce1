"""The effect of one event on profiles: a small value that a schema computes and a builder applies.

Applying is merging: the fragment of the event's strongest identifier takes `fragment()`, each identifier
of `sighted()` takes `sighting()`, each link of `links()` joins the set of links. All of these may come in any order and grouping. A message must be applied
once: `message_key` is what to remember, in the transaction that applies the effect. Then any order, any grouping into
batches and any number of deliveries give the same profiles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

import msgspec

from headwater.profiles.fragments import Fragment, FragmentKey
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import DAY_MILLISECONDS
from headwater.profiles.links import Link, pair_of
from headwater.profiles.merging import Stamp, State
from headwater.profiles.sightings import Sighting

EXAMPLE_LENGTH = 100
"""Characters of a dropped value that are kept as an example."""

DropKind = Literal[
    "blocked", "invalid identifier", "too many identifiers", "refused value", "event time", "suspicious key"
]


class Dropped(msgspec.Struct, frozen=True):
    """Something of the event that did not go into a profile: counted by kind, field and reason, shown with one example."""

    kind: DropKind
    field: str
    reason: str
    example: str = ""


class EventEffect(msgspec.Struct, frozen=True):
    """What one event does.

    `time`, `received`  event time and time of receipt, epoch milliseconds
    `identifiers`       strongest first; none: the event belongs to nobody, and all else is empty
    `aliases`           earlier identifiers that the event says are the same person as the first of `identifiers`
    `slots`             session slot of the event by identifier type, for types that have sessions
    `fields`            merge state of each field that the event fills
    `dropped`           what was left out and why
    """

    message_id: str
    time: int
    received: int
    stream: str
    identifiers: tuple[Identifier, ...] = ()
    aliases: tuple[Identifier, ...] = ()
    slots: Mapping[str, int] = {}
    fields: Mapping[str, State] = {}
    dropped: tuple[Dropped, ...] = ()

    @property
    def owner(self) -> FragmentKey | None:
        """The fragment that the event's fields go to: that of its strongest identifier."""
        if not self.identifiers:
            return None
        strongest = self.identifiers[0]
        return FragmentKey(strongest, self.slots.get(strongest.type))

    @property
    def message_key(self) -> str:
        """32 hexadecimal digits that are equal for deliveries of one message to one fragment, and only for these."""
        strongest = self.identifiers[0] if self.identifiers else ("", "")
        text = "\0".join((*strongest, self.message_id))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def fragment(self) -> Fragment:
        """What the owner's fragment takes."""
        day = self.time // DAY_MILLISECONDS
        return Fragment(self.fields, 1, self.time, self.time, {self.stream: 1}, ((day, day),))

    def sighted(self) -> tuple[Identifier, ...]:
        """The identifiers that the event names, each once."""
        return self.identifiers + tuple(alias for alias in self.aliases if alias not in self.identifiers)

    def sighting(self) -> Sighting:
        """What each of `sighted()` takes."""
        return Sighting(self.time, self.time, 1, self.message_id, (self.stream,))

    def links(self) -> tuple[Link, ...]:
        """The links that the event shows: its strongest identifier with each of the others.

        Two weaker identifiers are not linked with each other: if the strongest one is not joined to a borrowed device, the
        e-mail address beside it must not be either.
        """
        if not self.identifiers:
            return ()
        strongest, *others = self.identifiers
        seen = self.sighting()
        links = [Link(pair_of(strongest, each), seen, each in self.aliases, self._slot_of(each)) for each in others]
        links += [
            Link(pair_of(strongest, alias), seen, stated=True)
            for alias in self.aliases
            if alias not in self.identifiers
        ]
        return tuple(links)

    def _slot_of(self, identifier: Identifier) -> tuple[int, ...]:
        slot = self.slots.get(identifier.type)
        return () if slot is None else (slot,)


def example_of(value: object) -> str:
    """The beginning of a value that was dropped."""
    return str(value)[:EXAMPLE_LENGTH]


def stamp_of(time: int, message_id: str) -> Stamp:
    """The stamp of an event's values."""
    digest = hashlib.blake2b(message_id.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return Stamp(time, int.from_bytes(digest, "big"))
