"""One connection to NATS that heals itself for ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from headwater.errors import UnavailableError

RECONNECT_WAIT_SECONDS = 0.2
CONNECT_TIMEOUT_SECONDS = 5
FIRST_CONNECT_SECONDS = 5.0
PING_SECONDS = 10

_Answer = TypeVar("_Answer")

logger = structlog.get_logger(__name__)


async def _heeded(waiting: Awaitable[_Answer]) -> _Answer:
    """What `waiting` gives, unless the task was cancelled meanwhile.

    The client waits with `asyncio.wait_for`, which forgets a cancellation that comes in the moment of the answer (until Python 3.12).
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    answer = await waiting
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
    return answer


class LogClient(Client):
    """The client with a way to publish many messages at once, and with requests that can be cancelled at any moment.

    `publish` checks, strips and encodes each header of each message, which costs more than everything else that the log
    does with a record. Our headers are made of digits and Base64; they need none of it.
    """

    async def request(self, *arguments: Any, **options: Any) -> Msg:
        """As the client's."""
        return await _heeded(super().request(*arguments, **options))

    async def flush(self, *arguments: Any, **options: Any) -> None:
        """As the client's."""
        await _heeded(super().flush(*arguments, **options))

    def publish_prepared(self, pieces: Sequence[bytes], messages: int) -> None:
        """Send protocol text (complete HPUB commands, in pieces) with the next flush.

        Raises ConnectionClosedError when the connection is down: nothing of it is kept for later.
        """
        if not self.is_connected:
            raise nats.errors.ConnectionClosedError
        self._pending.extend(pieces)
        self._pending_data_size += sum(map(len, pieces))
        self.stats["out_msgs"] += messages


async def connect(url: str, name: str) -> LogClient:
    """Connect and stay connected. Raises UnavailableError when the log is not there within FIRST_CONNECT_SECONDS.

    While the connection is down a publish fails at once instead of piling up in memory (`pending_size=0`): whoever
    publishes holds the record and knows how long it may wait.
    """
    client = LogClient()

    async def report_disconnect() -> None:
        if not (client.is_draining or client.is_closed):
            logger.warning("the event log is not reachable; trying again until it is")

    try:
        # A client that reconnects for ever also makes its first attempt for ever.
        async with asyncio.timeout(FIRST_CONNECT_SECONDS):
            await client.connect(
                url.split(","),  # several servers of one cluster may be named
                name=name,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                max_reconnect_attempts=-1,
                reconnect_time_wait=RECONNECT_WAIT_SECONDS,  # type: ignore[arg-type]  # annotated int, but only slept for
                ping_interval=PING_SECONDS,
                max_outstanding_pings=2,
                pending_size=0,
                allow_reconnect=True,
                skip_subject_validation=True,  # subjects are made by log.records, which encodes what is not allowed
                error_cb=_report_error,
                disconnected_cb=report_disconnect,
                reconnected_cb=_report_reconnect,
            )
    except (OSError, TimeoutError, nats.errors.Error) as fault:
        reason = _reason(client.last_error or fault)
        await close(client)
        raise UnavailableError(
            f"the event log cannot be reached ({reason}); check that NATS runs and that nats_url is right"
        ) from fault
    return client


def _reason(fault: Exception) -> str:
    """The system's errors may name addresses, so their class has to do; what NATS answers names none."""
    return str(fault) if type(fault) is nats.errors.Error else type(fault).__name__


async def close(client: Client) -> None:
    """Send what is buffered and close; never raises."""
    with contextlib.suppress(OSError, nats.errors.Error, TimeoutError):
        await client.flush(timeout=2)
    reconnecting = client._reconnection_task  # `close` cancels it and does not wait until it let go of its socket
    with contextlib.suppress(OSError, nats.errors.Error):
        await client.close()
    if reconnecting is not None:
        await asyncio.wait([reconnecting], timeout=1)


async def _report_error(fault: Exception) -> None:
    logger.debug("log connection reports a fault", fault=type(fault).__name__)


async def _report_reconnect() -> None:
    logger.info("the event log is reachable again")
