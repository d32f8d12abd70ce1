"""The doors of the browser tag."""

from __future__ import annotations

from urllib.parse import quote

import pytest

QUERY = "_uid=c1&_e=pv&url=shop.example%2Fp&t=x&t=y&t_len=2&empty="
RECORD = {"_uid": "c1", "_e": "pv", "url": "shop.example/p", "t": ["x", "y"], "t_len": "2", "empty": "", "_bot": "f"}


@pytest.mark.parametrize(("path", "stream"), [("/c/acc1", "default"), ("/c/acc1/web", "web"), ("/c/acc1/web/", "web")])
async def test_a_record_in_the_query(collector, path, stream):
    """The answer is an image; values are text, and a repeated name is a list."""
    reply = await collector.client.get(f"{path}?{QUERY}")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "image/gif")
    (record,) = collector.writer.records
    assert (record.meta.source, record.meta.user_key, record.data) == (stream, "c1", RECORD)


@pytest.mark.parametrize("body", [QUERY, "_js=" + quote(QUERY, safe="")])
async def test_a_record_in_a_form(collector, body):
    """The pairs are the body or its field _js; the answer is empty."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = await collector.client.post("/c/acc1/web", content=body, headers=headers)
    assert (reply.status_code, reply.content) == (200, b"")
    assert collector.writer.data == [RECORD]


async def test_a_bot_is_marked(collector):
    """By its user agent."""
    await collector.client.get("/c/acc1?a=1", headers={"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"})
    assert collector.writer.data == [{"a": "1", "_bot": "t"}]


async def test_an_unknown_account_or_an_empty_record_is_counted(collector):
    """The page gets its image; a form gets the reason."""
    assert (await collector.client.get("/c/nobody?a=1")).status_code == 200
    assert (await collector.client.get("/c/acc1")).status_code == 200
    assert (await collector.client.post("/c/nobody", content="a=1")).status_code == 404
    assert [refusal.reason for refusal in collector.refusals.kept] == [
        "unknown_account",
        "empty_record",
        "unknown_account",
    ]


async def test_a_new_cookie_id_comes_as_jsonp(collector):
    """Each call has its own id, called with the function that was named."""
    first, second = [await collector.client.get("/cid/acc1", params={"callback": "jstag.cb"}) for _ in range(2)]
    assert first.text.startswith('jstag.cb("')
    assert first.text.endswith('")')
    assert first.text != second.text
    assert first.headers["Content-Type"].startswith("application/javascript")
    assert first.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("callback", ["alert(1);//", "", "a b", "x" * 101])
async def test_a_callback_is_only_a_name(collector, callback):
    """The answer is a script, so nothing else is put into it."""
    reply = await collector.client.get("/cid/acc1", params={"callback": callback})
    assert reply.status_code == 400
