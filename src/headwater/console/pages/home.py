"""Home: is everything well, and what needs a person."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import QueryParameter
from litestar.response import ServerSentEvent

from headwater.console import overview
from headwater.console.overview import Overview
from headwater.console.ports import console_of
from headwater.console.rendering import fragment, page
from headwater.console.streams import Event, pause, stream
from headwater.timeseries.ranges import RANGES, range_named

LOOK_SECONDS = 5.0
"""How often a live page looks for new figures; processes write theirs every 10 s."""

Caller = Request[Any, Any, State]
_RangeName = Annotated[str, QueryParameter(name="range", max_length=20)]


@get("/")
async def home(request: Caller, range_name: _RangeName = "hour") -> Response[Any]:
    """What happened in a range of time, and what is to be done."""
    return page(request, "home/home.html", overview=await _read(request, range_name), ranges=RANGES)


@get("/home/live")
async def home_live(request: Caller, range_name: _RangeName = "hour") -> ServerSentEvent:
    """The same figures as they change."""
    return stream(request, _changes(request, range_name))


async def _changes(request: Caller, range_name: str) -> AsyncGenerator[Event]:
    shown = ""
    while True:
        html = fragment("home/figures.html", overview=await _read(request, range_name))
        if html != shown:
            shown = html
            yield Event("figures", html)
        await pause(request, LOOK_SECONDS)


async def _read(request: Caller, range_name: str) -> Overview:
    return await overview.read(console_of(request).services, range_named(range_name), datetime.now(UTC))


HANDLERS = (home, home_live)
