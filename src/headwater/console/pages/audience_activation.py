"""Where an audience is sent: integrations that get entries and exits, and addresses that are told."""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from headwater.audiences import store, subscriptions
from headwater.audiences.announcements import ENTERED, EXITED, PIPELINE
from headwater.audiences.objects import Audience
from headwater.audiences.subscriptions import Subscription, SubscriptionDraft
from headwater.audiences.trees import holds_everybody
from headwater.console.access import visitor_of
from headwater.console.errors import status_of
from headwater.console.forms import Form, form_of
from headwater.console.pages.audience import AudienceName
from headwater.console.pages.audiences import audience_path
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import Attachment, Integration

Caller = Request[Any, Any, State]


class Activation(NamedTuple):
    """Where entries and exits go. `free` are integrations that do not get them yet."""

    attached: list[Attachment]
    free: list[Integration]
    subscriptions: list[Subscription]


@get("/audiences/{audience:str}/activation")
async def show_activation(request: Caller, audience: AudienceName) -> Response[Any]:
    """Who is told about entries and exits."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        found = await store.find(connection, audience)
    return await _activation(request, found, None, Form.empty())


@post("/audiences/{audience:str}/send")
async def send_to_integration(request: Caller, audience: AudienceName) -> Response[Any]:
    """Let an integration have the entries and exits of all audiences that announce them; this one does from now on."""
    name = (await form_of(request)).text("integration")
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await store.find(made.connection, audience)
        if holds_everybody(found.segment_ql):
            raise InputError("this audience holds everybody: nobody enters or leaves it", "integration", "conflict")
        pipeline = await pipeline_store.find(made.connection, PIPELINE)
        integration = await integration_store.find(made.connection, name)
        await deployment_store.attach(made, pipeline, integration)
        if not found.emit_trigger:
            await store.update(made, found, store.Draft(emit_trigger=True))
    told = f"{integration.name} gets entries and exits from now on."
    return await done(request, audience_path(found, "/activation"), told)


@post("/audiences/{audience:str}/subscriptions")
async def subscribe(request: Caller, audience: AudienceName) -> Response[Any]:
    """Tell an address about entries and exits of this audience; its secret is shown this once."""
    form = await form_of(request)
    async with transaction(console_of(request).pool, read_only=True) as connection:
        found = await store.find(connection, audience)
    fields = tuple(each.strip() for each in form.text("user_fields").split(",") if each.strip())
    draft = SubscriptionDraft(
        webhook_url=form.text("webhook_url").strip(),
        segments=(found.id,),
        user_fields=fields,
        with_backfill=form.checked("with_backfill"),
    )
    try:
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            saved = await subscriptions.create(made, draft, console_of(request).services.box)
    except InputError as fault:
        return await _activation(request, found, fault, form)
    return page(request, "audiences/subscribed.html", audience=found, saved=saved)


@post("/audiences/{audience:str}/subscriptions/{subscription:str}/end")
async def unsubscribe(request: Caller, audience: AudienceName, subscription: FromPath[str]) -> Response[Any]:
    """Tell an address no more."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await store.find(made.connection, audience)
        ended = await subscriptions.find(made.connection, subscription)
        await subscriptions.delete(made, ended)
    return await done(request, audience_path(found, "/activation"), f"{ended.name} is told no more.")


async def _activation(request: Caller, audience: Audience, fault: InputError | None, form: Form) -> Response[Any]:
    async with transaction(console_of(request).pool, read_only=True) as connection:
        told = await _told(connection, audience)
    return page(
        request,
        "audiences/activation.html",
        status=200 if fault is None else status_of(fault),
        audience=audience,
        activation=told,
        everybody=holds_everybody(audience.segment_ql),
        pipeline=PIPELINE,
        events=(ENTERED, EXITED),
        fault=fault,
        webhook_url=form.text("webhook_url"),
        user_fields=form.text("user_fields"),
    )


async def _told(connection: Any, audience: Audience) -> Activation:
    try:
        pipeline = await pipeline_store.find(connection, PIPELINE)
    except InputError:
        return Activation([], [], await subscriptions.every(connection, audience.id))
    own = await subscriptions.every(connection)
    hidden = {each.integration_id for each in own}
    attached = await deployment_store.attachments(connection, pipeline)
    used = {each.integration_id for each in attached} | hidden
    integrations = await integration_store.every(connection)
    return Activation(
        [each for each in attached if each.integration_id not in hidden],
        [each for each in integrations if each.id not in used and each.latest_revision > 0],
        [each for each in own if audience.id in each.segment_ids],
    )


HANDLERS = (show_activation, send_to_integration, subscribe, unsubscribe)
