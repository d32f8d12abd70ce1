"""Headers of every reply of the console's port: what browsers may load, and the cookies that a request gathered.

A page may load from this server only, and no script or style that stands in the page itself: text of an event that
slips into a page cannot run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.console import cookies

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}

_PAIRS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
_ENCRYPTED_ONLY = (b"strict-transport-security", b"max-age=31536000")
_NOT_KEPT = (b"cache-control", b"no-store")


class ResponseHeaders:
    """An ASGI application around another one. `encrypted` says that browsers reach it over HTTPS."""

    def __init__(self, app: Any, *, encrypted: bool) -> None:
        self._app = app
        self._pairs = [*_PAIRS, _ENCRYPTED_ONLY] if encrypted else _PAIRS

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, and the reply with its headers back."""

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._headers(scope, message["headers"])}
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _headers(self, scope: Any, given: Any) -> list[tuple[bytes, bytes]]:
        headers = [*given, *self._pairs, *((b"set-cookie", value) for value in cookies.pending(scope))]
        if not any(name.lower() == b"cache-control" for name, _ in given):
            headers.append(_NOT_KEPT)
        return headers
