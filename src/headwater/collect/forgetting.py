"""Forget deleted persons in the sample of what was refused at the doors."""

from __future__ import annotations

from typing import Any

from nats.aio.client import Client

from headwater.log import deletion, streams
from headwater.profiles.erasure.traces import Traces


class RefusalCopies:
    """Implements `profiles.erasure.keepers.CopyKeeper`: whatever shows a value of the person goes."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def forget(self, pool: Any, traces: Traces, messages: frozenset[str]) -> int:  # noqa: ARG002  # the protocol has them
        """What was refused is no message yet, so only its excerpt can tell whose it was."""

        def shows(payload: bytes) -> bool:
            return traces.names(payload.decode("utf-8", "replace"))

        return await deletion.take_out_where(self._client, streams.REFUSED, shows)
