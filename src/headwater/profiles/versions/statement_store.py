"""LQL statements, and the versions of the schema that they make. Writers take a `Change`, readers any connection.

A statement takes effect when it is sent, as the Lytics query API has it: it makes a version of the schema on top of the newest one, past the
draft, which follows. Mappings that no statement stands for are shown as statements too, one for each stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headwater.errors import InputError
from headwater.expressions import Select, canonical
from headwater.pipelines import slugs
from headwater.pipelines.changes import Change
from headwater.profiles.lql import (
    read_statements,
    remaining_mappings,
    removal_edit,
    schema_statements,
    statement_edit,
    statement_mappings,
    write_statement,
)
from headwater.profiles.schema import Mapping, Schema
from headwater.profiles.schema_diff import compare_schemas
from headwater.profiles.schema_edits import SchemaEdit, apply_edit, join_edits
from headwater.profiles.versions import draft_store, version_store
from headwater.profiles.versions.objects import SchemaVersion
from headwater.profiles.versions.version_store import QUERIES

TAG = "lql"


class Statement(msgspec.Struct, frozen=True):
    """A statement as it is in force. `sent` is False for one that only shows mappings of the schema."""

    id: str
    alias: str
    text: str
    author: str
    created: datetime
    updated: datetime
    sent: bool = True


async def every(connection: Any) -> list[Statement]:
    """Statements that were sent, oldest first, then those that show the other mappings of the newest version.

    The mappings of a statement may have been changed by other means since: then its text is what is left of it.
    """
    newest = await version_store.newest(connection)
    sent: list[Statement] = []
    covered: set[Mapping] = set()
    for stored in await _stored(connection):
        (statement,) = read_statements(stored.text, newest.schema.table)
        left = remaining_mappings(newest.schema, statement)
        covered.update(left)
        if left == statement_mappings(statement):
            sent.append(stored)
        elif left:
            text = write_statement(newest.schema, left, statement.source, stored.alias)
            sent.append(msgspec.structs.replace(stored, text=text))
    others = [each for each in newest.schema.mappings if msgspec.structs.replace(each, id="") not in covered]
    return sent + [_shown(alias, text, newest) for alias, text in schema_statements(newest.schema, others).items()]


async def find(connection: Any, name: str) -> Statement:
    """A statement by id or alias. Raises InputError with the code "not_found"."""
    for statement in await every(connection):
        if name in (statement.id, statement.alias):
            return statement
    raise InputError(f"there is no query {name!r}", "query", "not_found")


async def put(made: Change, text: str) -> list[Statement]:
    """Put the statements of a text in force, each in place of the one with its alias.

    All or none. Raises InputError for a text that cannot be read or mappings that do not fit the schema.
    """
    newest = (await version_store.newest(made.connection)).schema
    stored = {each.alias: each for each in await _stored(made.connection)}
    held = {alias: read_statements(each.text, newest.table)[0] for alias, each in stored.items()}
    statements = read_statements(text, newest.table)
    texts = _texts(text, statements)
    edit, schema = SchemaEdit(), newest
    for statement in statements:
        alias = str(statement.alias)
        kept = [each for name, each in held.items() if name != alias]
        step = statement_edit(schema, statement, held.get(alias), kept)
        edit, schema = join_edits(edit, step), apply_edit(schema, step)
        held[alias] = statement
    aliases = [str(statement.alias) for statement in statements]
    await _publish(made, newest, schema, edit, aliases)
    put = []
    for alias, own in zip(aliases, texts, strict=True):
        row = await made.connection.fetchrow(QUERIES["put_statement"], alias, slugs.new_id(), own, made.actor)
        put.append(_statement(row))
        await made.record("query saved", f"query {alias}", stored[alias].text if alias in stored else None, own)
    return put


async def delete(made: Change, name: str) -> None:
    """Take a statement and its mappings away; fields stay. Raises InputError with the code "not_found"."""
    found = await find(made.connection, name)
    if not found.sent:
        raise InputError(
            f"{found.alias!r} shows mappings that no query made; change them through the schema", "query", "conflict"
        )
    newest = (await version_store.newest(made.connection)).schema
    stored = await _stored(made.connection)
    own = next(each for each in stored if each.alias == found.alias)
    kept = [read_statements(each.text, newest.table)[0] for each in stored if each.alias != found.alias]
    edit = removal_edit(newest, read_statements(own.text, newest.table)[0], kept)
    await _publish(made, newest, apply_edit(newest, edit), edit, [found.alias])
    await made.connection.execute(QUERIES["delete_statement"], found.alias)
    await made.record("query deleted", f"query {found.alias}", own.text, None)


async def _publish(made: Change, before: Schema, after: Schema, edit: SchemaEdit, aliases: Iterable[str]) -> None:
    if compare_schemas(before, after).changes:
        description = f"LQL {', '.join(aliases)}"
        await draft_store.publish_apart(made, after, edit, tag=TAG, description=description)


async def _stored(connection: Any) -> list[Statement]:
    return [_statement(row) for row in await connection.fetch(QUERIES["statements"])]


def _texts(text: str, statements: Sequence[Select]) -> list[str]:
    """The text of each statement as it was sent; of several in one text, each in its canonical form."""
    return [text.strip()] if len(statements) == 1 else [canonical(statement) for statement in statements]


def _statement(row: Any) -> Statement:
    return Statement(row["id"], row["alias"], row["text"], row["author"], row["created_at"], row["updated_at"])


def _shown(alias: str, text: str, version: SchemaVersion) -> Statement:
    at = version.summary.published_at
    return Statement(alias, alias, text, version.summary.author, at, at, sent=False)
