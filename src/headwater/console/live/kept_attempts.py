"""The kept attempts that carried one message."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from nats.aio.client import Client

from headwater.log import streams
from headwater.log.ordered import OrderedReader
from headwater.routing.attempts import KeptAttempt, attempts_subject, decode

READ_PER_LOOK = 200
"""So few that a page does not wait for them; a stream that follows an event looks again at once."""
_WAIT_SECONDS = 0.3


class FoundAttempt(msgspec.Struct, frozen=True):
    """An attempt and its place among the kept ones, which is its address."""

    sequence: int
    attempt: KeptAttempt

    @property
    def moment(self) -> datetime:
        """When the attempt ended."""
        return datetime.fromtimestamp(self.attempt.at, UTC)


class AttemptSearch:
    """Looks for the attempts of one message of a pipeline, from the moment on at which the log took it. `stop` it at the end."""

    def __init__(self, client: Client, pipeline_id: str, message_id: str, since: float) -> None:
        subjects = (attempts_subject(pipeline_id),)
        self._reader = OrderedReader(client, streams.ATTEMPTS, subjects, since=since, window=READ_PER_LOOK)
        self._message_id = message_id
        self._text = msgspec.json.encode(message_id)
        self._found: list[FoundAttempt] = []

    async def look(self) -> tuple[FoundAttempt, ...]:
        """All that were found so far, oldest first, after another READ_PER_LOOK attempts at most. Raises UnavailableError."""
        read = 0
        while read < READ_PER_LOOK and await self._reader.waiting():
            messages = await self._reader.take(READ_PER_LOOK, _WAIT_SECONDS)
            if not messages:
                break
            read += len(messages)
            for message in messages:
                # Looking for the text first saves decoding the many that carried others.
                if self._text in message.payload:
                    attempt = decode(message.payload)
                    if self._message_id in attempt.messages:
                        self._found.append(FoundAttempt(message.sequence, attempt))
        return tuple(self._found)

    async def stop(self) -> None:
        """Give the position in the log up."""
        await self._reader.stop()
