"""What fields profiles have and what streams carry, as the Lytics APIs list it: `/api/schema`, `/v2/stream/names`."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.datastructures import State
from litestar.params import QueryParameter

from headwater.api.authorization import PROFILE_READ, SCHEMA_READ
from headwater.api.lytics_replies import first_reply, require_table, second_reply
from headwater.api.names import FieldName, TableName
from headwater.api.segment_reading_routes import field_information, sampled
from headwater.audiences.catalog import load_catalog
from headwater.audiences.statistics import field_statistics
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.profiles.mapping_expressions import compile_mapping
from headwater.profiles.schema import EVERY_STREAM, Field, Schema
from headwater.profiles.versions import stream_store, version_store
from headwater.profiles.versions.stream_store import ObservedStream

Caller = Request[Any, Any, State]
EVERYBODY = "FILTER *"

_Terms = Annotated[int, QueryParameter(ge=1, le=1000)]
_Beginning = Annotated[str, QueryParameter(max_length=256)]
_Limit = Annotated[int | None, QueryParameter(ge=0, le=100_000)]


class SchemaCatalogRoutes(Controller):
    """The catalog of fields and streams."""

    path = "/schema"
    tags = ("lytics: schema",)

    @get("/_streams", opt=SCHEMA_READ, summary="List streams with their keys")
    async def streams(self, state: State) -> dict[str, Any]:
        """What records of each stream were seen to carry. Counts are estimates."""
        async with transaction(state.services.pool, read_only=True) as connection:
            found = await stream_store.streams(connection)
        return first_reply([stream_document(each) for each in found])

    @get("/{table:str}", opt=SCHEMA_READ, summary="Show the catalog of fields")
    async def catalog(self, state: State, table: TableName, limit: _Limit = None) -> dict[str, Any]:
        """The fields of the live schema, each with its streams and source keys."""
        require_table(table)
        async with transaction(state.services.pool, read_only=True) as connection:
            schema = (await version_store.live(connection)).schema
        columns = [_column(schema, field) for field in schema.fields[: limit or None]]
        return first_reply({"name": schema.table, "by_fields": list(schema.ranks), "columns": columns})

    @get("/{table:str}/fieldinfo", opt=PROFILE_READ, summary="What fields hold")
    async def field_info(self, state: State, request: Caller, table: TableName, limit: _Terms = 20) -> dict[str, Any]:
        """The commonest values, a histogram, and how many have the field, of a random sample of all profiles."""
        require_table(table)
        return await field_information(state, request, EVERYBODY, None, limit)

    @get("/{table:str}/fieldsuggest/{field:str}", opt=PROFILE_READ, summary="Suggest values of a field")
    async def suggest(
        self, state: State, table: TableName, field: FieldName, q: _Beginning = "", limit: _Terms = 20
    ) -> dict[str, Any]:
        """Values that begin with `q`, the commonest first, of a random sample of all profiles."""
        require_table(table)
        async with transaction(state.services.pool, read_only=True) as connection:
            catalog = await load_catalog(connection)
            if field not in catalog.known_fields:
                raise InputError(f"there is no field {field!r}", "field", "not_found")
            rows = await sampled(connection, catalog, EVERYBODY, None)
        terms = field_statistics(field, rows, len(rows) + 1).terms_counts
        wanted = q.lower()
        return first_reply([term for term in terms if term.lower().startswith(wanted)][:limit])


@get("/stream/names", opt=SCHEMA_READ, tags=("lytics: schema",), summary="List names of streams")
async def stream_names(state: State) -> dict[str, Any]:
    """Streams that records came in on, and those that mappings name."""
    async with transaction(state.services.pool, read_only=True) as connection:
        seen = {each.name for each in await stream_store.streams(connection)}
        schema = (await version_store.live(connection)).schema
    return second_reply(sorted(seen | {each.stream for each in schema.mappings} - {EVERY_STREAM}))


def _column(schema: Schema, field: Field) -> dict[str, Any]:
    own = [each for each in schema.mappings if each.field == field.id]
    return {
        "as": field.id,
        "is_by": field.is_identifier,
        "type": field.type,
        "op": field.mergeop or "default",
        "shortdesc": field.shortdesc,
        "longdesc": field.longdesc,
        "is_pii": field.is_pii,
        "froms": sorted({each.stream for each in own}),
        "identities": sorted({key for each in own for key in compile_mapping(each.expr).keys}),
    }


def stream_document(stream: ObservedStream) -> dict[str, Any]:
    """A stream with its keys, the most frequent first."""
    return {
        "stream": stream.name,
        "ct": max(field.count for field in stream.fields),
        "last_msg_ts": stream.last_seen,
        "fields": [
            {
                "name": field.name,
                "ct": field.count,
                "kinds": dict(field.kinds),
                "suggested_kind": field.suggested_kind,
                "example": field.example,
                "first_seen": field.first_seen,
                "last_seen": field.last_seen,
            }
            for field in stream.fields
        ],
    }
