"""Errors as the API tells them. The status comes from the class and code of the error, the shape from the path.

/api/v1/…         {"code", "message", "field"}
/v2/…             {"errors": [{"code", "level", "message", "timestamp"}], "request_id", "status"}, as Lytics' second API has it
/api/… otherwise  {"data": null, "status", "message"}, as Lytics' first API has it
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from headwater.errors import ConfigurationError, InputError, PermanentError, TransientError

_log = structlog.get_logger(__name__)

OWN_PREFIX = "/api/v1/"
FIRST_PREFIX = "/api/"
SECOND_PREFIX = "/v2/"

_STATUS_OF_CODE = {"not_found": 404, "conflict": 409, "unprocessable": 422}
_CODE_OF_STATUS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}
_FAMILY_OF_STATUS = {
    400: "BADREQ",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOTFOUND",
    405: "BADREQ",
    409: "BADREQ",
    413: "BADREQ",
    415: "BADREQ",
    422: "BADREQ",
    429: "BADREQ",
    500: "INTERNAL",
    503: "INTERNAL",
}
"""The first part of an error's code in Lytics' second API; the second part is the status."""

# "Object missing required field `name`", "Object contains unknown field `nam`"
_NAMED_FIELD = re.compile(r"field `([^`]+)`")
_DEFAULT_RETRY_SECONDS = 1.0


class ErrorReply(msgspec.Struct, frozen=True):
    """What went wrong: a code for programs, a message for people, and the field of the request, "" for the whole."""

    code: str
    message: str
    field: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """An error with its HTTP status and headers, before it takes a shape."""

    status: int
    reply: ErrorReply
    headers: Mapping[str, str] = {}


def reply_to(request: Request[Any, Any, Any], fault: Exception) -> Response[Any]:
    """The reply to any error in the shape of its API; what nobody foresaw is logged and told without details."""
    refusal = refusal_of(fault)
    path = request.scope["path"]
    body: Any = refusal.reply
    if path.startswith(SECOND_PREFIX):
        body = _second_shape(refusal)
    elif path.startswith(FIRST_PREFIX) and not path.startswith(OWN_PREFIX):
        body = {"data": None, "status": refusal.status, "message": _with_field(refusal.reply)}
    return Response(
        body, status_code=refusal.status, headers=dict(refusal.headers) or None, media_type="application/json"
    )


def _second_shape(refusal: Refusal) -> dict[str, Any]:
    error = {
        "code": f"{_FAMILY_OF_STATUS.get(refusal.status, 'UNKNOWN')}-{refusal.status}",
        "level": "error",
        "message": _with_field(refusal.reply),
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return {"errors": [error], "request_id": uuid.uuid4().hex, "status": refusal.status}


def _with_field(reply: ErrorReply) -> str:
    return f"{reply.field}: {reply.message}" if reply.field else reply.message


def refusal_of(fault: Exception) -> Refusal:
    """Status, code, message and headers of any error."""
    match fault:
        case InputError():
            status = _STATUS_OF_CODE.get(fault.code, 400)
            return Refusal(status, ErrorReply(fault.code, fault.message, fault.field))
        case ConfigurationError():
            return Refusal(422, ErrorReply("invalid_configuration", fault.message, fault.place or ""))
        case PermanentError():
            return Refusal(422, ErrorReply("impossible", str(fault)))
        case TransientError():
            wait = _DEFAULT_RETRY_SECONDS if fault.retry_after is None else fault.retry_after
            return Refusal(503, ErrorReply("unavailable", str(fault)), {"Retry-After": str(math.ceil(wait))})
        case HTTPException() if fault.status_code < 500:
            return _http_refusal(fault)
    _log.error("a request failed", exc_info=fault)
    return Refusal(
        500, ErrorReply("internal_error", "something went wrong here; the log of the console role has details")
    )


def _http_refusal(fault: HTTPException) -> Refusal:
    code = _CODE_OF_STATUS.get(fault.status_code, "invalid_request")
    field, message = _place(fault.extra)
    return Refusal(fault.status_code, ErrorReply(code, message or fault.detail, field), dict(fault.headers or {}))


def _place(extra: Any) -> tuple[str, str]:
    """Field and message of the first thing that a framework's check found; the body as a whole is called "data" there."""
    if not isinstance(extra, list) or not extra or not isinstance(extra[0], dict):
        return "", ""
    key, message = str(extra[0].get("key", "")), str(extra[0].get("message", ""))
    named = _NAMED_FIELD.search(message)
    if named is not None:
        key = f"{key}.{named[1]}".removeprefix("data.").removeprefix(".")
    return ("" if key == "data" else key), message
