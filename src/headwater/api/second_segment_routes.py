"""Audiences as the second Lytics API has them: `/v2/segment`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, delete, get, post, put
from litestar.datastructures import State
from litestar.params import FromQuery, JSONBody, QueryParameter, RawBody

from headwater.api.authorization import AUDIENCE_CHANGE, AUDIENCE_READ, actor_of
from headwater.api.lytics_replies import require_table, second_reply
from headwater.api.names import SegmentName
from headwater.api.segment_documents import SegmentOrder, read_order, segment_document
from headwater.api.segment_routes import account_id
from headwater.audiences import sizes, store
from headwater.audiences.catalog import load_catalog
from headwater.audiences.objects import Audience
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions import ExpressionError
from headwater.pipelines.changes import change

Caller = Request[Any, Any, State]


class Reevaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which audience everybody is to be asked about again."""

    id: Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*$")]


class SecondSegmentRoutes(Controller):
    """Audiences by id or slug. A taken slug is refused with 409, a filter that cannot be saved with 422."""

    path = "/segment"
    tags = ("lytics: segments",)

    @get("/", opt=AUDIENCE_READ, summary="List audiences")
    async def every(
        self,
        state: State,
        table: Annotated[str, QueryParameter(max_length=64)] = "user",
        kind: Annotated[str | None, QueryParameter(max_length=64)] = None,
        sizes: FromQuery[bool] = False,
        inline: FromQuery[bool] = False,
    ) -> dict[str, Any]:
        """All audiences, oldest first; with their sizes and without INCLUDE if asked for."""
        require_table(table)
        async with transaction(state.services.pool, read_only=True) as connection:
            documents = await _documents(connection, None, with_sizes=sizes, inline=inline)
        return second_reply([each for each in documents if kind is None or each["kind"] == kind])

    @post("/", opt=AUDIENCE_CHANGE, summary="Create an audience")
    async def create(self, state: State, request: Caller, body: RawBody) -> dict[str, Any]:
        """The body is JSON (or FilterQL with an ALIAS); everybody is asked about it in the background."""
        order = read_order(body)
        async with change(state.services.pool, actor_of(request)) as made:
            audience = await _fit(store.create(made, order.draft, with_events=order.with_events))
            (document,) = await _documents(made.connection, audience, with_sizes=False, inline=False)
        return second_reply(document, message="created", status=201)

    @post("/reevaluate", opt=AUDIENCE_CHANGE, summary="Ask everybody again about an audience", status_code=200)
    async def reevaluate(self, state: State, request: Caller, data: JSONBody[Reevaluation]) -> dict[str, Any]:
        """In the background; whoever should have entered or left does so, with an event."""
        async with change(state.services.pool, actor_of(request)) as made:
            audience = await store.find(made.connection, data.id)
            await store.reevaluate(made, audience)
            (document,) = await _documents(made.connection, audience, with_sizes=False, inline=False)
        return second_reply(document)

    @get("/{segment:str}", opt=AUDIENCE_READ, summary="Show an audience")
    async def show(
        self, state: State, segment: SegmentName, sizes: FromQuery[bool] = False, inline: FromQuery[bool] = False
    ) -> dict[str, Any]:
        """One audience; `inline` adds `ql_resolved`, its filter without INCLUDE."""
        async with transaction(state.services.pool, read_only=True) as connection:
            audience = await store.find(connection, segment)
            (document,) = await _documents(connection, audience, with_sizes=sizes, inline=inline)
        return second_reply(document)

    @put("/{segment:str}", opt=AUDIENCE_CHANGE, summary="Change an audience")
    async def update(self, state: State, request: Caller, segment: SegmentName, body: RawBody) -> dict[str, Any]:
        """What the body leaves out stays."""
        order: SegmentOrder = read_order(body)
        async with change(state.services.pool, actor_of(request)) as made:
            before = await store.find(made.connection, segment)
            audience = await _fit(store.update(made, before, order.draft, with_events=order.with_events))
            (document,) = await _documents(made.connection, audience, with_sizes=False, inline=False)
        return second_reply(document, message="updated")

    @delete("/{segment:str}", opt=AUDIENCE_CHANGE, summary="Delete an audience")
    async def remove(self, state: State, request: Caller, segment: SegmentName) -> None:
        """Its members leave silently. Refused while other audiences include it."""
        async with change(state.services.pool, actor_of(request)) as made:
            await store.delete(made, await store.find(made.connection, segment))

    @get("/{segment:str}/ancestors", opt=AUDIENCE_READ, summary="List what an audience includes")
    async def ancestors(self, state: State, segment: SegmentName) -> dict[str, Any]:
        """Every audience that it includes, directly or not."""
        async with transaction(state.services.pool, read_only=True) as connection:
            catalog = await load_catalog(connection)
            account = await account_id(connection)
            found = catalog.ancestors(catalog.find(segment))
        return second_reply([segment_document(each, catalog, account) for each in found])


async def _documents(
    connection: Any, audience: Audience | None, *, with_sizes: bool, inline: bool
) -> list[dict[str, Any]]:
    catalog = await load_catalog(connection)
    account = await account_id(connection)
    chosen = list(catalog.audiences) if audience is None else [audience]
    counted = await sizes.sizes_of(connection, catalog.generation, chosen) if with_sizes else {}
    return [segment_document(each, catalog, account, size=counted.get(each.id), inline=inline) for each in chosen]


async def _fit(saving: Any) -> Audience:
    try:
        audience: Audience = await saving
    except ExpressionError as fault:
        raise InputError(fault.message, "segment_ql", code="unprocessable") from None
    return audience
