"""The ASGI application: one request in, one answer out, and an answer for everything that can go wrong."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from headwater.collect import cors, openapi
from headwater.collect.body import DisconnectedError, SlowBodyError
from headwater.collect.budget import ByteBudget
from headwater.collect.callers import Proxies, client_address, trusted_proxies
from headwater.collect.collector import Collector
from headwater.collect.metrics import CollectMetrics
from headwater.collect.normalise import EventLimits
from headwater.collect.ports import LogWriter, RefusalLog, Sources
from headwater.collect.rate_limit import RateLimitedError, RateLimiter
from headwater.collect.refusals import refuse
from headwater.collect.replies import NO_CONTENT, PIXEL, Header, Reply, error_reply, lytics_error
from headwater.collect.request import Door, Message, Receive, Request
from headwater.collect.routes import ROUTES, Match, Route, Router
from headwater.collect.timestamps import format_time
from headwater.errors import InputError, TransientError
from headwater.settings import CollectSettings

Send = Callable[[Message], Awaitable[None]]
Scope = Mapping[str, Any]

DEFAULT_RETRY_AFTER_SECONDS = 5.0

_STATUS_OF_CODE = {
    "request_too_large": 413,
    "event_too_large": 413,
    "unauthorized": 401,
    "forbidden": 403,
    "origin_not_allowed": 403,
    "not_found": 404,
    "unknown_account": 404,
}
"""Status of an InputError by its code; 400 for the others. Codes about write keys depend on the door."""

_KEY_CODES = frozenset({"missing_write_key", "unknown_write_key", "invalid_write_key", "invalid_authorization"})

_logger = structlog.get_logger(__name__)


def create_app(
    writer: LogWriter,
    refusal_log: RefusalLog,
    sources: Sources,
    settings: CollectSettings,
    partitions: int,
    registry: CollectorRegistry = REGISTRY,
    clock: Callable[[], float] = time.time,
) -> CollectApp:
    """Wire the doors. `partitions` is the log's number; `clock` gives seconds since 1970.

    Raises SettingsError for settings that cannot be read.
    """
    budget = ByteBudget(settings.in_flight_limit_bytes)
    collector = Collector(
        writer=writer,
        refusal_log=refusal_log,
        sources=sources,
        settings=settings,
        event_limits=EventLimits(settings.event_limit_bytes, settings.properties_limit, settings.event_nesting_limit),
        record_limits=EventLimits(settings.record_limit_bytes, settings.properties_limit, settings.event_nesting_limit),
        partitions=partitions,
        metrics=CollectMetrics(registry, lambda: budget.in_flight),
        budget=budget,
        limiter=RateLimiter(settings.rate_limit_per_second, time.monotonic),
    )
    return CollectApp(collector, trusted_proxies(settings.client_ip_header, settings.trusted_proxies), clock)


class CollectApp:
    """The doors as an ASGI 3 application."""

    def __init__(self, collector: Collector, proxies: Proxies, clock: Callable[[], float]) -> None:
        self._collector = collector
        self._proxies = proxies
        self._clock = clock
        self._router = Router((*ROUTES, openapi.route(ROUTES)))
        self._prefix = "/" + collector.settings.first_party_path.strip("/") + "/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of the server: a request, or the start and end of the process."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        headers: dict[bytes, bytes] = dict(scope["headers"])
        # Under the owner's own domain everything is below one path, so that a proxy needs one rule.
        path: str = scope["path"]
        match = self._router.find(path[len(self._prefix) - 1 :] if path.startswith(self._prefix) else path)
        route = None if match is None else match.routes.get(method)
        if match is None or route is None:
            name, reply = _unserved(match, method, headers)
        else:
            request = self._request(scope, route.door, match.parameters, headers, receive)
            name = route.path
            try:
                reply = await self._handle(route, request)
            except DisconnectedError:
                return
            finally:
                request.lease.release()
        self._collector.metrics.request(name, reply.status)
        await _send(send, reply)

    def _request(
        self, scope: Scope, door: Door, parameters: tuple[str, ...], headers: dict[bytes, bytes], receive: Receive
    ) -> Request:
        peer = scope["client"][0] if scope.get("client") else ""
        received_ms = int(self._clock() * 1000)
        return Request(
            door=door,
            parameters=parameters,
            headers=headers,
            query_string=scope["query_string"],
            client=client_address(peer, headers, self._proxies),
            scheme=scope["scheme"],
            behind_proxy=self._proxies.trusts(peer),
            receive=receive,
            lease=self._collector.budget.lease(),
            received_ms=received_ms,
            received_at=format_time(received_ms),
        )

    async def _handle(self, route: Route, request: Request) -> Reply:
        forbidden = False
        try:
            reply = await route.handler(self._collector, request)
        except InputError as error:
            refuse(self._collector, request, error)
            forbidden = error.code == "origin_not_allowed"
            reply = _refused(request.door, error)
        except TransientError as error:
            reply = self._try_again(request.door, error)
        except SlowBodyError as error:
            self._collector.metrics.refused("slow_body")
            reply = _error(request.door, 408, "slow_body", str(error))
        except DisconnectedError:
            raise
        except Exception as error:  # the end of a request: whatever it is, the client gets an answer and we a log line
            # The message of an unforeseen error may hold what was sent, so only its kind is logged.
            _logger.error("request_failed", route=request.door.name, error=type(error).__name__, exc_info=False)
            self._collector.metrics.refused("internal_error")
            reply = _error(
                request.door,
                500,
                "internal_error",
                "an error of this server; try again",
                retry_after=DEFAULT_RETRY_AFTER_SECONDS,
            )
        if not route.cors:
            return reply
        origin = b"" if forbidden else request.headers.get(b"origin", b"")
        return Reply(reply.status, reply.headers + cors.reply_headers(origin), reply.body)

    def _try_again(self, door: Door, error: TransientError) -> Reply:
        """A passing fault is never a 4xx, except that too many requests are 429."""
        limited = isinstance(error, RateLimitedError)
        status, code = (429, "rate_limited") if limited else (503, "unavailable")
        self._collector.metrics.refused(code)
        wait = DEFAULT_RETRY_AFTER_SECONDS if error.retry_after is None else error.retry_after
        return _error(door, status, code, str(error), retry_after=wait)


def _refused(door: Door, error: InputError) -> Reply:
    if error.code in _KEY_CODES:
        status = door.unknown_key_status
    elif error.code == "source_disabled":
        status = door.disabled_status
    else:
        status = _STATUS_OF_CODE.get(error.code, 400)
    return _error(door, status, error.code, error.message, error.field)


def _error(
    door: Door, status: int, code: str, message: str, field: str = "", retry_after: float | None = None
) -> Reply:
    if door.style == "pixel":
        return PIXEL
    if door.style == "lytics":
        return lytics_error(status, code, message, field, retry_after)
    return error_reply(status, code, message, field, retry_after)


def _unserved(match: Match | None, method: str, headers: Mapping[bytes, bytes]) -> tuple[str, Reply]:
    """OPTIONS, an unknown path, or a method that the path does not have. The first item labels the count."""
    if match is None:
        return "unknown", error_reply(404, "not_found", "no such address; see /openapi.json")
    path = next(iter(match.routes.values())).path
    open_to_pages = any(route.cors for route in match.routes.values())
    methods = ", ".join((*sorted(match.routes), *(("OPTIONS",) if open_to_pages else ())))
    if method == "OPTIONS" and open_to_pages:
        return path, NO_CONTENT._replace(headers=cors.preflight_headers(headers))
    reply = error_reply(405, "method_not_allowed", f"this address takes {methods}")
    allow: tuple[Header, ...] = ((b"allow", methods.encode("ascii")),)
    pages = cors.reply_headers(headers.get(b"origin", b"")) if open_to_pages else ()
    return path, reply._replace(headers=reply.headers + allow + pages)


async def _send(send: Send, reply: Reply) -> None:
    length = (b"content-length", str(len(reply.body)).encode("ascii"))
    headers = reply.headers if reply.status == 204 else (*reply.headers, length)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
