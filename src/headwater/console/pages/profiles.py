"""Profiles: find a person, and what is there at all."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import QueryParameter

from headwater.console.ports import console_of
from headwater.console.profiles.search import LIMIT, find_people, unhealthy
from headwater.console.rendering import page

UNHEALTHY_SHOWN = 10

Caller = Request[Any, Any, State]
_Text = Annotated[str, QueryParameter(max_length=512, pattern=r"^[^\x00]*$")]


@get("/profiles")
async def show_search(request: Caller, q: _Text = "") -> Response[Any]:
    """Who was looked for; without a search what is there, and who needs a look."""
    reader = console_of(request).services.profiles.reader
    if q.strip():
        found = await find_people(reader, q)
        return page(request, "profiles/search.html", q=q, found=found, limit=LIMIT, stats=None, unhealthy=[])
    stats = await reader.stats()
    needing = await unhealthy(
        reader, [each for each in ("quarantined", "watched") if stats.health.get(each)], UNHEALTHY_SHOWN
    )
    return page(request, "profiles/search.html", q="", found=[], limit=LIMIT, stats=stats, unhealthy=needing)


@get("/profiles/found")
async def show_found(request: Caller, q: _Text = "") -> Response[Any]:
    """The part of the page that changes while somebody types."""
    found = await find_people(console_of(request).services.profiles.reader, q)
    return page(request, "profiles/found.html", q=q, found=found, limit=LIMIT)


HANDLERS = (show_search, show_found)
