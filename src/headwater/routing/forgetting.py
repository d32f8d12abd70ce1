"""Forget deleted persons where deliveries keep copies: dead letters, records waiting to be sent again, the sample of attempts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from nats.aio.client import Client

from headwater import jsontext
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.events import Record, decode_record
from headwater.log import deletion, streams
from headwater.log.records import dedup_id
from headwater.profiles.erasure.traces import Traces
from headwater.routing import attempts
from headwater.routing.dead_letters import PAGE, QUERIES


class DeliveryCopies:
    """Implements `profiles.erasure.keepers.CopyKeeper` for what deliveries leave behind."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def forget(self, pool: Any, traces: Traces, messages: frozenset[str]) -> int:
        """Letters and queued records of the person go; of other letters the request, if it shows or held one of the person's."""

        def is_queued_copy(payload: bytes) -> bool:
            record = _record(payload)
            return record is not None and _is_copy(record, traces, messages)

        def is_attempt(payload: bytes) -> bool:
            return _is_attempt(payload, traces, messages)

        gone = await deletion.take_out_where(self._client, streams.REPLAYS, is_queued_copy)
        gone += await deletion.take_out_where(self._client, streams.ATTEMPTS, is_attempt)
        return gone + await _forget_letters(pool, traces, messages)


async def _forget_letters(pool: Any, traces: Traces, messages: frozenset[str]) -> int:
    requests: set[str] = set()
    gone = last = 0
    while rows := await _page(pool, last):
        last = rows[-1]["id"]
        going = [row for row in rows if _is_letter(row, traces, messages)]
        # The request of a batch is in each of its letters.
        requests.update(_digest(row["request"]) for row in going if row["request"] != {})
        await _write(pool, "delete_letters", [row["id"] for row in going])
        gone += len(going)
    last = 0
    while rows := await _page(pool, last):
        last = rows[-1]["id"]
        shown = [row["id"] for row in rows if _digest(row["request"]) in requests or _shows(row, traces)]
        await _write(pool, "forget_exchanges", shown)
        gone += len(shown)
    return gone


async def _page(pool: Any, after: int) -> Sequence[Any]:
    async with transaction(pool, read_only=True) as connection:
        rows: Sequence[Any] = await connection.fetch(QUERIES["all_letters"], after, PAGE)
    return rows


async def _write(pool: Any, statement: str, ids: list[int]) -> None:
    if ids:
        async with transaction(pool) as connection:
            await connection.execute(QUERIES[statement], ids)


def _is_letter(row: Any, traces: Traces, messages: frozenset[str]) -> bool:
    record = _record(row["record"])
    if record is None:
        return False
    return dedup_id("event", row["pipeline_id"], row["message_id"]) in messages or _is_copy(record, traces, messages)


def _is_copy(record: Record, traces: Traces, messages: frozenset[str]) -> bool:
    meta = record.meta
    return dedup_id(meta.kind, meta.source, meta.message_id) in messages or traces.is_of(record)


def _shows(row: Any, traces: Traces) -> bool:
    return traces.names(jsontext.encode([row["request"], row["reply"]]).decode("utf-8", "replace"))


def _is_attempt(payload: bytes, traces: Traces, messages: frozenset[str]) -> bool:
    try:
        attempt = attempts.decode(payload)
    except msgspec.DecodeError:
        return False
    known = (dedup_id("event", attempt.pipeline_id, each) for each in attempt.messages)
    return not messages.isdisjoint(known) or traces.names(payload.decode("utf-8", "replace"))


def _record(payload: bytes) -> Record | None:
    try:
        return decode_record(payload)
    except InputError:
        return None


def _digest(request: Any) -> str:
    return hashlib.sha256(jsontext.encode(request)).hexdigest()
