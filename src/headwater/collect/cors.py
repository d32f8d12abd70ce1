"""Which pages may read an answer (Fetch standard, CORS protocol).

Write keys are public and nothing is decided by a cookie, so every page may send, unless a source lists its origins.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from headwater.collect.replies import Header

MAX_AGE_SECONDS = 900

_METHODS: Header = (b"access-control-allow-methods", b"GET, POST, HEAD, OPTIONS")
_CREDENTIALS: Header = (b"access-control-allow-credentials", b"true")
_EXPOSED: Header = (b"access-control-expose-headers", b"Retry-After, X-RateLimit-Reset")
_MAX_AGE: Header = (b"access-control-max-age", str(MAX_AGE_SECONDS).encode("ascii"))
_VARY: Header = (b"vary", b"Origin")
_VARY_PREFLIGHT: Header = (b"vary", b"Origin, Access-Control-Request-Headers")
_REQUESTED_HEADERS = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1000}")
_USUAL_HEADERS = (
    b"Authorization, Content-Type, Content-Encoding, X-Retry-Count, AnonymousId, SentAt, Rsa-Recovered, "
    b"Rsa-Retry-Attempt, Rsa-Retry-Reason, Rsa-Since-Last-Attempt, Rsa-Since-First-Attempt, Trace, X-Event-Metadata"
)


def reply_headers(origin: bytes) -> tuple[Header, ...]:
    """Headers for an answer to a page of `origin`; only Vary where the request names none."""
    if not origin:
        return (_VARY,)
    return ((b"access-control-allow-origin", origin), _CREDENTIALS, _EXPOSED, _VARY)


def preflight_headers(headers: Mapping[bytes, bytes]) -> tuple[Header, ...]:
    """Headers for the answer to OPTIONS: what the page asks for is allowed."""
    asked = headers.get(b"access-control-request-headers", b"")
    allowed = asked if _REQUESTED_HEADERS.fullmatch(asked) else _USUAL_HEADERS
    origin = headers.get(b"origin", b"")
    named: tuple[Header, ...] = ((b"access-control-allow-origin", origin), _CREDENTIALS) if origin else ()
    return (*named, _METHODS, (b"access-control-allow-headers", allowed), _MAX_AGE, _VARY_PREFLIGHT)


def origin_allowed(origin: str, allowed: Collection[str]) -> bool:
    """Whether a source takes events from pages of `origin`. No list means all; a request without Origin is no page."""
    return not allowed or not origin or origin in allowed
