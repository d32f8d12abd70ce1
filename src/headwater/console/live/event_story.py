"""The whole way of one event, read from wherever its traces are, again and again while somebody looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from headwater.console.live import integration_way, profile_effect
from headwater.console.live.integration_way import Computed, Way
from headwater.console.live.kept_attempts import AttemptSearch
from headwater.console.live.log_tail import Row, record_at
from headwater.console.live.profile_effect import ProfileEffect
from headwater.console.ports import Console
from headwater.database.transactions import transaction
from headwater.errors import ConfigurationError, InputError
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.objects import Integration, Pipeline
from headwater.pipelines.snapshot import AttachedRevision

FIELD = "sequence"


class Subject(NamedTuple):
    """An event with what it goes through. `pipeline` is None for a record of a stream, and for a deleted pipeline."""

    row: Row
    pipeline: Pipeline | None
    computed: tuple[Computed, ...]
    integrations: dict[str, Integration]


class Story(NamedTuple):
    """What became of it so far. `without_profiles` says why nothing is known about profiles."""

    ways: tuple[Way, ...]
    effects: tuple[ProfileEffect, ...]
    without_profiles: str = ""


async def subject_at(console: Console, sequence: int) -> Subject:
    """The record at a place in the log. Raises InputError with the code "not_found" when it is not there."""
    found = await record_at(console.log, sequence)
    if found is None:
        raise InputError(
            "this event is not in the log. The log keeps events for a time; the archive has older ones",
            FIELD,
            "not_found",
        )
    row, _ = found
    pipeline, attached, integrations = None, [], {}
    if row.record.meta.kind == "event":
        async with transaction(console.pool, read_only=True) as database:
            pipelines = await pipeline_store.every(database)
            pipeline = next((each for each in pipelines if each.id == row.record.meta.source), None)
            attached = [] if pipeline is None else await _attached(database, pipeline)
            integrations = {each.id: each for each in await integration_store.every(database)}
    computed = tuple(integration_way.compute(each, row.record, console.collector_url) for each in attached)
    return Subject(row, pipeline, computed, integrations)


async def _attached(database: Any, pipeline: Pipeline) -> list[AttachedRevision]:
    found = []
    for attachment in await deployment_store.attachments(database, pipeline):
        integration = await integration_store.find(database, attachment.integration_id)
        revision = await integration_store.revision(database, integration, attachment.revision)
        found.append(AttachedRevision(attachment, revision))
    return found


def search_of(console: Console, subject: Subject) -> AttemptSearch:
    """Looks for the attempts that carried the event."""
    meta = subject.row.record.meta
    return AttemptSearch(console.log, meta.source, meta.message_id, subject.row.stored_at)


async def story_of(console: Console, subject: Subject, search: AttemptSearch) -> Story:
    """What became of the event up to now. Raises UnavailableError while the log or the database is away."""
    attempts = await search.look()
    meta = subject.row.record.meta
    letters = await console.services.dead_letters.of_message(meta.source, meta.message_id)
    ways = tuple(
        integration_way.way(computed, subject.row.stored_at, attempts, letters) for computed in subject.computed
    )
    try:
        effects = await _effects(console, subject.row, subject.computed)
    except ConfigurationError as fault:
        return Story(ways, (), str(fault))
    return Story(ways, tuple(effects))


async def _effects(console: Console, row: Row, computed: Sequence[Computed]) -> list[ProfileEffect]:
    async with transaction(console.pool, read_only=True) as database:
        return await profile_effect.profile_effects(database, row, computed)
