"""Health and metrics of one process, on a port of their own that is never public.

`/healthz` says that the process lives, `/readyz` that it can do its work (503 with the failing checks if not),
`/metrics` is in Prometheus' text format.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Check = Callable[[], bool]
Refresh = Callable[[], Awaitable[None]]


def application(role: str, checks: Mapping[str, Check], refresh: Refresh | None = None) -> Any:
    """The ASGI application; `refresh` is awaited before metrics are written, for gauges that must be asked for."""

    async def app(scope: Mapping[str, Any], _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"].rstrip("/")
        if path == "/healthz":
            await _answer(send, 200, _json({"status": "ok", "role": role}))
        elif path == "/readyz":
            failing = sorted(name for name, check in checks.items() if not check())
            status = "ready" if not failing else "not ready"
            await _answer(send, 503 if failing else 200, _json({"status": status, "role": role, "failing": failing}))
        elif path == "/metrics":
            if refresh is not None:
                await refresh()
            await _answer(send, 200, generate_latest(), CONTENT_TYPE_LATEST)
        else:
            await _answer(send, 404, _json({"status": "not found", "paths": ["/healthz", "/readyz", "/metrics"]}))

    return app


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


async def _answer(send: Any, status: int, body: bytes, content_type: str = "application/json") -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
