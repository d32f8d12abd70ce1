"""Live: the event stream as it passes."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any

import nats.errors
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import QueryParameter
from litestar.response import ServerSentEvent

from headwater.collect import kept_refusals
from headwater.collect.normalise import EVENT_TYPES
from headwater.console.live.filters import STREAMS, LiveFilter
from headwater.console.live.log_tail import LOOK_BACK, QUICK_LOOK_BACK, LogTail, Look, recent
from headwater.console.ports import console_of
from headwater.console.rendering import fragment, page
from headwater.console.streams import Event, pause, stream
from headwater.database.transactions import transaction
from headwater.errors import UnavailableError
from headwater.pipelines import pipeline_store
from headwater.pipelines.objects import Pipeline
from headwater.routing.attempts import WATCH_SECONDS, watch_subject

SHOWN_REFUSALS = 100
RETRY_SECONDS = 1.0
QUIET_SECONDS = 5.0
"""How often a stream says that nothing came."""

Caller = Request[Any, Any, State]
_Text = Annotated[str, QueryParameter(max_length=200)]
_Kind = Annotated[str, QueryParameter(name="type", max_length=200)]


@get("/live")
async def show_live(
    request: Caller, pipeline: _Text = "", kind: _Kind = "", name: _Text = "", user: _Text = "", text: _Text = ""
) -> Response[Any]:
    """The newest events that are asked for; the page goes on by itself."""
    console, chosen = console_of(request), LiveFilter(pipeline, kind, name, user, text)
    pipelines = await _pipelines(request)
    look, _ = await recent(console.log, chosen.address(pipelines), chosen, QUICK_LOOK_BACK)
    return page(
        request,
        "live/live.html",
        chosen=chosen,
        pipelines=pipelines,
        sources=[("", "everywhere"), *((each.slug, each.name) for each in pipelines), (STREAMS, "streams (records)")],
        types=[("", "all"), *((each, each) for each in sorted(EVENT_TYPES))],
        link=f"{address_of(request)}/live{chosen.query_string}",
        look=look,
        names=_names(pipelines),
    )


@get("/live/stream")
async def stream_live(
    request: Caller, pipeline: _Text = "", kind: _Kind = "", name: _Text = "", user: _Text = "", text: _Text = ""
) -> ServerSentEvent:
    """The same as it grows."""
    return stream(request, _looks(request, LiveFilter(pipeline, kind, name, user, text)))


@get("/live/refused")
async def show_refused(request: Caller, reason: _Text = "") -> Response[Any]:
    """The newest events that were refused at the door, each with what is wrong with it."""
    console = console_of(request)
    found = [kept async for kept in kept_refusals.newest(console.log, SHOWN_REFUSALS)]
    counts: dict[str, int] = {}
    for kept in found:
        counts[kept.reason] = counts.get(kept.reason, 0) + 1
    return page(
        request,
        "live/refused.html",
        refusals=[kept for kept in found if reason in ("", kept.reason)],
        counts=sorted(counts.items(), key=lambda item: -item[1]),
        reason=reason,
        names=_names(await _pipelines(request)),
        limit=SHOWN_REFUSALS,
    )


async def _looks(request: Caller, chosen: LiveFilter) -> AsyncGenerator[Event]:
    """Looks at the log for ever. The first one brings the page up to date, further back than the page itself looked."""
    console, pipelines = console_of(request), await _pipelines(request)
    query, names = chosen.address(pipelines), _names(pipelines)
    watched = [each.id for each in pipelines if chosen.pipeline in ("", each.slug)]
    tail: LogTail | None = None
    told = 0.0
    try:
        while True:
            try:
                if tail is None:
                    look, place = await recent(
                        console.log, query, chosen, LOOK_BACK if chosen.by_content else QUICK_LOOK_BACK
                    )
                    tail = LogTail(console.log, query, chosen, place)
                    yield _event(look, names, began=True)
                look = await tail.look()
            except UnavailableError:
                yield _event(None, names)
                await pause(request, RETRY_SECONDS)
                continue
            now = time.monotonic()
            if look.rows or look.passed or now - told > QUIET_SECONDS:
                yield _event(look, names)
            if now - told > WATCH_SECONDS / 3:
                told = now
                await _watch(request, watched)
    finally:
        if tail is not None:
            await tail.stop()


async def _watch(request: Caller, pipeline_ids: Sequence[str]) -> None:
    """Tell the routers that somebody looks, so that they keep more attempts."""
    client = console_of(request).log
    try:
        for pipeline_id in pipeline_ids:
            await client.publish(watch_subject(pipeline_id), pipeline_id.encode())
    except (OSError, nats.errors.Error):
        return  # it is said again in a few seconds


def _event(look: Look | None, names: dict[str, str], *, began: bool = False) -> Event:
    return Event("look", fragment("live/look.html", look=look, names=names, began=began))


def address_of(request: Caller) -> str:
    """How browsers reach this console, without a slash at the end."""
    public = console_of(request).public_url
    return public.rstrip("/") if public else f"{request.url.scheme}://{request.url.netloc}"


async def _pipelines(request: Caller) -> list[Pipeline]:
    async with transaction(console_of(request).pool, read_only=True) as database:
        return await pipeline_store.every(database)


def _names(pipelines: Sequence[Pipeline]) -> dict[str, str]:
    return {pipeline.id: pipeline.slug for pipeline in pipelines}


HANDLERS = (show_live, stream_live, show_refused)
