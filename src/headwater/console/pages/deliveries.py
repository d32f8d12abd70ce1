"""Deliveries: what was sent, how fast, and what went wrong."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter
from litestar.response import ServerSentEvent

from headwater.console.deliveries import attempt_list, figures
from headwater.console.deliveries.attempt_list import SHOWN, Asked
from headwater.console.ports import console_of
from headwater.console.rendering import fragment, page
from headwater.console.streams import Event, pause, stream
from headwater.database.transactions import transaction
from headwater.errors import UnavailableError
from headwater.pipelines import integration_store, pipeline_store
from headwater.timeseries.ranges import RANGES, Range, range_named

LOOK_SECONDS = 5.0

Caller = Request[Any, Any, State]
_RangeName = Annotated[str, QueryParameter(name="range", max_length=20)]
_Text = Annotated[str, QueryParameter(max_length=100)]


@get("/deliveries")
async def show_deliveries(request: Caller, range_name: _RangeName = "hour") -> Response[Any]:
    """The figures of a range, and what went wrong lately."""
    span = range_named(range_name)
    return page(request, "deliveries/deliveries.html", ranges=RANGES, **await _shown(request, span))


@get("/deliveries/stream")
async def stream_deliveries(request: Caller, range_name: _RangeName = "hour") -> ServerSentEvent:
    """The same as it changes."""
    return stream(request, _changes(request, range_named(range_name)))


@get("/deliveries/attempts")
async def show_attempts(request: Caller, integration: _Text = "", result: _Text = "") -> Response[Any]:
    """The newest attempts, of one integration or with one result."""
    asked = Asked(integration, result)
    found = [each for each in await attempt_list.newest_attempts(console_of(request).log) if asked.takes(each)]
    names = await names_of(request)
    return page(
        request,
        "deliveries/attempts.html",
        attempts=found[:SHOWN],
        asked=asked,
        offered=[("", "all"), *names["integrations"].items()],
        results=[("", "all"), ("delivered", "delivered"), ("again", "to be tried again"), ("refused", "refused")],
        **names,
    )


@get("/deliveries/attempts/{attempt:int}")
async def show_attempt(request: Caller, attempt: Annotated[int, PathParameter(ge=1, le=2**63 - 1)]) -> Response[Any]:
    """One attempt: the request, the answer, and what was in it."""
    found = await attempt_list.attempt_at(console_of(request).log, attempt)
    return page(request, "deliveries/attempt.html", found=found, **await names_of(request))


async def names_of(request: Caller) -> dict[str, Any]:
    """Slugs of `pipelines` and `integrations` by id."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        return {
            "pipelines": {each.id: each.slug for each in await pipeline_store.every(database)},
            "integrations": {each.id: each.slug for each in await integration_store.every(database)},
        }


async def _changes(request: Caller, span: Range) -> AsyncGenerator[Event]:
    shown = ""
    while True:
        try:
            html = fragment("deliveries/figures.html", **await _shown(request, span))
        except UnavailableError:
            html = shown  # the next look may succeed; what is shown is not wrong
        if html != shown:
            shown = html
            yield Event("figures", html)
        await pause(request, LOOK_SECONDS)


async def _shown(request: Caller, span: Range) -> dict[str, Any]:
    console = console_of(request)
    attempts = await attempt_list.newest_attempts(console.log)
    reasons = await console.services.dead_letters.reasons()
    return {
        "figures": await figures.read(console.pool, span, datetime.now(UTC)),
        "troubles": attempt_list.troubles(attempts),
        "looked_at": len(attempts),
        "letters": sum(reason.letters for reason in reasons),
        **await names_of(request),
    }


HANDLERS = (show_deliveries, stream_deliveries, show_attempts, show_attempt)
