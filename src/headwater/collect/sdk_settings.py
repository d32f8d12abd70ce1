"""The settings that SDKs load before they send: Segment's project settings and Rudder's source configuration."""

from __future__ import annotations

import re
from typing import Any

from headwater.collect.collector import Collector
from headwater.collect.ports import Source
from headwater.collect.replies import EMPTY, Reply, json_reply
from headwater.collect.request import Request
from headwater.collect.sources import find_source
from headwater.collect.write_keys import KeyChoice, basic_user, choose
from headwater.errors import InputError

SETTINGS_MAX_AGE_SECONDS = 60
WORKSPACE_ID = "headwater"

_HOST = re.compile(r"[A-Za-z0-9.\-_]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


async def segment_settings(collector: Collector, request: Request) -> Reply:
    """Settings of one source. The SDK is told to send back to the host and scheme that it asked."""
    (key,) = request.parameters
    try:
        source = find_source(collector, request, KeyChoice(key, conflict=False))
    except InputError as error:
        raise InputError(error.message, error.field, _not_found(error.code)) from None
    scheme, host = request.origin_server()
    if not _HOST.fullmatch(host) or scheme not in ("http", "https"):
        raise InputError("is not a host name", "Host", "invalid_host")
    caching = (b"cache-control", f"max-age={SETTINGS_MAX_AGE_SECONDS}".encode("ascii"))
    return json_reply(200, _segment_document(source, host, scheme), (caching,))


def _not_found(code: str) -> str:
    """Here an unusable key is an unknown address (Segment answers 404)."""
    return "not_found" if code in ("unknown_write_key", "source_disabled") else code


def _segment_document(source: Source, host: str, scheme: str) -> dict[str, Any]:
    # A second name under `integrations` would make the browser SDK load its old destination loader.
    connection = {"apiKey": source.write_key, "apiHost": f"{host}/v1", "protocol": scheme, "retryQueue": True}
    return {
        "integrations": {"Segment.io": connection},
        "metrics": {"sampleRate": 0},
        "plan": {},
        "enabledMiddleware": {},
        "edgeFunction": {},
        "middlewareSettings": {},
        "tag": dict(source.tag),
    }


async def rudder_source_config(collector: Collector, request: Request) -> Reply:
    """The source's identity and no destinations: everything is routed on the server."""
    named = choose(basic_user(request.headers.get(b"authorization", b"")), request.query("writeKey"))
    source = find_source(collector, request, named)
    quiet = {"errors": {"enabled": False}, "metrics": {"enabled": False}}
    document = {
        "id": source.pipeline_id,
        "name": source.name,
        "writeKey": source.write_key,
        "enabled": True,
        "workspaceId": WORKSPACE_ID,
        "dataplanes": {},
        "config": {"statsCollection": quiet},
        "destinations": [],
    }
    return json_reply(200, {"source": document}, ((b"cache-control", b"no-store"),))


async def probe_source_config(collector: Collector, request: Request) -> Reply:
    """Rudder's browser SDK asks with HEAD whether an ad blocker stands in the way; no key is needed to say no."""
    del collector, request
    return EMPTY
