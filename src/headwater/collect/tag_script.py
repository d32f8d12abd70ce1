"""The browser tag's script and the plugin for Segment's SDK, as they were built into the package."""

from __future__ import annotations

import gzip
import hashlib
from importlib import resources
from typing import NamedTuple

from headwater.collect.collector import Collector
from headwater.collect.replies import EMPTY, Header, Reply
from headwater.collect.request import Request

MAX_AGE_SECONDS = 600
_LEVEL = 9


class Script(NamedTuple):
    """A file in both encodings; the tag names its content."""

    plain: bytes
    zipped: bytes
    etag: bytes


def _read(name: str) -> Script:
    plain = resources.files("headwater.collect").joinpath("tag", name).read_bytes()
    etag = f'"{hashlib.sha256(plain).hexdigest()[:16]}"'.encode("ascii")
    return Script(plain, gzip.compress(plain, _LEVEL, mtime=0), etag)


_TAG = _read("headwater.js")
_CAPTURE = _read("headwater-capture.js")


async def tag_script(collector: Collector, request: Request) -> Reply:
    """The tag; under the SDK's usual path the write key stands in the path, and the script finds it there."""
    del collector
    return _reply(_TAG, request)


async def capture_plugin(collector: Collector, request: Request) -> Reply:
    """The plugin for @segment/analytics-next, as a module."""
    del collector
    return _reply(_CAPTURE, request)


def _reply(script: Script, request: Request) -> Reply:
    headers: tuple[Header, ...] = (
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"cache-control", f"public, max-age={MAX_AGE_SECONDS}".encode("ascii")),
        (b"etag", script.etag),
        (b"vary", b"Accept-Encoding"),
        (b"x-content-type-options", b"nosniff"),
        # Pages that isolate themselves (COEP) may load it from another origin.
        (b"cross-origin-resource-policy", b"cross-origin"),
    )
    if request.headers.get(b"if-none-match", b"").removeprefix(b"W/") == script.etag:
        return EMPTY._replace(status=304, headers=headers)
    if "gzip" in request.header(b"accept-encoding"):
        return Reply(200, (*headers, (b"content-encoding", b"gzip")), script.zipped)
    return Reply(200, headers, script.plain)
