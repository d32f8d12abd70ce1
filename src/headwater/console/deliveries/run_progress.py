"""How far a run is: what still waits, and what became of what was sent again."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError

from headwater.api.ports import DeadLetters
from headwater.console.deliveries.runs import Run
from headwater.log import streams
from headwater.log.records import SUBJECT_ROOT, subject_token


class Progress(NamedTuple):
    """`done` letters of a run are settled. Of a replay: `queued` records wait to be sent, None when the log does not say;
    `refused` were refused again."""

    done: int
    queued: int | None = None
    refused: int = 0


async def progress_of(letters: DeadLetters, client: Client, run: Run) -> Progress:
    """Count. `queued` is of the run's integration, whoever queued it. Raises UnavailableError without a database."""
    done = run.total - await letters.count(run.choice)
    if run.action == "discard":
        return Progress(done)
    came = msgspec.structs.replace(run.choice, ids=None, reason=None, up_to=None)
    return Progress(done, await _queued(client, run), await letters.count(came, run.up_to))


async def _queued(client: Client, run: Run) -> int | None:
    names = ["*" if each is None else subject_token(each) for each in (run.pipeline_id, run.integration_id)]
    try:
        info = await client.jsm().stream_info(
            streams.REPLAYS, subjects_filter=f"{SUBJECT_ROOT}.replay.{'.'.join(names)}"
        )
    except (OSError, TimeoutError, nats.errors.Error, APIError):
        return None
    return sum((info.state.subjects or {}).values())
