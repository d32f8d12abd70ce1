"""The doors of the browser tag (jstag): one record of name=value pairs, and a new cookie id."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable

from headwater import jsontext
from headwater.collect.accounts import admit_account
from headwater.collect.body import read_body
from headwater.collect.collector import Collector
from headwater.collect.replies import EMPTY, PIXEL, Reply, text_reply
from headwater.collect.request import Request, parse_pairs
from headwater.collect.stream_records import DEFAULT_STREAM, Upload, stream_name, stream_record
from headwater.errors import InputError
from headwater.log.records import encode_stream_record

_CALLBACK = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.]{0,99}")
_BOTS = re.compile(r"bot\b|bot/|crawl|spider|slurp|headless|preview|monitor", re.IGNORECASE)


async def get_record(collector: Collector, request: Request) -> Reply:
    """A record in the query; the answer is an image."""
    request.excerpt = request.query_string
    await _keep(collector, request, request.query_pairs())
    return PIXEL


async def post_record(collector: Collector, request: Request) -> Reply:
    """A record as form field `_js`, or as the body itself; both hold name=value text. The query's pairs come first."""
    body = await read_body(request, collector.settings.request_limit_bytes)
    pairs = parse_pairs(body)
    wrapped = next((value for name, value in pairs if name == "_js"), None)
    if wrapped is not None:
        pairs = parse_pairs(wrapped.encode("utf-8", "surrogatepass"))
    await _keep(collector, request, request.query_pairs() + pairs)
    return EMPTY


async def _keep(collector: Collector, request: Request, pairs: Iterable[tuple[str, str]]) -> None:
    account_id, *named = request.parameters
    admit_account(collector, account_id)
    stream = request.source_id = stream_name(named[0] if named else DEFAULT_STREAM)
    collector.metrics.received(request.door.name)
    record = record_of(pairs)
    if record:
        record["_bot"] = "t" if _BOTS.search(request.header(b"user-agent")) else "f"
    upload = Upload(stream, request.received_at, request.client, collector.event_limits)
    meta, data = stream_record(record, upload, 0)
    await collector.append(request, (encode_stream_record(stream, meta, data, collector.partitions),))


def record_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """One flat record; a repeated name becomes a list of its values."""
    record: dict[str, str | list[str]] = {}
    for name, value in pairs:
        present = record.get(name)
        if present is None:
            record[name] = value
        elif isinstance(present, list):
            present.append(value)
        else:
            record[name] = [present, value]
    return record


async def get_cookie_id(collector: Collector, request: Request) -> Reply:
    """A new random id as JSONP, or as a JSON text without a callback."""
    (account_id,) = request.parameters
    admit_account(collector, account_id)
    cookie_id = jsontext.encode(str(uuid.uuid4())).decode("ascii")
    callback = request.query("callback")
    headers = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
    if callback is None:
        return text_reply(cookie_id, "application/json", headers)
    if not _CALLBACK.fullmatch(callback):
        raise InputError("must be the name of a function", "callback", "invalid_callback")
    return text_reply(f"{callback}({cookie_id})", "application/javascript; charset=utf-8", headers)
