"""The tracking routes over HTTP: what is answered, what reaches the log, what is kept of the rest."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json

import pytest

from headwater.errors import UnavailableError
from headwater.settings import CollectSettings

KEY = "key-web"
EVENT = {"userId": "u1", "event": "A", "groupId": "g", "previousId": "p"}
ALL_SINGLE = ["identify", "track", "page", "screen", "group", "alias", "i", "t", "p", "s", "g", "a"]
TYPES = {name[0]: name for name in ("identify", "track", "page", "screen", "group", "alias")}
BATCH_ROUTES = ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"]


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


@pytest.mark.parametrize("name", ALL_SINGLE)
async def test_every_single_route_keeps_its_type(collector, name):
    """Long and short routes make events of their type, with a slash at the end or a second one in front too."""
    for path in (f"/v1/{name}", f"/v1/{name}/", f"{collector.url}//v1/{name}"):
        reply = await collector.post(path, EVENT)
        assert (reply.status_code, reply.json()) == (200, {"success": True})
    assert [data["type"] for data in collector.writer.data] == [TYPES[name[0]]] * 3


@pytest.mark.parametrize("path", BATCH_ROUTES)
async def test_every_batch_route_keeps_all_events(collector, path):
    """A batch is one append, in order."""
    events = [{"type": "track", "event": f"E{n}", "userId": "u", "messageId": f"m{n}"} for n in range(3)]
    reply = await collector.post(path, {"batch": events})
    assert (reply.status_code, reply.json()) == (200, {"success": True})
    assert [data["event"] for data in collector.writer.data] == ["E0", "E1", "E2"]
    assert collector.writer.calls == [3]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json;charset=UTF-8", None]
)
async def test_the_content_type_is_no_hint(collector, content_type):
    """JSON is read whatever it is called."""
    headers = {**basic(KEY), **({"Content-Type": content_type} if content_type else {})}
    reply = await collector.client.post("/v1/track", content=json.dumps(EVENT).encode(), headers=headers)
    assert reply.status_code == 200


async def test_gzip_is_unpacked_by_header_and_by_its_first_bytes(collector):
    """Some clients pack without saying so."""
    packed = gzip.compress(json.dumps(EVENT).encode())
    for headers in ({"Content-Encoding": "gzip"}, {}):
        reply = await collector.client.post("/v1/track", content=packed, headers=basic(KEY) | headers)
        assert reply.status_code == 200


async def test_a_body_in_chunks_is_read_whole(collector):
    """Without a Content-Length the body comes in pieces, packed or not."""
    text = json.dumps({**EVENT, "note": "x" * 5000}).encode()

    async def pieces(body: bytes):
        for start in range(0, len(body), 700):
            yield body[start : start + 700]
            await asyncio.sleep(0)

    for body in (text, gzip.compress(text)):
        headers = basic(KEY) | ({} if body is text else {"Content-Encoding": "gzip"})
        reply = await collector.client.post("/v1/track", content=pieces(body), headers=headers)
        assert reply.status_code == 200
    assert [data["note"] for data in collector.writer.data] == ["x" * 5000] * 2


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"", {}, "empty_body"),
        (b"  \n", {}, "empty_body"),
        (b"{", {}, "invalid_json"),
        (b'{"a":NaN}', {}, "invalid_json"),
        (b'{"a":"\xff"}', {}, "invalid_json"),
        (b"[]", {}, "invalid_body"),
        (b"7", {}, "invalid_body"),
        (b'{"event":"A","event":"B","userId":"u"}', {}, "duplicate_key"),
        (b"not gzip", {"Content-Encoding": "gzip"}, "invalid_gzip"),
        (gzip.compress(b'{"event":"A"}')[:-4], {"Content-Encoding": "gzip"}, "invalid_gzip"),
        (gzip.compress(b"") * 2000, {"Content-Encoding": "gzip"}, "invalid_gzip"),
        (b"{}", {"Content-Encoding": "br"}, "unsupported_encoding"),
        (b"[" * 100_000, {}, "invalid_json"),
    ],
)
async def test_a_body_that_cannot_be_read_is_400_with_the_reason(collector, body, headers, code):
    """The error has the fields that every vendor's client reads, and is kept and counted."""
    reply = await collector.client.post("/v1/track", content=body, headers=basic(KEY) | headers)
    document = reply.json()
    assert (reply.status_code, document["code"], document["success"]) == (400, code, False)
    assert document["message"] == document["msg"] == document["Message"]
    assert (document["Error"], document["Details"]) == ("Bad Request", document.get("field", ""))
    assert [refusal.reason for refusal in collector.refusals.kept] == [code]
    assert collector.count("refused", reason=code) == 1


async def test_a_bom_is_stripped(collector):
    """Windows tools put one in front of UTF-8."""
    reply = await collector.client.post(
        "/v1/track", content=b"\xef\xbb\xbf" + json.dumps(EVENT).encode(), headers=basic(KEY)
    )
    assert reply.status_code == 200


async def test_good_events_are_kept_beside_bad_ones(collector):
    """A partial batch is a 200 that lists what was refused, with position, field and reason."""
    events = [
        {"type": "track", "event": "A", "userId": "u", "messageId": "m0"},
        {"type": "track", "userId": "u"},
        "text",
        {"type": "page", "anonymousId": "a", "messageId": "m3"},
    ]
    reply = await collector.post("/v1/batch", {"batch": events})
    document = reply.json()
    assert reply.status_code == 200
    assert (document["success"], document["Success"], document["accepted"], document["rejected"]) == (True, False, 2, 2)
    assert [(error["index"], error["Details"], error["code"]) for error in document["Errors"]] == [
        (1, "batch[1].event", "missing_event_name"),
        (2, "batch[2]", "invalid_event"),
    ]
    assert [data["messageId"] for data in collector.writer.data] == ["m0", "m3"]
    assert [(refusal.source, refusal.field) for refusal in collector.refusals.kept] == [
        ("p-web", "batch[1].event"),
        ("p-web", "batch[2]"),
    ]
    assert (collector.count("received", route="/v1/batch"), collector.count("accepted", route="/v1/batch")) == (4, 2)


async def test_a_source_may_ask_for_207(collector):
    """Only where it is configured: the Python clients take 207 for a failure."""
    body = {"batch": [{"type": "page", "userId": "u"}, {}], "writeKey": "key-multi"}
    assert (await collector.client.post("/v1/batch", json=body)).status_code == 207


async def test_a_batch_with_nothing_good_is_400(collector):
    """No client sends it again, and a developer sees it at once."""
    reply = await collector.post("/v1/batch", {"batch": [{"type": "track"}, {}]})
    document = reply.json()
    assert (reply.status_code, document["code"], document["accepted"], document["rejected"]) == (
        400,
        "missing_event_name",
        0,
        2,
    )


@pytest.mark.parametrize("key", [None, KEY])
async def test_an_empty_batch_is_200(collector, key):
    """A client that flushes nothing must not try again."""
    headers = basic(key) if key else {}
    assert (await collector.client.post("/v1/batch", json={"batch": []}, headers=headers)).status_code == 200


@pytest.mark.parametrize("body", [{}, {"batch": {}}, {"batch": [], "context": 7}, {"batch": [{}], "integrations": []}])
async def test_a_batch_of_the_wrong_shape_is_400(collector, body):
    """The error names the field."""
    reply = await collector.post("/v1/batch", body)
    assert reply.status_code == 400
    assert reply.json()["field"] in ("batch", "context", "integrations")


async def test_a_repeated_key_refuses_its_own_event_only(collector):
    """The events beside it are kept; a repetition outside of the events refuses the request."""
    text = b'{"batch":[{"type":"page","userId":"u"},{"type":"page","userId":"u","properties":{"a":1,"a":2}}]}'
    document = (await collector.client.post("/v1/batch", content=text, headers=basic(KEY))).json()
    assert (document["accepted"], document["Errors"][0]["Details"]) == (1, "batch[1].properties.a")
    twice = b'{"batch":[{"type":"page","userId":"u"}],"batch":[]}'
    reply = await collector.client.post("/v1/batch", content=twice, headers=basic(KEY))
    assert (reply.status_code, reply.json()["field"]) == (400, "batch")


async def test_an_event_nested_too_deeply_refuses_itself_only(collector):
    """Depth that no encoder can write is an error of one event, not of the server."""
    deep = b'{"a":' * 600 + b"1" + b"}" * 600
    text = b'{"batch":[{"type":"page","userId":"u"},{"type":"page","userId":"u","properties":' + deep + b"}]}"
    document = (await collector.client.post("/v1/batch", content=text, headers=basic(KEY))).json()
    assert (document["accepted"], document["Errors"][0]["code"]) == (1, "too_deep")


async def test_the_batch_serves_events_without_sent_at_and_context(collector):
    """sentAt, context and integrations of the batch apply to every event that lacks its own."""
    body = {
        "sentAt": "2026-11-23T10:00:10.000Z",
        "context": {"library": {"name": "analytics-python"}},
        "integrations": {"All": False},
        "batch": [{"type": "page", "userId": "u", "timestamp": "2026-11-23T10:00:00.000Z"}],
    }
    await collector.post("/v1/batch", body)
    (data,) = collector.writer.data
    assert (data["sentAt"], data["originalTimestamp"]) == ("2026-11-23T10:00:10.000Z", "2026-11-23T10:00:00.000Z")
    assert (data["context"], data["integrations"]) == ({"library": {"name": "analytics-python"}}, {"All": False})
    received, corrected = data["receivedAt"], data["timestamp"]
    assert corrected < received


async def test_a_sent_at_header_counts(collector):
    """Rudder's browser SDK sends it beside the body."""
    headers = basic(KEY) | {"SentAt": "2026-11-23T10:00:10.000Z"}
    await collector.client.post(
        "/v1/page", json={"userId": "u", "originalTimestamp": "2026-11-23T10:00:00Z"}, headers=headers
    )
    (data,) = collector.writer.data
    assert data["sentAt"] == "2026-11-23T10:00:10.000Z"


KEY_PLACES = [
    ({"headers": basic("key-web")}, "p-web"),
    ({"body": "key-app"}, "p-app"),
    ({"item": "key-app"}, "p-app"),
    ({"query": "key-app"}, "p-app"),
    ({"headers": basic("key-web"), "body": "key-app", "item": "key-multi", "query": "key-shop"}, "p-web"),
    ({"body": "key-app", "item": "key-multi", "query": "key-shop"}, "p-app"),
    ({"item": "key-multi", "query": "key-shop"}, "p-multi"),
    ({"headers": {"Authorization": "Bearer x"}, "body": "key-app"}, "p-app"),
]


@pytest.mark.parametrize(("places", "expected"), KEY_PLACES)
async def test_the_key_is_found_in_order_of_precedence(collector, places, expected):
    """Basic, then body, then event, then query; another key in a weaker place is counted."""
    item = {"type": "page", "userId": "u"} | ({"writeKey": places["item"]} if "item" in places else {})
    body = {"batch": [item]} | ({"writeKey": places["body"]} if "body" in places else {})
    query = {"writeKey": places["query"]} if "query" in places else {}
    reply = await collector.client.post("/v1/batch", json=body, headers=places.get("headers"), params=query)
    assert reply.status_code == 200
    assert [record.meta.source for record in collector.writer.records] == [expected]
    named = len({str(place) for name, place in places.items() if name != "headers" or "Basic" in str(place)})
    assert (collector.count("write_key_conflicts") > 0) == (named > 1)


async def test_events_of_one_batch_may_belong_to_several_sources(collector):
    """MetaRouter's mobile SDKs put the key into each event; a wrong one refuses that event only."""
    events = [{"type": "page", "userId": "u", "writeKey": key} for key in ("key-web", "key-app", "wrong")]
    reply = await collector.client.post("/v1/batch", json={"batch": events})
    assert (reply.status_code, reply.json()["Errors"][0]["code"]) == (200, "unknown_write_key")
    assert [record.meta.source for record in collector.writer.records] == ["p-web", "p-app"]


@pytest.mark.parametrize(
    ("path", "key", "status", "code"),
    [
        ("/v1/track", None, 401, "missing_write_key"),
        ("/v1/t", "wrong", 401, "unknown_write_key"),
        ("/v1/track", "key-off", 404, "source_disabled"),
        ("/v1/t", "key-off", 400, "source_disabled"),
        ("/v1/webhook", "wrong", 401, "unknown_write_key"),
        *((path, None, 400, "missing_write_key") for path in BATCH_ROUTES),
        *((path, "wrong", 400, "unknown_write_key") for path in BATCH_ROUTES),
        *((path, "key-off", 400, "source_disabled") for path in BATCH_ROUTES),
    ],
)
async def test_key_errors_have_the_status_that_harms_no_client(collector, path, key, status, code):
    """401 and 404 on a batch route would make mobile SDKs empty their queues for good."""
    body = {"batch": [{"type": "page", "userId": "u"}]} if path in BATCH_ROUTES else EVENT
    reply = await collector.client.post(path, json=body, headers=basic(key) if key else {})
    assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_a_write_key_is_never_shown_again(collector):
    """Neither the answer nor what is kept of a refusal holds it."""
    secret = "k9x8-never-shown"
    body = {"batch": [{"type": "track", "userId": "u", "writeKey": secret}], "writeKey": secret}
    replies = [
        await collector.client.post("/v1/batch", json=body),
        await collector.client.post("/v1/track", content=b'{"writeKey" : "' + secret.encode() + b'", bad'),
        await collector.client.get("/v1/pixel/track", params={"writeKey": secret}),
        await collector.client.post("/v1/track", json=EVENT, headers=basic(secret)),
    ]
    assert len(collector.refusals.kept) == 4
    assert not any(secret in reply.text for reply in replies)
    assert secret not in repr(collector.refusals.kept)


async def test_a_body_over_the_limit_is_413(start_collector):
    """The limit is on unpacked bytes, whether declared, sent in chunks or packed; a key outside of the body allows more."""
    settings = CollectSettings(request_limit_bytes=2000, large_request_limit_bytes=4000)

    async def chunks(body: bytes):
        yield body

    async with start_collector(settings) as collector:
        for size, headers, expected in (
            (1500, {}, 200),
            (3000, {}, 413),
            (3000, basic(KEY), 200),
            (5000, basic(KEY), 413),
        ):
            text = json.dumps({"userId": "u", "writeKey": KEY, "note": "x" * size}).encode()
            packed = headers | {"Content-Encoding": "gzip"}
            assert (await collector.client.post("/v1/page", content=text, headers=headers)).status_code == expected
            assert (
                await collector.client.post("/v1/page", content=chunks(text), headers=headers)
            ).status_code == expected
            assert (
                await collector.client.post("/v1/page", content=gzip.compress(text), headers=packed)
            ).status_code == expected


async def test_a_deflate_bomb_is_refused_without_unpacking_it(collector):
    """A gigabyte of zeros in a megabyte costs no more than the limit."""
    bomb = gzip.compress(b"0" * (64 * 1024 * 1024))
    reply = await collector.client.post(
        "/v1/track", content=bomb * 4, headers=basic(KEY) | {"Content-Encoding": "gzip"}
    )
    assert (reply.status_code, reply.json()["code"]) == (413, "request_too_large")


async def test_one_event_over_its_limit_is_413_and_an_item_is_listed(collector):
    """MetaRouter's SDKs halve a batch on 413, so an item too large must not be one."""
    large = {"type": "page", "userId": "u", "note": "x" * 33_000}
    assert (await collector.post("/v1/page", large)).status_code == 413
    reply = await collector.post("/v1/batch", {"batch": [large, {"type": "page", "userId": "u"}]})
    assert (reply.status_code, reply.json()["Errors"][0]["code"]) == (200, "event_too_large")


async def test_events_behind_the_batch_limit_are_refused_together(start_collector):
    """The first ones are kept, the excess is counted in one entry."""
    async with start_collector(CollectSettings(batch_limit_events=2)) as collector:
        reply = await collector.post("/v1/batch", {"batch": [{"type": "page", "userId": "u"}] * 5})
        document = reply.json()
        assert (reply.status_code, document["accepted"], document["rejected"]) == (200, 2, 3)
        assert collector.count("refused", reason="batch_too_long") == 3


async def test_a_small_batch_with_a_large_context_is_stored_in_parts(collector):
    """What a batch grows to by its context is never in memory at once."""
    body = {"context": {"note": "x" * 30_000}, "batch": [{"type": "page", "userId": f"u{n}"} for n in range(400)]}
    assert (await collector.post("/v1/batch", body)).json() == {"success": True}
    assert len(collector.writer.calls) > 2
    assert sum(collector.writer.calls) == 400


async def test_a_context_that_no_event_could_carry_refuses_the_batch(collector):
    """It would make every event too large."""
    reply = await collector.post(
        "/v1/batch", {"context": {"note": "x" * 40_000}, "batch": [{"type": "page", "userId": "u"}]}
    )
    assert (reply.status_code, reply.json()["field"]) == (413, "context")


@pytest.mark.parametrize(
    "path", ["/v1/track", "/v1/batch", "/v1/webhook", "/sourceConfig", "/v1/projects/wrong/settings"]
)
async def test_until_the_sources_are_loaded_the_answer_is_503(collector, path):
    """No key is called unknown for a passing fault."""
    collector.sources.ready = False
    method = "GET" if "ource" in path or "settings" in path else "POST"
    reply = await collector.client.request(method, path, json={"batch": [{}], "event": "A"}, headers=basic("wrong"))
    assert (reply.status_code, reply.json()["code"]) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0


async def test_a_log_that_does_not_answer_is_503_and_nothing_is_accepted(collector):
    """The client keeps the event and sends it again."""
    collector.writer.failure = UnavailableError("the log does not answer", retry_after=2.5)
    reply = await collector.post("/v1/track", EVENT)
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "3")
    assert collector.count("accepted", route="/v1/track") == 0


async def test_an_unforeseen_error_is_500_without_what_was_sent(collector, capsys):
    """The answer and the log line say nothing of the person."""
    collector.writer.failure = ValueError("jane@example.com")
    reply = await collector.post("/v1/track", EVENT)
    assert (reply.status_code, reply.json()["code"]) == (500, "internal_error")
    shown = capsys.readouterr()
    assert "jane" not in reply.text + shown.out + shown.err


async def test_bytes_in_flight_are_bounded_over_all_requests(start_collector):
    """While one large body is being held, another one is told to come again; afterwards there is room."""
    async with start_collector(CollectSettings(in_flight_limit_bytes=100_000)) as collector:
        opened = asyncio.Event()

        async def slow():
            yield b'{"userId":"u","note":"' + b"x" * 20_000
            yield b"x" * 60_000
            await opened.wait()
            yield b'"}'

        first = asyncio.create_task(collector.client.post("/v1/page", content=slow(), headers=basic(KEY)))
        while (collector.registry.get_sample_value("headwater_collect_in_flight_bytes") or 0) < 70_000:
            await asyncio.sleep(0.01)
        body = json.dumps({"userId": "u", "note": "x" * 30_000}).encode()
        reply = await collector.client.post("/v1/page", content=body, headers=basic(KEY))
        assert (reply.status_code, "Retry-After" in reply.headers) == (503, True)
        opened.set()
        assert (await first).status_code == 413
        assert (await collector.client.post("/v1/page", content=body, headers=basic(KEY))).status_code == 200
        assert collector.registry.get_sample_value("headwater_collect_in_flight_bytes") == 0


async def test_requests_beyond_the_rate_of_a_key_are_429(start_collector):
    """Each key has its own bucket; the answer says when to come again, in whole seconds."""
    async with start_collector(CollectSettings(rate_limit_per_second=2.0)) as collector:
        statuses = [(await collector.post("/v1/track", EVENT)).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        reply = await collector.post("/v1/track", EVENT)
        assert (reply.headers["Retry-After"], reply.headers["X-RateLimit-Reset"], reply.json()["code"]) == (
            "1",
            "1",
            "rate_limited",
        )
        other = await collector.client.post("/v1/track", json=EVENT | {"writeKey": "key-app"})
        assert other.status_code == 200


async def test_merge_links_two_identifiers(collector):
    """Rudder's merge is an event of its own type, alone and in a batch."""
    pair = {"mergeProperties": [{"type": "email", "value": "a@x.io"}, {"type": "phone", "value": "1"}]}
    assert (await collector.post("/v1/merge", pair)).status_code == 200
    assert (await collector.post("/v1/batch", {"batch": [{"type": "merge", **pair}]})).status_code == 200
    assert [data["type"] for data in collector.writer.data] == ["merge", "merge"]


@pytest.mark.parametrize("path", ["/v1/m", "/rsaMetrics"])
async def test_client_metrics_are_answered_and_dropped(collector, path):
    """They need no key and reach no log."""
    reply = await collector.client.post(path, json={"series": [{"type": "Counter"}]})
    assert (reply.status_code, collector.writer.appended) == (200, [])
    assert collector.count("client_metrics") == 1


async def test_unknown_addresses_and_methods_are_named(collector):
    """404 and 405 in the usual body; 405 says what is allowed."""
    assert (await collector.client.post("/v1/nothing")).status_code == 404
    reply = await collector.client.get("/v1/track")
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST, OPTIONS")


async def test_operations(collector):
    """Health follows the sources; version and robots are always there."""
    assert (await collector.client.get("/health")).json() == {"status": "ok"}
    collector.sources.ready = False
    assert (await collector.client.get("/health")).status_code == 503
    assert (await collector.client.get("/version")).json()["name"] == "headwater"
    assert "Disallow: /" in (await collector.client.get("/robots.txt")).text
