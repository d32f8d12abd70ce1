"""Health, version, and a word to crawlers."""

from __future__ import annotations

from headwater import __version__
from headwater.collect.collector import Collector
from headwater.collect.replies import Reply, json_reply, text_reply
from headwater.collect.request import Request
from headwater.collect.sources import require_ready


async def health(collector: Collector, request: Request) -> Reply:
    """200 once requests can be served; 503 until then."""
    del request
    require_ready(collector)
    return json_reply(200, {"status": "ok"}, ((b"cache-control", b"no-store"),))


async def version(collector: Collector, request: Request) -> Reply:
    """The version of this install."""
    del collector, request
    return json_reply(200, {"name": "headwater", "version": __version__})


async def robots(collector: Collector, request: Request) -> Reply:
    """Nothing here is for a search engine."""
    del collector, request
    return text_reply("User-agent: *\nDisallow: /\n")
