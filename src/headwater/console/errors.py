"""Errors as pages: what happened, and what to do about it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotAuthorizedException

from headwater.console.rendering import page
from headwater.console.replies import go_to
from headwater.console.wording import sentence
from headwater.errors import ConfigurationError, InputError, PermanentError, TransientError

_log = structlog.get_logger(__name__)

_STATUS_OF_CODE = {"not_found": 404, "conflict": 409, "rate_limited": 429}
_TITLES = {
    403: "You may not do this",
    404: "There is nothing here",
    405: "This cannot be opened",
    409: "This does not go together",
    413: "This is too large",
    503: "Not available right now",
}


class Problem(NamedTuple):
    """An error for people. `retry_seconds` is when to try again, if that can help."""

    status: int
    message: str
    retry_seconds: int | None = None

    @property
    def title(self) -> str:
        """A headline for the status."""
        return _TITLES.get(self.status, "This did not work")


def status_of(fault: InputError) -> int:
    """The HTTP status of a page that shows this fault beside its form."""
    return _STATUS_OF_CODE.get(fault.code, 422)


def reply_to(request: Request[Any, Any, Any], fault: Exception) -> Response[Any]:
    """The page for any error; without a session, the way to sign in."""
    if isinstance(fault, NotAuthorizedException):
        return _to_sign_in(request)
    problem = _problem(fault)
    if problem.status == 500:
        _log.error("a page failed", path=request.url.path, exc_info=fault)
    template = "problem_part.html" if request.headers.get("hx-request") else "problem.html"
    return page(request, template, status=problem.status, problem=problem)


def _problem(fault: Exception) -> Problem:
    match fault:
        case InputError():
            return Problem(status_of(fault), sentence(fault.message))
        case ConfigurationError() | PermanentError():
            return Problem(422, sentence(str(fault)))
        case TransientError():
            wait = 1.0 if fault.retry_after is None else fault.retry_after
            return Problem(503, sentence(str(fault)), math.ceil(wait))
        case HTTPException() if fault.status_code == 404:
            return Problem(404, "No page has this address. It may have moved, or what it showed was deleted.")
        case HTTPException() if fault.status_code < 500:
            return Problem(fault.status_code, sentence(fault.detail))
    return Problem(
        500, "Something went wrong here. The log of the console role has the details; try again in a moment."
    )


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    if request.method != "GET" or request.headers.get("hx-request"):
        return go_to(request, "/sign-in")
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return go_to(request, "/sign-in" if asked == "/" else f"/sign-in?next={quote(asked)}")
