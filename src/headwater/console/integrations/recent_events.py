"""The newest events of a pipeline in the log, for previews."""

from __future__ import annotations

from typing import NamedTuple

import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError

from headwater.errors import UnavailableError
from headwater.events import Record, decode_record
from headwater.log import streams
from headwater.log.ordered import OrderedReader
from headwater.log.records import subject_filter

SHOWN = 25
_STEPS = (200, 5_000, 100_000)
"""How far to look back in the log for events of one pipeline, in records of all pipelines."""
_WAIT_SECONDS = 1.0


class RecentEvent(NamedTuple):
    """An event and its place in the log."""

    sequence: int
    stored_at: float
    record: Record


async def newest_sequence(client: Client, pipeline_id: str) -> int:
    """The place of the pipeline's newest event, 0 when there is none. Raises UnavailableError."""
    try:
        newest = await client.jsm().get_last_msg(streams.MAIN, subject_filter("event", pipeline_id))
    except NotFoundError:
        return 0
    except (OSError, TimeoutError, nats.errors.Error, APIError) as fault:
        raise UnavailableError(f"the event log does not answer ({type(fault).__name__})") from fault
    return newest.seq or 0


async def recent_events(client: Client, pipeline_id: str, limit: int = SHOWN) -> list[RecentEvent]:
    """The newest events of a pipeline, newest first. Raises UnavailableError."""
    last = await newest_sequence(client, pipeline_id)
    if last == 0:
        return []
    found: list[RecentEvent] = []
    for step in _STEPS:
        found = await _between(client, pipeline_id, max(last - step, 0), last)
        if len(found) >= limit or step >= last:
            break
    return found[: -limit - 1 : -1]


async def event_at(client: Client, pipeline_id: str, sequence: int) -> RecentEvent | None:
    """The pipeline's event at a place in the log; None when it is not there any more, or is another pipeline's."""
    found = await _between(client, pipeline_id, sequence - 1, sequence)
    return next((event for event in found if event.sequence == sequence), None)


async def _between(client: Client, pipeline_id: str, after: int, last: int) -> list[RecentEvent]:
    subjects = (subject_filter("event", pipeline_id),)
    reader = OrderedReader(client, streams.MAIN, subjects, after=after)
    found: list[RecentEvent] = []
    try:
        while not found or found[-1].sequence < last:
            messages = await reader.take(1000, _WAIT_SECONDS)
            found.extend(
                RecentEvent(message.sequence, message.stored_at, decode_record(message.payload))
                for message in messages
                if message.sequence <= last
            )
            if not messages or messages[-1].sequence >= last:
                break
    finally:
        await reader.stop()
    return found
