"""Do saved audiences stay valid under another schema?"""

from __future__ import annotations

from typing import Any, NamedTuple

from headwater.audiences.catalog import META_FIELDS, load_catalog
from headwater.errors import InputError
from headwater.profiles.schema import Schema


class BrokenAudience(NamedTuple):
    """An audience that the schema would leave without something it asks for."""

    slug: str
    reason: str


async def broken_audiences(connection: Any, schema: Schema) -> list[BrokenAudience]:
    """Audiences that are valid now and would not be with `schema`."""
    now = await load_catalog(connection)
    then = now._replace(known_fields=frozenset(field.id for field in schema.fields) | frozenset(META_FIELDS))
    return [
        BrokenAudience(each.slug, reason)
        for each in now.audiences
        if not now.invalid_reason(each) and (reason := then.invalid_reason(each))
    ]


async def require_audiences(connection: Any, schema: Schema) -> None:
    """Raise InputError with the audiences that `schema` would break."""
    broken = await broken_audiences(connection, schema)
    if broken:
        told = "; ".join(f"{each.slug}: {each.reason}" for each in broken)
        raise InputError(f"audiences would become invalid: {told}", "segments")
