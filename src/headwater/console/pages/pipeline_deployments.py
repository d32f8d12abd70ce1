"""Where a pipeline delivers to: integrations at revisions, what a deploy will change, deploy, roll back, pause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import QueryParameter

from headwater.api.names import IntegrationName, PipelineName
from headwater.console.access import visitor_of
from headwater.console.forms import form_of
from headwater.console.integrations.differences import differences, file_differences
from headwater.console.pages.pipelines import pipeline_path
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.audience_choice import Choice, named, slugs_by_id
from headwater.pipelines.changes import Change, change
from headwater.pipelines.objects import Attachment, Integration, Pipeline
from headwater.timeseries import figures

SHOWN_DEPLOYMENTS = 20

Caller = Request[Any, Any, State]


class Attached(NamedTuple):
    """An integration of the pipeline: the revision in use, the newest one, how it is doing, and audiences that it chose."""

    attachment: Attachment
    integration: Integration
    waiting: float
    circuit_open: bool
    faulty: bool
    audiences: Choice

    @property
    def behind(self) -> bool:
        """Whether a newer revision than the deployed one is saved."""
        return self.integration.latest_revision > self.attachment.revision


@get("/pipelines/{pipeline:str}")
async def show_pipeline(request: Caller, pipeline: PipelineName) -> Response[Any]:
    """The integrations of a pipeline, and what was deployed when."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        found = await pipeline_store.find(database, pipeline)
        integrations = {each.id: each for each in await integration_store.every(database)}
        attachments = await deployment_store.attachments(database, found)
        deployments = await deployment_store.deployments(database, found, SHOWN_DEPLOYMENTS)
        levels = await figures.levels(database)
        slugs = await slugs_by_id(database)
    attached = [_attached(each, integrations[each.integration_id], levels, slugs) for each in attachments]
    used = {each.integration_id for each in attachments}
    free = [each for each in integrations.values() if each.id not in used and each.latest_revision > 0]
    return page(request, "pipelines/show.html", pipeline=found, attached=attached, free=free, deployments=deployments)


@post("/pipelines/{pipeline:str}/attach")
async def attach(request: Caller, pipeline: PipelineName) -> Response[Any]:
    """Deliver to one more integration from now on, with its newest revision."""
    name = (await form_of(request)).text("integration")
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        pair = await _pair(made, pipeline, name)
        await deployment_store.attach(made, *pair)
    return await done(request, pipeline_path(pair[0]), f"{pair[0].name} delivers to {pair[1].name} from now on.")


@get("/pipelines/{pipeline:str}/integrations/{integration:str}/deploy")
async def show_deploy(
    request: Caller,
    pipeline: PipelineName,
    integration: IntegrationName,
    revision: Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1)] = None,
) -> Response[Any]:
    """What deploying a revision, the newest unless given, will change."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        found = await pipeline_store.find(database, pipeline)
        target = await integration_store.find(database, integration)
        attachment = await deployment_store.attachment(database, found, target)
        present = await integration_store.revision(database, target, attachment.revision)
        wanted = await integration_store.revision(database, target, revision)
        revisions = await integration_store.revisions(database, target)
    return page(
        request,
        "pipelines/deploy.html",
        pipeline=found,
        integration=target,
        present=present,
        wanted=wanted,
        revisions=revisions,
        differences=differences(present.content, wanted.content),
        files=file_differences(present.content.texts, wanted.content.texts),
    )


@post("/pipelines/{pipeline:str}/integrations/{integration:str}/deploy")
async def deploy(request: Caller, pipeline: PipelineName, integration: IntegrationName) -> Response[Any]:
    """Let the pipeline use another revision; every process follows within 2 seconds."""
    number = (await form_of(request)).text("revision")
    if not number.isdecimal() or len(number) > 9:
        raise InputError(f"{number!r} is no revision; choose one of the list", "revision")
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        pair = await _pair(made, pipeline, integration)
        after = await deployment_store.deploy(made, *pair, revision=int(number))
    return await done(request, pipeline_path(pair[0]), f"{pair[1].name} uses revision {after.revision} now.")


@post("/pipelines/{pipeline:str}/integrations/{integration:str}/roll-back")
async def roll_back(request: Caller, pipeline: PipelineName, integration: IntegrationName) -> Response[Any]:
    """Go back to the newest older revision that the pipeline used."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        pair = await _pair(made, pipeline, integration)
        after = await deployment_store.roll_back(made, *pair)
    return await done(request, pipeline_path(pair[0]), f"{pair[1].name} is back at revision {after.revision}.")


@post("/pipelines/{pipeline:str}/integrations/{integration:str}/enabled")
async def enable(request: Caller, pipeline: PipelineName, integration: IntegrationName) -> Response[Any]:
    """Pause delivery, so that events wait in the log, or go on where it was paused."""
    enabled = (await form_of(request)).text("enabled") == "yes"
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        pair = await _pair(made, pipeline, integration)
        await deployment_store.enable(made, *pair, enabled=enabled)
    text = "goes on where it was paused" if enabled else "is paused; events wait in the log"
    return await done(request, pipeline_path(pair[0]), f"Delivery to {pair[1].name} {text}.")


@post("/pipelines/{pipeline:str}/integrations/{integration:str}/detach")
async def detach(request: Caller, pipeline: PipelineName, integration: IntegrationName) -> Response[Any]:
    """End delivery; what still waits is not delivered."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        pair = await _pair(made, pipeline, integration)
        await deployment_store.detach(made, *pair)
    return await done(request, pipeline_path(pair[0]), f"Nothing is delivered to {pair[1].name} any more.")


def deploy_path(pipeline: Pipeline, integration: Integration) -> str:
    """The address of the page that says what a deploy will change."""
    return pipeline_path(pipeline, f"/integrations/{quote(integration.slug)}/deploy")


async def _pair(made: Change, pipeline: str, integration: str) -> tuple[Pipeline, Integration]:
    return (
        await pipeline_store.find(made.connection, pipeline),
        await integration_store.find(made.connection, integration),
    )


def _attached(attachment: Attachment, integration: Integration, levels: Any, slugs: Mapping[str, str]) -> Attached:
    name = f"{attachment.pipeline}/{attachment.integration}"
    return Attached(
        attachment,
        integration,
        levels.get("waiting", {}).get(name, 0.0),
        levels.get("circuit_open", {}).get(name, 0.0) > 0,
        levels.get("revision_faulty", {}).get(name, 0.0) > 0,
        named(attachment.audiences, slugs),
    )


HANDLERS = (show_pipeline, attach, show_deploy, deploy, roll_back, enable, detach)
