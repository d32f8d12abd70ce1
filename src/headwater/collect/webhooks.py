"""Doors for senders that know nothing of the tracking spec: webhooks, custom events, and identity links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.collect.collector import Collector
from headwater.collect.documents import as_object, decode_document, read_document, read_object, repeated_key_error
from headwater.collect.normalise import EVENT_TYPES
from headwater.collect.replies import OK, Reply
from headwater.collect.request import Request
from headwater.collect.sources import admit
from headwater.collect.tracking import keep_event, request_limit
from headwater.collect.write_keys import basic_user, choose, key_in
from headwater.errors import InputError

WEBHOOK_EVENT = "Webhook Received"
"""Name of the track event that an arbitrary JSON body becomes."""

_CUSTOM_FIELDS = {"eventID": "messageId", "timestamp": "timestamp", "anonymousID": "anonymousId", "userID": "userId"}


async def post_webhook(collector: Collector, request: Request) -> Reply:
    """Any JSON. With a known `type` it is that event, else the properties of a track event."""
    document = await read_document(request, request_limit(collector, request))
    if document.repeated:
        raise repeated_key_error(document.repeated[0])
    body: dict[str, Any] = document.value if isinstance(document.value, dict) else {"body": document.value}
    await _keep_webhook(collector, request, body)
    return OK


async def get_webhook(collector: Collector, request: Request) -> Reply:
    """The query's parameters are the body."""
    await _keep_webhook(
        collector, request, {name: value for name, value in request.query_pairs() if name != "writeKey"}
    )
    return OK


async def _keep_webhook(collector: Collector, request: Request, body: dict[str, Any]) -> None:
    basic = basic_user(request.headers.get(b"authorization", b""))
    inside = body.get("writeKey")
    source = admit(
        collector, request, choose(request.query("writeKey"), basic, inside if isinstance(inside, str) else None)
    )
    kind = body.get("type")
    if isinstance(kind, str) and kind in EVENT_TYPES:
        await keep_event(collector, request, source, body)
        return
    properties = {name: value for name, value in body.items() if name != "writeKey"}
    event = {"type": "track", "event": WEBHOOK_EVENT, "properties": properties}
    await keep_event(collector, request, source, event, needs_identity=False)


async def post_custom_event(collector: Collector, request: Request) -> Reply:
    """Any JSON object, with the event's name and key in `_metarouter`, the X-Event-Metadata header, or the query."""
    body = await read_object(request, request_limit(collector, request))
    about = _custom_metadata(body, request)
    name = about.get("eventName")
    if not isinstance(name, str) or not name.strip():
        raise InputError("must be a text that is not empty", "eventName", "missing_event_name")
    basic = basic_user(request.headers.get(b"authorization", b""))
    source = admit(collector, request, choose(basic, key_in(about), request.query("writeKey")))
    properties = {key: value for key, value in body.items() if key != "_metarouter"}
    event = {"type": "track", "event": name, "properties": properties}
    event |= {field: about[key] for key, field in _CUSTOM_FIELDS.items() if key in about}
    await keep_event(collector, request, source, event, needs_identity=False)
    return OK


def _custom_metadata(body: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """The three places joined; the body beats the header, and the header beats the query."""
    about: dict[str, Any] = dict(request.query_pairs())
    header = request.headers.get(b"x-event-metadata")
    if header is not None:
        try:
            about |= as_object(decode_document(header).value)
        except InputError as error:
            raise InputError(error.message, "X-Event-Metadata", error.code) from None
    inside = body.get("_metarouter")
    if inside is not None:
        if not isinstance(inside, dict):
            raise InputError("must be an object", "_metarouter", "invalid_object")
        about |= inside
    return about


async def drop_client_metrics(collector: Collector, request: Request) -> Reply:
    """What SDKs measure about themselves: answered, counted, not kept. The body is not even read."""
    del request
    collector.metrics.client_metrics()
    return OK
