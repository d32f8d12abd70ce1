"""Events in an image's address: `/v1/pixel/{type}` (Segment Pixel API) and `/pixel/v1/{type}` (Rudder).

Whoever loads an image never reads an answer, so it is always the image; what was wrong is counted and kept instead.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from headwater.collect.collector import Collector
from headwater.collect.documents import as_object, decode_document, repeated_key_error
from headwater.collect.replies import PIXEL, Reply
from headwater.collect.request import Request
from headwater.collect.sources import admit
from headwater.collect.tracking import keep_event
from headwater.collect.write_keys import basic_user, choose, key_in
from headwater.errors import InputError

UNKNOWN_PAGE = "Unknown Page"


async def segment_pixel(collector: Collector, request: Request) -> Reply:
    """An event as base64 JSON in `data`, or as plain parameters with dotted names."""
    pairs = _pairs(request)
    data = next((value for name, value in pairs if name == "data"), None)
    if data is None:
        event = nested(pairs, collector.event_limits.nesting)
    else:
        request.excerpt = raw = decode_data(data)
        event = _object_of(raw)
    return await _keep(collector, request, event)


async def rudder_pixel(collector: Collector, request: Request) -> Reply:
    """A page or track event as plain parameters; the time is the server's."""
    event = nested(_pairs(request), collector.event_limits.nesting)
    event |= {
        "channel": "web",
        "integrations": {"All": True},
        "originalTimestamp": request.received_at,
        "sentAt": request.received_at,
    }
    anonymous_id = event.get("anonymousId")
    if isinstance(anonymous_id, str) and len(anonymous_id) > 1 and anonymous_id[0] == anonymous_id[-1] == '"':
        event["anonymousId"] = anonymous_id[1:-1]
    if request.door.kind == "page" and not event.get("name"):
        event["name"] = UNKNOWN_PAGE
    return await _keep(collector, request, event)


async def _keep(collector: Collector, request: Request, event: dict[str, Any]) -> Reply:
    named = choose(basic_user(request.headers.get(b"authorization", b"")), key_in(event), request.query("writeKey"))
    await keep_event(collector, request, admit(collector, request, named), event, from_page=True)
    return PIXEL


def _pairs(request: Request) -> list[tuple[str, str]]:
    request.excerpt = request.query_string
    return request.query_pairs()


def _object_of(raw: bytes) -> dict[str, Any]:
    document = decode_document(raw)
    if document.repeated:
        raise repeated_key_error(document.repeated[0])
    return as_object(document.value)


def decode_data(data: str) -> bytes:
    """The JSON text in a `data` parameter: base64 in either alphabet, padded or not, or bare. Raises InputError."""
    text = data.strip()
    if text.startswith("{"):
        return text.encode("utf-8", "replace")
    # A plus sign that was not escaped has become a blank on the way.
    standard = text.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        raise InputError("is neither base64 nor JSON", "data", "invalid_data") from None


def nested(pairs: Iterable[tuple[str, str]], nesting_limit: int) -> dict[str, Any]:
    """Objects from dotted names: `properties.subject=x` is `{"properties": {"subject": "x"}}`. Values stay text.

    Of a repeated name the last value counts. Raises InputError where a name is both a value and an object.
    """
    root: dict[str, Any] = {}
    for name, value in pairs:
        *above, last = name.split(".")
        if len(above) >= nesting_limit:
            raise InputError(f"a name has more than {nesting_limit} parts", "", "too_deep")
        level = root
        for part in above:
            below = level.setdefault(part, {})
            if not isinstance(below, dict):
                raise InputError("is both a value and an object", name, "invalid_object")
            level = below
        if isinstance(level.get(last), dict):
            raise InputError("is both a value and an object", name, "invalid_object")
        level[last] = value
    return root
