"""What a process that writes memberships knows of the audiences: always what is in force in its transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from headwater.audiences import store, tables
from headwater.audiences.announcements import Announcement, announcement, shown_fields
from headwater.audiences.audience_set import AudienceSet
from headwater.audiences.objects import Transition
from headwater.audiences.settling import Situation
from headwater.audiences.statements import QUERIES
from headwater.pipelines.audience_choice import PIPELINE


class _Loaded(NamedTuple):
    """The audiences of one version with what their events need. `pipeline_id` None: nobody is told anything."""

    audience_set: AudienceSet
    chosen_fields: Mapping[int, tuple[str, ...]]
    pipeline_id: str | None


class InForce(NamedTuple):
    """What a transaction goes by, in one generation of profiles."""

    situation: Situation
    chosen_fields: Mapping[int, tuple[str, ...]]
    identifier_fields: tuple[str, ...]
    pipeline_id: str | None

    def announcements(
        self,
        transitions: Sequence[Transition],
        fields: Mapping[bytes, Mapping[str, Any]],
        subscription: str | None = None,
    ) -> list[Announcement]:
        """The events of transitions that are to be announced; `fields` by profile id. To one subscription only, if given."""
        if self.pipeline_id is None:
            return []
        known = self.situation.audience_set.by_number
        told = {each.profile_id for each in transitions if each.announced}
        identifiers = {each: shown_fields(fields[each], self.identifier_fields) for each in told}
        return [
            announcement(
                each,
                known[each.audience].audience,
                fields[each.profile_id],
                identifiers[each.profile_id],
                self.chosen_fields[each.audience],
                subscription,
            )
            for each in transitions
            if each.announced
        ]


class FollowedAudiences:
    """The audiences as one process knows them, read again after each change."""

    def __init__(self) -> None:
        self._loaded: _Loaded | None = None
        self._identifier_fields: dict[int, tuple[str, ...]] = {}

    async def of_live(self, connection: Any) -> tuple[int, InForce] | None:
        """The live generation with what holds in it, for the rest of the transaction; None before there is one, and when another
        one has just become live: look again in another transaction then.
        """
        generation = await connection.fetchval(QUERIES["live_generation"])
        if generation is None:
            return None
        in_force = await self.in_force(connection, generation)
        # Who switches over to another generation holds the audiences until it is done, so it may have happened while we waited.
        if await connection.fetchval(QUERIES["live_generation"]) != generation:
            return None
        return generation, in_force

    async def in_force(self, connection: Any, generation: int) -> InForce:
        """What holds for the rest of the transaction: nobody changes audiences before it ends.

        Makes the tables of a generation at first sight.
        """
        shared = await connection.fetchrow(QUERIES["share_audiences"])
        loaded = self._loaded
        if loaded is None or loaded.audience_set.version != shared["version"]:
            loaded = self._loaded = await _load(connection, shared["version"])
        fields = self._identifier_fields.get(generation)
        if fields is None:
            there = await tables.ensure(connection, generation)
            fields = tuple(await connection.fetchval(QUERIES["identifier_fields"], generation) or ())
            if there:  # tables made in this transaction may be gone with it
                self._identifier_fields[generation] = fields
        mask = loaded.audience_set.mask
        situation = Situation(loaded.audience_set, mask(shared["filling"]), mask(shared["quiet"]))
        return InForce(situation, loaded.chosen_fields, fields, loaded.pipeline_id)


async def _load(connection: Any, version: int) -> _Loaded:
    audiences = await store.every(connection)
    subscribed = {row["segment_id"]: row["fields"] for row in await connection.fetch(QUERIES["subscribed_fields"])}
    chosen = {
        each.number: tuple(dict.fromkeys((*each.event_fields, *subscribed.get(each.id, ())))) for each in audiences
    }
    pipeline_id = await connection.fetchval(QUERIES["event_pipeline"], PIPELINE)
    return _Loaded(AudienceSet(audiences, version), chosen, pipeline_id)
