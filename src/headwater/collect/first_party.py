"""Doors that the browser tag uses on the owner's own domain: id cookies, match pixels, and ids handed over by links."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from headwater.collect import link_tokens
from headwater.collect.collector import Collector
from headwater.collect.documents import read_object
from headwater.collect.link_tokens import Passage
from headwater.collect.ports import Source
from headwater.collect.replies import OK, PIXEL, Header, Reply, json_reply
from headwater.collect.request import Request
from headwater.collect.sources import admit
from headwater.collect.write_keys import choose, key_in
from headwater.errors import InputError

ID_COOKIE = "ajs_anonymous_id"
"""The name that Segment's browser SDK uses too: a site that changes over keeps its visitors."""
COOKIE_SECONDS = 34_128_000
"""13 months, the longest that European regulators accept."""

_BODY_LIMIT_BYTES = 4096
_ID = re.compile(r"[A-Za-z0-9_.:|~\-]{1,128}")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.\-]{0,250}[a-z0-9])?")
_NO_STORE: Header = (b"cache-control", b"no-store")


async def set_id_cookie(collector: Collector, request: Request) -> Reply:
    """Set the cookie of the anonymous id for a year and a month: browsers cut short the life of cookies set by script.

    The script reads the cookie too, so it is not HttpOnly. A page of another site may not set it.
    """
    body, _ = await _admitted(collector, request)
    _require_own_page(request)
    anonymous_id = _matched(body, "anonymousId", _ID)
    domain = _matched(body, "domain", _HOST) if body.get("domain") else ""
    cookie = _cookie(ID_COOKIE, anonymous_id, _is_secure(request), domain)
    return OK._replace(headers=(*OK.headers, cookie, _NO_STORE))


async def match_pixel(collector: Collector, request: Request) -> Reply:
    """The end of a vendor's redirect: keep its id, which stands in the query, in a cookie for the tag to read."""
    del collector
    vendor, name = request.parameters
    value = request.query("value") or ""
    if not all(_ID.fullmatch(text) for text in (vendor, name, value)) or _from_elsewhere(request):
        return PIXEL
    cookie = _cookie(f"hw_match_{vendor}_{name}", value, _is_secure(request))
    return PIXEL._replace(headers=(*PIXEL.headers, cookie))


async def make_link_token(collector: Collector, request: Request) -> Reply:
    """A token for a link to another of the owner's hosts."""
    body, source = await _admitted(collector, request)
    host = _matched(body, "host", _HOST)
    if not is_own_host(host, source.tag.get("domains", ())):
        raise InputError("is not among the domains of the tag's settings", "host", "foreign_host")
    passage = Passage(source.pipeline_id, host, request.header(b"user-agent"))
    anonymous_id = _matched(body, "anonymousId", _ID)
    token = link_tokens.sign(collector.sources.link_key, anonymous_id, passage, request.received_ms / 1000)
    return json_reply(200, {"token": token}, (_NO_STORE,))


async def open_link_token(collector: Collector, request: Request) -> Reply:
    """The anonymous id in a token, for the page that it was made for."""
    body, source = await _admitted(collector, request)
    host = urlsplit(request.header(b"origin")).hostname or ""
    passage = Passage(source.pipeline_id, host, request.header(b"user-agent"))
    token = body.get("token")
    if not isinstance(token, str):
        raise InputError("must be text", "token", "invalid_token")
    found = link_tokens.verify(collector.sources.link_key, token, passage, request.received_ms / 1000)
    return json_reply(200, {"anonymousId": found}, (_NO_STORE,))


def is_own_host(host: str, domains: tuple[str, ...] | list[str]) -> bool:
    """Whether a host is one of the domains or below one."""
    return any(host == domain or host.endswith("." + domain) for domain in domains)


async def _admitted(collector: Collector, request: Request) -> tuple[dict[str, Any], Source]:
    body = await read_object(request, _BODY_LIMIT_BYTES)
    return body, admit(collector, request, choose(key_in(body)))


def _matched(body: dict[str, Any], field: str, pattern: re.Pattern[str]) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InputError(f"must be text that matches {pattern.pattern}", field, "invalid_field")
    return value


def _from_elsewhere(request: Request) -> bool:
    # Only newer browsers say so; the others protect the cookie by its SameSite rule alone.
    return request.header(b"sec-fetch-site") == "cross-site" and request.header(b"sec-fetch-dest") != "image"


def _require_own_page(request: Request) -> None:
    if request.header(b"sec-fetch-site") == "cross-site":
        raise InputError("only pages of the same site may set the cookie", "Sec-Fetch-Site", "forbidden")


def _is_secure(request: Request) -> bool:
    """Whether the page is on https, whatever stands between it and this server."""
    page = request.header(b"origin") or request.header(b"referer")
    return page.startswith("https:") or request.origin_server()[0] == "https"


def _cookie(name: str, value: str, secure: bool, domain: str = "") -> Header:
    parts = [f"{name}={value}", "Path=/", f"Max-Age={COOKIE_SECONDS}", "SameSite=Lax"]
    parts += [f"Domain={domain}"] if domain else []
    parts += ["Secure"] if secure else []
    return b"set-cookie", "; ".join(parts).encode("ascii")
