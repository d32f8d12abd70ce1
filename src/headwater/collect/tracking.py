"""The tracking doors: one event, or a batch of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater import jsontext
from headwater.collect.collector import Collector
from headwater.collect.documents import Document, as_object, read_document, read_object, repeated_key_error
from headwater.collect.normalise import Arrival, normalise
from headwater.collect.ports import Source
from headwater.collect.refusals import item_excerpt, refuse
from headwater.collect.replies import OK, ListedError, Reply, batch_reply
from headwater.collect.request import Request
from headwater.collect.sources import admit, require_ready
from headwater.collect.timestamps import parse_time
from headwater.collect.write_keys import KeyChoice, basic_user, choose, key_in
from headwater.errors import InputError
from headwater.log.records import EncodedRecord, encode_event

APPEND_BYTES = 4 * 1024 * 1024
"""A batch is handed to the log in parts of about this size: a small batch context can make large events."""

USER_AGENT_LIMIT = 1024
"""Characters of a User-Agent header that are kept in events."""


def request_limit(collector: Collector, request: Request) -> int:
    """Bytes that a request may have: more where the key stands outside of the body, as Rudder's clients send it."""
    outside = b"authorization" in request.headers or b"writeKey=" in request.query_string
    return collector.settings.large_request_limit_bytes if outside else collector.settings.request_limit_bytes


def arrival_of(
    collector: Collector, request: Request, document: Mapping[str, Any], from_page: bool = False, batch: bool = False
) -> Arrival:
    """What the events of this request share. Raises InputError for a batch context that no event could carry."""
    sent_at = document.get("sentAt") if batch else None
    header = request.headers.get(b"sentat")
    if sent_at is None and header is not None:
        sent_at = header.decode("latin-1")
    return Arrival(
        received_ms=request.received_ms,
        received_at=request.received_at,
        request_ip=request.client,
        user_agent=request.header(b"user-agent")[:USER_AGENT_LIMIT],
        from_page=from_page or b"origin" in request.headers,
        limits=collector.event_limits,
        sent_at_ms=None if sent_at is None else parse_time(sent_at),
        context=_shared_object(document, "context", collector) if batch else None,
        integrations=_shared_object(document, "integrations", collector) if batch else None,
    )


def _shared_object(document: Mapping[str, Any], field: str, collector: Collector) -> dict[str, Any] | None:
    value = document.get(field)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InputError("must be an object", field, "invalid_object")
    if jsontext.depth_exceeds(value, collector.event_limits.nesting):
        raise InputError(f"is nested more than {collector.event_limits.nesting} levels deep", field, "too_deep")
    if len(jsontext.encode(value)) > collector.event_limits.size_bytes:
        raise InputError(
            f"is larger than one event may be ({collector.event_limits.size_bytes} bytes)", field, "event_too_large"
        )
    return value


async def post_event(collector: Collector, request: Request) -> Reply:
    """One event whose type the route names."""
    event = await read_object(request, request_limit(collector, request))
    choice = choose(basic_user(request.headers.get(b"authorization", b"")), key_in(event), request.query("writeKey"))
    source = admit(collector, request, choice)
    await keep_event(collector, request, source, event)
    return OK


async def keep_event(
    collector: Collector,
    request: Request,
    source: Source,
    event: Mapping[str, Any],
    needs_identity: bool = True,
    from_page: bool = False,
) -> None:
    """Normalise one event and make it durable. Raises InputError that names the field."""
    collector.metrics.received(request.door.name)
    arrival = arrival_of(collector, request, event, from_page)
    meta, data = normalise(event, arrival, source.pipeline_id, request.door.kind, needs_identity)
    await collector.append(request, (encode_event(source.pipeline_id, meta, data, collector.partitions),))


async def post_batch(collector: Collector, request: Request) -> Reply:
    """Many events. Good ones are kept whatever stands beside them; the answer lists the others."""
    document = await read_document(request, request_limit(collector, request))
    body = as_object(document.value)
    broken = _broken_items(document)
    events = body.get("batch")
    if not isinstance(events, list):
        raise InputError("must be a list of events", "batch", "invalid_batch")
    named = choose(basic_user(request.headers.get(b"authorization", b"")), key_in(body))
    if not events and named.key is None:
        require_ready(collector)
        return OK
    batch = _Batch(collector, request, named, arrival_of(collector, request, body, batch=True))
    if named.key is not None:
        batch.admit(named)
    limit = collector.settings.batch_limit_events
    for position, event in enumerate(events[:limit]):
        await batch.add(position, event, broken.get(position))
    batch.refuse_excess(len(events), limit)
    await batch.flush()
    return batch.reply()


def _broken_items(document: Document) -> dict[int, InputError]:
    """Errors of items with repeated keys. Raises InputError where the repetition is outside of the items."""
    broken: dict[int, InputError] = {}
    for repeated in document.repeated:
        match repeated.path:
            case ("batch", int(position), _, *_):
                broken.setdefault(position, repeated_key_error(repeated))
            case _:
                raise repeated_key_error(repeated)
    return broken


class _Batch:
    """The work on one batch: what is ready for the log, what was accepted, what was refused."""

    def __init__(self, collector: Collector, request: Request, named: KeyChoice, arrival: Arrival) -> None:
        self._collector = collector
        self._request = request
        self._named = named
        self._query_key = request.query("writeKey")
        self._one_key = named.key is not None and self._query_key in (None, "", named.key)
        self._arrival = arrival
        self._sources: dict[str, Source] = {}
        self._ready: list[EncodedRecord] = []
        self._ready_bytes = 0
        self._accepted = 0
        self._rejected = 0
        self._errors: list[ListedError] = []
        self._status = 200

    def admit(self, choice: KeyChoice) -> Source:
        """The source of a key, looked up and counted against its rate once for the batch."""
        source = self._sources.get(choice.key) if choice.key is not None else None
        if source is None:
            source = admit(self._collector, self._request, choice)
            self._sources[source.write_key] = source
            self._status = source.partial_batch_status
        elif choice.conflict:
            self._collector.metrics.key_conflict()
        return source

    async def add(self, position: int, event: Any, broken: InputError | None) -> None:
        """Take one item: to the log or to the refused ones."""
        try:
            if broken is not None:
                raise broken
            self._take(event)
        except InputError as error:
            self._refuse(position, event, error)
        if self._ready_bytes >= APPEND_BYTES:
            await self.flush()

    def _take(self, event: Any) -> None:
        if not isinstance(event, dict):
            raise InputError("must be an object", "", "invalid_event")
        alone = self._one_key and "writeKey" not in event
        source = self.admit(self._named if alone else choose(self._named.key, key_in(event), self._query_key))
        meta, data = normalise(event, self._arrival, source.pipeline_id)
        record = encode_event(source.pipeline_id, meta, data, self._collector.partitions)
        self._ready.append(record)
        self._ready_bytes += len(record.payload)

    def _refuse(self, position: int, event: Any, error: InputError) -> None:
        place = f"batch[{position}]"
        inside = error.field.removeprefix(place).removeprefix(".")
        field = f"{place}.{inside}" if inside else place
        named = InputError(error.message, field, error.code)
        self._rejected += 1
        self._errors.append(ListedError(position, str(named), field, error.code))
        refuse(self._collector, self._request, named, excerpt=item_excerpt(event))

    def refuse_excess(self, count: int, limit: int) -> None:
        """Refuse everything behind the limit at once."""
        self._collector.metrics.received(self._request.door.name, count)
        if count <= limit:
            return
        error = InputError(
            f"the batch has {count} events; at most {limit} are taken", f"batch[{limit}]", "batch_too_long"
        )
        self._rejected += count - limit
        self._errors.append(ListedError(limit, str(error), error.field, error.code))
        refuse(self._collector, self._request, error, count=count - limit)

    async def flush(self) -> None:
        """Make durable what is ready."""
        ready, self._ready, self._ready_bytes = self._ready, [], 0
        await self._collector.append(self._request, ready)
        self._accepted += len(ready)

    def reply(self) -> Reply:
        """The answer, once everything is flushed."""
        if not self._errors:
            return OK
        return batch_reply(self._status, self._accepted, self._rejected, self._errors)
