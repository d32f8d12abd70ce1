"""The table of routes, and how a path finds its route.

A slash too many at either end is forgiven, and never answered with a redirect: clients do not repeat a POST body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from headwater.collect import (
    browser_tag,
    first_party,
    operations,
    pixels,
    sdk_settings,
    tag_script,
    tracking,
    uploads,
    webhooks,
)
from headwater.collect.collector import Collector
from headwater.collect.replies import Reply
from headwater.collect.request import Door, Request

Handler = Callable[[Collector, Request], Awaitable[Reply]]

SINGLE_TYPES = {"identify": "i", "track": "t", "page": "p", "screen": "s", "group": "g", "alias": "a"}
"""Event types with the short route that analytics-next uses."""


class Route(NamedTuple):
    """One method on one path. `{name}` in the path is a parameter. `body` says what the door reads, for the docs.

    `cors` routes are open to pages; `query` lists the query parameters worth documenting.
    """

    method: str
    path: str
    handler: Handler
    door: Door
    summary: str
    body: str = ""
    cors: bool = True
    query: tuple[str, ...] = ()


def _tracking_routes() -> Iterator[Route]:
    for kind, short in SINGLE_TYPES.items():
        long_path, short_path = f"/v1/{kind}", f"/v1/{short}"
        # Only Rudder's clients read 404 as "source is disabled", and they use the long routes.
        long_door = Door(long_path, kind=kind, disabled_status=404)
        yield Route("POST", long_path, tracking.post_event, long_door, f"One {kind} event", "event")
        yield Route("POST", short_path, tracking.post_event, Door(short_path, kind=kind), f"One {kind} event", "event")
    merge = Door("/v1/merge", kind="merge", disabled_status=404)
    yield Route("POST", "/v1/merge", tracking.post_event, merge, "Link two identifiers of one person", "event")
    for path in ("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"):
        # MetaRouter's mobile SDKs stop for good on 401, 403 and 404 of a batch.
        door = Door(path, unknown_key_status=400)
        yield Route("POST", path, tracking.post_batch, door, "Many events", "batch", query=("writeKey",))
    for kind in SINGLE_TYPES:
        path = f"/v1/pixel/{kind}"
        door = Door(path, style="pixel", kind=kind)
        yield Route(
            "GET", path, pixels.segment_pixel, door, f"One {kind} event as an image", query=("data", "writeKey")
        )
    for kind in ("track", "page"):
        path = f"/pixel/v1/{kind}"
        door = Door(path, style="pixel", kind=kind)
        yield Route(
            "GET", path, pixels.rudder_pixel, door, f"One {kind} event as an image", query=("writeKey", "anonymousId")
        )


def _other_routes() -> Iterator[Route]:
    for path in ("/v1/webhook", "/v1/w"):
        yield Route("POST", path, webhooks.post_webhook, Door(path), "Any JSON", "any", query=("writeKey",))
        yield Route("GET", path, webhooks.get_webhook, Door(path), "Any parameters", query=("writeKey",))
    custom = Door("/v1/custom/event")
    yield Route(
        "POST",
        "/v1/custom/event",
        webhooks.post_custom_event,
        custom,
        "A custom event",
        "any",
        query=("writeKey", "eventName"),
    )
    for path in ("/v1/m", "/rsaMetrics"):
        yield Route("POST", path, webhooks.drop_client_metrics, Door(path), "What an SDK measures about itself", "any")
    for path in ("/v1/projects/{writeKey}/settings", "/projects/{writeKey}/settings"):
        yield Route("GET", path, sdk_settings.segment_settings, Door(path), "Settings of Segment's SDKs")
    config = Door("/sourceConfig", disabled_status=404)
    yield Route(
        "GET",
        "/sourceConfig",
        sdk_settings.rudder_source_config,
        config,
        "Settings of Rudder's SDKs",
        query=("writeKey",),
    )
    yield Route("HEAD", "/sourceConfig", sdk_settings.probe_source_config, config, "Is the way open?")


def _lytics_routes() -> Iterator[Route]:
    # The style "lytics" answers errors in Lytics' envelope. Its pages use an image, whose callers read no answer.
    shared = ("dryrun", "timestamp_field", "filename", "access_token")
    json = Door("/collect/json/{stream}", style="lytics")
    yield Route("POST", json.name, uploads.post_json, json, "Records of a stream", "records", query=shared)
    bulk = Door("/collect/bulk/{stream}", style="lytics")
    options = (*shared, "headers", "delimiter", "append", "droperrors")
    yield Route("POST", bulk.name, uploads.post_bulk, bulk, "Many records of a stream", "rows", query=options)
    for path in ("/c/{cid}", "/c/{cid}/{stream}"):
        yield Route("GET", path, browser_tag.get_record, Door(path, style="pixel"), "One record of the browser tag")
        yield Route(
            "POST", path, browser_tag.post_record, Door(path, style="lytics"), "One record of the browser tag", "form"
        )
    cookie = Door("/cid/{cid}", style="lytics")
    yield Route("GET", cookie.name, browser_tag.get_cookie_id, cookie, "A new cookie id", query=("callback",))


def _tag_routes() -> Iterator[Route]:
    for path in ("/headwater.js", "/analytics.js/v1/{writeKey}/analytics.min.js"):
        yield Route("GET", path, tag_script.tag_script, Door(path), "The browser tag")
    capture = Door("/headwater-capture.js")
    yield Route("GET", capture.name, tag_script.capture_plugin, capture, "In-page capture for Segment's browser SDK")
    for path, handler, summary in (
        ("/v1/id", first_party.set_id_cookie, "Set the cookie of the anonymous id"),
        ("/v1/link", first_party.make_link_token, "A token that hands an id to another domain of the owner"),
        ("/v1/link/open", first_party.open_link_token, "The id in such a token"),
    ):
        yield Route("POST", path, handler, Door(path), summary, "any")
    match = Door("/v1/match/{vendor}/{id}", style="pixel")
    yield Route("GET", match.name, first_party.match_pixel, match, "Keep a vendor's id in a cookie", query=("value",))


def _operations_routes() -> Iterator[Route]:
    for path, handler, summary in (
        ("/health", operations.health, "Can requests be served?"),
        ("/version", operations.version, "The version of this install"),
        ("/robots.txt", operations.robots, "A word to crawlers"),
    ):
        for method in ("GET", "HEAD"):
            yield Route(method, path, handler, Door(path), summary, cors=False)


ROUTES = (*_tracking_routes(), *_other_routes(), *_lytics_routes(), *_tag_routes(), *_operations_routes())


class Match(NamedTuple):
    """The routes of a path by method, and the values of its parameters."""

    routes: dict[str, Route]
    parameters: tuple[str, ...]


class Router:
    """Finds routes by path: one look in a table for fixed paths, a few comparisons for those with parameters."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._fixed: dict[str, Match] = {}
        self._patterns: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            if "{" in route.path:
                self._patterns.setdefault(tuple(route.path[1:].split("/")), {})[route.method] = route
            else:
                self._fixed.setdefault(route.path, Match({}, ())).routes[route.method] = route

    def find(self, path: str) -> Match | None:
        """The routes of a path, None where there are none."""
        match = self._fixed.get(path)
        if match is not None:
            return match
        path = "/" + path.strip("/")
        return self._fixed.get(path) or self._find_pattern(tuple(path[1:].split("/")))

    def _find_pattern(self, parts: tuple[str, ...]) -> Match | None:
        for pattern, routes in self._patterns.items():
            if len(pattern) == len(parts):
                values = _parameters(pattern, parts)
                if values is not None:
                    return Match(routes, values)
        return None


def _parameters(pattern: tuple[str, ...], parts: tuple[str, ...]) -> tuple[str, ...] | None:
    values: list[str] = []
    for expected, part in zip(pattern, parts, strict=True):
        if expected.startswith("{") and part:
            values.append(part)
        elif expected != part:
            return None
    return tuple(values)
