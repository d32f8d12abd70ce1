"""How events come into a pipeline: write keys, snippets, and a test that waits for the first event."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import QueryParameter
from litestar.response import ServerSentEvent

from headwater.api.names import PipelineName
from headwater.console.access import visitor_of
from headwater.console.forms import form_of
from headwater.console.pages.pipelines import pipeline_path
from headwater.console.ports import console_of
from headwater.console.rendering import fragment, page
from headwater.console.replies import done
from headwater.console.snippets import snippets
from headwater.console.streams import Event, stream
from headwater.database.transactions import transaction
from headwater.log.reader import Found, Query, read
from headwater.pipelines import pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import Pipeline

SHOWN_EVENTS = 5

Caller = Request[Any, Any, State]


@get("/pipelines/{pipeline:str}/sources")
async def show_sources(request: Caller, pipeline: PipelineName) -> Response[Any]:
    """Write keys, and a snippet for each way of sending."""
    console, found = console_of(request), await _find(request, pipeline)
    ways = snippets(console.collector_url, console.first_party_path, found.write_keys[0]) if found.write_keys else []
    return page(request, "pipelines/sources.html", pipeline=found, snippets=ways)


@get("/pipelines/{pipeline:str}/sources/test")
async def show_test(request: Caller, pipeline: PipelineName) -> Response[Any]:
    """The part of the page that waits for events."""
    return page(request, "pipelines/test.html", pipeline=await _find(request, pipeline), since=round(time.time(), 3))


@get("/pipelines/{pipeline:str}/sources/live")
async def wait_for_events(
    request: Caller, pipeline: PipelineName, since: Annotated[float, QueryParameter(ge=0, le=1e11)]
) -> ServerSentEvent:
    """Events of the pipeline that arrived since a moment (seconds since 1970), as they arrive."""
    return stream(request, _arrivals(request, await _find(request, pipeline), since))


@post("/pipelines/{pipeline:str}/write-keys")
async def add_write_key(request: Caller, pipeline: PipelineName) -> Response[Any]:
    """Give the pipeline another write key."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await pipeline_store.find(made.connection, pipeline)
        key = await pipeline_store.add_write_key(made, found)
    return await done(request, pipeline_path(found, "/sources"), f"The write key {key} works now.")


@post("/pipelines/{pipeline:str}/write-keys/remove")
async def remove_write_key(request: Caller, pipeline: PipelineName) -> Response[Any]:
    """Take a write key away: senders that still use it are refused."""
    key = (await form_of(request)).text("key")
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        found = await pipeline_store.find(made.connection, pipeline)
        await pipeline_store.remove_write_key(made, found, key)
    return await done(request, pipeline_path(found, "/sources"), f"The write key {key} does not work any more.")


async def _find(request: Caller, name: str) -> Pipeline:
    async with transaction(console_of(request).pool, read_only=True) as database:
        return await pipeline_store.find(database, name)


async def _arrivals(request: Caller, pipeline: Pipeline, since: float) -> AsyncGenerator[Event]:
    newest: deque[Found] = deque(maxlen=SHOWN_EVENTS)
    count = 0
    yield _shown(newest, count)
    query = Query(kind="event", source=pipeline.id, since=since)
    async with aclosing(read(console_of(request).log, query, follow=True)) as events:
        async for event in events:
            newest.appendleft(event)
            count += 1
            yield _shown(newest, count)


def _shown(newest: deque[Found], count: int) -> Event:
    return Event("arrivals", fragment("pipelines/arrivals.html", newest=newest, count=count))


HANDLERS = (show_sources, show_test, wait_for_events, add_write_key, remove_write_key)
