"""Read the newest of what the collectors refused, from the stream REFUSED."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from headwater.collect.refusal_log import KeptRefusal
from headwater.log import streams

_decode = msgspec.json.Decoder(KeptRefusal).decode


async def newest(client: Client, limit: int) -> AsyncIterator[KeptRefusal]:
    """At most `limit` refusals, newest first."""
    report = next((found for found in await streams.report(client) if found.name == streams.REFUSED), None)
    if report is None or report.messages == 0:
        return
    manager = client.jsm()
    for sequence in range(report.last_seq, max(report.first_seq - 1, report.last_seq - limit), -1):
        try:
            message = await manager.get_msg(streams.REFUSED, seq=sequence, direct=True)
        except NotFoundError:
            return  # the stream dropped its oldest while we read
        if message.data is not None:
            yield _decode(message.data)
