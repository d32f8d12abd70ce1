"""The schema of profiles over HTTP, as the second Lytics API has it: `/v2/schema`. Changes gather in the draft until they are published."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, delete, get, post, route
from litestar.datastructures import State
from litestar.params import QueryParameter, RawBody

from headwater.api.audience_checks import broken_audiences
from headwater.api.authorization import SCHEMA_CHANGE, SCHEMA_READ, actor_of
from headwater.api.lytics_replies import converted, object_of, require_table, second_reply
from headwater.api.names import FieldName, MappingId, TableName
from headwater.api.ports import Services
from headwater.api.schema_documents import (
    config_documents,
    field_document,
    mapping_document,
    rank_document,
    read_field,
    read_mapping,
    read_ranks,
    settings_of,
    states_of,
)
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import change
from headwater.profiles.schema import Schema
from headwater.profiles.schema_check import Problem, check_schema
from headwater.profiles.schema_diff import compare_schemas
from headwater.profiles.schema_edits import SchemaEdit, find_mapping
from headwater.profiles.versions import draft_store, version_store
from headwater.profiles.versions.objects import Draft

Caller = Request[Any, Any, State]
LIVE = "live"
DRAFT = "draft"
_Version = Annotated[
    str,
    QueryParameter(description="draft, live, or the number of a version", pattern=r"^(draft|live|[1-9][0-9]{0,8})$"),
]
_Before = Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1, description="Number where the page before ended.")]
_Limit = Annotated[int, QueryParameter(ge=1, le=500)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Publication(msgspec.Struct, frozen=True):
    """What is told when a draft is published; `revision` of the draft that was looked at, or null."""

    tag: str
    description: str
    revision: _Number | None = None


async def chosen(services: Services, version: str) -> Schema:
    """A schema by `draft`, `live` or number. Raises InputError with the code "not_found"."""
    async with transaction(services.pool, read_only=True) as connection:
        if version == DRAFT:
            return (await draft_store.draft(connection)).schema
        if version == LIVE:
            return (await version_store.live(connection)).schema
        return (await version_store.version(connection, int(version))).schema


async def edited(services: Services, actor: str, edit: SchemaEdit) -> Draft:
    """The draft after an edit."""
    async with change(services.pool, actor) as made:
        return await draft_store.edit(made, edit)


async def newest(services: Services) -> tuple[Schema, Draft]:
    """The newest version and the draft."""
    async with transaction(services.pool, read_only=True) as connection:
        return (await version_store.newest(connection)).schema, await draft_store.draft(connection)


class SchemaRoutes(Controller):
    """Tables, fields, mappings and ranks of the draft; versions."""

    path = "/schema"
    tags = ("lytics: schema",)

    @get("/", opt=SCHEMA_READ, summary="List tables")
    async def tables(self, state: State) -> dict[str, Any]:
        """The tables with the version in use."""
        async with transaction(state.services.pool, read_only=True) as connection:
            live = await version_store.live(connection)
        return second_reply([{"name": live.schema.table, "version": live.number, "fields": len(live.schema.fields)}])

    @get("/{table:str}", opt=SCHEMA_READ, summary="Show a schema")
    async def show(self, state: State, table: TableName, version: _Version = DRAFT) -> dict[str, Any]:
        """Fields, mappings and ranks; of the draft unless another version is named."""
        require_table(table)
        schema = await chosen(state.services, version)
        data = {
            "name": schema.table,
            "version": schema.version or DRAFT,
            "fields": [field_document(each) for each in schema.fields],
            "mappings": [mapping_document(each) for each in schema.mappings],
            **rank_document(schema),
            "retention_settings": {"capacity": 0, "keep_days": 0},
        }
        return second_reply(data)

    # Fields

    @get("/{table:str}/field", opt=SCHEMA_READ, summary="List fields")
    async def fields(self, state: State, table: TableName, version: _Version = DRAFT) -> dict[str, Any]:
        """All fields; `state` tells what the draft did to each."""
        require_table(table)
        before, _ = await newest(state.services)
        schema = await chosen(state.services, version)
        states, _mappings = states_of(before, schema)
        return second_reply([field_document(each, states[each.id]) for each in schema.fields])

    @get("/{table:str}/fieldnames", opt=SCHEMA_READ, summary="List names of fields")
    async def field_names(self, state: State, table: TableName, version: _Version = DRAFT) -> dict[str, Any]:
        """The names alone."""
        require_table(table)
        return second_reply([each.id for each in (await chosen(state.services, version)).fields])

    @post("/{table:str}/field", opt=SCHEMA_CHANGE, summary="Put a field", status_code=200)
    async def put_field(self, state: State, request: Caller, table: TableName, body: RawBody) -> dict[str, Any]:
        """Make a field, or replace it whole. A new identifier is ranked last."""
        require_table(table)
        field = read_field(body)
        await edited(state.services, actor_of(request), SchemaEdit(fields={field.id: field}))
        return second_reply(field_document(field, "modified"), message="created")

    @get("/{table:str}/field/{field:str}", opt=SCHEMA_READ, summary="Show a field")
    async def show_field(
        self, state: State, table: TableName, field: FieldName, version: _Version = DRAFT
    ) -> dict[str, Any]:
        """One field."""
        require_table(table)
        before, _ = await newest(state.services)
        schema = await chosen(state.services, version)
        found = schema.field(field)
        if found is None:
            raise InputError(f"there is no field {field!r}", "field", "not_found")
        return second_reply(field_document(found, states_of(before, schema)[0][field]))

    @route(
        "/{table:str}/field/{field:str}",
        http_method=["POST", "PUT"],
        opt=SCHEMA_CHANGE,
        summary="Replace a field",
        status_code=200,
    )
    async def replace_field(
        self, state: State, request: Caller, table: TableName, field: FieldName, body: RawBody
    ) -> dict[str, Any]:
        """Replace a field whole: what the body leaves out takes its default."""
        require_table(table)
        read = read_field(body, field)
        await edited(state.services, actor_of(request), SchemaEdit(fields={read.id: read}))
        return second_reply(field_document(read, "modified"), message="updated")

    @delete("/{table:str}/field/{field:str}", opt=SCHEMA_CHANGE, summary="Delete a field")
    async def delete_field(self, state: State, request: Caller, table: TableName, field: FieldName) -> None:
        """Take a field with its mappings out of the draft."""
        require_table(table)
        if (await chosen(state.services, DRAFT)).field(field) is None:
            raise InputError(f"there is no field {field!r}", "field", "not_found")
        await edited(state.services, actor_of(request), SchemaEdit(fields={field: None}))

    # Mappings

    @get("/{table:str}/mapping", opt=SCHEMA_READ, summary="List mappings")
    async def mappings(self, state: State, table: TableName, version: _Version = DRAFT) -> dict[str, Any]:
        """All mappings in the order in which they count."""
        require_table(table)
        before, _ = await newest(state.services)
        schema = await chosen(state.services, version)
        documents = [mapping_document(each) for each in schema.mappings]
        states = states_of(before, schema)[1]
        return second_reply([{**each, "state": states[each["id"]]} for each in documents])

    @post("/{table:str}/mapping", opt=SCHEMA_CHANGE, summary="Put a mapping", status_code=200)
    async def put_mapping(self, state: State, request: Caller, table: TableName, body: RawBody) -> dict[str, Any]:
        """Make a mapping, or replace the one whose id the body has."""
        require_table(table)
        return await self._save_mapping(state.services, actor_of(request), body, None, "created")

    @get("/{table:str}/mapping/{mapping:str}", opt=SCHEMA_READ, summary="Show a mapping")
    async def show_mapping(
        self, state: State, table: TableName, mapping: MappingId, version: _Version = DRAFT
    ) -> dict[str, Any]:
        """One mapping."""
        require_table(table)
        found = find_mapping(await chosen(state.services, version), mapping)
        if found is None:
            raise InputError(f"there is no mapping {mapping!r}", "mapping", "not_found")
        return second_reply(mapping_document(found))

    @route(
        "/{table:str}/mapping/{mapping:str}",
        http_method=["POST", "PUT"],
        opt=SCHEMA_CHANGE,
        summary="Replace a mapping",
        status_code=200,
    )
    async def replace_mapping(
        self, state: State, request: Caller, table: TableName, mapping: MappingId, body: RawBody
    ) -> dict[str, Any]:
        """Replace a mapping; its id and its stream stay."""
        require_table(table)
        return await self._save_mapping(state.services, actor_of(request), body, mapping, "updated")

    @delete("/{table:str}/mapping/{mapping:str}", opt=SCHEMA_CHANGE, summary="Delete a mapping")
    async def delete_mapping(self, state: State, request: Caller, table: TableName, mapping: MappingId) -> None:
        """Take a mapping out of the draft."""
        require_table(table)
        if find_mapping(await chosen(state.services, DRAFT), mapping) is None:
            raise InputError(f"there is no mapping {mapping!r}", "mapping", "not_found")
        await edited(state.services, actor_of(request), SchemaEdit(mappings={mapping: None}))

    async def _save_mapping(
        self, services: Services, actor: str, body: bytes, name: str | None, message: str
    ) -> dict[str, Any]:
        async with change(services.pool, actor) as made:
            found, mapping = read_mapping(body, (await draft_store.draft(made.connection)).schema, name)
            await draft_store.edit(made, SchemaEdit(mappings={found: mapping}))
        return second_reply(mapping_document(mapping, "modified"), message=message)

    # Identity

    @get("/{table:str}/rank", opt=SCHEMA_READ, summary="Show ranks")
    async def rank(self, state: State, table: TableName, version: _Version = DRAFT) -> dict[str, Any]:
        """The order of identifiers, strongest first, and the settings of each."""
        require_table(table)
        return second_reply(rank_document(await chosen(state.services, version)))

    @route(
        "/{table:str}/rank",
        http_method=["POST", "PUT"],
        opt=SCHEMA_CHANGE,
        summary="Replace ranks",
        status_code=200,
    )
    async def put_rank(self, state: State, request: Caller, table: TableName, body: RawBody) -> dict[str, Any]:
        """Replace the order; settings change for the identifiers that are named."""
        require_table(table)
        draft = await edited(state.services, actor_of(request), read_ranks(body))
        return second_reply(rank_document(draft.schema), message="updated")

    @get("/{table:str}/idconfig", opt=SCHEMA_READ, summary="Show settings of identifiers")
    async def id_config(self, state: State, table: TableName, version: _Version = DRAFT) -> dict[str, Any]:
        """How identifiers of each type join profiles."""
        require_table(table)
        return second_reply(config_documents(await chosen(state.services, version)))

    @route(
        "/{table:str}/idconfig",
        http_method=["POST", "PUT"],
        opt=SCHEMA_CHANGE,
        summary="Change settings of identifiers",
        status_code=200,
    )
    async def put_id_config(self, state: State, request: Caller, table: TableName, body: RawBody) -> dict[str, Any]:
        """Replace the settings of the identifiers that are named: `{"id_config": [{"field": …}]}`."""
        require_table(table)
        settings = settings_of(object_of(body, ("id_config",)).get("id_config", []))
        draft = await edited(state.services, actor_of(request), SchemaEdit(identifiers=settings))
        return second_reply(config_documents(draft.schema), message="updated")

    # Versions

    @get("/{table:str}/compare", opt=SCHEMA_READ, summary="Compare the draft")
    async def compare(
        self, state: State, table: TableName, version: _Version = DRAFT, base: _Version = LIVE
    ) -> dict[str, Any]:
        """Every difference from the live version, what each takes, and who edited the draft."""
        require_table(table)
        before, after = await chosen(state.services, base), await chosen(state.services, version)
        _, draft = await newest(state.services)
        diff = compare_schemas(before, after)
        fields, mappings = states_of(before, after)
        data = {
            "fields": [{"id": name, "state": each} for name, each in fields.items() if each != "unmodified"],
            "mappings": [{"id": name, "state": each} for name, each in mappings.items() if each != "unmodified"],
            "ranks": {"state": "unmodified" if before.ranks == after.ranks else "modified"},
            "changes": [msgspec.to_builtins(each) for each in diff.changes],
            "effect": version_store.effect_of(diff),
            "draft": {"revision": draft.revision, "authors": list(draft.authors)},
        }
        return second_reply(data)

    @get("/{table:str}/validate", opt=SCHEMA_READ, summary="Check the draft")
    async def validate(self, state: State, table: TableName, version: _Version = DRAFT) -> dict[str, Any]:
        """Faults and warnings with their places; a warning for each audience that would become invalid."""
        require_table(table)
        schema = await chosen(state.services, version)
        async with transaction(state.services.pool, read_only=True) as connection:
            broken = await broken_audiences(connection, schema)
        problems = [
            *check_schema(schema),
            *(Problem(f"audiences.{each.slug}", each.reason, "warning") for each in broken),
        ]
        data = {
            "valid": all(each.severity != "error" for each in problems),
            "problems": [msgspec.to_builtins(each) for each in problems],
        }
        return second_reply(data)

    @get("/{table:str}/version", opt=SCHEMA_READ, summary="List versions")
    async def versions(
        self, state: State, table: TableName, before: _Before = None, limit: _Limit = 100
    ) -> dict[str, Any]:
        """Published versions, newest first."""
        require_table(table)
        async with transaction(state.services.pool, read_only=True) as connection:
            found = await version_store.every(connection, before=before, limit=limit)
        return second_reply([msgspec.to_builtins(each) for each in found])

    @post("/{table:str}/publish", opt=SCHEMA_CHANGE, summary="Publish the draft", status_code=200)
    async def publish(self, state: State, request: Caller, table: TableName, body: RawBody) -> dict[str, Any]:
        """Make a version of the draft: live at once, or waiting for a rebuild of profiles."""
        require_table(table)
        wanted = read_publication(body)
        async with change(state.services.pool, actor_of(request)) as made:
            published = await draft_store.publish(
                made, tag=wanted.tag, description=wanted.description, revision=wanted.revision
            )
        return second_reply(msgspec.to_builtins(published.summary), message="created")


def read_publication(body: bytes) -> Publication:
    """Tag, description and perhaps revision. Raises InputError that names what is missing."""
    publication: Publication = converted(object_of(body, Publication.__struct_fields__), Publication)
    return publication
