"""How components and fragments are written as bytes.

A component is MessagePack: texts and whole numbers only, and identifiers are written once and then named by their place. A
fragment is JSON: its states hold whatever events held, and numbers must stay exact. It is compressed (Snappy), which makes it less than
half as large for a few microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import orjson
from cramjam import snappy

from headwater import jsontext
from headwater.profiles.fragments import Fragment
from headwater.profiles.identifiers import Identifier
from headwater.profiles.links import Link, Pair
from headwater.profiles.resolution import Part
from headwater.profiles.sightings import Sighting


class Component(msgspec.Struct, frozen=True):
    """Identifiers that are decided about together.

    `seen` are its members. `links` are all links between them, refused ones too, and those to alarmed identifiers outside, whose
    components they are no part of. `parts` are the profiles as they were decided last. `alarmed`: its one member is under the degree alarm.
    """

    seen: Mapping[Identifier, Sighting]
    links: Mapping[Pair, Link]
    parts: tuple[Part, ...] = ()
    alarmed: bool = False


_Row = tuple[int, int, Sighting, bool, tuple[int, ...]]


class _Body(msgspec.Struct, array_like=True):
    members: list[tuple[str, str, Sighting]]
    borders: list[tuple[str, str]]
    links: list[_Row]
    parts: list[list[int]]
    alarmed: bool


_PLAIN = b" "
"""Begins the text of a fragment whose numbers are all doubles and integers that orjson wrote: it reads them back as they were."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Body).decode


def component_bytes(component: Component) -> bytes:
    """A component as bytes; the same component always as the same bytes."""
    members = sorted(component.seen)
    place = {member: number for number, member in enumerate(members)}
    borders: list[tuple[str, str]] = []
    links: list[_Row] = []
    for pair in sorted(component.links):
        link = component.links[pair]
        for end in pair:
            if end not in place:
                place[end] = len(place)
                borders.append((end.type, end.value))
        links.append((place[pair[0]], place[pair[1]], link.seen, link.stated, link.slots))
    return _encode(
        _Body(
            members=[(each.type, each.value, component.seen[each]) for each in members],
            borders=borders,
            links=links,
            parts=[[place[part.founder], *(place[member] for member in part.members)] for part in component.parts],
            alarmed=component.alarmed,
        )
    )


def component_from(body: bytes) -> Component:
    """The inverse of `component_bytes`."""
    stored = _decode(body)
    seen = {Identifier(name, value): sighting for name, value, sighting in stored.members}
    known = [*seen, *(Identifier(*border) for border in stored.borders)]
    links: dict[Pair, Link] = {}
    for left, right, sighting, stated, slots in stored.links:
        pair = (known[left], known[right])
        links[pair] = Link(pair, sighting, stated, slots)
    parts = tuple(_part(places, known) for places in stored.parts)
    return Component(seen, links, parts, stored.alarmed)


def _part(places: Sequence[int], known: Sequence[Identifier]) -> Part:
    founder, *members = places
    return Part(known[founder], tuple(known[member] for member in members))


def fragment_bytes(fragment: Fragment) -> bytes:
    """A fragment as bytes. Equal fragments may differ in the order of keys (`merging.canonical_bytes` gives one)."""
    content = [fragment.fields, fragment.events, fragment.first, fragment.last, fragment.streams, fragment.days]
    try:
        text = _PLAIN + orjson.dumps(content)
    except TypeError:
        text = jsontext.encode(content)  # exact fractions and very large integers
    return bytes(snappy.compress_raw(text))


def fragment_from(body: bytes) -> Fragment:
    """The inverse of `fragment_bytes`."""
    text = bytes(snappy.decompress_raw(body))
    content = orjson.loads(text) if text.startswith(_PLAIN) else jsontext.decode(text)
    fields, events, first, last, streams, days = content
    return Fragment(fields, events, first, last, streams, tuple(map(tuple, days)))
