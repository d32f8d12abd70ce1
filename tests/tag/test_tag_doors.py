"""The doors that the tag uses on the owner's own domain, asked over HTTP."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx
import pytest
from prometheus_client import CollectorRegistry

from headwater.collect.app import create_app
from headwater.collect.ports import Refusal
from headwater.settings import CollectSettings

KEY = "key-web"


class Web(NamedTuple):
    pipeline_id: str = "p-web"
    name: str = "Web"
    write_key: str = KEY
    enabled: bool = True
    allowed_origins: tuple[str, ...] = ()
    partial_batch_status: int = 200
    tag: Any = MappingProxyType({"domains": ("shop.example", "blog.example"), "capture": {"scroll": True}})


class OneSource:
    ready = True
    account_ids = frozenset[str]()
    link_key = b"key of one install"

    def by_write_key(self, key: str) -> Web | None:
        return Web() if key == KEY else None

    def token(self, raw: str) -> None:
        return None


class Refusals:
    def keep(self, refusal: Refusal) -> None:
        pass


class NoWriter:
    async def append(self, records: object) -> None:
        raise AssertionError("none of these doors writes to the log")


@pytest.fixture
async def doors() -> AsyncIterator[httpx.AsyncClient]:
    """A collector without a log, below the path that its owner chose."""
    settings = CollectSettings(first_party_path="/a/b/")
    app = create_app(NoWriter(), Refusals(), OneSource(), settings, partitions=1, registry=CollectorRegistry())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example/a/b") as client:
        yield client


def cookie_of(reply: httpx.Response, name: str) -> Any:
    return SimpleCookie(reply.headers["set-cookie"])[name]


async def test_the_script_is_served_below_the_owners_path_zipped_and_cacheable(doors):
    """Once with its content, then as not modified; the SDK's path serves the same file."""
    first = await doors.get("/headwater.js", headers={"accept-encoding": "gzip"})
    assert first.status_code == 200
    assert first.headers["content-encoding"] == "gzip"
    assert int(first.headers["content-length"]) <= 12 * 1024
    assert first.headers["content-type"].startswith("text/javascript")
    again = await doors.get("/headwater.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await doors.get(f"/analytics.js/v1/{KEY}/analytics.min.js", headers={"accept-encoding": "identity"})
    assert other.content == first.content
    assert gzip.compress(other.content)
    plugin = await doors.get("/headwater-capture.js")
    assert b"export" in plugin.content


async def test_the_settings_document_carries_the_tags_settings(doors):
    """They stand beside what other SDKs read, at a key of their own."""
    document = (await doors.get(f"/v1/projects/{KEY}/settings")).json()
    assert document["tag"] == {"domains": ["shop.example", "blog.example"], "capture": {"scroll": True}}
    assert list(document["integrations"]) == ["Segment.io"]


async def test_the_id_cookie_follows_the_page(doors):
    """13 months, readable by the script, first-party only, and Secure where the page is on https."""
    body = {"writeKey": KEY, "anonymousId": "anon-1", "domain": "shop.example"}
    secure = await doors.post("/v1/id", json=body, headers={"origin": "https://shop.example"})
    cookie = cookie_of(secure, "ajs_anonymous_id")
    assert (cookie.value, cookie["max-age"], cookie["samesite"]) == ("anon-1", "34128000", "Lax")
    assert (cookie["domain"], cookie["path"], cookie["secure"], cookie["httponly"]) == ("shop.example", "/", True, "")
    plain = await doors.post("/v1/id", json=body | {"domain": ""}, headers={"origin": "http://shop.example"})
    assert cookie_of(plain, "ajs_anonymous_id")["secure"] == ""


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [
        ({"anonymousId": "a; Path=/x"}, {}, 400),
        ({"anonymousId": ""}, {}, 400),
        ({"domain": "shop.example; Secure"}, {}, 400),
        ({"writeKey": "unknown"}, {}, 401),
        ({}, {"sec-fetch-site": "cross-site"}, 403),
    ],
)
async def test_no_cookie_for_odd_ids_unknown_keys_and_strange_pages(doors, change, headers, status):
    """Nobody writes what they like into a visitor's cookies."""
    body = {"writeKey": KEY, "anonymousId": "anon-1"} | change
    reply = await doors.post("/v1/id", json=body, headers=headers)
    assert reply.status_code == status
    assert "set-cookie" not in reply.headers


async def test_a_match_keeps_the_vendors_id(doors):
    """The image always comes; the cookie only for an id that looks like one."""
    kept = await doors.get("/v1/match/ads/uid", params={"value": "ad-555"})
    assert cookie_of(kept, "hw_match_ads_uid").value == "ad-555"
    odd = await doors.get("/v1/match/ads/uid", params={"value": "x; Domain=evil.example"})
    assert (kept.headers["content-type"], odd.headers["content-type"]) == ("image/gif", "image/gif")
    assert "set-cookie" not in odd.headers


async def test_an_id_goes_from_one_own_domain_to_another(doors):
    """The page that the token was made for opens it; another page and a foreign host get nothing."""
    asked = {"writeKey": KEY, "anonymousId": "anon-1", "host": "www.blog.example"}
    token = (await doors.post("/v1/link", json=asked)).json()["token"]
    opening = {"writeKey": KEY, "token": token}
    opened = await doors.post("/v1/link/open", json=opening, headers={"origin": "https://www.blog.example"})
    assert opened.json() == {"anonymousId": "anon-1"}
    elsewhere = await doors.post("/v1/link/open", json=opening, headers={"origin": "https://evil.example"})
    assert elsewhere.status_code == 400
    foreign = await doors.post("/v1/link", json=asked | {"host": "evil.example"})
    assert foreign.json()["field"] == "host"
