"""Patches: named change sets that wait beside the draft. Writers take a `Change`, readers any connection."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from headwater.errors import InputError
from headwater.pipelines.changes import Change
from headwater.profiles.schema_edits import SchemaEdit, apply_edit, join_edits, require_sound
from headwater.profiles.versions import draft_store, version_store
from headwater.profiles.versions.objects import Draft, Patch, SchemaVersion
from headwater.profiles.versions.version_store import QUERIES

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


async def every(connection: Any) -> list[Patch]:
    """All patches, oldest first."""
    return [_patch(row) for row in await connection.fetch(QUERIES["patches"])]


async def find(connection: Any, patch_id: str) -> Patch:
    """A patch. Raises InputError with the code "not_found"."""
    row = await connection.fetchrow(QUERIES["patch"], patch_id)
    if row is None:
        raise InputError(f"there is no patch {patch_id!r}", "patch", "not_found")
    return _patch(row)


async def put(made: Change, patch_id: str, description: str, edit: SchemaEdit) -> Patch:
    """Create or replace a patch. Raises InputError for an id that is none, or where the edit does not fit the newest version."""
    if not _ID.fullmatch(patch_id):
        raise InputError("use letters, digits, _ . - and at most 64 characters", "patch")
    require_sound(apply_edit((await version_store.newest(made.connection)).schema, edit))
    before = await made.connection.fetchrow(QUERIES["patch"], patch_id)
    row = await made.connection.fetchrow(
        QUERIES["put_patch"], patch_id, description, msgspec.to_builtins(edit), made.actor
    )
    after = _patch(row)
    await made.record(
        "schema patch saved", _subject(patch_id), None if before is None else _patch(before).edit, after.edit
    )
    return after


async def extend(made: Change, patch_id: str, edit: SchemaEdit) -> Patch:
    """Add to a patch, which is made if it is not there. Raises InputError as `put` does."""
    row = await made.connection.fetchrow(QUERIES["patch"], patch_id)
    if row is None:
        return await put(made, patch_id, "", edit)
    held = _patch(row)
    return await put(made, patch_id, held.description, join_edits(held.edit, edit))


async def delete(made: Change, patch_id: str) -> None:
    """Remove a patch. Raises InputError with the code "not_found"."""
    found = await find(made.connection, patch_id)
    await made.connection.execute(QUERIES["delete_patch"], patch_id)
    await made.record("schema patch deleted", _subject(patch_id), found.edit, None)


async def apply(made: Change, patch_id: str) -> Draft:
    """Take a patch into the draft; the patch is gone then."""
    found = await find(made.connection, patch_id)
    after = await draft_store.edit(made, found.edit)
    await delete(made, patch_id)
    return after


async def publish(made: Change, patch_id: str, *, tag: str, description: str) -> SchemaVersion:
    """Publish a patch on top of the newest version, without what else is in the draft; the patch is gone then."""
    found = await find(made.connection, patch_id)
    newest = (await version_store.newest(made.connection)).schema
    published = await draft_store.publish_apart(
        made, apply_edit(newest, found.edit), found.edit, tag=tag, description=description
    )
    await delete(made, patch_id)
    return published


def _subject(patch_id: str) -> str:
    return f"schema patch {patch_id}"


def _patch(row: Any) -> Patch:
    return Patch(**{**row, "edit": msgspec.convert(row["edit"], SchemaEdit)})
