"""Admit a request to its source: the key is known, the source enabled, the page allowed, the rate kept."""

from __future__ import annotations

from headwater.collect.collector import Collector
from headwater.collect.cors import origin_allowed
from headwater.collect.ports import Source
from headwater.collect.request import Request
from headwater.collect.write_keys import KeyChoice
from headwater.errors import InputError, UnavailableError

LOADING_RETRY_AFTER_SECONDS = 2.0


def require_ready(collector: Collector) -> None:
    """Raises UnavailableError until the sources are loaded: before that, no key may be called unknown."""
    if not collector.sources.ready:
        raise UnavailableError("the configuration is still being loaded; try again soon", LOADING_RETRY_AFTER_SECONDS)


def find_source(collector: Collector, request: Request, choice: KeyChoice) -> Source:
    """The enabled source of the chosen key, open to the page that asks. Raises InputError with the reason."""
    require_ready(collector)
    if choice.conflict:
        collector.metrics.key_conflict()
    if choice.key is None:
        raise InputError("no write key; send it as Basic user name or as writeKey", "writeKey", "missing_write_key")
    source = collector.sources.by_write_key(choice.key)
    if source is None:
        raise InputError("invalid write key; copy it from the pipeline's settings", "writeKey", "unknown_write_key")
    if not source.enabled:
        raise InputError("source is disabled; enable the pipeline to send to it", "writeKey", "source_disabled")
    if source.allowed_origins and not origin_allowed(request.header(b"origin"), source.allowed_origins):
        raise InputError("this page's origin is not on the source's list", "Origin", "origin_not_allowed")
    request.source_id = source.pipeline_id
    return source


def admit(collector: Collector, request: Request, choice: KeyChoice) -> Source:
    """`find_source`, with this request counted against the key's rate. Raises RateLimitedError beyond it."""
    source = find_source(collector, request, choice)
    collector.limiter.check(source.write_key)
    return source
