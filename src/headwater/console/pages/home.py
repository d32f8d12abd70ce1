"""Home: is everything well, and what needs a person."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State

from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.database.transactions import transaction
from headwater.pipelines import deployment_store, pipeline_store

Caller = Request[Any, Any, State]


@get("/")
async def home(request: Caller) -> Response[Any]:
    """The pipelines and where they deliver to."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        pipelines = await pipeline_store.every(database)
        attachments = await deployment_store.attachments(database)
    return page(request, "home.html", pipelines=pipelines, attachments=attachments)


HANDLERS = (home,)
