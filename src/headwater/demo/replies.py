"""What the collector's answer to a batch means: a decision with a reason.

| answer                       | decision                                                                |
|------------------------------|-------------------------------------------------------------------------|
| 2xx                          | Taken, apart from the events that the answer lists as rejected          |
| 408, 425, 429, 5xx           | Again, not before Retry-After; the message ids make a repeat harmless   |
| 401, 403, 404, 405           | Hopeless: no batch of ours would be taken                               |
| 3xx, other 4xx               | Taken, with every event refused                                         |
"""

from __future__ import annotations

from typing import Any, NamedTuple

from headwater import jsontext
from headwater.errors import InputError
from headwater.routing.outcomes import retry_after

_AGAIN = frozenset({408, 425, 429})
_HOPELESS = frozenset({401, 403, 404, 405})


class Taken(NamedTuple):
    """The collector answered for good: so many events are durable, so many are refused, the first for this reason."""

    accepted: int
    refused: int = 0
    reason: str = ""


class Again(NamedTuple):
    """Not now. `after` is the least wait in seconds when the collector named one."""

    reason: str
    after: float | None = None


class Hopeless(NamedTuple):
    """Sending cannot work at all until a person changes something."""

    reason: str


Verdict = Taken | Again | Hopeless


def judge(status: int, retry_header: str | None, body: bytes, size: int, now: float) -> Verdict:
    """Decide about a batch of `size` events; `now` (seconds since 1970) resolves a Retry-After date."""
    if status in _AGAIN or status >= 500:
        return Again(f"HTTP {status}", retry_after(retry_header, now))
    document = _document(body)
    message = str(document.get("message", f"HTTP {status}"))
    if status in _HOPELESS:
        return Hopeless(message)
    if status >= 300:
        return Taken(0, size, message)
    rejected = document.get("rejected", 0)
    refused = rejected if isinstance(rejected, int) else 0
    return Taken(size - refused, refused, _first_reason(document))


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = jsontext.decode(body)
    except InputError:
        return {}
    return document if isinstance(document, dict) else {}


def _first_reason(document: dict[str, Any]) -> str:
    match document.get("Errors"):
        case [{"Message": str(message)}, *_]:
            return message
    return ""
