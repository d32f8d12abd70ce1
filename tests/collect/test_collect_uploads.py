"""The Lytics upload doors over HTTP."""

from __future__ import annotations

import gzip
import json

import pytest

from headwater.errors import UnavailableError
from headwater.settings import CollectSettings

AUTH = {"Authorization": "data-token"}
CSV = AUTH | {"Content-Type": "text/csv"}


@pytest.mark.parametrize(
    ("headers", "params"),
    [(AUTH, {}), ({"Authorization": "Bearer data-token"}, {}), ({}, {"access_token": "data-token"})],
)
async def test_a_token_may_stand_in_three_places(collector, headers, params):
    """Bare, after Bearer, or in the query."""
    reply = await collector.client.post("/collect/json/web", json={"a": 1}, headers=headers, params=params)
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [("", 401, "Not authorized"), ("wrong", 401, "Not authorized"), ("observer", 403, "scope")],
)
@pytest.mark.parametrize("path", ["/collect/json/web", "/collect/bulk/web"])
async def test_only_tokens_for_data_pass(collector, path, token, status, message):
    """The envelope is Lytics'."""
    reply = await collector.client.post(path, json={"a": 1}, headers={"Authorization": token})
    document = reply.json()
    assert (reply.status_code, document["status"], document["data"]) == (status, status, None)
    assert message in document["message"]


async def test_one_object_is_kept_as_posted(collector):
    """Nothing is flattened or renamed here; the answer has Lytics' counts."""
    record = {"email": "a@x.io", "n": 12345678901234567890, "deep": {"t": [1, {"x": None}]}}
    reply = await collector.client.post("/collect/json/web", json=record, headers=AUTH, params={"filename": "f.json"})
    assert reply.json() == {
        "status": 200,
        "message": "success",
        "data": {
            "message_count": 1,
            "rejected_count": 0,
            "content-type": "application/json",
            "droperrors": False,
            "dryrun": False,
            "timestamp_field": "",
            "filename": "f.json",
        },
    }
    (kept,) = collector.writer.records
    assert kept.data == record
    assert (kept.meta.kind, kept.meta.source, kept.meta.user_key) == ("stream", "web", "a@x.io")


async def test_good_records_of_a_list_are_kept(collector):
    """The others are counted and listed."""
    body = [{"a": 1}, 7, {"x" * 300: 1}, {"a" * 200: {"b" * 100: 1}}, {}, {"a": 2}]
    reply = await collector.client.post("/collect/json/web", content=json.dumps(body), headers=AUTH)
    data = reply.json()["data"]
    assert (data["message_count"], data["rejected_count"]) == (2, 4)
    assert [(error["index"], error["code"]) for error in data["errors"]] == [
        (1, "invalid_record"),
        (2, "name_too_long"),
        (3, "name_too_long"),
        (4, "empty_record"),
    ]
    assert collector.writer.data == [{"a": 1}, {"a": 2}]


async def test_a_repeated_key_refuses_its_record_only(collector):
    """The key is named."""
    reply = await collector.client.post("/collect/json/web", content=b'[{"a":1,"a":2},{"a":3}]', headers=AUTH)
    data = reply.json()["data"]
    assert (data["message_count"], data["errors"][0]["field"]) == (1, "[0].a")


@pytest.mark.parametrize("body", [b"", b"7", b"{", b'{"a":1,"a":2}', b"[{}]", b"{}"])
async def test_a_body_without_a_good_record_is_400(collector, body):
    """In Lytics' envelope."""
    reply = await collector.client.post("/collect/json/web", content=body, headers=AUTH)
    assert (reply.status_code, reply.json()["status"]) == (400, 400)
    assert collector.writer.appended == []


async def test_dryrun_counts_and_stores_nothing(collector):
    """For trying out a file."""
    reply = await collector.client.post(
        "/collect/json/web", json=[{"a": 1}, 7], headers=AUTH, params={"dryrun": "true"}
    )
    data = reply.json()["data"]
    assert (data["message_count"], data["rejected_count"], data["dryrun"]) == (1, 1, True)
    assert collector.writer.appended == []


@pytest.mark.parametrize(
    ("value", "expected", "flags"),
    [
        ("2026-11-23T14:34:56.5Z", 1_795_444_496_500, ()),
        ("11/23/2026", 1_795_392_000_000, ()),
        (1_795_444_496, 1_795_444_496_000, ()),
        ("soon", None, ("timestamp_unparsable",)),
        (None, None, ()),
    ],
)
async def test_the_timestamp_field_sets_the_records_time(collector, value, expected, flags):
    """`_ts` is what mappings read; what cannot be read is flagged, and the time of arrival counts."""
    await collector.client.post(
        "/collect/json/web", json={"when": value, "a": 1}, headers=AUTH, params={"timestamp_field": "when"}
    )
    (record,) = collector.writer.records
    assert (record.data.get("_ts"), record.meta.flags) == (expected, flags)


@pytest.mark.parametrize("params", [{"dryrun": "perhaps"}, {"delimiter": "ab"}, {"append": "[1]"}])
async def test_a_parameter_that_is_not_understood_is_named(collector, params):
    """Nothing is guessed."""
    reply = await collector.client.post("/collect/bulk/web", content=b"a\n1\n", headers=CSV, params=params)
    assert (reply.status_code, reply.json()["field"]) == (400, next(iter(params)))


async def test_the_same_id_with_the_same_content_is_a_duplicate(collector):
    """A router's retry counts once; a person's next state under the same id does not vanish."""
    for record in (
        {"id": "m1", "a": 1},
        {"id": "m1", "a": 1},
        {"id": "m1", "a": 2},
        {"a": 1},
        {"a": 1},
        {"id": 7},
        {"id": 7},
    ):
        await collector.client.post("/collect/json/web", json=record, headers=AUTH)
    ids = [record.dedup_id for record in collector.writer.appended]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 6


async def test_an_idempotency_key_makes_an_upload_count_once(collector):
    """The same upload sent again has the same ids, row by row; another key has others."""
    for key in ("night-1", "night-1", "night-2"):
        headers = CSV | {"Idempotency-Key": key}
        await collector.client.post("/collect/bulk/web", content=b"a\n1\n1\n", headers=headers)
    ids = [record.dedup_id for record in collector.writer.appended]
    assert ids[:2] == ids[2:4]
    assert len(set(ids)) == 4


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("content_type", ["text/csv", "application/csv", "application/octet-stream"])
async def test_csv_in_bulk(collector, content_type, packed):
    """Packed files are known by their first bytes; rows are text."""
    text = b'email,note\na@x.io,"hi, ""you"""\nb@x.io,\n'
    headers = AUTH | {"Content-Type": content_type}
    reply = await collector.client.post(
        "/collect/bulk/web", content=gzip.compress(text) if packed else text, headers=headers
    )
    assert (reply.status_code, reply.json()["data"]["message_count"]) == (200, 2)
    assert collector.writer.data == [{"email": "a@x.io", "note": 'hi, "you"'}, {"email": "b@x.io"}]


async def test_csv_options(collector):
    """Names, delimiter and appended fields come from the query."""
    params = {"headers": "a,b", "delimiter": "t", "append": '{"list":"vip"}'}
    await collector.client.post("/collect/bulk/web", content=b"1\t2\n", headers=CSV, params=params)
    assert collector.writer.data == [{"list": "vip", "a": "1", "b": "2"}]


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson", "text/plain"])
async def test_json_rows_in_bulk(collector, content_type):
    """One object a line, whatever it is called."""
    headers = AUTH | {"Content-Type": content_type}
    reply = await collector.client.post("/collect/bulk/web", content=b'{"a":1}\n{"order_ids":[1,2]}\n', headers=headers)
    assert reply.json()["data"]["message_count"] == 2
    assert collector.writer.data == [{"a": 1}, {"order_ids": [1, 2]}]


async def test_a_list_in_bulk_is_sent_to_the_other_door(collector):
    """The error says where."""
    reply = await collector.client.post("/collect/bulk/web", content=b'[{"a":1}]', headers=AUTH)
    assert reply.status_code == 400
    assert "/collect/json/" in reply.json()["message"]


async def test_a_bad_row_stops_the_upload_or_is_skipped(collector):
    """By default the upload stops there, and says where; with droperrors bad rows are counted."""
    text = b"a,b\n1,2\nbad\n3,4\n"
    reply = await collector.client.post("/collect/bulk/web", content=text, headers=CSV)
    document = reply.json()
    assert (reply.status_code, document["data"]["message_count"], document["data"]["rejected_count"]) == (400, 1, 1)
    assert "row 2" in document["message"]
    reply = await collector.client.post("/collect/bulk/web", content=text, headers=CSV, params={"droperrors": "true"})
    data = reply.json()["data"]
    assert (reply.status_code, data["message_count"], data["rejected_count"]) == (200, 2, 1)


async def test_a_long_upload_is_stored_in_parts(collector):
    """Memory is bounded however long the file is: no more than a part counts as in flight."""
    seen = []

    async def rows():
        yield b"n,text\n"
        for start in range(0, 20_000, 500):
            yield b"".join(b"%d,%s\n" % (n, b"x" * 100) for n in range(start, start + 500))
            seen.append(collector.registry.get_sample_value("headwater_collect_in_flight_bytes"))

    reply = await collector.client.post("/collect/bulk/web", content=rows(), headers=CSV)
    assert reply.json()["data"]["message_count"] == 20_000
    assert max(collector.writer.calls) <= 1000
    assert max(size for size in seen if size) <= 4 * 1024 * 1024


async def test_limits_are_413(start_collector):
    """Each upload door has its own limit, on unpacked bytes."""
    settings = CollectSettings(lytics_request_limit_bytes=1000, bulk_limit_bytes=5000)
    async with start_collector(settings) as collector:
        text = json.dumps([{"a": "x" * 100}] * 20)
        assert (await collector.client.post("/collect/json/web", content=text, headers=AUTH)).status_code == 413
        rows = b"a\n" + b"x\n" * 4000
        assert (await collector.client.post("/collect/bulk/web", content=rows, headers=CSV)).status_code == 413
        assert (
            await collector.client.post("/collect/bulk/web", content=gzip.compress(rows), headers=CSV)
        ).status_code == 413


async def test_a_log_that_is_away_is_503(collector):
    """The whole upload is to be sent again."""
    collector.writer.failure = UnavailableError("away")
    for path in ("/collect/json/web", "/collect/bulk/web"):
        reply = await collector.client.post(path, content=b'{"a":1}', headers=AUTH)
        assert (reply.status_code, reply.json()["status"]) == (503, 503)
        assert "Retry-After" in reply.headers


@pytest.mark.parametrize("stream", ["x" * 101, "%00", "%20"])
async def test_a_stream_needs_a_printable_name(collector, stream):
    """Names become addresses in the log."""
    reply = await collector.client.post(f"/collect/json/{stream}", json={"a": 1}, headers=AUTH)
    assert (reply.status_code, reply.json()["field"]) == (400, "stream")
