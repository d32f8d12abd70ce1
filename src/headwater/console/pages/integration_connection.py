"""Add an integration, change what it connects to, and try the connection out."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter

from headwater.console.access import visitor_of
from headwater.console.forms import Form, form_of
from headwater.console.integrations import connection_form
from headwater.console.integrations.addresses import mapping_of, page_of
from headwater.console.integrations.connection_trial import try_connection
from headwater.console.integrations.rule_wording import value
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.integrations import library
from headwater.integrations.library import Example
from headwater.pipelines import audit_log, deployment_store, integration_store, pipeline_store, secrets, slugs
from headwater.pipelines.changes import change
from headwater.pipelines.objects import DeliverySettings, RevisionContent
from headwater.pipelines.revision_edit import same

Caller = Request[Any, Any, State]
Kit = Annotated[str, PathParameter(max_length=100)]
Name = Annotated[str, PathParameter(max_length=100)]
_Pipeline = Annotated[str, QueryParameter(max_length=100)]


@get("/integrations/library/{kit:str}/add")
async def show_add(request: Caller, kit: Kit, pipeline: _Pipeline = "") -> Response[Any]:
    """The form for a new integration."""
    found = library.show(kit)
    async with transaction(console_of(request).pool, read_only=True) as database:
        pipelines = await pipeline_store.every(database)
    return page(
        request,
        "integrations/add.html",
        kit=found,
        inputs=connection_form.inputs_of(found.parameters, {}),
        delivery=connection_form.delivery_inputs(DeliverySettings()),
        pipelines=pipelines,
        pipeline_options=[("", "no pipeline yet"), *((one.slug, one.name) for one in pipelines)],
        chosen=pipeline or (pipelines[0].slug if len(pipelines) == 1 else ""),
    )


@post("/integrations/library/{kit:str}/add")
async def add(request: Caller, kit: Kit) -> Response[Any]:
    """Add it, or only try it out; what is wrong is shown beside what was typed."""
    form, found, box = await form_of(request), library.show(kit), console_of(request).services.box
    try:
        inputs = connection_form.inputs_of(found.parameters, {})
        edit = connection_form.edit_of(form, inputs, DeliverySettings())
        if form.text("do") == "test":
            trial_id = slugs.new_id()
            content = connection_form.content_of(edit, None, kit, box, trial_id)
            return await _tried(request, content, trial_id, kit, found.examples, f"kit {kit}")
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            name = form.text("name").strip() or found.friendly_name
            created = await integration_store.create(made, name=name)
            content = connection_form.content_of(edit, None, kit, box, created.id)
            await integration_store.save(made, created, content, "added")
            chosen = form.text("pipeline")
            if chosen:
                pipeline = await pipeline_store.find(made.connection, chosen)
                await deployment_store.attach(made, pipeline, created)
    except InputError as fault:
        return page(request, "integrations/outcome.html", fault=fault, trial=None)
    where = f"{chosen} delivers to it from now on." if chosen else "No pipeline delivers to it yet."
    return await done(request, mapping_of(created), f"{name} was added. {where}")


@get("/integrations/{integration:str}/connection")
async def show_connection(request: Caller, integration: Name) -> Response[Any]:
    """The parameters of an integration."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        found = await integration_store.find(database, integration)
        newest = await integration_store.revision(database, found)
        attachments = await deployment_store.attachments(database)
    parameters = connection_form.parameters_of_content(newest.content)
    return page(
        request,
        "integrations/connection.html",
        integration=found,
        revision=newest,
        inputs=connection_form.inputs_of(parameters, newest.content.parameters),
        delivery=connection_form.delivery_inputs(newest.content.delivery),
        uses=[used for used in attachments if used.integration_id == found.id],
        page_of=page_of,
    )


@post("/integrations/{integration:str}/connection")
async def change_connection(request: Caller, integration: Name) -> Response[Any]:
    """Save the next revision, put it to use where that was asked for, or only try it out."""
    form, console = await form_of(request), console_of(request)
    box = console.services.box
    try:
        async with change(console.pool, visitor_of(request).actor) as made:
            found = await integration_store.find(made.connection, integration)
            before = (await integration_store.revision(made.connection, found)).content
            inputs = connection_form.inputs_of(connection_form.parameters_of_content(before), before.parameters)
            edit = connection_form.edit_of(form, inputs, before.delivery)
            content = connection_form.content_of(edit, before, before.kit, box, found.id)
            if form.text("do") != "test":
                notice = await _save(made, found, before, content, form, box)
    except InputError as fault:
        return page(request, "integrations/outcome.html", fault=fault, trial=None)
    if form.text("do") == "test":
        examples = library.show(before.kit).examples if before.kit in library.names() else ()
        about = integration_store.subject(found)
        return await _tried(request, content, found.id, found.slug, examples, about)
    return await done(request, page_of(found), notice)


async def _save(
    made: Any, found: Any, before: RevisionContent, content: RevisionContent, form: Form, box: secrets.SecretBox
) -> str:
    if same(content, before, box, found.id):
        return "Nothing changed."
    saved = await integration_store.save(made, found, content, form.text("note").strip() or "connection changed")
    chosen = form.texts("deploy")
    for slug in chosen:
        await deployment_store.deploy(made, await pipeline_store.find(made.connection, slug), found)
    where = f" In use on {', '.join(chosen)}." if chosen else " Pipelines keep what they use until you deploy it."
    return f"Revision {saved.number} was saved.{where}"


async def _tried(
    request: Caller,
    content: RevisionContent,
    integration_id: str,
    slug: str,
    examples: tuple[Example, ...],
    about: str,
) -> Response[Any]:
    """Really send an event, and say what came of it here and in the audit log, where `about` is the subject."""
    event = examples[0].event if examples else {"type": "track", "event": "Headwater Test", "userId": "headwater-test"}
    trial = await try_connection(console_of(request).destinations, content, integration_id, slug, event)
    what = {
        "kit": content.kit,
        "event": event.get("event", event["type"]),
        "results": [each.result for each in trial.sends],
    }
    async with transaction(console_of(request).pool) as connection:
        await audit_log.write(connection, visitor_of(request).actor, "test event sent", about, what)
    return page(request, "integrations/outcome.html", fault=None, trial=trial, json=value)


HANDLERS = (show_add, add, show_connection, change_connection)
