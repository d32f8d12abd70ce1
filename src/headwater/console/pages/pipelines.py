"""Pipelines: which there are, a new one, and the settings of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State

from headwater.api.names import PipelineName
from headwater.console.access import visitor_of
from headwater.console.errors import status_of
from headwater.console.forms import Form, form_of
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines import deployment_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import Attachment, Pipeline
from headwater.timeseries import figures
from headwater.timeseries.ranges import range_named

Caller = Request[Any, Any, State]


class Listed(NamedTuple):
    """A pipeline in the list, with what it delivers to and what it received in the last day."""

    pipeline: Pipeline
    attachments: list[Attachment]
    received: float


def pipeline_path(pipeline: Pipeline, rest: str = "") -> str:
    """The address of a pipeline's page."""
    return f"/pipelines/{quote(pipeline.slug)}{rest}"


@get("/pipelines")
async def every_pipeline(request: Caller) -> Response[Any]:
    """Every pipeline."""
    now = datetime.now(UTC)
    async with transaction(console_of(request).pool, read_only=True) as database:
        pipelines = await pipeline_store.every(database)
        attachments = await deployment_store.attachments(database)
        totals = await figures.totals(database, ["received"], range_named("day"), now)
    received = {key.subject: value for key, value in totals.items()}
    listed = [
        Listed(
            pipeline,
            [found for found in attachments if found.pipeline_id == pipeline.id],
            received.get(pipeline.id, 0.0),
        )
        for pipeline in pipelines
    ]
    return page(request, "pipelines/list.html", listed=listed)


@get("/new/pipeline")
async def show_new_pipeline(request: Caller) -> Response[Any]:
    """The form for a new pipeline."""
    return page(request, "pipelines/new.html", fault=None, name="")


@post("/new/pipeline")
async def add_pipeline(request: Caller) -> Response[Any]:
    """Make a pipeline with a write key, and show how to send to it."""
    name = (await form_of(request)).text("name").strip()
    try:
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            pipeline = await pipeline_store.create(made, name=name)
            await pipeline_store.add_write_key(made, pipeline)
    except InputError as fault:
        return page(request, "pipelines/new.html", status=status_of(fault), fault=fault, name=name)
    return await done(request, pipeline_path(pipeline, "/sources"), f"The pipeline {pipeline.name} takes events now.")


@get("/pipelines/{pipeline:str}/settings")
async def show_settings(request: Caller, pipeline: PipelineName) -> Response[Any]:
    """Name, slug and rules of a pipeline."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        found = await pipeline_store.find(database, pipeline)
    return _settings(request, found, found, None)


@post("/pipelines/{pipeline:str}/settings")
async def save_settings(request: Caller, pipeline: PipelineName) -> Response[Any]:
    """Change name, slug and rules; every process follows within 2 seconds."""
    form = await form_of(request)
    pool = console_of(request).pool
    async with transaction(pool, read_only=True) as database:
        found = await pipeline_store.find(database, pipeline)
    typed = _typed(found, form)
    try:
        async with change(pool, visitor_of(request).actor) as made:
            saved = await pipeline_store.update(made, typed)
    except InputError as fault:
        return _settings(request, found, typed, fault)
    return await done(request, pipeline_path(saved, "/settings"), "The settings are saved.")


@post("/pipelines/{pipeline:str}/delete")
async def delete_pipeline(request: Caller, pipeline: PipelineName) -> Response[Any]:
    """Delete a pipeline with its write keys; integrations stay."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await pipeline_store.find(made.connection, pipeline)
        await pipeline_store.delete(made, found)
    return await done(request, "/pipelines", f"The pipeline {found.name} is deleted.")


def _typed(found: Pipeline, form: Form) -> Pipeline:
    origins = tuple(line.strip() for line in form.text("origins").splitlines() if line.strip())
    return msgspec.structs.replace(
        found,
        name=form.text("name").strip(),
        slug=form.text("slug").strip(),
        enabled=form.checked("enabled"),
        allowed_origins=origins,
        partial_batch_status=207 if form.checked("multi_status") else 200,
    )


def _settings(request: Caller, found: Pipeline, typed: Pipeline, fault: InputError | None) -> Response[Any]:
    return page(
        request,
        "pipelines/settings.html",
        status=200 if fault is None else status_of(fault),
        pipeline=found,
        typed=typed,
        fault=fault,
    )


HANDLERS = (every_pipeline, show_new_pipeline, add_pipeline, show_settings, save_settings, delete_pipeline)
