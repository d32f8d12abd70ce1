"""Which revision each pipeline uses. Writers take a `Change`, readers any connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from headwater.errors import InputError
from headwater.pipelines import audience_choice, integration_store
from headwater.pipelines.changes import QUERIES, Change
from headwater.pipelines.objects import Attachment, Integration, Pipeline


class Deployment(msgspec.Struct, frozen=True):
    """A revision was put to use on a pipeline."""

    id: int
    integration: str
    revision: int
    deployed_at: datetime
    deployed_by: str


async def attachments(connection: Any, pipeline: Pipeline | None = None) -> list[Attachment]:
    """The attachments of a pipeline, or all, oldest first."""
    rows = await connection.fetch(QUERIES["attachments"], None if pipeline is None else pipeline.id)
    return [_attachment(row) for row in rows]


async def attachment(connection: Any, pipeline: Pipeline, integration: Integration) -> Attachment:
    """One attachment. Raises InputError with the code "not_found"."""
    row = await connection.fetchrow(QUERIES["attachment"], pipeline.id, integration.id)
    if row is None:
        raise InputError(
            f"{integration.slug!r} is not attached to {pipeline.slug!r}; "
            f"`headwater pipeline attach {pipeline.slug} {integration.slug}` does it",
            "integration",
            code="not_found",
        )
    return _attachment(row)


async def deployments(connection: Any, pipeline: Pipeline, limit: int = 100) -> list[Deployment]:
    """What was put to use on a pipeline, newest first."""
    rows = await connection.fetch(QUERIES["deployments"], pipeline.id, limit)
    return [Deployment(**row) for row in rows]


async def attach(
    change: Change,
    pipeline: Pipeline,
    integration: Integration,
    *,
    revision: int | None = None,
    enabled: bool = True,
    audiences: Sequence[str] | None = None,
) -> Attachment:
    """Let the pipeline deliver to the integration from now on; with `audiences` (ids or slugs) what they announce only.

    Raises InputError when it already does, and for audiences that cannot be chosen.
    """
    if await change.connection.fetchrow(QUERIES["attachment"], pipeline.id, integration.id) is not None:
        raise InputError(
            f"{integration.slug!r} is already attached to {pipeline.slug!r}; deploy another revision instead",
            "integration",
            code="conflict",
        )
    number = (await integration_store.revision(change.connection, integration, revision)).number
    choice = await audience_choice.chosen(change.connection, pipeline, audiences)
    await change.connection.execute(QUERIES["insert_attachment"], pipeline.id, integration.id, number, enabled, choice)
    return await _finish(change, "integration attached", pipeline, integration, None)


async def deploy(
    change: Change, pipeline: Pipeline, integration: Integration, *, revision: int | None = None
) -> Attachment:
    """Let the pipeline use a revision, the newest unless given. Raises InputError when the two are not attached."""
    before = await attachment(change.connection, pipeline, integration)
    number = (await integration_store.revision(change.connection, integration, revision)).number
    if number == before.revision:
        return before
    await change.connection.execute(QUERIES["update_attachment"], pipeline.id, integration.id, number, before.enabled)
    return await _finish(change, "revision deployed", pipeline, integration, before)


async def roll_back(change: Change, pipeline: Pipeline, integration: Integration) -> Attachment:
    """Deploy the newest older revision that this pipeline ever used. Raises InputError when there is none."""
    before = await attachment(change.connection, pipeline, integration)
    number = await change.connection.fetchval(QUERIES["revision_before"], pipeline.id, integration.id, before.revision)
    if number is None:
        raise InputError(
            f"{pipeline.slug!r} never used an older revision of {integration.slug!r} than {before.revision}; "
            "deploy one by number",
            "revision",
            code="conflict",
        )
    return await deploy(change, pipeline, integration, revision=number)


async def enable(change: Change, pipeline: Pipeline, integration: Integration, *, enabled: bool) -> Attachment:
    """Pause or resume delivery; what arrives in between waits in the log."""
    before = await attachment(change.connection, pipeline, integration)
    if before.enabled == enabled:
        return before
    await change.connection.execute(QUERIES["update_attachment"], pipeline.id, integration.id, before.revision, enabled)
    action = "attachment enabled" if enabled else "attachment disabled"
    after = await attachment(change.connection, pipeline, integration)
    await change.record(action, subject(before), before, after)
    return after


async def choose(
    change: Change, pipeline: Pipeline, integration: Integration, audiences: Sequence[str] | None
) -> Attachment:
    """Let entries and exits of these audiences (ids or slugs) pass and no others; None: everything passes. Raises InputError."""
    before = await attachment(change.connection, pipeline, integration)
    choice = await audience_choice.chosen(change.connection, pipeline, audiences)
    if before.audiences == choice:
        return before
    await change.connection.execute(QUERIES["choose_audiences"], pipeline.id, integration.id, choice)
    after = await attachment(change.connection, pipeline, integration)
    await change.record("audiences chosen", subject(after), before, after)
    return after


async def forget_audience(change: Change, audience_id: str) -> None:
    """Take an audience that is being deleted out of every choice. Whoever chose nothing else hears nothing more."""
    await change.connection.execute(QUERIES["forget_audience"], audience_id)


async def detach(change: Change, pipeline: Pipeline, integration: Integration) -> None:
    """End the use of the integration by the pipeline; what was not delivered yet is not delivered any more."""
    before = await attachment(change.connection, pipeline, integration)
    await change.connection.execute(QUERIES["delete_attachment"], pipeline.id, integration.id)
    await change.record("integration detached", subject(before), before, None)


def subject(attached: Attachment) -> str:
    """How the audit log names an attachment: as part of its pipeline."""
    return f"pipeline {attached.pipeline_id}"


def _attachment(row: Any) -> Attachment:
    values = dict(row)
    audiences = values.pop("audiences")
    return Attachment(**values, audiences=None if audiences is None else tuple(audiences))


async def _finish(
    change: Change, action: str, pipeline: Pipeline, integration: Integration, before: Attachment | None
) -> Attachment:
    after = await attachment(change.connection, pipeline, integration)
    await change.connection.execute(
        QUERIES["insert_deployment"], pipeline.id, integration.id, after.revision, change.actor
    )
    await change.record(action, subject(after), before, after)
    return after
