"""Find people by anything that identifies them: a whole identifier in any spelling, its beginning, or the id of a profile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import instant
from headwater.profiles.reading import FoundIdentifier, Look, ProfileReader, StoredProfile, spelled

LIMIT = 20


class Hit(NamedTuple):
    """A profile that was found, and the identifiers by which it was."""

    id: str
    matched: tuple[Identifier, ...]
    modified: datetime
    health: str


class NamedProfile(NamedTuple):
    """A profile with what it is known by: the strongest identifier among its fields, else the beginning of its id."""

    profile: StoredProfile
    name: str
    known_by: str


def named(profile: StoredProfile, ranks: Sequence[str]) -> NamedProfile:
    """A profile with its name; `ranks` are identifier fields, strongest first."""
    for field in ranks:
        value = profile.fields.get(field)
        first = value[0] if isinstance(value, list) and value else value
        if first:
            return NamedProfile(profile, str(first), field)
    return NamedProfile(profile, profile.id[:12], "its id")


async def unhealthy(reader: ProfileReader, states: Sequence[str], limit: int) -> list[NamedProfile]:
    """Profiles in these states of health with their names, at most `limit` of each state."""
    async with reader.look() as look:
        types = look.rules.types
    ranks = sorted(types, key=lambda name: types[name].rank)
    return [named(each, ranks) for state in states for each in await reader.unhealthy(state, limit=limit)]


async def find_people(reader: ProfileReader, text: str) -> list[Hit]:
    """The people whom a text may mean, those whom it names exactly first."""
    wanted = text.strip()
    if not wanted:
        return []
    beginning = await _beginning_with(reader, wanted)
    async with reader.look() as look:
        found = await _exact(look, wanted)
        for each in beginning:
            if len(found) >= LIMIT and each.profile not in found:
                break
            profile = found[each.profile][0] if each.profile in found else await look.by_id(each.profile)
            if profile is not None:
                found.setdefault(profile.id, (profile, []))[1].append(Identifier(each.type, each.value))
    return [_hit(profile, matched) for profile, matched in found.values()]


async def _beginning_with(reader: ProfileReader, wanted: str) -> list[FoundIdentifier]:
    """Identifiers are kept as they are spelled; most of them in small letters."""
    found = await reader.search(wanted, limit=LIMIT)
    if found or wanted == wanted.lower():
        return found
    return await reader.search(wanted.lower(), limit=LIMIT)


async def _exact(look: Look, wanted: str) -> dict[str, tuple[StoredProfile, list[Identifier]]]:
    found: dict[str, tuple[StoredProfile, list[Identifier]]] = {}
    named = await look.by_id(wanted)
    if named is not None:
        found[named.id] = (named, [])
    for name in look.rules.types:
        identifier = spelled(name, wanted, look.rules)
        profile = None if identifier is None else await look.by_identifier(name, wanted)
        if profile is not None and identifier is not None:
            found.setdefault(profile.id, (profile, []))[1].append(identifier)
    return found


def _hit(profile: StoredProfile, matched: Sequence[Identifier]) -> Hit:
    return Hit(profile.id, tuple(dict.fromkeys(matched)), instant(profile.modified), profile.health)
