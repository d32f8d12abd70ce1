"""Pipelines in the database. Writers take a `Change`, readers any connection."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.errors import InputError
from headwater.pipelines import slugs, tag_settings
from headwater.pipelines.changes import QUERIES, Change
from headwater.pipelines.objects import Pipeline


async def every(connection: Any) -> list[Pipeline]:
    """All pipelines, oldest first."""
    return [_pipeline(row) for row in await connection.fetch(QUERIES["pipelines"])]


async def find(connection: Any, name: str) -> Pipeline:
    """The pipeline with this id or slug. Raises InputError with the code "not_found"."""
    row = await connection.fetchrow(QUERIES["pipeline"], name)
    if row is None:
        raise InputError(
            f"there is no pipeline {name!r}; `headwater pipeline list` shows them", "pipeline", code="not_found"
        )
    return _pipeline(row)


async def create(
    change: Change,
    *,
    name: str,
    slug: str | None = None,
    enabled: bool = True,
    allowed_origins: tuple[str, ...] = (),
    partial_batch_status: int = 200,
    tag: dict[str, Any] | None = None,
) -> Pipeline:
    """Create a pipeline without write keys; the slug is made from the name unless given. Raises InputError."""
    made = slugs.slug_of(name) if slug is None else slugs.check_slug(slug)
    await _require_free(change, made, "")
    pipeline_id = slugs.new_id()
    await change.connection.execute(
        QUERIES["insert_pipeline"],
        pipeline_id,
        made,
        slugs.check_name(name),
        enabled,
        [slugs.check_origin(origin) for origin in allowed_origins],
        _check_status(partial_batch_status),
        tag_settings.check(tag or {}),
    )
    pipeline = await find(change.connection, pipeline_id)
    await change.record("pipeline created", subject(pipeline), None, pipeline)
    return pipeline


async def update(change: Change, changed: Pipeline) -> Pipeline:
    """Store slug, name, enabled, origins, batch status and tag settings of `changed`; its write keys have functions of their own."""
    before = await find(change.connection, changed.id)
    slugs.check_slug(changed.slug)
    await _require_free(change, changed.slug, changed.id)
    await change.connection.execute(
        QUERIES["update_pipeline"],
        changed.id,
        changed.slug,
        slugs.check_name(changed.name),
        changed.enabled,
        [slugs.check_origin(origin) for origin in changed.allowed_origins],
        _check_status(changed.partial_batch_status),
        tag_settings.check(changed.tag),
    )
    after = await find(change.connection, changed.id)
    if after != before:
        await change.record("pipeline updated", subject(after), before, after)
    return after


async def delete(change: Change, pipeline: Pipeline) -> None:
    """Delete a pipeline with its write keys and attachments. Integrations stay."""
    await change.connection.execute(QUERIES["delete_pipeline"], pipeline.id)
    await change.record("pipeline deleted", subject(pipeline), pipeline, None)


async def add_write_key(change: Change, pipeline: Pipeline, key: str | None = None) -> str:
    """Give the pipeline a write key, a new one unless `key` is given. Raises InputError when the key is taken."""
    added = slugs.new_write_key() if key is None else slugs.check_write_key(key)
    owner = await change.connection.fetchval(QUERIES["write_key_owner"], added)
    if owner is not None:
        raise InputError(
            f"this write key belongs to the pipeline {owner!r}; choose another", "write_key", code="conflict"
        )
    await change.connection.execute(QUERIES["insert_write_key"], added, pipeline.id)
    await change.record("write key added", subject(pipeline), None, {"write_key": added})
    return added


async def remove_write_key(change: Change, pipeline: Pipeline, key: str) -> None:
    """Take a write key away: senders that still use it are refused. Raises InputError when the pipeline lacks it."""
    if key not in pipeline.write_keys:
        raise InputError(f"the pipeline {pipeline.slug!r} has no such write key", "write_key", code="not_found")
    await change.connection.execute(QUERIES["delete_write_key"], key, pipeline.id)
    await change.record("write key removed", subject(pipeline), {"write_key": key}, None)


def subject(pipeline: Pipeline) -> str:
    """How the audit log names a pipeline."""
    return f"pipeline {pipeline.id}"


async def _require_free(change: Change, slug: str, own_id: str) -> None:
    row = await change.connection.fetchrow(QUERIES["pipeline"], slug)
    if row is not None and row["id"] != own_id:
        raise InputError(f"there is already a pipeline {slug!r}; choose another slug", "slug", code="conflict")


def _check_status(status: int) -> int:
    if status not in (200, 207):
        raise InputError("a batch with refused events answers 200 or 207", "partial_batch_status")
    return status


def _pipeline(row: Any) -> Pipeline:
    return msgspec.convert(dict(row), Pipeline)
