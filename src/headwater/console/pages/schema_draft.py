"""The draft of the schema: what it changes, what that takes, publish or discard; and keys that nothing reads yet."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State

from headwater.api.audience_checks import broken_audiences, require_audiences
from headwater.console.access import visitor_of
from headwater.console.errors import status_of
from headwater.console.forms import Form, form_of
from headwater.console.ports import console_of
from headwater.console.rendering import page
from headwater.console.replies import done
from headwater.console.schema.unmapped import edit_for, unmapped_keys
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines.changes import change
from headwater.profiles.kinds import KINDS
from headwater.profiles.schema_check import check_schema
from headwater.profiles.schema_diff import compare_schemas
from headwater.profiles.versions import draft_store, stream_store, version_store
from headwater.profiles.versions.version_store import effect_of

Caller = Request[Any, Any, State]


@get("/schema/draft")
async def show_draft(request: Caller) -> Response[Any]:
    """What the draft changes."""
    return await _draft(request, None, Form.empty())


@post("/schema/draft/publish")
async def publish_draft(request: Caller) -> Response[Any]:
    """Publish the draft that was looked at."""
    form = await form_of(request)
    revision = form.text("revision")
    try:
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            if not form.checked("break_audiences"):
                await require_audiences(made.connection, (await draft_store.draft(made.connection)).schema)
            published = await draft_store.publish(
                made,
                tag=form.text("tag").strip(),
                description=form.text("description").strip(),
                revision=int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else None,
            )
    except InputError as fault:
        return await _draft(request, fault, form)
    told = "is live" if published.summary.state == "live" else "waits until profiles are built anew"
    return await done(request, f"/schema/versions/{published.number}", f"Version {published.number} {told}.")


@post("/schema/draft/discard")
async def discard_draft(request: Caller) -> Response[Any]:
    """Throw the draft away."""
    async with change(console_of(request).pool, visitor_of(request).actor) as made:
        await draft_store.discard(made)
    return await done(request, "/schema", "The draft is gone; the schema is the newest version.")


@get("/schema/unmapped")
async def show_unmapped(request: Caller) -> Response[Any]:
    """Keys that records have and no mapping reads."""
    return await _unmapped(request, None)


@post("/schema/unmapped")
async def map_key(request: Caller) -> Response[Any]:
    """Map a key to a field in the draft."""
    form = await form_of(request)
    stream, key, name, kind = (form.text(each).strip() for each in ("stream", "key", "field", "kind"))
    try:
        if not stream or not key or not name:
            raise InputError("name the field that the key becomes", "field")
        async with change(console_of(request).pool, visitor_of(request).actor) as made:
            schema = (await draft_store.draft(made.connection)).schema
            await draft_store.edit(made, edit_for(schema, stream, key, name, kind))
    except InputError as fault:
        return await _unmapped(request, fault)
    return await done(request, "/schema/unmapped", f"{key} fills {name} once the draft is published.")


async def _draft(request: Caller, fault: InputError | None, form: Form) -> Response[Any]:
    async with transaction(console_of(request).pool, read_only=True) as connection:
        draft = await draft_store.draft(connection)
        newest = await version_store.newest(connection)
        live = await version_store.live(connection)
        broken = await broken_audiences(connection, draft.schema) if draft.revision else []
    changes = compare_schemas(newest.schema, draft.schema).changes
    return page(
        request,
        "schema/draft.html",
        status=200 if fault is None else status_of(fault),
        draft=draft,
        newest=newest.summary,
        changes=changes,
        effect=effect_of(compare_schemas(live.schema, draft.schema)),
        problems=check_schema(draft.schema) if draft.revision else (),
        broken=broken,
        fault=fault,
        tag=form.text("tag"),
        description=form.text("description"),
    )


async def _unmapped(request: Caller, fault: InputError | None) -> Response[Any]:
    async with transaction(console_of(request).pool, read_only=True) as connection:
        draft = await draft_store.draft(connection)
        streams = await stream_store.streams(connection)
    return page(
        request,
        "schema/unmapped.html",
        status=200 if fault is None else status_of(fault),
        draft=draft,
        keys=unmapped_keys(streams, draft.schema),
        has_streams=bool(streams),
        kinds=list(KINDS),
        fault=fault,
    )


HANDLERS = (show_draft, publish_draft, discard_draft, show_unmapped, map_key)
