"""Webhooks and custom events: any JSON, from senders that know no spec."""

from __future__ import annotations

import json

import pytest

PATHS = ["/v1/webhook", "/v1/w"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_known_type_is_that_event(collector, path):
    """A webhook destination forwards whole events."""
    body = {"type": "identify", "userId": "u", "traits": {"a": 1}, "messageId": "m"}
    assert (await collector.client.post(path, json=body, params={"writeKey": "key-web"})).status_code == 200
    assert [(data["type"], data["messageId"]) for data in collector.writer.data] == [("identify", "m")]


async def test_a_known_type_must_be_a_whole_event(collector):
    """What names a type is held to it."""
    reply = await collector.client.post("/v1/webhook", json={"type": "track"}, params={"writeKey": "key-web"})
    assert (reply.status_code, reply.json()["field"]) == (400, "event")


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        ({"order": 7, "type": "order.paid"}, {"order": 7, "type": "order.paid"}),
        ([1, 2], {"body": [1, 2]}),
        ("x", {"body": "x"}),
        ({"a": 1, "writeKey": "key-app"}, {"a": 1}),
    ],
)
async def test_anything_else_is_a_track_event(collector, body, properties):
    """The body stands in its properties; nobody is invented as its user. The query's key is stronger than the body's."""
    await collector.client.post("/v1/webhook", json=body, params={"writeKey": "key-web"})
    (record,) = collector.writer.records
    assert (record.meta.source, record.data["type"], record.data["event"]) == ("p-web", "track", "Webhook Received")
    assert record.data["properties"] == properties
    assert "anonymousId" not in record.data


async def test_a_webhook_may_be_a_get(collector):
    """Its parameters are the body."""
    await collector.client.get("/v1/w", params={"writeKey": "key-web", "a": "1"})
    assert [data["properties"] for data in collector.writer.data] == [{"a": "1"}]


ABOUT = {
    "writeKey": "key-web",
    "eventName": "Signed",
    "eventID": "m1",
    "timestamp": "2026-01-01T00:00:00Z",
    "userID": "u1",
}


@pytest.mark.parametrize("place", ["body", "header", "query"])
async def test_a_custom_event_says_what_it_is_in_three_places(collector, place):
    """The metadata may stand in the body, a header or the query; the rest of the body is free."""
    body = {"free": [1]} | ({"_metarouter": ABOUT} if place == "body" else {})
    headers = {"X-Event-Metadata": json.dumps(ABOUT)} if place == "header" else {}
    params = ABOUT if place == "query" else {}
    reply = await collector.client.post("/v1/custom/event", json=body, headers=headers, params=params)
    assert reply.status_code == 200
    (record,) = collector.writer.records
    assert (record.meta.message_id, record.meta.user_key) == ("m1", "u1")
    assert (record.data["event"], record.data["properties"]) == ("Signed", {"free": [1]})
    assert record.data["timestamp"] == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("about", "status", "field"),
    [
        ({"writeKey": "key-web"}, 400, "eventName"),
        ({"eventName": "A"}, 401, "writeKey"),
        ("text", 400, "_metarouter"),
    ],
)
async def test_a_custom_event_needs_a_name_and_a_key(collector, about, status, field):
    """The error names what is missing."""
    reply = await collector.client.post("/v1/custom/event", json={"_metarouter": about})
    assert (reply.status_code, reply.json()["field"]) == (status, field)


async def test_metadata_that_is_no_json_is_named(collector):
    """The header is named, not the body."""
    reply = await collector.client.post("/v1/custom/event", json={}, headers={"X-Event-Metadata": "{"})
    assert (reply.status_code, reply.json()["field"]) == (400, "X-Event-Metadata")
