"""Subscriptions to audiences as the first Lytics API has them: `/api/subscription`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter, RawBody

from headwater import jsontext
from headwater.api.authorization import AUDIENCE_CHANGE, AUDIENCE_READ, actor_of
from headwater.api.lytics_replies import converted, first_reply, require_table
from headwater.api.names import PATH_TEXT_LIMIT
from headwater.api.segment_documents import unread
from headwater.api.segment_routes import account_id
from headwater.audiences import store, subscriptions
from headwater.audiences.subscriptions import SavedSubscription, Subscription, SubscriptionDraft
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.expressions import ExpressionError
from headwater.pipelines.changes import change

Caller = Request[Any, Any, State]
_Id = Annotated[
    str, PathParameter(description="Id of the subscription.", max_length=PATH_TEXT_LIMIT, pattern=r"^[^\x00]*$")
]
_Segment = Annotated[str | None, QueryParameter(max_length=PATH_TEXT_LIMIT, pattern=r"^[^\x00]*$")]


class SubscriptionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A subscription as it is sent. With `id`, that one is changed."""

    id: str | None = None
    channel: str = "webhook"
    name: str | None = None
    description: str | None = None
    segment_ids: tuple[str, ...] | None = None
    segmentql: str | None = None
    withbackfill: bool = False
    user_fields: tuple[str, ...] | None = None
    webhook_url: str | None = None
    headers: dict[str, str] | None = None
    secret: str | None = None


class SubscriptionRoutes(Controller):
    """Who is told about entries and exits."""

    path = "/subscription"
    tags = ("lytics: subscriptions",)

    @get("/", opt=AUDIENCE_READ, summary="List subscriptions")
    async def every(
        self,
        state: State,
        segment_id: _Segment = None,
        table: Annotated[str, QueryParameter(max_length=64)] = "user",
    ) -> dict[str, Any]:
        """All, or those to one audience."""
        require_table(table)
        async with transaction(state.services.pool, read_only=True) as connection:
            audience = None if segment_id is None else await store.find(connection, segment_id)
            found = await subscriptions.every(connection, None if audience is None else audience.id)
            account = await account_id(connection)
        return first_reply([_document(each, account) for each in found])

    @post("/", opt=AUDIENCE_CHANGE, summary="Create a subscription, or change the one with this id")
    async def create(self, state: State, request: Caller, body: RawBody) -> Response[dict[str, Any]]:
        """The reply to a new one has its `secret`, this once."""
        given = _read(body)
        if given.id is not None:
            return Response(await _change(state, request, given.id, given), status_code=200)
        async with change(state.services.pool, actor_of(request)) as made:
            saved = await _saved(subscriptions.create(made, _draft(given), state.services.box))
            document = _document(saved.subscription, await account_id(made.connection))
        if saved.secret is not None:
            document["secret"] = saved.secret
        return Response(first_reply(document, message="created", status=201), status_code=201)

    @get("/{subscription:str}", opt=AUDIENCE_READ, summary="Show a subscription")
    async def show(self, state: State, subscription: _Id) -> dict[str, Any]:
        """One subscription, without secrets."""
        async with transaction(state.services.pool, read_only=True) as connection:
            found = await subscriptions.find(connection, subscription)
            return first_reply(_document(found, await account_id(connection)))

    @post("/{subscription:str}", opt=AUDIENCE_CHANGE, summary="Change a subscription", status_code=200)
    async def update(self, state: State, request: Caller, subscription: _Id, body: RawBody) -> dict[str, Any]:
        """What the body leaves out stays."""
        return await _change(state, request, subscription, _read(body))

    @delete("/{subscription:str}", opt=AUDIENCE_CHANGE, summary="End a subscription")
    async def remove(self, state: State, request: Caller, subscription: _Id) -> None:
        """What still waits is not delivered any more."""
        async with change(state.services.pool, actor_of(request)) as made:
            await subscriptions.delete(made, await subscriptions.find(made.connection, subscription))


async def _change(state: State, request: Caller, subscription: str, given: SubscriptionBody) -> dict[str, Any]:
    async with change(state.services.pool, actor_of(request)) as made:
        before = await subscriptions.find(made.connection, subscription)
        saved = await _saved(subscriptions.update(made, before, _draft(given), state.services.box))
        return first_reply(_document(saved.subscription, await account_id(made.connection)), message="updated")


def _read(body: bytes) -> SubscriptionBody:
    given: SubscriptionBody = converted(jsontext.decode(body), SubscriptionBody)
    if given.channel != "webhook":
        raise InputError(
            f"{given.channel[:50]!r} is not served; attach an integration to the pipeline 'audiences' instead",
            "channel",
        )
    return given


def _draft(given: SubscriptionBody) -> SubscriptionDraft:
    return SubscriptionDraft(
        webhook_url=given.webhook_url,
        name=given.name,
        description=given.description,
        segments=given.segment_ids,
        segment_ql=given.segmentql,
        user_fields=given.user_fields,
        headers=given.headers,
        secret=given.secret,
        with_backfill=given.withbackfill,
    )


async def _saved(saving: Any) -> SavedSubscription:
    try:
        saved: SavedSubscription = await saving
    except ExpressionError as fault:
        raise unread(fault) from None
    return saved


def _document(subscription: Subscription, account: str) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "channel": "webhook",
        "name": subscription.name,
        "description": subscription.description,
        "segment_ids": list(subscription.segment_ids),
        "segmentql": subscription.segment_ql,
        "user_fields": list(subscription.user_fields),
        "webhook_url": subscription.webhook_url,
        "headers": dict.fromkeys(subscription.headers, "(set, not shown)"),
        "backfilling": subscription.telling,
        "integration_id": subscription.integration_id,
        "created": subscription.created,
        "updated": subscription.updated,
        "user_id": subscription.author,
        "account_id": account,
        "workflow": "webhook_triggers",
    }
