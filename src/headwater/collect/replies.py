"""Answers, in the words that every vendor's client understands.

Error bodies are a union: `success`, `code`, `message` (Segment's and Rudder's Python clients read the last two and
retry for ever without them), `msg`, and `Error`, `Message`, `Details` (MetaRouter). The Lytics doors answer in Lytics'
own envelope.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from headwater import jsontext

Header = tuple[bytes, bytes]

LISTED_ERRORS_LIMIT = 100
"""How many refused events of one batch are listed in its answer; the counts are always whole."""

_JSON: Header = (b"content-type", b"application/json")
_NO_STORE: Header = (b"cache-control", b"no-store")

_PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;"
)


class Reply(NamedTuple):
    """Status, headers without Content-Length, body."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


class ListedError(NamedTuple):
    """A refused item of a batch: its position, the cause, and the field with its code."""

    position: int
    message: str
    field: str
    code: str


OK = Reply(200, (_JSON,), b'{"success":true}')
NO_CONTENT = Reply(204, (), b"")
EMPTY = Reply(200, (), b"")
PIXEL = Reply(200, ((b"content-type", b"image/gif"), (b"cache-control", b"no-store, max-age=0")), _PIXEL)


def json_reply(status: int, document: Any, headers: tuple[Header, ...] = ()) -> Reply:
    """Any document as JSON."""
    return Reply(status, (_JSON, *headers), jsontext.encode(document))


def text_reply(body: str, content_type: str = "text/plain; charset=utf-8", headers: tuple[Header, ...] = ()) -> Reply:
    """A text with status 200."""
    return Reply(200, ((b"content-type", content_type.encode("ascii")), *headers), body.encode("utf-8"))


def error_reply(status: int, code: str, message: str, field: str = "", retry_after: float | None = None) -> Reply:
    """The union error body of the tracking doors. `retry_after` in seconds is sent rounded up, at least 1."""
    return json_reply(
        status, error_document(status, code, message, field), (_NO_STORE, *_retry_headers(status, retry_after))
    )


def error_document(status: int, code: str, message: str, field: str) -> dict[str, Any]:
    """The fields of an error body."""
    document: dict[str, Any] = {"success": False, "code": code, "message": message, "msg": message}
    if field:
        document["field"] = field
    return document | {"Error": HTTPStatus(status).phrase, "Message": message, "Details": field}


def batch_reply(status: int, accepted: int, rejected: int, errors: Sequence[ListedError]) -> Reply:
    """The answer to a batch of which some or all events were refused."""
    listed = [
        {
            "index": error.position,
            "Error": "Bad Request",
            "Message": error.message,
            "Details": error.field,
            "code": error.code,
        }
        for error in errors[:LISTED_ERRORS_LIMIT]
    ]
    counts = {"accepted": accepted, "rejected": rejected, "Success": False, "Errors": listed}
    if accepted:
        return json_reply(status, {"success": True, **counts})
    first = errors[0]
    document = error_document(400, first.code, f"no event was accepted; the first one: {first.message}", first.field)
    return json_reply(400, document | counts, (_NO_STORE,))


def lytics_reply(data: Mapping[str, Any] | None, status: int = 200, message: str = "success") -> Reply:
    """The envelope of Lytics' first API version."""
    return json_reply(status, {"status": status, "message": message, "data": data})


def lytics_error(
    status: int,
    code: str,
    message: str,
    field: str = "",
    retry_after: float | None = None,
    data: Mapping[str, Any] | None = None,
) -> Reply:
    """Lytics' error envelope, with our code and field beside it."""
    document: dict[str, Any] = {"data": data, "status": status, "message": message, "code": code}
    if field:
        document["field"] = field
    return json_reply(status, document, (_NO_STORE, *_retry_headers(status, retry_after)))


def _retry_headers(status: int, retry_after: float | None) -> tuple[Header, ...]:
    if retry_after is None:
        return ()
    seconds = str(max(1, math.ceil(retry_after))).encode("ascii")
    # Clients that read X-RateLimit-Reset take it for seconds from now, as Retry-After.
    limited = ((b"x-ratelimit-reset", seconds),) if status == HTTPStatus.TOO_MANY_REQUESTS else ()
    return ((b"retry-after", seconds), *limited)
