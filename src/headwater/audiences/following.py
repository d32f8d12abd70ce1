"""What a process that writes memberships knows of the audiences: always what is in force in its transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from headwater.audiences import store, tables
from headwater.audiences.announcements import PIPELINE, Announcement, announcement
from headwater.audiences.audience_set import AudienceSet
from headwater.audiences.objects import Transition
from headwater.audiences.settling import Situation
from headwater.audiences.statements import QUERIES


class _Loaded(NamedTuple):
    """The audiences of one version with what their events need."""

    audience_set: AudienceSet
    chosen_fields: Mapping[int, tuple[str, ...]]
    pipeline_id: str | None


class FollowedAudiences:
    """The audiences as one process knows them. Not shared between tasks that write at the same time: a transaction each."""

    def __init__(self) -> None:
        self._loaded: _Loaded | None = None
        self._identifier_fields: dict[int, tuple[str, ...]] = {}

    async def situation(self, connection: Any, generation: int) -> Situation:
        """What is in force for the rest of the transaction: nobody changes audiences before it ends.

        Reads all audiences again after a change, and makes the tables of a generation at first sight.
        """
        shared = await connection.fetchrow(QUERIES["share_audiences"])
        loaded = self._loaded
        if loaded is None or loaded.audience_set.version != shared["version"]:
            loaded = self._loaded = await _load(connection, shared["version"])
        if generation not in self._identifier_fields:
            await tables.ensure(connection, generation)
            names = await connection.fetchval(QUERIES["identifier_fields"], generation)
            self._identifier_fields[generation] = tuple(names or ())
        mask = loaded.audience_set.mask
        return Situation(loaded.audience_set, mask(shared["filling"]), mask(shared["quiet"]))

    def announcements(
        self,
        transitions: Sequence[Transition],
        fields: Mapping[bytes, Mapping[str, Any]],
        generation: int,
        subscription: str | None = None,
    ) -> list[Announcement]:
        """The events of transitions that are to be announced; `fields` by profile id. To one subscription only, if given."""
        loaded = self._loaded
        if loaded is None or loaded.pipeline_id is None:
            return []
        return [
            announcement(
                each,
                loaded.audience_set.by_number[each.audience].audience,
                fields[each.profile_id],
                self._identifier_fields[generation],
                loaded.chosen_fields[each.audience],
                subscription,
            )
            for each in transitions
            if each.announced
        ]

    @property
    def pipeline_id(self) -> str:
        """The pipeline of the announcements; "" while there is none, and then nothing is announced."""
        return "" if self._loaded is None or self._loaded.pipeline_id is None else self._loaded.pipeline_id


async def _load(connection: Any, version: int) -> _Loaded:
    audiences = await store.every(connection)
    subscribed = {row["segment_id"]: row["fields"] for row in await connection.fetch(QUERIES["subscribed_fields"])}
    chosen = {
        each.number: tuple(dict.fromkeys((*each.event_fields, *subscribed.get(each.id, ())))) for each in audiences
    }
    pipeline_id = await connection.fetchval(QUERIES["event_pipeline"], PIPELINE)
    return _Loaded(AudienceSet(audiences, version), chosen, pipeline_id)
