"""Anonymous events of a shared device that follow a login in the same session.

A device seen with several people is nobody's, so its anonymous events stay with the device. Where time tells more, it may be
used: an anonymous event close to a login of exactly one person is that person's. Event times are cut into *slots* of a fixed
length, and the device's fragment is kept by slot, so that a slot can move without the others. Only links and slots are
asked, so order cannot matter here either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headwater.profiles.fragments import FragmentKey
from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import IdentityRules
from headwater.profiles.links import Link
from headwater.profiles.resolution import Part, Resolution

REACH = 1
"""Slots before and after an anonymous event in which a login counts as near."""


def fragment_parts(
    keys: Iterable[FragmentKey],
    resolution: Resolution,
    links: Iterable[Link],
    rules: IdentityRules,
) -> dict[FragmentKey, Part]:
    """The part that each fragment belongs to: that of its identifier, but for slots of a nobody's device near a login.

    `links` are all links of the component, refused ones included: a login on a shared device is a link that does not hold.
    Another device beside it is no login. Raises KeyError for a fragment whose identifier was not resolved.
    """
    parts = resolution.part_of()
    logins = _logins(resolution, links, parts, rules)
    return {key: _follows(key, logins) or parts[key.identifier] for key in keys}


def _logins(
    resolution: Resolution, links: Iterable[Link], parts: Mapping[Identifier, Part], rules: IdentityRules
) -> dict[Identifier, dict[int, set[Part]]]:
    """For each device that is nobody's: who was seen in which slot."""
    logins: dict[Identifier, dict[int, set[Part]]] = {}
    for link in links:
        for device in resolution.nobodys.intersection(link.pair):
            other = link.other(device)
            if other.type not in rules.types or rules.types[other.type].shared == "nobody":
                continue
            by_slot = logins.setdefault(device, {})
            for slot in link.slots:
                by_slot.setdefault(slot, set()).add(parts[other])
    return logins


def _follows(key: FragmentKey, logins: Mapping[Identifier, Mapping[int, set[Part]]]) -> Part | None:
    if key.slot is None or key.identifier not in logins:
        return None
    by_slot = logins[key.identifier]
    near = [by_slot.get(slot, set()) for slot in range(key.slot - REACH, key.slot + REACH + 1)]
    people = set[Part]().union(*near)
    return next(iter(people)) if len(people) == 1 else None
