"""Members of an audience as rows: who they are, and the fields that its filter looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from headwater.audiences.catalog import Catalog
from headwater.audiences.members import Member
from headwater.expressions import fields_read, from_stored
from headwater.expressions.tree import Node
from headwater.profiles.schema import Schema

COLUMNS = 4


class MemberRow(NamedTuple):
    """A member: its profile's id, what it is known by, and values of the columns."""

    id: str
    name: str
    known_by: str
    values: list[Any]


class Sample(NamedTuple):
    """Members with the names of their columns."""

    columns: list[str]
    rows: list[MemberRow]


def sample_of(members: Sequence[Member], tree: Node, catalog: Catalog, schema: Schema) -> Sample:
    """The members as rows; columns are the fields that the filter reads, identifiers left out."""
    read = sorted(fields_read(tree, catalog.trees.get))
    columns = [name for name in read if name in catalog.known_fields and name not in schema.ranks][:COLUMNS]
    return Sample(columns, [_row(each, columns, schema) for each in members])


def _row(member: Member, columns: Sequence[str], schema: Schema) -> MemberRow:
    known_by = next((name for name in schema.ranks if member.fields.get(name)), "")
    value = member.fields.get(known_by)
    first = value[0] if isinstance(value, list) and value else value
    profile_id = member.profile_id.hex()
    shown = [from_stored(member.fields[name]) if name in member.fields else None for name in columns]
    return MemberRow(profile_id, str(first) if first else profile_id[:12], known_by or "its id", shown)
