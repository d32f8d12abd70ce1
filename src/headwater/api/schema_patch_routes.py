"""Patches of the schema over HTTP: named change sets beside the draft, `/v2/schema/patch`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, delete, get, post
from litestar.datastructures import State
from litestar.params import QueryParameter, RawBody

from headwater.api.authorization import SCHEMA_CHANGE, SCHEMA_READ, actor_of
from headwater.api.lytics_replies import converted, object_of, require_table, second_reply
from headwater.api.names import FieldName, MappingId, PatchName, TableName
from headwater.api.ports import Services
from headwater.api.schema_documents import field_document, mapping_document, read_field, read_mapping, read_ranks
from headwater.api.schema_routes import read_publication
from headwater.database.transactions import transaction
from headwater.pipelines.changes import Change, change
from headwater.profiles.schema import Schema
from headwater.profiles.schema_edits import SchemaEdit, apply_edit, edit_states
from headwater.profiles.versions import patch_store, version_store
from headwater.profiles.versions.objects import Patch

Caller = Request[Any, Any, State]


class SchemaPatchRoutes(Controller):
    """Patches by id."""

    path = "/schema/patch/{table:str}"
    tags = ("lytics: schema",)

    @get("/", opt=SCHEMA_READ, summary="List patches")
    async def every(self, state: State, table: TableName) -> dict[str, Any]:
        """Patches that wait, oldest first."""
        require_table(table)
        async with transaction(state.services.pool, read_only=True) as connection:
            schema = (await version_store.newest(connection)).schema
            return second_reply([_document(each, schema) for each in await patch_store.every(connection)])

    @get("/{patch:str}", opt=SCHEMA_READ, summary="Show a patch")
    async def show(self, state: State, table: TableName, patch: PatchName) -> dict[str, Any]:
        """A patch with what it does to each part of the newest version: new, modified, deleted or unmodified."""
        require_table(table)
        async with transaction(state.services.pool, read_only=True) as connection:
            schema = (await version_store.newest(connection)).schema
            return second_reply(_document(await patch_store.find(connection, patch), schema))

    @post("/{patch:str}", opt=SCHEMA_CHANGE, summary="Make or describe a patch", status_code=200)
    async def put(
        self, state: State, request: Caller, table: TableName, patch: PatchName, body: RawBody
    ) -> dict[str, Any]:
        """Make a patch, or change its description: `{"description": …}`; what it holds stays."""
        require_table(table)
        text: str = converted(object_of(body, ("description",)).get("description", ""), str, "description")
        async with change(state.services.pool, actor_of(request)) as made:
            held = {each.id: each.edit for each in await patch_store.every(made.connection)}
            saved = await patch_store.put(made, patch, text, held.get(patch, SchemaEdit()))
            return second_reply(await _shown(made, saved), message="updated" if patch in held else "created")

    @delete("/{patch:str}", opt=SCHEMA_CHANGE, summary="Delete a patch")
    async def remove(self, state: State, request: Caller, table: TableName, patch: PatchName) -> None:
        """Give a patch up."""
        require_table(table)
        async with change(state.services.pool, actor_of(request)) as made:
            await patch_store.delete(made, patch)

    @post("/{patch:str}/field", opt=SCHEMA_CHANGE, summary="Put a field into a patch", status_code=200)
    async def put_field(
        self, state: State, request: Caller, table: TableName, patch: PatchName, body: RawBody
    ) -> dict[str, Any]:
        """The field as it is to be, whole."""
        require_table(table)
        field = read_field(body)
        return await _extend(state.services, actor_of(request), patch, SchemaEdit(fields={field.id: field}))

    @delete("/{patch:str}/field/{field:str}", opt=SCHEMA_CHANGE, summary="Let a patch delete a field", status_code=200)
    async def delete_field(
        self, state: State, request: Caller, table: TableName, patch: PatchName, field: FieldName
    ) -> dict[str, Any]:
        """The field goes when the patch is applied."""
        require_table(table)
        return await _extend(state.services, actor_of(request), patch, SchemaEdit(fields={field: None}))

    @post("/{patch:str}/mapping", opt=SCHEMA_CHANGE, summary="Put a mapping into a patch", status_code=200)
    async def put_mapping(
        self, state: State, request: Caller, table: TableName, patch: PatchName, body: RawBody
    ) -> dict[str, Any]:
        """A new mapping, or one with the id of the one that it replaces."""
        require_table(table)
        async with change(state.services.pool, actor_of(request)) as made:
            schema = (await version_store.newest(made.connection)).schema
            held = {each.id: each.edit for each in await patch_store.every(made.connection)}
            name, mapping = read_mapping(body, apply_edit(schema, held.get(patch, SchemaEdit())))
            saved = await patch_store.extend(made, patch, SchemaEdit(mappings={name: mapping}))
            return second_reply(await _shown(made, saved), message="updated")

    @delete(
        "/{patch:str}/mapping/{mapping:str}", opt=SCHEMA_CHANGE, summary="Let a patch delete a mapping", status_code=200
    )
    async def delete_mapping(
        self, state: State, request: Caller, table: TableName, patch: PatchName, mapping: MappingId
    ) -> dict[str, Any]:
        """The mapping goes when the patch is applied."""
        require_table(table)
        return await _extend(state.services, actor_of(request), patch, SchemaEdit(mappings={mapping: None}))

    @post("/{patch:str}/rank", opt=SCHEMA_CHANGE, summary="Put ranks into a patch", status_code=200)
    async def put_rank(
        self, state: State, request: Caller, table: TableName, patch: PatchName, body: RawBody
    ) -> dict[str, Any]:
        """The order of identifiers as it is to be."""
        require_table(table)
        return await _extend(state.services, actor_of(request), patch, read_ranks(body))

    @post("/{patch:str}/apply", opt=SCHEMA_CHANGE, summary="Apply a patch", status_code=200)
    async def apply(
        self,
        state: State,
        request: Caller,
        table: TableName,
        patch: PatchName,
        body: RawBody,
        publish: Annotated[bool, QueryParameter()] = False,
    ) -> dict[str, Any]:
        """Take the patch into the draft; with `publish=true` and tag and description publish it alone, without the draft."""
        require_table(table)
        async with change(state.services.pool, actor_of(request)) as made:
            if not publish:
                draft = await patch_store.apply(made, patch)
                return second_reply({"revision": draft.revision, "authors": list(draft.authors)}, message="updated")
            wanted = read_publication(body)
            published = await patch_store.publish(made, patch, tag=wanted.tag, description=wanted.description)
        return second_reply(msgspec.to_builtins(published.summary), message="created")


async def _extend(services: Services, actor: str, patch: str, edit: SchemaEdit) -> dict[str, Any]:
    async with change(services.pool, actor) as made:
        saved = await patch_store.extend(made, patch, edit)
        return second_reply(await _shown(made, saved), message="updated")


async def _shown(made: Change, patch: Patch) -> dict[str, Any]:
    return _document(patch, (await version_store.newest(made.connection)).schema)


def _document(patch: Patch, schema: Schema) -> dict[str, Any]:
    states = edit_states(schema, patch.edit)
    return {
        "id": patch.id,
        "description": patch.description,
        "author": patch.author,
        "created": patch.created_at,
        "updated": patch.updated_at,
        "fields": [
            {"id": name, "state": states["fields"][name]}
            if field is None
            else field_document(field, states["fields"][name])
            for name, field in patch.edit.fields.items()
        ],
        "mappings": [
            {"id": name, "state": states["mappings"][name]}
            if mapping is None
            else mapping_document(mapping, states["mappings"][name])
            for name, mapping in patch.edit.mappings.items()
        ],
        "ranks": {
            "fields": None if patch.edit.ranks is None else list(patch.edit.ranks),
            "state": states["ranks"].get("fields", "unmodified"),
        },
    }
