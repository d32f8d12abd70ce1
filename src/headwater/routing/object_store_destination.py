"""An object store as a destination: events gathered into large objects, in a folder for each hour.

At least once: a batch that is sent again in the same composition overwrites its objects. After a restart records can
come in another composition, and what was stored but not yet acknowledged is then stored once more; `messageId` tells.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from headwater import jsontext
from headwater.errors import ConfigurationError, InputError, PermanentError, TransientError
from headwater.events import Record
from headwater.integrations.delivery import Delivery, ReplyRule
from headwater.playbooks import CompiledIntegration, HttpRequest
from headwater.playbooks.outputs import SYSTEM_CLOCK
from headwater.routing.delivery import IN_HAND_LIMIT
from headwater.routing.destination import Attempt, Fault, Outgoing, Pace, Prepared
from headwater.routing.exchanges import shown_exchange
from headwater.routing.masking import Mask
from headwater.routing.object_formats import ObjectFormat
from headwater.routing.object_names import PieceId, digest, hour_of
from headwater.routing.object_stores import Bucket
from headwater.routing.outbound import Outbound
from headwater.routing.outcomes import Delivered, Outcome, Refused, Reply, Retry, judge

LARGEST_BATCH = IN_HAND_LIMIT // 2
"""A batch can only fill with records that are in hand; half of them, so that one fills while another is on its way."""
STORE_DELIVERY = Delivery(batch_size=5000, batch_wait_milliseconds=60_000, concurrency=2)
"""For a kit that says nothing: objects are few and large."""
_CONTENT_TOO_LARGE = 413


class ObjectSettings(NamedTuple):
    """What the revision decides beside the bucket. `integration` keeps the names of two integrations apart."""

    integration: str
    prefix: str
    format: ObjectFormat
    batch_size: int
    timeout_seconds: float


class Line(NamedTuple):
    """One output on its way: which one, the folder of its hour, and its JSON text."""

    id: PieceId
    hour: str
    text: bytes


class ObjectStoreDestination:
    """One revision of an integration that writes objects."""

    def __init__(
        self,
        revision: int,
        integration: CompiledIntegration,
        pace: Pace,
        settings: ObjectSettings,
        bucket: Bucket,
        outbound: Outbound,
        mask: Mask,
    ) -> None:
        self.revision = revision
        self.pace = pace
        self._integration = integration
        self._settings = settings
        self._batch_limit = min(settings.batch_size, LARGEST_BATCH)
        self._bucket = bucket
        self._outbound = outbound
        self._mask = mask

    def prepare(self, record: Record) -> Prepared:
        """Run the playbook; each output is a line."""
        prepared = self._integration.prepare(record.data, SYSTEM_CLOCK)
        meta, hour = record.meta, hour_of(record)
        faults = [Fault(flag.where, flag.message) for flag in prepared.flags]
        outgoing = []
        for number, output in enumerate(prepared.outputs):
            try:
                line = Line((meta.source, meta.message_id, number), hour, jsontext.encode(output.body))
            except InputError as fault:
                faults.append(Fault("output", str(fault)))
            else:
                faults += [Fault("output", text) for text in self._settings.format.misfits(output.body)]
                outgoing.append(Outgoing(None, self._batch_limit, line))
        return Prepared(tuple(outgoing), None if prepared.drop is None else prepared.drop.reason, tuple(faults))

    async def send(self, pieces: Sequence[Outgoing]) -> Attempt:
        """Write one object for each hour in the batch, one after the other; the first that fails ends the attempt.

        All of them are written again then, under the same names.
        """
        by_hour: dict[str, list[Line]] = {}
        for piece in pieces:
            by_hour.setdefault(piece.content.hour, []).append(piece.content)
        for hour, lines in by_hour.items():
            attempt = await self._put(hour, lines, alone=len(pieces) == 1)
            if not isinstance(attempt.outcome, Delivered):
                return attempt
        return Attempt(Delivered())

    async def _put(self, hour: str, lines: Sequence[Line], *, alone: bool) -> Attempt:
        settings = self._settings
        name = digest(settings.integration, [line.id for line in lines])
        path = f"{settings.prefix}{settings.format.folder(hour)}/{name}{settings.format.suffix}"
        texts = [line.text for line in lines]
        reply: Reply | None = None
        try:
            request = await asyncio.to_thread(self._request, path, texts)
            reply = await self._outbound.send(request, settings.timeout_seconds)
            outcome: Outcome = _judge(reply, alone=alone)
        except TransientError as fault:
            outcome = Retry(str(fault), fault.retry_after)
        except (PermanentError, ConfigurationError) as fault:
            outcome = Refused(str(fault), split=False)
        # Shown by its name instead of the signed URL, and as lines of JSON, whatever the format.
        content = b"".join(text + b"\n" for text in texts)
        shown = HttpRequest("PUT", f"{self._bucket.place}/{path}", self._headers(), content)
        return Attempt(outcome, partial(shown_exchange, shown, reply, self._mask))

    def _request(self, path: str, texts: Sequence[bytes]) -> HttpRequest:
        body = self._settings.format.encode(texts)
        return HttpRequest("PUT", self._bucket.sign(path), self._headers(), body)

    def _headers(self) -> tuple[tuple[str, str], ...]:
        return (("content-type", self._settings.format.content_type), *self._bucket.headers)


def _judge(reply: Reply, *, alone: bool) -> Outcome:
    """As for every request, but only an object that is too large can be saved by halving it: no line is looked at."""
    outcome = judge(reply, ReplyRule(), time.time())
    if isinstance(outcome, Refused):
        return Refused(outcome.reason, split=reply.status == _CONTENT_TOO_LARGE and not alone)
    return outcome
