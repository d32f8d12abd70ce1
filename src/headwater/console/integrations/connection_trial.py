"""Trying a connection out: one event is really sent, as the router would send it, and the answer shown."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from headwater.errors import HeadwaterError
from headwater.events import Record, RecordMeta
from headwater.pipelines.objects import Attachment, Revision, RevisionContent
from headwater.pipelines.slugs import new_id
from headwater.pipelines.snapshot import AttachedRevision
from headwater.routing.destinations import DestinationMaker
from headwater.routing.outcomes import Delivered, Refused

MOST_REQUESTS = 5
"""An event that becomes more outputs is tried with the first ones."""


class TrialSend(NamedTuple):
    """One request with its answer, secrets masked. `seconds` is how long it took."""

    result: Literal["delivered", "again", "refused"]
    reason: str
    request: dict[str, Any]
    reply: dict[str, Any] | None
    seconds: float


class ConnectionTrial(NamedTuple):
    """What came of it: requests, or why there were none."""

    sends: tuple[TrialSend, ...]
    problem: str = ""

    @property
    def well(self) -> bool:
        """Whether everything was taken."""
        return bool(self.sends) and all(send.result == "delivered" for send in self.sends)


async def try_connection(
    maker: DestinationMaker, content: RevisionContent, integration_id: str, slug: str, event: dict[str, Any]
) -> ConnectionTrial:
    """Send an event with a revision that need not be saved. Never raises for what the other side does."""
    try:
        destination = maker.make(_attached(content, integration_id, slug))
    except HeadwaterError as fault:
        return ConnectionTrial((), str(fault))
    prepared = destination.prepare(_record(event))
    if prepared.dropped is not None:
        return ConnectionTrial((), f"the playbook does not send this event: {prepared.dropped}")
    sends: list[TrialSend] = []
    for piece in prepared.outgoing[:MOST_REQUESTS]:
        began = time.monotonic()
        attempt = await destination.send([piece])
        seconds = time.monotonic() - began
        shown = attempt.shown()
        request, reply = ({}, None) if shown is None else shown
        match attempt.outcome:
            case Delivered():
                sends.append(TrialSend("delivered", "", request, reply, seconds))
            case Refused(reason):
                sends.append(TrialSend("refused", reason, request, reply, seconds))
            case retry:
                sends.append(TrialSend("again", retry.reason, request, reply, seconds))
    return ConnectionTrial(tuple(sends), "" if sends else "the event became nothing that could be sent")


def _attached(content: RevisionContent, integration_id: str, slug: str) -> AttachedRevision:
    now = datetime.now(UTC)
    attachment = Attachment("trial", "trial", integration_id, slug, 0, True, now)
    return AttachedRevision(attachment, Revision(integration_id, 0, content, "", now, "trial"))


def _record(event: dict[str, Any]) -> Record:
    """The event as if it had just arrived: with an id and times of its own, so that nobody takes it for a repeat."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message_id = f"headwater-test-{new_id()}"
    data = {**event, "messageId": message_id, "timestamp": now, "receivedAt": now}
    user = next((str(data[name]) for name in ("userId", "anonymousId") if data.get(name)), message_id)
    return Record(RecordMeta("event", "trial", message_id, user, now), data)
