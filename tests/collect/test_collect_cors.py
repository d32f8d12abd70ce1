"""Pages may send from anywhere, and read what they need, unless a source lists its origins."""

from __future__ import annotations

import pytest

ORIGIN = "https://page.example"
BROWSER_ROUTES = [
    ("POST", "/v1/track"),
    ("POST", "/v1/t"),
    ("POST", "/v1/b"),
    ("POST", "/v1/m"),
    ("POST", "/rsaMetrics"),
    ("POST", "/beacon/v1/batch"),
    ("GET", "/sourceConfig"),
    ("GET", "/v1/projects/key-web/settings"),
    ("GET", "/projects/wrong/settings"),
    ("GET", "/v1/pixel/track"),
    ("GET", "/pixel/v1/page"),
    ("GET", "/c/acc1"),
    ("GET", "/cid/acc1"),
    ("GET", "/v1/track"),
]


@pytest.mark.parametrize(("method", "path"), BROWSER_ROUTES)
async def test_every_answer_may_be_read_errors_too(collector, method, path):
    """The origin is reflected, credentials are allowed, and the headers for trying again are exposed."""
    reply = await collector.client.request(method, path, headers={"Origin": ORIGIN})
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"
    assert reply.headers["Access-Control-Expose-Headers"] == "Retry-After, X-RateLimit-Reset"
    assert reply.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", sorted({path for _, path in BROWSER_ROUTES}))
async def test_a_preflight_needs_no_key(collector, path):
    """OPTIONS is 204 and allows what was asked for, for fifteen minutes, even before sources are loaded."""
    collector.sources.ready = False
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-retry-count",
    }
    reply = await collector.client.options(path, headers=headers)
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert reply.headers["Access-Control-Allow-Methods"] == "GET, POST, HEAD, OPTIONS"
    assert reply.headers["Access-Control-Allow-Headers"] == "authorization,content-type,x-retry-count"
    assert reply.headers["Access-Control-Max-Age"] == "900"


async def test_a_preflight_with_odd_headers_gets_the_usual_list(collector):
    """What is reflected into the answer is only what can be header names."""
    headers = {"Origin": ORIGIN, "Access-Control-Request-Headers": "a;b"}
    reply = await collector.client.options("/v1/t", headers=headers)
    assert "rsa-retry-attempt" in reply.headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://shop.example", 200), ("https://evil.example", 403), ("null", 403), (None, 200)],
)
async def test_a_source_with_a_list_takes_no_other_pages(collector, origin, status):
    """A foreign page is refused without the headers that would let it read why; servers send no Origin."""
    headers = {"Origin": origin} if origin else {}
    body = {"userId": "u", "writeKey": "key-shop"}
    reply = await collector.client.post("/v1/page", json=body, headers=headers)
    assert reply.status_code == status
    assert ("Access-Control-Allow-Origin" in reply.headers) == (origin == "https://shop.example")


async def test_without_an_origin_only_vary_is_sent(collector):
    """A cache must know that the answer differs by origin."""
    reply = await collector.client.get("/cid/acc1")
    assert reply.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in reply.headers
