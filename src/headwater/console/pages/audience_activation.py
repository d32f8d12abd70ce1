"""Where an audience is sent: integrations that get entries and exits, and addresses that are told."""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from headwater.api.names import IntegrationName
from headwater.audiences import store, subscriptions
from headwater.audiences.announcements import ENTERED, EXITED
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
from headwater.pipelines.audience_choice import PIPELINE, Choice, named, slugs_by_id
from headwater.pipelines.changes import Change, change
from headwater.pipelines.objects import Attachment, Integration, Pipeline

Caller = Request[Any, Any, State]


class Hearing(NamedTuple):
    """An integration that hears about the audience. `others` are slugs of audiences that it hears about as well; None: of all."""

    attachment: Attachment
    others: Choice


class Ready(NamedTuple):
    """An integration that could hear about the audience; `others` are slugs of audiences that it hears about already."""

    integration: Integration
    others: tuple[str, ...]


class Activation(NamedTuple):
    """Where entries and exits go, and where they could go."""

    hearing: list[Hearing]
    ready: list[Ready]
    subscriptions: list[Subscription]


@get("/audiences/{audience:str}/activation")
async def show_activation(request: Caller, audience: AudienceName) -> Response[Any]:
    """Who is told about entries and exits."""
    async with transaction(console_of(request).pool, read_only=True) as connection:
        found = await store.find(connection, audience)
    return await _activation(request, found, None, Form.empty())


@post("/audiences/{audience:str}/send")
async def send_to_integration(request: Caller, audience: AudienceName) -> Response[Any]:
    """Let an integration hear about this audience from now on, besides those that it hears about, or about all."""
    form = await form_of(request)
    everything = form.text("audiences") == "all"
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await store.find(made.connection, audience)
        if holds_everybody(found.segment_ql):
            raise InputError("this audience holds everybody: nobody enters or leaves it", "integration", "conflict")
        pipeline = await pipeline_store.find(made.connection, PIPELINE)
        integration = await integration_store.find(made.connection, form.text("integration"))
        await _send(made, pipeline, integration, found, everything=everything)
        if not found.emit_trigger:
            await store.update(made, found, store.Draft(emit_trigger=True))
    which = "all audiences" if everything else found.name
    told = f"{integration.name} gets entries and exits of {which} from now on."
    return await done(request, audience_path(found, "/activation"), told)


@post("/audiences/{audience:str}/integrations/{integration:str}/end")
async def end_sending(request: Caller, audience: AudienceName, integration: IntegrationName) -> Response[Any]:
    """Let an integration hear about this audience no more; one that hears about nothing else is detached."""
    everything = (await form_of(request)).text("everything") == "yes"
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await store.find(made.connection, audience)
        pipeline = await pipeline_store.find(made.connection, PIPELINE)
        ended = await integration_store.find(made.connection, integration)
        present = (await deployment_store.attachment(made.connection, pipeline, ended)).audiences
        if (present is None) != everything:
            raise InputError("somebody changed what it hears about meanwhile; look again", "integration", "conflict")
        others = () if present is None else tuple(each for each in present if each != found.id)
        if others:
            await deployment_store.choose(made, pipeline, ended, others)
        else:
            await deployment_store.detach(made, pipeline, ended)
    told = f"{ended.name} gets no entries and exits of {found.name if others else 'any audience'} any more."
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
    slugs = await slugs_by_id(connection)
    own = await subscriptions.every(connection)
    hidden = {each.integration_id for each in own}
    attached = {each.integration_id: each for each in await deployment_store.attachments(connection, pipeline)}
    shown = [each for each in attached.values() if each.integration_id not in hidden]
    integrations = [each for each in await integration_store.every(connection) if each.id not in hidden]
    return Activation(
        [Hearing(each, _others(each, audience, slugs)) for each in shown if _hears(each, audience)],
        [
            _ready(each, attached.get(each.id), slugs)
            for each in integrations
            if each.latest_revision > 0 and (each.id not in attached or not _hears(attached[each.id], audience))
        ],
        [each for each in own if audience.id in each.segment_ids],
    )


def _hears(attachment: Attachment, audience: Audience) -> bool:
    return attachment.audiences is None or audience.id in attachment.audiences


def _others(attachment: Attachment, audience: Audience, slugs: dict[str, str]) -> Choice:
    if attachment.audiences is None:
        return None
    return named(tuple(each for each in attachment.audiences if each != audience.id), slugs)


def _ready(integration: Integration, attachment: Attachment | None, slugs: dict[str, str]) -> Ready:
    others = None if attachment is None else named(attachment.audiences, slugs)
    return Ready(integration, () if others is None else others)


async def _send(
    made: Change, pipeline: Pipeline, integration: Integration, audience: Audience, *, everything: bool
) -> None:
    attached = await deployment_store.attachments(made.connection, pipeline)
    present = next((each for each in attached if each.integration_id == integration.id), None)
    if present is None:
        names = None if everything else (audience.id,)
        await deployment_store.attach(made, pipeline, integration, audiences=names)
        return
    before = () if present.audiences is None else present.audiences
    await deployment_store.choose(made, pipeline, integration, None if everything else (*before, audience.id))


HANDLERS = (show_activation, send_to_integration, end_sending, subscribe, unsubscribe)
