"""Take single messages out of a stream. JetStream overwrites a message on disk before it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError

from headwater.errors import UnavailableError


async def take_out(client: Client, stream: str, sequence: int) -> bytes | None:
    """Delete a message; what it was. None when there is none: that is no fault. Raises UnavailableError."""
    manager = client.jsm()
    try:
        message = await manager.get_msg(stream, sequence)
        try:
            await manager.delete_msg(stream, sequence)
        except APIError:
            # The answer to a number that is gone is the same as to a disk that fails: look whether it is there.
            await manager.get_msg(stream, sequence)
            raise
    except NotFoundError:
        return None
    except (OSError, nats.errors.Error, APIError) as fault:
        raise UnavailableError(f"the event log does not delete a message ({type(fault).__name__})") from fault
    return message.data or b""


async def take_out_where(client: Client, stream: str, matches: Callable[[bytes], bool]) -> int:
    """Delete the messages of a whole stream, as it is now, whose content matches; how many it was. Raises UnavailableError."""
    taken = 0
    async for sequence, payload in _messages(client, stream):
        if matches(payload):
            await take_out(client, stream, sequence)
            taken += 1
    return taken


async def _messages(client: Client, stream: str) -> AsyncIterator[tuple[int, bytes]]:
    """Every message one by one, so that a queue's consumers notice nothing."""
    manager = client.jsm()
    sequence = 1
    try:
        last = (await manager.stream_info(stream)).state.last_seq
        while sequence <= last:
            message = await manager.get_msg(stream, sequence, subject=">", next=True)
            if message.seq is None or message.seq > last:
                return
            yield message.seq, message.data or b""
            sequence = message.seq + 1
    except NotFoundError:
        return
    except (OSError, nats.errors.Error, APIError) as fault:
        raise UnavailableError(f"the event log does not answer ({type(fault).__name__})") from fault
