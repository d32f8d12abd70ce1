"""One event and its whole way; and the events that people keep as examples."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import PathParameter
from litestar.response import ServerSentEvent

from headwater.console.access import visitor_of
from headwater.console.errors import status_of
from headwater.console.forms import form_of
from headwater.console.integrations.addresses import mapping_of
from headwater.console.integrations.preview_events import label
from headwater.console.live import arrival, examples
from headwater.console.live.curl_command import curl_command
from headwater.console.live.event_story import Story, Subject, search_of, story_of, subject_at
from headwater.console.pages.live import address_of
from headwater.console.ports import console_of
from headwater.console.rendering import fragment, page
from headwater.console.replies import done
from headwater.console.streams import Event, pause, stream
from headwater.database.transactions import transaction
from headwater.errors import InputError, UnavailableError

LOOK_SECONDS = 1.5
"""How often a page of a young event looks for what became of it."""
OLD_SECONDS = 600.0
OLD_LOOK_SECONDS = 20.0

Caller = Request[Any, Any, State]
_Sequence = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]


@get("/live/events/{sequence:int}")
async def show_event(request: Caller, sequence: _Sequence) -> Response[Any]:
    """An event as it is in the log, and its way as far as it went."""
    return await _page(request, sequence, None, None)


@get("/live/events/{sequence:int}/changes")
async def follow_event(request: Caller, sequence: _Sequence) -> ServerSentEvent:
    """The way of an event as it goes on."""
    return stream(request, _changes(request, await subject_at(console_of(request), sequence)))


@post("/live/events/{sequence:int}/example")
async def keep_example(request: Caller, sequence: _Sequence) -> Response[Any]:
    """Keep the event to try mappings on."""
    title = (await form_of(request)).text("title")
    subject = await subject_at(console_of(request), sequence)
    try:
        if subject.pipeline is None:
            raise InputError("only events of a pipeline can be kept as examples", "title")
        async with transaction(console_of(request).pool) as database:
            await examples.keep(
                database,
                subject.pipeline,
                title=title,
                event=subject.row.record.data,
                sequence=sequence,
                actor=visitor_of(request).actor,
            )
    except InputError as fault:
        return await _page(request, sequence, fault, title)
    return await done(
        request, f"/live/events/{sequence}", "The event is kept as an example; previews of mappings offer it."
    )


@get("/live/examples")
async def show_examples(request: Caller) -> Response[Any]:
    """What was kept."""
    async with transaction(console_of(request).pool, read_only=True) as database:
        found = await examples.every(database)
    return page(request, "live/examples.html", examples=found, limit=examples.LIMIT)


@post("/live/examples/{example:int}/delete")
async def delete_example(request: Caller, example: _Sequence) -> Response[Any]:
    """Delete an example."""
    async with transaction(console_of(request).pool) as database:
        title = await examples.delete(database, example)
    return await done(request, "/live/examples", f"The example “{title}” was deleted.")


async def _page(request: Caller, sequence: int, fault: InputError | None, title: str | None) -> Response[Any]:
    console = console_of(request)
    subject = await subject_at(console, sequence)
    record, pipeline = subject.row.record, subject.pipeline
    search = search_of(console, subject)
    try:
        story = await story_of(console, subject, search)
    finally:
        await search.stop()
    write_key = pipeline.write_keys[0] if pipeline is not None and pipeline.write_keys else None
    return page(
        request,
        "live/event.html",
        status=200 if fault is None else status_of(fault),
        subject=subject,
        story=story,
        mapping_of=mapping_of,
        label=label(record.data),
        notes=arrival.notes(record),
        changes=arrival.as_seen(record),
        curl=curl_command(record, console.collector_url, write_key),
        link=f"{address_of(request)}/live/events/{sequence}",
        fault=fault,
        title=label(record.data) if title is None else title,
    )


async def _changes(request: Caller, subject: Subject) -> AsyncGenerator[Event]:
    console, shown = console_of(request), ""
    search = search_of(console, subject)
    try:
        while True:
            try:
                html = _way(subject, await story_of(console, subject, search))
            except UnavailableError:
                html = shown  # the next look may succeed; what is shown is not wrong
            if html != shown:
                shown = html
                yield Event("way", html)
            young = time.time() - subject.row.stored_at < OLD_SECONDS
            await pause(request, LOOK_SECONDS if young else OLD_LOOK_SECONDS)
    finally:
        await search.stop()


def _way(subject: Subject, story: Story) -> str:
    return fragment("live/way.html", subject=subject, story=story, mapping_of=mapping_of)


HANDLERS = (show_event, follow_event, keep_example, show_examples, delete_example)
