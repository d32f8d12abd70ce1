"""One integration: where it is in use, its revisions, what differs between them; deploy, attach, delete."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter

from headwater.console.access import visitor_of
from headwater.console.forms import form_of
from headwater.console.integrations import kit_update
from headwater.console.integrations.addresses import LIST, connection_of, mapping_of, page_of
from headwater.console.integrations.differences import differences, file_differences
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.database.transactions import transaction
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import shown_content

Caller = Request[Any, Any, State]
Name = Annotated[str, PathParameter(max_length=100)]
_Number = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
_Against = Annotated[int | None, QueryParameter(name="against", ge=1, le=2**31 - 1)]


@get("/integrations/{integration:str}")
async def show_integration(request: Caller, integration: Name) -> Response[Any]:
    """Its pipelines, its connection and its revisions."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        found = await integration_store.find(database, integration)
        newest = await integration_store.revision(database, found)
        revisions = await integration_store.revisions(database, found)
        pipelines = await pipeline_store.every(database)
        attachments = await deployment_store.attachments(database)
    uses = [used for used in attachments if used.integration_id == found.id]
    others = [one for one in pipelines if one.id not in {used.pipeline_id for used in uses}]
    return page(
        request,
        "integrations/integration.html",
        integration=found,
        newest=newest,
        content=shown_content(newest.content),
        revisions=revisions,
        uses=uses,
        others=others,
        other_options=[(one.slug, one.name) for one in others],
        newer=kit_update.newer_kit(newest.content),
        address=page_of(found),
        mapping=mapping_of(found),
        connection_page=connection_of(found),
    )


@get("/integrations/{integration:str}/revisions/{number:int}")
async def show_revision(request: Caller, integration: Name, number: _Number, against: _Against = None) -> Response[Any]:
    """What a revision changed, against the one before or another one."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        found = await integration_store.find(database, integration)
        chosen = await integration_store.revision(database, found, number)
        earlier = against if against is not None else number - 1
        other = await integration_store.revision(database, found, earlier) if earlier else None
        attachments = await deployment_store.attachments(database)
    return page(
        request,
        "integrations/revision.html",
        integration=found,
        revision=chosen,
        other=other,
        differences=() if other is None else differences(other.content, chosen.content),
        files=() if other is None else file_differences(other.content.texts, chosen.content.texts),
        uses=[used for used in attachments if used.integration_id == found.id],
        address=page_of(found),
    )


@post("/integrations/{integration:str}/deploy")
async def deploy(request: Caller, integration: Name) -> Response[Any]:
    """Let a pipeline use a revision from now on."""
    form = await form_of(request)
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await integration_store.find(made.connection, integration)
        pipeline = await pipeline_store.find(made.connection, form.text("pipeline"))
        attached = await deployment_store.deploy(made, pipeline, found, revision=form.number("revision"))
    return await done(request, page_of(found), f"{pipeline.name} uses revision {attached.revision} from now on.")


@post("/integrations/{integration:str}/attach")
async def attach(request: Caller, integration: Name) -> Response[Any]:
    """Let a pipeline deliver to it from now on."""
    form = await form_of(request)
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await integration_store.find(made.connection, integration)
        pipeline = await pipeline_store.find(made.connection, form.text("pipeline"))
        await deployment_store.attach(made, pipeline, found)
    return await done(request, page_of(found), f"{pipeline.name} delivers to {found.name} from now on.")


@post("/integrations/{integration:str}/rename")
async def rename(request: Caller, integration: Name) -> Response[Any]:
    """Give it another name for people; its slug stays."""
    form = await form_of(request)
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await integration_store.find(made.connection, integration)
        renamed = await integration_store.rename(made, found, name=form.text("name").strip(), slug=found.slug)
    return await done(request, page_of(renamed), f"It is called {renamed.name} now.")


@post("/integrations/{integration:str}/delete")
async def delete(request: Caller, integration: Name) -> Response[Any]:
    """Delete it with its revisions, when no pipeline uses it."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await integration_store.find(made.connection, integration)
        await integration_store.delete(made, found)
    return await done(request, LIST, f"{found.name} was deleted.")


HANDLERS = (show_integration, show_revision, deploy, attach, rename, delete)
