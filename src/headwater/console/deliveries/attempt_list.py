"""The newest kept attempts: one by one, and by what went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError

from headwater.console.live.kept_attempts import FoundAttempt
from headwater.errors import InputError, UnavailableError
from headwater.log import streams
from headwater.log.ordered import OrderedReader
from headwater.log.records import SUBJECT_ROOT
from headwater.routing.attempts import decode

READ = 300
"""Attempts of all integrations that are looked at."""
SHOWN = 50
_EVERY = f"{SUBJECT_ROOT}.attempt.>"
_WAIT_SECONDS = 0.3


class Asked(NamedTuple):
    """Which attempts; "" for any."""

    integration_id: str = ""
    result: str = ""

    def takes(self, found: FoundAttempt) -> bool:
        """Whether an attempt is asked for."""
        attempt = found.attempt
        return self.integration_id in ("", attempt.integration_id) and self.result in ("", attempt.result)


class Trouble(NamedTuple):
    """What went wrong, how often among the attempts that were looked at, and the newest example."""

    integration_id: str
    result: str
    reason: str
    times: int
    newest: FoundAttempt


async def newest_attempts(client: Client) -> list[FoundAttempt]:
    """The last READ attempts, newest first. Raises UnavailableError."""
    try:
        last = (await client.jsm().get_last_msg(streams.ATTEMPTS, _EVERY)).seq or 0
    except NotFoundError:
        return []
    except (OSError, TimeoutError, nats.errors.Error, APIError) as fault:
        raise UnavailableError(f"the event log does not answer ({type(fault).__name__})") from fault
    reader = OrderedReader(client, streams.ATTEMPTS, (_EVERY,), after=max(last - READ, 0), window=READ)
    found: list[FoundAttempt] = []
    try:
        while not found or found[-1].sequence < last:
            messages = await reader.take(READ, _WAIT_SECONDS)
            if not messages:
                break
            found.extend(FoundAttempt(message.sequence, decode(message.payload)) for message in messages)
    finally:
        await reader.stop()
    return found[: -READ - 1 : -1]


async def attempt_at(client: Client, sequence: int) -> FoundAttempt:
    """One attempt by its place. Raises InputError with the code "not_found", and UnavailableError."""
    try:
        message = await client.jsm().get_msg(streams.ATTEMPTS, sequence, direct=True)
    except NotFoundError:
        raise InputError(
            "this attempt is not kept any more; the newest ones are kept within a size", "attempt", code="not_found"
        ) from None
    except (OSError, TimeoutError, nats.errors.Error, APIError) as fault:
        raise UnavailableError(f"the event log does not answer ({type(fault).__name__})") from fault
    return FoundAttempt(sequence, decode(message.data or b""))


def troubles(found: Iterable[FoundAttempt]) -> list[Trouble]:
    """Failed attempts by integration, result and reason, the most frequent first. `found` is newest first."""
    groups: dict[tuple[str, str, str], Trouble] = {}
    for each in found:
        attempt = each.attempt
        if attempt.result == "delivered":
            continue
        key = (attempt.integration_id, attempt.result, attempt.reason)
        known = groups.get(key)
        groups[key] = Trouble(*key, 1, each) if known is None else known._replace(times=known.times + 1)
    return sorted(groups.values(), key=lambda trouble: -trouble.times)
