"""Replies that are no pages: go elsewhere, with a word about what was done."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.connection import ASGIConnection

from headwater.console.access import visitor_of
from headwater.console.accounts import sessions
from headwater.console.ports import console_of
from headwater.database.transactions import transaction

Connection = ASGIConnection[Any, Any, Any, Any]


def go_to(connection: Connection, path: str) -> Response[None]:
    """Send the browser to another page of ours, also after a request of htmx."""
    if connection.headers.get("hx-request"):
        return Response(None, status_code=204, headers={"HX-Redirect": path})
    return Response(None, status_code=303, headers={"Location": path})


async def done(connection: Connection, path: str, notice: str) -> Response[None]:
    """After a change: go to a page, which tells `notice`."""
    async with transaction(console_of(connection).pool) as database:
        await sessions.leave_notice(database, visitor_of(connection), notice)
    return go_to(connection, path)


def own_path(text: str) -> str:
    """A path of ours that a form named; the home page when it is something else (another site's address)."""
    plain = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if plain else "/"
