"""Effects put together the way a store does: grow-only, each message once. Shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.conflicts import conflicts_of
from headwater.profiles.decisions import NO_DECISIONS, Decisions
from headwater.profiles.documents import profile_document, readable_document
from headwater.profiles.effects import EventEffect
from headwater.profiles.explain import Evidence
from headwater.profiles.fold import Profile, fold
from headwater.profiles.identifiers import Identifier
from headwater.profiles.links import merge_links, pair_of
from headwater.profiles.merging import canonical_bytes
from headwater.profiles.profile_ids import fragment_id
from headwater.profiles.resolution import resolve
from headwater.profiles.session_following import fragment_parts
from headwater.profiles.sightings import Sighting, merge_sightings

SECRET = b"sixteen bytes or more"
AT = 2_000_000_000_000


class Gathered:
    """Sightings, links and fragments of the effects taken so far."""

    def __init__(self, schema: CompiledSchema, effects: Iterable[EventEffect] = ()) -> None:
        self.schema = schema
        self.seen: dict[Identifier, Sighting] = {}
        self.links, self.fragments, self.messages = {}, {}, set()
        for effect in effects:
            self.take(effect)

    def take(self, effect: EventEffect) -> None:
        if effect.owner is None or effect.message_key in self.messages:
            return
        self.messages.add(effect.message_key)
        for identifier in effect.sighted():
            self._add(self.seen, identifier, effect.sighting(), merge_sightings)
        for link in effect.links():
            self._add(self.links, link.pair, link, merge_links)
        self._add(self.fragments, effect.owner, effect.fragment(), self.schema.merge)

    def join(self, other: Gathered) -> Gathered:
        """What two workers gathered from different messages."""
        for key, value in other.seen.items():
            self._add(self.seen, key, value, merge_sightings)
        for key, value in other.links.items():
            self._add(self.links, key, value, merge_links)
        for key, value in other.fragments.items():
            self._add(self.fragments, key, value, self.schema.merge)
        return self

    @staticmethod
    def _add(held, key, value, merge):
        held[key] = merge(held[key], value) if key in held else value

    def evidence(self, decisions: Decisions = NO_DECISIONS) -> Evidence:
        resolution = resolve(self.seen, list(self.links.values()), self.schema.rules, decisions)
        return Evidence(self.seen, self.links, self.fragments, decisions, resolution)

    def documents(self, decisions: Decisions = NO_DECISIONS) -> dict[str, bytes]:
        """Every profile as bytes, by its id."""
        profiles = self.profiles(SECRET, decisions)
        return {profile.id: canonical_bytes(readable_document(profile_document(profile))) for profile in profiles}

    def profiles(self, secret: bytes, decisions: Decisions = NO_DECISIONS) -> list[Profile]:
        """Every profile. Under the alarm an identifier's links are not looked at: there are too many of them."""
        evidence = self.evidence(decisions)
        parts = fragment_parts(self.fragments, evidence.resolution, self.links.values(), self.schema.rules)
        conflicts = conflicts_of(evidence.resolution, self.links, decisions)
        profiles = []
        for part in evidence.resolution.parts:
            alarmed = not evidence.resolution.alarmed.isdisjoint(part.members)
            opposite = [
                f"{end.type}:{end.value}"
                for each in conflicts
                if each.state == "open" and not alarmed
                for end, other in (each.pair, each.pair[::-1])
                if other in part.members
            ]
            members = {member: self.seen[member] for member in part.members}
            own = {key: each for key, each in self.fragments.items() if parts[key] == part}
            profiles.append(fold(fragment_id(part.founder, secret), members, own, self.schema, AT, opposite))
        return profiles


def sighting(at: int = 0) -> Sighting:
    return Sighting(at, at, 1, f"m{at}", ("s",))


def pair(left: tuple[str, str], right: tuple[str, str]):
    return pair_of(Identifier(*left), Identifier(*right))
