"""Errors as the API tells them: `{"code", "message", "field"}`, the status from the class and code of the error."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from headwater.errors import ConfigurationError, InputError, PermanentError, TransientError

_log = structlog.get_logger(__name__)

_STATUS_OF_CODE = {"not_found": 404, "conflict": 409}
_CODE_OF_STATUS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}
# "Object missing required field `name`", "Object contains unknown field `nam`"
_NAMED_FIELD = re.compile(r"field `([^`]+)`")
_DEFAULT_RETRY_SECONDS = 1.0


class ErrorReply(msgspec.Struct, frozen=True):
    """What went wrong: a code for programs, a message for people, and the field of the request, "" for the whole."""

    code: str
    message: str
    field: str = ""


def reply_to(_: Request[Any, Any, Any], fault: Exception) -> Response[ErrorReply]:
    """The reply to any error; what nobody foresaw is logged and told as an internal error without details."""
    match fault:
        case InputError():
            return _reply(_STATUS_OF_CODE.get(fault.code, 400), ErrorReply(fault.code, fault.message, fault.field))
        case ConfigurationError():
            return _reply(422, ErrorReply("invalid_configuration", fault.message, fault.place or ""))
        case PermanentError():
            return _reply(422, ErrorReply("impossible", str(fault)))
        case TransientError():
            wait = _DEFAULT_RETRY_SECONDS if fault.retry_after is None else fault.retry_after
            return _reply(503, ErrorReply("unavailable", str(fault)), {"Retry-After": str(math.ceil(wait))})
        case HTTPException() if fault.status_code < 500:
            return _http_reply(fault)
    _log.error("a request failed", exc_info=fault)
    return _reply(
        500, ErrorReply("internal_error", "something went wrong here; the log of the console role has details")
    )


def _http_reply(fault: HTTPException) -> Response[ErrorReply]:
    code = _CODE_OF_STATUS.get(fault.status_code, "invalid_request")
    field, message = _place(fault.extra)
    reply = ErrorReply(code, message or fault.detail, field)
    return _reply(fault.status_code, reply, dict(fault.headers) if fault.headers else None)


def _place(extra: Any) -> tuple[str, str]:
    """Field and message of the first thing that a framework's check found; the body as a whole is called "data" there."""
    if not isinstance(extra, list) or not extra or not isinstance(extra[0], dict):
        return "", ""
    key, message = str(extra[0].get("key", "")), str(extra[0].get("message", ""))
    named = _NAMED_FIELD.search(message)
    if named is not None:
        key = f"{key}.{named[1]}".removeprefix("data.").removeprefix(".")
    return ("" if key == "data" else key), message


def _reply(status: int, reply: ErrorReply, headers: dict[str, str] | None = None) -> Response[ErrorReply]:
    return Response(reply, status_code=status, headers=headers, media_type="application/json")
