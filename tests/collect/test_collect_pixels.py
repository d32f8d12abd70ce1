"""Events in the address of an image."""

from __future__ import annotations

import base64
import json

import pytest

from headwater.errors import UnavailableError

EVENT = {"writeKey": "key-web", "userId": "u1", "event": "Opened\u00ff?", "properties": {"subject": "Hi"}}
TEXT = json.dumps(EVENT, ensure_ascii=False)
STANDARD = base64.b64encode(TEXT.encode()).decode()


@pytest.mark.parametrize(
    "data",
    [STANDARD, STANDARD.rstrip("="), STANDARD.replace("+", "-").replace("/", "_"), STANDARD.replace("+", " "), TEXT],
)
async def test_data_is_read_in_every_alphabet(collector, data):
    """Standard or URL-safe base64, padded or not, a plus turned blank, or bare JSON."""
    reply = await collector.client.get("/v1/pixel/track", params={"data": data})
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "image/gif")
    assert reply.content.startswith(b"GIF89a")
    assert "no-store" in reply.headers["Cache-Control"]
    (event,) = collector.writer.data
    assert (event["type"], event["event"], event["properties"]) == ("track", "Opened\u00ff?", {"subject": "Hi"})
    assert event["context"]["ip"] == "127.0.0.1"


async def test_dotted_parameters_build_objects(collector):
    """Plain parameters are text at the place that their name says."""
    query = "userId=u&event=Opened&properties.subject=Hi&properties.a.b=1&writeKey=key-web"
    await collector.client.get(f"/v1/pixel/track/?{query}")
    (event,) = collector.writer.data
    assert event["properties"] == {"subject": "Hi", "a": {"b": "1"}}
    assert "writeKey" not in event


@pytest.mark.parametrize("kind", ["identify", "track", "page", "screen", "group", "alias"])
async def test_every_type_has_a_pixel(collector, kind):
    """The route names the type."""
    query = {"writeKey": "key-web", "userId": "u", "event": "E", "groupId": "g", "previousId": "p"}
    await collector.client.get(f"/v1/pixel/{kind}", params=query)
    assert [event["type"] for event in collector.writer.data] == [kind]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("data=!!!", "invalid_data"),
        ("data=AAAA", "invalid_json"),
        ("writeKey=key-web", "missing_event_name"),
        ("writeKey=wrong&event=A&userId=u", "unknown_write_key"),
        ("a=1&a.b=2&writeKey=key-web", "invalid_object"),
        ("a.b=1&a=2&writeKey=key-web", "invalid_object"),
        ("." * 150 + "=1", "too_deep"),
        ("&".join(["a=1"] * 2100), "too_many_parameters"),
    ],
)
async def test_an_error_is_an_image_too(collector, query, code):
    """Nobody reads a pixel's answer; what was wrong is counted and kept."""
    reply = await collector.client.get(f"/v1/pixel/track?{query}")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "image/gif")
    assert collector.writer.appended == []
    assert [refusal.reason for refusal in collector.refusals.kept] == [code]


async def test_a_log_that_is_away_is_an_image_too(collector):
    """An image cannot be sent again, so the loss is counted."""
    collector.writer.failure = UnavailableError("away")
    assert (await collector.client.get("/v1/pixel/track", params={"data": STANDARD})).status_code == 200
    assert collector.count("refused", reason="unavailable") == 1


async def test_rudders_pixel_fills_in_what_a_page_cannot_know(collector):
    """Channel, integrations and time are the server's; quotes around the anonymous id go; a nameless page has a name."""
    await collector.client.get("/pixel/v1/page", params={"writeKey": "key-web", "anonymousId": '"a1"'})
    (event,) = collector.writer.data
    assert (event["anonymousId"], event["name"], event["channel"], event["integrations"]) == (
        "a1",
        "Unknown Page",
        "web",
        {"All": True},
    )
    assert event["sentAt"] == event["originalTimestamp"] == event["timestamp"] == event["receivedAt"]


async def test_rudders_pixel_drops_a_nameless_track_event(collector):
    """It is counted as refused."""
    await collector.client.get("/pixel/v1/track", params={"writeKey": "key-web", "anonymousId": "a", "event": ""})
    assert collector.writer.appended == []
    assert collector.count("refused", reason="missing_event_name") == 1
