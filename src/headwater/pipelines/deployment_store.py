"""Which revision each pipeline uses. Writers take a `Change`, readers any connection."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from headwater.errors import InputError
from headwater.pipelines import integration_store
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
    return [Attachment(**row) for row in rows]


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
    return Attachment(**row)


async def deployments(connection: Any, pipeline: Pipeline, limit: int = 100) -> list[Deployment]:
    """What was put to use on a pipeline, newest first."""
    rows = await connection.fetch(QUERIES["deployments"], pipeline.id, limit)
    return [Deployment(**row) for row in rows]


async def attach(
    change: Change, pipeline: Pipeline, integration: Integration, *, revision: int | None = None, enabled: bool = True
) -> Attachment:
    """Let the pipeline deliver to the integration from now on. Raises InputError when it already does."""
    if await change.connection.fetchrow(QUERIES["attachment"], pipeline.id, integration.id) is not None:
        raise InputError(
            f"{integration.slug!r} is already attached to {pipeline.slug!r}; deploy another revision instead",
            "integration",
            code="conflict",
        )
    number = (await integration_store.revision(change.connection, integration, revision)).number
    await change.connection.execute(QUERIES["insert_attachment"], pipeline.id, integration.id, number, enabled)
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


async def detach(change: Change, pipeline: Pipeline, integration: Integration) -> None:
    """End the use of the integration by the pipeline; what was not delivered yet is not delivered any more."""
    before = await attachment(change.connection, pipeline, integration)
    await change.connection.execute(QUERIES["delete_attachment"], pipeline.id, integration.id)
    await change.record("integration detached", subject(before), before, None)


def subject(attached: Attachment) -> str:
    """How the audit log names an attachment: as part of its pipeline."""
    return f"pipeline {attached.pipeline_id}"


async def _finish(
    change: Change, action: str, pipeline: Pipeline, integration: Integration, before: Attachment | None
) -> Attachment:
    after = await attachment(change.connection, pipeline, integration)
    await change.connection.execute(
        QUERIES["insert_deployment"], pipeline.id, integration.id, after.revision, change.actor
    )
    await change.record(action, subject(after), before, after)
    return after
