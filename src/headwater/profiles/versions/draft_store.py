"""The draft that everybody shares. It is always free of faults: an edit that brings one in is refused.

Writers take a `Change`, readers any connection.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.errors import InputError
from headwater.pipelines.changes import Change
from headwater.profiles.schema import Schema, schema_document
from headwater.profiles.schema_diff import SchemaDiff, compare_schemas
from headwater.profiles.schema_edits import SchemaEdit, apply_edit, require_sound
from headwater.profiles.versions import version_store
from headwater.profiles.versions.objects import Draft, SchemaVersion
from headwater.profiles.versions.version_store import QUERIES

SUBJECT = "schema draft"


async def draft(connection: Any) -> Draft:
    """The draft; the newest version where nobody edits."""
    row = await connection.fetchrow(QUERIES["draft"])
    if row is None:
        return Draft((await version_store.newest(connection)).schema, 0, ())
    return _draft(row)


async def edit(made: Change, wanted: SchemaEdit) -> Draft:
    """Change parts of the draft. Raises InputError that names the place of a fault that the edit would bring in."""
    before = (await draft(made.connection)).schema
    return await replace(made, apply_edit(before, wanted))


async def replace(made: Change, schema: Schema) -> Draft:
    """Take a whole schema as the draft. Raises InputError for a faulty one."""
    before = (await draft(made.connection)).schema
    changes = compare_schemas(before, require_sound(schema)).changes
    if not changes:
        return await draft(made.connection)
    newest = (await version_store.newest(made.connection)).schema
    await made.record("schema draft edited", SUBJECT, *_told(compare_schemas(before, schema)))
    if not compare_schemas(newest, schema).changes:
        await made.connection.execute(QUERIES["delete_draft"])
        return await draft(made.connection)
    content = schema_document(msgspec.structs.replace(schema, version=""))
    return _draft(await made.connection.fetchrow(QUERIES["put_draft"], content, made.actor))


async def discard(made: Change) -> None:
    """Make the draft the newest version again."""
    before = await draft(made.connection)
    if before.revision:
        await made.connection.execute(QUERIES["delete_draft"])
        await made.record("schema draft discarded", SUBJECT, {"authors": before.authors}, None)


async def publish(made: Change, *, tag: str, description: str, revision: int | None = None) -> SchemaVersion:
    """Publish the draft. `revision`: only if this is the draft that the caller saw, whoever else edits it.

    Raises InputError as `version_store.publish` does, and with the code "conflict" for another revision.
    """
    found = await draft(made.connection)
    if revision is not None and found.revision != revision:
        raise InputError(
            f"the draft is at revision {found.revision} by now, edited by {', '.join(found.authors) or 'nobody'}; look at it again",
            "revision",
            "conflict",
        )
    published = await version_store.publish(made, found.schema, tag=tag, description=description)
    await made.connection.execute(QUERIES["delete_draft"])
    return published


async def publish_apart(
    made: Change, schema: Schema, wanted: SchemaEdit, *, tag: str, description: str
) -> SchemaVersion:
    """Publish a schema that does not come from the draft, and let the draft follow with the edit that led to it.

    So nobody else's unfinished changes go out with it, and none are lost.
    """
    found = await draft(made.connection)
    published = await version_store.publish(made, require_sound(schema), tag=tag, description=description)
    if found.revision:
        await replace(made, apply_edit(found.schema, wanted))
    return published


def _draft(row: Any) -> Draft:
    return Draft(msgspec.convert(row["content"], Schema), row["revision"], tuple(row["authors"]))


def _told(diff: SchemaDiff) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the audit log keeps of an edit: the values that differ, by place."""
    places = [(".".join(filter(None, (each.place, each.attribute))), each) for each in diff.changes]
    return {place: each.before for place, each in places}, {place: each.after for place, each in places}
