"""Send records again to one integration: dead letters, or a time range of the log.

Records to be sent again go into the stream REPLAYS under the subject of their integration, whose delivery takes from
there as it takes from the log itself. Other integrations of the pipeline see nothing of it.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Sequence

from headwater.log.reader import Found
from headwater.log.records import SUBJECT_ROOT, EncodedRecord, subject_token
from headwater.log.writer import LogWriter
from headwater.routing.dead_letters import Choice, DeadLetterStore

CHUNK = 500


def subject(pipeline_id: str, integration_id: str) -> str:
    """Where the records to be sent again to one integration are."""
    return f"{SUBJECT_ROOT}.replay.{subject_token(pipeline_id)}.{subject_token(integration_id)}"


async def replay_log(
    writer: LogWriter,
    pipeline_id: str,
    integration_id: str,
    found: AsyncIterator[Found],
    progress: Callable[[int], None],
) -> int:
    """Queue what was found in the log; `progress` is told how many more were queued. Returns the sum."""
    run = uuid.uuid4().hex
    target = subject(pipeline_id, integration_id)
    queued = 0
    chunk: list[EncodedRecord] = []
    async for entry in found:
        chunk.append(EncodedRecord(target, f"{run}:{entry.sequence}", entry.payload))
        if len(chunk) == CHUNK:
            queued += await _queue(writer, chunk, progress)
            chunk = []
    return queued + await _queue(writer, chunk, progress)


async def replay_dead_letters(
    writer: LogWriter, store: DeadLetterStore, choice: Choice, actor: str, progress: Callable[[int], None]
) -> int:
    """Queue the records of waiting letters and mark them as replayed. Returns how many."""
    run = uuid.uuid4().hex
    queued = 0
    async for page in store.waiting(await store.note(choice, "dead letters sent again", actor)):
        records = [
            EncodedRecord(
                subject(letter.pipeline_id, letter.integration_id), f"{run}:{letter.message_id}", letter.record
            )
            for letter in page
        ]
        await _queue(writer, records, progress)
        queued += await store.mark([letter.id for letter in page], "replayed", actor)
    return queued


async def _queue(writer: LogWriter, records: Sequence[EncodedRecord], progress: Callable[[int], None]) -> int:
    if records:
        await writer.append(records)
        progress(len(records))
    return len(records)
