"""Integrations and their revisions in the database. Writers take a `Change`, readers any connection."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from headwater.errors import InputError
from headwater.pipelines import slugs
from headwater.pipelines.changes import QUERIES, Change
from headwater.pipelines.objects import (
    Integration,
    Revision,
    RevisionContent,
    content_from_json,
    content_to_json,
    shown_content,
)


async def every(connection: Any) -> list[Integration]:
    """All integrations, oldest first."""
    return [_integration(row) for row in await connection.fetch(QUERIES["integrations"])]


async def find(connection: Any, name: str) -> Integration:
    """The integration with this id or slug. Raises InputError with the code "not_found"."""
    row = await connection.fetchrow(QUERIES["integration"], name)
    if row is None:
        raise InputError(
            f"there is no integration {name!r}; `headwater integration list` shows them",
            "integration",
            code="not_found",
        )
    return _integration(row)


async def create(change: Change, *, name: str, slug: str | None = None) -> Integration:
    """Create an integration, still without a revision. Raises InputError when the slug is wrong or taken.

    Without a slug one is made from the name; where that is taken, with the next free number: lytics-2.
    """
    if slug is None:
        made = await _free_slug(change, slugs.slug_of(name))
    else:
        made = slugs.check_slug(slug)
        await _require_free(change, made, "")
    integration_id = slugs.new_id()
    await change.connection.execute(QUERIES["insert_integration"], integration_id, made, slugs.check_name(name))
    integration = await find(change.connection, integration_id)
    await change.record("integration created", subject(integration), None, integration)
    return integration


async def rename(change: Change, integration: Integration, *, name: str, slug: str) -> Integration:
    """Change slug and name."""
    slugs.check_slug(slug)
    await _require_free(change, slug, integration.id)
    await change.connection.execute(QUERIES["rename_integration"], integration.id, slug, slugs.check_name(name))
    after = await find(change.connection, integration.id)
    if after != integration:
        await change.record("integration renamed", subject(after), integration, after)
    return after


async def delete(change: Change, integration: Integration) -> None:
    """Delete an integration with its revisions. Raises InputError while a pipeline uses it."""
    users = [row["slug"] for row in await change.connection.fetch(QUERIES["users_of_integration"], integration.id)]
    if users:
        raise InputError(
            f"{integration.slug!r} is attached to {', '.join(users)}; detach it first", "integration", code="conflict"
        )
    await change.connection.execute(QUERIES["delete_integration"], integration.id)
    await change.record("integration deleted", subject(integration), integration, None)


async def save(change: Change, integration: Integration, content: RevisionContent, note: str = "") -> Revision:
    """Save content that was checked as the next revision. Pipelines keep what they use until a deployment."""
    _require_storable(content)
    before = await _newest(change.connection, integration)
    row = await change.connection.fetchrow(
        QUERIES["insert_revision"], integration.id, content_to_json(content), note, change.actor
    )
    saved = revision_from_row(row)
    await change.record(
        "revision saved",
        subject(integration),
        None if before is None else _shown(before),
        _shown(saved),
    )
    return saved


async def revision(connection: Any, integration: Integration, number: int | None = None) -> Revision:
    """One revision, the newest unless `number` is given. Raises InputError with the code "not_found"."""
    row = await connection.fetchrow(QUERIES["revision"], integration.id, number)
    if row is None:
        wanted = "any revision" if number is None else f"a revision {number}"
        raise InputError(
            f"{integration.slug!r} does not have {wanted}; `headwater integration revisions {integration.slug}` shows them",
            "revision",
            code="not_found",
        )
    return revision_from_row(row)


async def revisions(connection: Any, integration: Integration) -> list[Revision]:
    """All revisions, newest first, without the texts of the kit."""
    return [revision_from_row(row) for row in await connection.fetch(QUERIES["revisions"], integration.id)]


def subject(integration: Integration) -> str:
    """How the audit log names an integration."""
    return f"integration {integration.id}"


async def _newest(connection: Any, integration: Integration) -> Revision | None:
    current = await find(connection, integration.id)
    return await revision(connection, current) if current.latest_revision else None


async def _free_slug(change: Change, wanted: str) -> str:
    taken = {found.slug for found in await every(change.connection)}
    numbered = (slugs.numbered(wanted, number) for number in itertools.count(2))
    return next(slug for slug in itertools.chain([wanted], numbered) if slug not in taken)


async def _require_free(change: Change, slug: str, own_id: str) -> None:
    row = await change.connection.fetchrow(QUERIES["integration"], slug)
    if row is not None and row["id"] != own_id:
        raise InputError(f"there is already an integration {slug!r}; choose another slug", "slug", code="conflict")


def _require_storable(content: RevisionContent) -> None:
    # PostgreSQL cannot hold U+0000 in a text, nor in a text inside jsonb.
    pending: list[tuple[str, Any]] = [("", content_to_json(content))]
    while pending:
        place, value = pending.pop()
        if isinstance(value, str) and "\x00" in value:
            raise InputError("the text holds a NUL character; remove it", place.lstrip("."))
        if isinstance(value, dict):
            pending.extend((f"{place}.{key}", item) for key, item in value.items())
        elif isinstance(value, list):
            pending.extend((f"{place}.{index}", item) for index, item in enumerate(value))


def _shown(revision: Revision) -> dict[str, Any]:
    return {"number": revision.number, "note": revision.note} | shown_content(revision.content)


def _integration(row: Any) -> Integration:
    return msgspec.convert(dict(row), Integration)


def revision_from_row(row: Any) -> Revision:
    """A revision from a row of the table `revisions`."""
    values = dict(row)
    return Revision(**(values | {"content": content_from_json(values["content"])}))
