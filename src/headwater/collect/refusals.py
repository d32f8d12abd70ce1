"""Take note of what was refused: counted with its reason, and kept for people to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headwater import jsontext
from headwater.collect.collector import Collector
from headwater.collect.ports import Refusal
from headwater.collect.request import EXCERPT_BYTES, Request
from headwater.errors import InputError

_JSON_KEY = re.compile(rb'("writeKey"\s*:\s*")[^"]*')
_QUERY_KEY = re.compile(rb"(writeKey=)[^&]*")


def refuse(
    collector: Collector, request: Request, error: InputError, source: str = "", excerpt: bytes = b"", count: int = 1
) -> None:
    """Count `count` refusals for the reason `error.code`, and keep one of them."""
    collector.metrics.refused(error.code, count)
    collector.refusal_log.keep(
        Refusal(
            source=source or request.source_id,
            route=request.door.name,
            reason=error.code,
            message=error.message,
            field=error.field,
            excerpt=without_write_keys(excerpt or request.excerpt),
            received_at=request.received_at,
            request_ip=request.client,
        )
    )


def without_write_keys(excerpt: bytes) -> bytes:
    """The excerpt, cut to size, with write keys blotted out."""
    return _QUERY_KEY.sub(rb"\1...", _JSON_KEY.sub(rb"\1...", excerpt[:EXCERPT_BYTES]))


def item_excerpt(item: Any) -> bytes:
    """What was sent as one item of a batch, as text."""
    try:
        return jsontext.encode({**item, "writeKey": ""} if isinstance(item, Mapping) and "writeKey" in item else item)
    except InputError:  # nested too deeply to be written
        return b""
