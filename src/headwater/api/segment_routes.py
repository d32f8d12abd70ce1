"""Audiences as the first Lytics API has them: `/api/segment`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.datastructures import State
from litestar.params import FromQuery, QueryParameter, RawBody

from headwater.api.authorization import AUDIENCE_CHANGE, AUDIENCE_READ, actor_of
from headwater.api.lytics_replies import first_reply, listed, require_table, text_of
from headwater.api.names import SegmentName
from headwater.api.segment_documents import SegmentOrder, read_order, segment_document, unread
from headwater.audiences import store
from headwater.audiences.catalog import load_catalog
from headwater.audiences.objects import Audience
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions import ExpressionError
from headwater.pipelines.changes import Change, change

Caller = Request[Any, Any, State]

LIST_LIMIT = 200
_Table = Annotated[str, QueryParameter(max_length=64)]


class SegmentRoutes(Controller):
    """Audiences by id or slug."""

    path = "/segment"
    tags = ("lytics: segments",)

    @get("/", opt=AUDIENCE_READ, summary="List audiences")
    async def every(
        self,
        state: State,
        table: _Table = "user",
        valid: FromQuery[Literal["true", "false", "all"]] = "all",
        kind: Annotated[str | None, QueryParameter(max_length=64)] = None,
    ) -> dict[str, Any]:
        """All audiences, oldest first; `valid` and `kind` choose among them."""
        if table == "content":
            return first_reply([])
        require_table(table)
        async with transaction(state.services.pool, read_only=True) as connection:
            catalog = await load_catalog(connection)
            account = await account_id(connection)
        documents = [
            segment_document(each, catalog, account) for each in catalog.audiences if kind is None or each.kind == kind
        ]
        return first_reply([each for each in documents if valid == "all" or each["invalid"] is (valid == "false")])

    @post("/", opt=AUDIENCE_CHANGE, summary="Create an audience, or change the one with this ALIAS")
    async def create(self, state: State, request: Caller, body: RawBody) -> Response[dict[str, Any]]:
        """The body is FilterQL, whose ALIAS is slug and name, or JSON. Everybody is asked about it in the background."""
        order = read_order(body)
        async with change(state.services.pool, actor_of(request)) as made:
            audience, created = await save(made, order)
            document = await _document(made.connection, audience)
        status = 201 if created else 200
        return Response(
            first_reply(document, message="created" if created else "updated", status=status), status_code=status
        )

    @post("/validate", opt=AUDIENCE_READ, summary="Check a filter", status_code=200)
    async def validate(self, state: State, body: RawBody) -> dict[str, Any]:
        """Whether a text could be saved; the message says where it could not, and why."""
        text = text_of(body)
        async with transaction(state.services.pool, read_only=True) as connection:
            catalog = await load_catalog(connection)
        try:
            catalog.define(text)
        except ExpressionError as fault:
            raise unread(fault) from None
        return first_reply(None)

    @delete("/", opt=AUDIENCE_CHANGE, summary="Delete audiences")
    async def remove_several(self, state: State, request: Caller) -> None:
        """Those of the parameter `ids`, all or none."""
        names = listed(request.query_params, "ids")
        if not names or len(names) > LIST_LIMIT:
            raise InputError(f"name 1 to {LIST_LIMIT} audiences", "ids")
        async with change(state.services.pool, actor_of(request)) as made:
            for name in names:
                await store.delete(made, await store.find(made.connection, name))

    @get("/{segment:str}", opt=AUDIENCE_READ, summary="Show an audience")
    async def show(self, state: State, segment: SegmentName) -> dict[str, Any]:
        """One audience."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return first_reply(await _document(connection, await store.find(connection, segment)))

    @put("/{segment:str}", opt=AUDIENCE_CHANGE, summary="Change an audience")
    async def update(self, state: State, request: Caller, segment: SegmentName, body: RawBody) -> dict[str, Any]:
        """The body is FilterQL or JSON; what it leaves out stays."""
        order = read_order(body)
        async with change(state.services.pool, actor_of(request)) as made:
            before = await store.find(made.connection, segment)
            audience = await parsed(store.update(made, before, order.draft, with_events=order.with_events))
            return first_reply(await _document(made.connection, audience), message="updated")

    @delete("/{segment:str}", opt=AUDIENCE_CHANGE, summary="Delete an audience")
    async def remove(self, state: State, request: Caller, segment: SegmentName) -> None:
        """Its members leave silently. Refused while other audiences include it."""
        async with change(state.services.pool, actor_of(request)) as made:
            await store.delete(made, await store.find(made.connection, segment))


async def save(made: Change, order: SegmentOrder) -> tuple[Audience, bool]:
    """Create an audience, or change the one that the text's ALIAS names; whether it is new."""
    if order.by_alias and order.draft.slug is not None:
        for audience in await store.every(made.connection):
            if audience.slug == order.draft.slug:
                return await parsed(store.update(made, audience, order.draft, with_events=order.with_events)), False
    return await parsed(store.create(made, order.draft, with_events=order.with_events)), True


async def parsed(saving: Any) -> Audience:
    """What was saved; a text that cannot be is refused in the words of the API."""
    try:
        audience: Audience = await saving
    except ExpressionError as fault:
        raise unread(fault) from None
    return audience


async def account_id(connection: Any) -> str:
    """The public id of this installation."""
    return str(await connection.fetchval("SELECT account_id FROM installation"))


async def _document(connection: Any, audience: Audience) -> dict[str, Any]:
    return segment_document(audience, await load_catalog(connection), await account_id(connection))
