"""What a worker builds with: the live generation, its schema, the attached pipelines, and positions that allow for them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from nats.aio.client import Client

from headwater.log import streams
from headwater.log.ordered import OrderedReader
from headwater.log.records import SUBJECT_ROOT, subject_filter
from headwater.pipelines.snapshot import AttachedRevision, ConfigurationSnapshot
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.store import generations
from headwater.profiles.store.generations import Generation
from headwater.profiles.store.tables import statement
from headwater.profiles.targets import profile_attachments, target_key
from headwater.profiles.versions import version_store

FIRST_RECORD_SECONDS = 1.0

FILTERS_LIMIT = 64
"""Subjects of events that a reader asks the log for by name; beyond that it takes all events and leaves out what is not for it."""

AttachmentKey = tuple[str, str, datetime]
AttachmentUse = tuple[AttachmentKey, int, tuple[str, ...] | None]


class Plan(msgspec.Struct, frozen=True):
    """What decides how records become profiles. `revisions` of attachments that are in force, to notice changes."""

    generation: Generation
    schema: CompiledSchema
    attachments: tuple[AttachedRevision, ...]

    @property
    def revisions(self) -> tuple[AttachmentUse, ...]:
        """What tells the attachments of two plans apart."""
        return revisions_of(self.attachments)


def revisions_of(attachments: Iterable[AttachedRevision]) -> tuple[AttachmentUse, ...]:
    """Each attachment with the revision that it uses and the audiences that it hears about."""
    return tuple((target_key(each), each.attachment.revision, each.attachment.audiences) for each in attachments)


async def make_plan(
    connection: Any, client: Client, snapshot: ConfigurationSnapshot, known: Plan | None = None
) -> Plan:
    """The plan as it is now. Positions are set back where an attachment is new.

    Raises ConfigurationError when the install was never prepared, UnavailableError when the log cannot be reached, else what the driver raises.
    """
    return await plan_for(connection, client, await current_generation(connection), snapshot, known)


async def plan_for(
    connection: Any, client: Client, generation: Generation, snapshot: ConfigurationSnapshot, known: Plan | None = None
) -> Plan:
    """`make_plan` for a generation that may not be the live one."""
    attachments = profile_attachments(snapshot)
    await _allow_for(connection, client, generation, attachments)
    if known is not None and known.generation == generation:
        schema = known.schema
    else:
        schema = await asyncio.to_thread(CompiledSchema, generation.schema)
    return Plan(generation, schema, tuple(attachments))


async def current_generation(connection: Any) -> Generation:
    """The live generation, with the schema version that is live now."""
    async with connection.transaction():
        generation = await generations.live(connection)
        number = await connection.fetchval(version_store.QUERIES["live_number"])
        if number is None or str(number) == generation.schema_version:
            return generation
        version = await version_store.live(connection)
        await generations.change_schema(connection, generation.number, version.schema)
        return await generations.live(connection)


async def _allow_for(
    connection: Any, client: Client, generation: Generation, attachments: Sequence[AttachedRevision]
) -> None:
    rows = await connection.fetch(statement("attachments", generation.number))
    known = {tuple(row) for row in rows}
    for attached in attachments:
        key = target_key(attached)
        if key in known:
            continue
        first = await _first_record(client, key[0], key[2])
        async with connection.transaction():
            if first is not None:
                await connection.execute(statement("set_back_positions", generation.number), first - 1)
            await connection.execute(statement("note_attachment", generation.number), *key)


async def _first_record(client: Client, pipeline_id: str, since: datetime) -> int | None:
    """The first record of a pipeline that was stored since a moment; None when there is none yet."""
    subject = subject_filter("event", pipeline_id)
    reader = OrderedReader(client, streams.MAIN, [subject], since=since.timestamp(), window=1)
    try:
        if not await reader.waiting():
            return None
        found = await reader.take(1, FIRST_RECORD_SECONDS)
    finally:
        await reader.stop()
    return found[0].sequence if found else None


def subjects_of(partitions: frozenset[int], count: int, pipelines: Collection[str]) -> list[str]:
    """The subjects of the records that can become profiles: all streams', and the events of `pipelines` (their ids).

    Of all subjects these are of some of `count` partitions. Events that nobody makes profiles from stay in the log's server.
    """
    whole = len(partitions) == count
    if len(pipelines) * (1 if whole else len(partitions)) > FILTERS_LIMIT:
        return everything_of(partitions, count)
    if whole:
        return [f"{SUBJECT_ROOT}.stream.>", *(subject_filter("event", each) for each in sorted(pipelines))]
    own = sorted(partitions)
    events = [subject_filter("event", each, partition) for each in sorted(pipelines) for partition in own]
    return [*(f"{SUBJECT_ROOT}.stream.*.{partition}" for partition in own), *events]


def everything_of(partitions: frozenset[int], count: int) -> list[str]:
    """The subjects of all records of some of `count` partitions."""
    if len(partitions) == count:
        return [f"{SUBJECT_ROOT}.event.>", f"{SUBJECT_ROOT}.stream.>"]
    return [f"{SUBJECT_ROOT}.{kind}.*.{partition}" for partition in sorted(partitions) for kind in ("event", "stream")]


async def positions_of(connection: Any, generation: int, partitions: frozenset[int]) -> dict[int, int]:
    """The last record in profiles by partition; those that were never worked on begin at 0."""
    await connection.execute(statement("begin_positions", generation), sorted(partitions))
    rows: Sequence[Mapping[str, int]] = await connection.fetch(statement("positions", generation))
    return {row["partition"]: row["sequence"] for row in rows if row["partition"] in partitions}
