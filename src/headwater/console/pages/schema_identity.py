"""What else decides who is who: where events name an earlier identifier, and values that identify nobody."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State

from headwater.console.access import visitor_of
from headwater.console.errors import status_of
from headwater.console.forms import form_of
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.console.schema import alias_form, blocked_form
from headwater.console.schema.alias_form import AliasRow
from headwater.console.schema.blocked_form import BlockedRow
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import change
from headwater.profiles.versions import draft_store, stream_store

Caller = Request[Any, Any, State]


@get("/schema/aliases")
async def show_aliases(request: Caller) -> Response[Any]:
    """Where events name an earlier identifier of the same person."""
    return await _aliases(request, None, None)


@post("/schema/aliases")
async def change_aliases(request: Caller) -> Response[Any]:
    """Change them in the draft, or give one more to fill in."""
    form = await form_of(request)
    rows = alias_form.rows_from(form)
    if form.text("do") == "row":
        async with transaction(console_of(request).pool, read_only=True) as connection:
            row = alias_form.new_row((await draft_store.draft(connection)).schema)
        return await _aliases(request, (*rows, row), None)
    try:
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            schema = (await draft_store.draft(made.connection)).schema
            wanted = alias_form.aliases_from(rows, schema)
            await draft_store.replace(made, msgspec.structs.replace(schema, aliases=wanted))
    except InputError as fault:
        return await _aliases(request, rows, fault)
    return await done(request, "/schema/aliases", "The draft is changed.")


@get("/schema/blocked")
async def show_blocked(request: Caller) -> Response[Any]:
    """Values that never identify anybody."""
    return await _blocked(request, None, None)


@post("/schema/blocked")
async def change_blocked(request: Caller) -> Response[Any]:
    """Change the lists in the draft, if it still is the one that was looked at."""
    form = await form_of(request)
    async with transaction(console_of(request).pool, read_only=True) as connection:
        rows = blocked_form.rows_from(form, (await draft_store.draft(connection)).schema)
    try:
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            draft = await draft_store.draft(made.connection)
            if form.number("revision") != draft.revision:
                by = ", ".join(draft.authors) or "somebody"
                raise InputError(
                    f"{by} changed the draft meanwhile; what you typed is below, saving again puts it in place of theirs",
                    "blocked",
                    "conflict",
                )
            wanted = blocked_form.blocked_from(rows, draft.schema.blocked)
            await draft_store.replace(made, msgspec.structs.replace(draft.schema, blocked=wanted))
    except InputError as fault:
        return await _blocked(request, rows, fault)
    return await done(request, "/schema/blocked", "The draft is changed.")


async def _aliases(request: Caller, typed: tuple[AliasRow, ...] | None, fault: InputError | None) -> Response[Any]:
    async with transaction(console_of(request).pool, read_only=True) as connection:
        draft = await draft_store.draft(connection)
        streams = [each.name for each in await stream_store.streams(connection)]
    return page(
        request,
        "schema/aliases.html",
        status=200 if fault is None else status_of(fault),
        draft=draft,
        rows=alias_form.rows_of(draft.schema) if typed is None else typed,
        streams=streams,
        fault=fault,
    )


async def _blocked(request: Caller, typed: tuple[BlockedRow, ...] | None, fault: InputError | None) -> Response[Any]:
    async with transaction(console_of(request).pool, read_only=True) as connection:
        draft = await draft_store.draft(connection)
    return page(
        request,
        "schema/blocked.html",
        status=200 if fault is None else status_of(fault),
        draft=draft,
        rows=blocked_form.rows_of(draft.schema) if typed is None else typed,
        every=blocked_form.EVERY_TYPE,
        fault=fault,
    )


HANDLERS = (show_aliases, change_aliases, show_blocked, change_blocked)
