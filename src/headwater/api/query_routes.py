"""LQL statements over HTTP, as the first Lytics API has them: `/api/query`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.datastructures import State
from litestar.params import QueryParameter, RawBody

from headwater.api.audience_checks import require_audiences
from headwater.api.authorization import SCHEMA_CHANGE, SCHEMA_READ, actor_of
from headwater.api.lytics_replies import first_reply, text_of
from headwater.api.names import QueryName
from headwater.api.ports import Services
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions import ExpressionError, Select
from headwater.pipelines.changes import change
from headwater.profiles.json_values import shown
from headwater.profiles.lql import read_statements, statement_edit
from headwater.profiles.lql_draft import draft_statement
from headwater.profiles.lql_trial import statement_schema, try_schema
from headwater.profiles.schema import EVERY_STREAM, Schema
from headwater.profiles.schema_edits import apply_edit, require_sound
from headwater.profiles.versions import statement_store, version_store
from headwater.profiles.versions.statement_store import Statement

Caller = Request[Any, Any, State]

_NOT_EVENT = frozenset({"access_token", "account_id"})
_Name = Annotated[str, QueryParameter(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class QueryRoutes(Controller):
    """Statements by id or alias."""

    path = "/query"
    tags = ("lytics: query",)

    @get("/", opt=SCHEMA_READ, summary="List LQL statements")
    async def every(self, state: State) -> dict[str, Any]:
        """What was sent, then the other mappings of the schema as a statement for each stream."""
        async with transaction(state.services.pool, read_only=True) as connection:
            found = await statement_store.every(connection)
        return {"status": "success", "data": [_document(each) for each in found]}

    @post("/", opt=SCHEMA_CHANGE, summary="Put LQL statements in force", status_code=200)
    async def put(
        self, state: State, request: Caller, body: RawBody, version: Annotated[str, QueryParameter()] = "new"
    ) -> dict[str, Any]:
        """Each statement replaces the one with its alias. The body is LQL; the reply says which schema version came of it."""
        text = text_of(body)
        async with change(state.services.pool, actor_of(request)) as made:
            saved = [_document(each) for each in await _parsed(statement_store.put(made, text))]
            newest = (await version_store.newest(made.connection)).summary
        meta = {"schema_version": newest.number, "state": newest.state, "effect": newest.effect}
        return first_reply(saved[0] if version == "old" else saved, meta=meta)

    @post("/_validate", opt=SCHEMA_READ, summary="Check LQL statements", status_code=200)
    async def validate(
        self, state: State, body: RawBody, segments: Annotated[bool, QueryParameter()] = False
    ) -> dict[str, Any]:
        """Whether the statements could be put in force; with `segments=true` also whether audiences stay valid."""
        schema, statements = await _read(state.services, body)
        for statement in statements:
            schema = require_sound(apply_edit(schema, statement_edit(schema, statement)))
        if segments:
            async with transaction(state.services.pool, read_only=True) as connection:
                await require_audiences(connection, schema)
        return first_reply([{"alias": each.alias, "from": each.source, "by": list(each.by)} for each in statements])

    @post("/_test", opt=SCHEMA_READ, summary="Try LQL statements on an event", status_code=200)
    async def test(self, state: State, request: Caller, body: RawBody) -> dict[str, Any]:
        """The parameters of the request are the event; the reply is the profile that it would make."""
        schema, statements = await _read(state.services, body)
        parameters = request.query_params
        record = {
            name: values[0] if len(values) == 1 else values
            for name, values in parameters.dict().items()
            if name not in _NOT_EVENT
        }
        found = try_schema(statement_schema(schema, statements), record, EVERY_STREAM, datetime.now(UTC))
        dropped = [{"field": each.field, "reason": each.reason, "example": each.example} for each in found.dropped]
        return first_reply(shown(found.fields), meta={"belongs": found.belongs, "dropped": dropped})

    @post("/_tolql", opt=SCHEMA_READ, summary="Draft LQL from CSV", status_code=200)
    async def draft(
        self, state: State, body: RawBody, stream: _Name = "default", alias: _Name = "draft"
    ) -> dict[str, Any]:
        """A first statement for rows like those of the sample; nothing is put in force."""
        sample = text_of(body)
        async with transaction(state.services.pool, read_only=True) as connection:
            schema = (await version_store.newest(connection)).schema
        return first_reply(draft_statement(schema, sample, stream, alias))

    @get("/{statement:str}", opt=SCHEMA_READ, summary="Show an LQL statement")
    async def show(self, state: State, statement: QueryName) -> dict[str, Any]:
        """One statement."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return {"status": "success", "data": _document(await statement_store.find(connection, statement))}

    @delete("/{statement:str}", opt=SCHEMA_CHANGE, summary="Take an LQL statement away")
    async def remove(self, state: State, request: Caller, statement: QueryName) -> None:
        """Its mappings go, its fields stay."""
        async with change(state.services.pool, actor_of(request)) as made:
            await statement_store.delete(made, statement)


async def _read(services: Services, body: bytes) -> tuple[Schema, tuple[Select, ...]]:
    text = text_of(body)
    async with transaction(services.pool, read_only=True) as connection:
        schema = (await version_store.newest(connection)).schema
    try:
        return schema, read_statements(text, schema.table)
    except ExpressionError as fault:
        raise _unread(fault) from None


async def _parsed(saving: Any) -> list[Statement]:
    try:
        saved: list[Statement] = await saving
    except ExpressionError as fault:
        raise _unread(fault) from None
    return saved


def _unread(fault: ExpressionError) -> InputError:
    return InputError(f"Failed parsing LQL: {fault.message}", code=fault.code)


def _document(statement: Statement) -> dict[str, Any]:
    return {
        "id": statement.id,
        "alias": statement.alias,
        "text": statement.text,
        "author": statement.author,
        "created": statement.created,
        "updated": statement.updated,
        "sent": statement.sent,
    }
