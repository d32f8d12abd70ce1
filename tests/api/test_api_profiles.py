"""Profiles over HTTP: both Lytics APIs and our own."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
import pytest

from headwater.events import RecordMeta
from headwater.log.records import encode_stream_record
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.preparation import LogRecord, Preparer
from headwater.profiles.store import generations
from headwater.profiles.store.batch import Batch
from headwater.profiles.store.builder import Builder

DAY = "2026-03-0{}T12:00:00.000Z"
OWN = "/api/v1/profiles"


class Lytics(NamedTuple):
    """An install with profiles, and a client of all its APIs."""

    client: httpx.AsyncClient
    pool: Any
    tokens: dict[str, str]

    async def get(self, path, **parameters):
        return await self.client.get(path, params=parameters)

    async def data(self, path, **parameters):
        reply = await self.get(path, **parameters)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]


@pytest.fixture
async def lytics(api):
    """Ann with two browsers, of whom one is shared with Bob."""
    pool = api.services.pool
    async with api.client() as client:
        client.base_url = "http://headwater"
        opened = Lytics(client, pool, api.tokens)
        await bring(opened, 1, user_id="ann", email="Ann@Shop.io", _uid="c1", _e="pv", url="shop.io/a", city="Oslo")
        await bring(opened, 2, user_id="ann", _uid="c2", visits="3", _ts="2026-03-02T08:00:00Z")
        await bring(opened, 3, user_id="bob", _uid="c2")
        yield opened


async def bring(lytics, sequence, **record):
    """Let a record of the stream `default` become profiles, as the worker does."""
    meta = RecordMeta("stream", "default", f"m{sequence}", "u", DAY.format(sequence))
    payload = encode_stream_record("default", meta, httpx.Request("POST", "http://x", json=record).content, 4).payload
    async with lytics.pool.acquire() as connection:
        generation = await generations.live(connection)
        compiled = CompiledSchema(generation.schema)
        builder = Builder(generation, compiled, await generations.secret(connection))
        arrivals = Preparer(compiled, {}).prepare([LogRecord(sequence, 0, 1.0, payload)]).arrivals
        await builder.apply(connection, Batch(tuple(arrivals)), datetime.now(UTC))


async def test_a_profile_is_found_by_any_identifier(lytics):
    """In any spelling, with its meta fields, audiences and the identifiers by which one may ask."""
    for path in (
        "/api/entity/user/email/ANN@shop.io",
        "/api/entity/user/_uids/c1",
        "/api/me/user_id/ann",
        "/api/entity/user/c1",
    ):
        reply = (await lytics.get(path)).json()
        assert (reply["status"], reply["message"]) == (200, "success")
        assert (reply["data"]["email"], reply["data"]["city"], reply["data"]["_uids"]) == (
            "ann@shop.io",
            "Oslo",
            ["c1"],
        )
        assert reply["data"]["segments"][-1] == "all"
        assert reply["meta"]["by_fields"][:2] == ["user_id", "email"]
        assert (reply["meta"]["format"], reply["meta"]["name"]) == ("json", "user")
    assert (await lytics.data(f"/api/entity/user/_id/{reply['data']['_id']}"))["user_id"] == "ann"


async def test_somebody_unknown_is_told_as_lytics_does(lytics):
    """200 with a message in the first API, 404 in the second and in ours."""
    reply = await lytics.get("/api/entity/user/email/nobody@shop.io")
    assert (reply.status_code, reply.json()["message"]) == (200, "Not Found")
    assert reply.json()["data"] == {"segments": ["not_found", "all"]}
    assert (await lytics.get("/v2/identity/user/email/nobody@shop.io")).status_code == 404
    assert (await lytics.get(f"{OWN}/lookup", field="email", value="nobody@shop.io")).status_code == 404
    wrong = await lytics.get("/api/entity/user/city/Oslo")
    assert (wrong.status_code, wrong.json()["data"]) == (400, None)
    assert "'city' does not identify" in wrong.json()["message"]
    assert (await lytics.get("/api/entity/content/email/a@b.io")).status_code == 404


async def test_a_caller_chooses_what_is_shown(lytics):
    """Fields, blocked fields, audiences, meta, numbers as texts, a file."""
    path = "/api/entity/user/user_id/ann"
    assert set(await lytics.data(path, fields="email,city", segments=False)) == {"email", "city"}
    assert "email" not in await lytics.data(path, fieldBlocklist="email,city")
    assert "meta" not in (await lytics.get(path, meta=False)).json()
    assert (await lytics.data(path))["_num_events"] == 2
    assert (await lytics.data(path, stringify=True))["_num_events"] == "2"
    everything = await lytics.data(path, allsegments=True)
    assert [each["slug_name"] for each in everything["segments_all"]].count("all") == 1
    download = await lytics.get(path, download=True)
    assert download.headers["Content-Disposition"] == 'attachment; filename="profile.json"'
    assert set(await lytics.data("/api/entity/user/segments/user_id/ann")) == {"segments"}


async def test_an_explanation_shows_fragments_and_conflicts(lytics):
    """The shared browser is in nobody's profile, and in the explanation of both."""
    explained = await lytics.data("/api/entity/user/user_id/ann", explain=True, fields="city")
    assert explained["entity"]["city"] == "Oslo"
    assert {"key": "user_id", "value": "ann"} in explained["keys"]
    outside = [each for each in explained["fragments"] if each["meta"].get("conflict")]
    assert [each["key"] for each in outside] == [[{"key": "_uids", "value": "c2"}]]
    identity = await lytics.data("/v2/identity/user/user_id/ann")
    assert identity["keys"] == explained["keys"]
    looked = await lytics.client.post("/v2/identity/lookup", json={"field": "email", "value": "ann@shop.io"})
    assert looked.json()["data"] == identity


async def test_search_stats_and_timeline(lytics, api, nats_url):
    """Identifiers by their beginning; what there is; events newest first with their records, page by page."""
    found = (await lytics.get(f"{OWN}/search", prefix="an")).json()
    assert [(each["type"], each["value"]) for each in found] == [("user_id", "ann"), ("email", "ann@shop.io")]
    stats = (await lytics.get(f"{OWN}/stats")).json()
    assert (stats["profiles"], stats["messages"], stats["identifiers"]["_uids"]) == (3, 3, 2)
    profile = found[0]["profile"]
    page = (await lytics.get(f"{OWN}/{profile}/timeline", limit=1)).json()
    assert [(each["name"], each["sequence"]) for each in page["entries"]] == [("", 2)]
    older = (await lytics.get(f"{OWN}/{profile}/timeline", limit=5, older=page["older"])).json()
    assert [(each["name"], each["stream"]) for each in older["entries"]] == [("pv", "default")]
    view = (await lytics.get(f"{OWN}/{profile}")).json()
    assert (view["health"], view["identifiers"][0]) == ("watched", {"type": "user_id", "value": "ann"})
    explained = (await lytics.get(f"{OWN}/{profile}/explain")).json()
    assert explained["conflicts"][0]["state"] == "open"
    assert (await lytics.get(f"{OWN}/{'0' * 32}")).status_code == 404


async def test_people_decide_with_a_preview_and_take_it_back(lytics):
    """A preview changes nothing; a decision does; undo gives what was."""
    order = {"kind": "allow", "left": {"type": "user_id", "value": "ann"}, "right": {"type": "_uids", "value": "c2"}}

    async def cookies():
        return (await lytics.data("/api/entity/user/user_id/ann"))["_uids"]

    preview = (await lytics.client.post(f"{OWN}/decisions", json=order | {"preview": True})).json()
    assert (len(preview["after"]), await cookies()) == (2, ["c1"])
    decided = (await lytics.client.post(f"{OWN}/decisions", json=order)).json()
    assert await cookies() == ["c1", "c2"]
    apart = await lytics.client.post(
        f"{OWN}/unmerge", json={"identifiers": [{"type": "_uids", "value": "c1"}], "preview": True}
    )
    assert len(apart.json()["after"]) > len(apart.json()["before"])
    numbers = [each["id"] for each in decided["decisions"]]
    await lytics.client.post(f"{OWN}/decisions/undo", json={"decisions": numbers})
    assert await cookies() == ["c1"]
    for wrong in (order | {"right": None}, order | {"kind": "block"}, order | {"left": {"type": "city", "value": "x"}}):
        assert (await lytics.client.post(f"{OWN}/decisions", json=wrong)).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status_path"),
    [("DELETE", "/api/entity/user/email/ann@shop.io", "/api/entity/deletestatus/"), ("DELETE", "/v2/identity/user/user_id/ann", "/api/entity/deletestatus/"),
     ("DELETE", "/api/entity/softdelete/user/user_id/ann", "/api/entity/deletestatus/")],
)  # fmt: skip
async def test_a_person_is_deleted_by_request(lytics, method, path, status_path):
    """A request id at once, the profile gone, and a status to ask for."""
    request = (await lytics.client.request(method, path)).json()["data"]
    assert (await lytics.get("/api/entity/user/user_id/ann")).json()["message"] == "Not Found"
    assert (await lytics.data("/api/entity/user/user_id/bob"))["user_id"] == "bob"
    status = await lytics.data(status_path + request["request_id"])
    assert status["request_id"] == request["request_id"]
    assert (await lytics.get(status_path + "nothing")).status_code == 404


async def test_several_persons_are_deleted_in_one_request(lytics):
    """Each gets an id; our own API deletes by the id of a profile."""
    both = {"identities": [{"field": "user_id", "value": name} for name in ("ann", "bob")]}
    assert len((await lytics.client.post("/v2/identity/delete", json=both)).json()["data"]) == 2
    await bring(lytics, 900, user_id="eve")
    profile = (await lytics.get(f"{OWN}/search", prefix="eve")).json()[0]["profile"]
    erasure = (await lytics.client.delete(f"{OWN}/{profile}")).json()
    assert (await lytics.get(f"{OWN}/deletions/{erasure['id']}")).json()["id"] == erasure["id"]
    assert (await lytics.get(f"{OWN}/search", prefix="eve")).json() == []


async def open_access(lytics, **rules):
    wanted = {
        "enabled": True,
        "domains": ["shop.example"],
        "fields": ["last_page_url"],
        "timeout_milliseconds": 30_000,
        **rules,
    }
    reply = await lytics.client.put("/api/v1/public-access", json=wanted)
    assert reply.status_code == 200, reply.text
    return await lytics.pool.fetchval("SELECT account_id FROM installation")


async def visit(lytics, path, origin="https://shop.example", **parameters):
    async with httpx.AsyncClient(transport=lytics.client._transport, base_url="http://headwater") as browser:
        return await browser.get(path, params=parameters, headers={"Origin": origin} if origin else {})


async def test_a_browser_sees_allowed_fields_on_allowed_pages_only(lytics):
    """Without a token: nothing by default; then the listed fields, public audiences, and no explanation, by cookie only."""
    cid = await lytics.pool.fetchval("SELECT account_id FROM installation")
    assert (await visit(lytics, "/api/entity/user/_uids/c1", cid=cid)).status_code == 403
    assert (await visit(lytics, "/api/entity/user/_uids/c1")).status_code == 401


async def test_public_access_keeps_to_its_rules(lytics):
    """Fields, pages, identifiers and account are checked; the reply is for that page alone."""
    cid = await open_access(lytics)
    reply = await visit(
        lytics, "/api/entity/user/_uids/c1", cid=cid, explain=True, fields="email,last_page_url", allsegments=True
    )
    assert reply.json()["data"] == {
        "last_page_url": "shop.io/a",
        "segments": ["all"],
        "segments_all": reply.json()["data"]["segments_all"],
    }
    assert reply.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert reply.json()["meta"]["by_fields"] == ["_uids", "anonymous_id"]
    assert (await visit(lytics, "/api/me/_uids/c1", cid=cid)).json()["data"]["last_page_url"] == "shop.io/a"
    for path, origin, account in (
        ("/api/entity/user/_uids/c1", "https://evil.example", cid),
        ("/api/entity/user/_uids/c1", "https://shop.example.evil.example", cid),
        ("/api/entity/user/_uids/c1", "", cid),
        ("/api/entity/user/_uids/c1", "https://shop.example", "other"),
    ):
        assert (await visit(lytics, path, origin, cid=account)).status_code == 403
    assert (await visit(lytics, "/api/entity/user/email/ann@shop.io", cid=cid)).status_code == 400
    assert (await visit(lytics, "/v2/identity/user/_uids/c1", cid=cid)).status_code == 401
    assert (await visit(lytics, "/api/segment", cid=cid)).status_code == 401


async def test_a_visitor_cannot_ask_without_end(lytics):
    """Over the rate an address waits, and is told how long."""
    cid = await open_access(lytics, requests_per_minute=3)
    replies = [await visit(lytics, "/api/entity/user/_uids/c1", cid=cid) for _ in range(5)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429, 429]
    assert 1 <= int(replies[3].headers["Retry-After"]) <= 20


@pytest.mark.parametrize(
    ("rules", "field"),
    [({"fields": ["email"]}, "fields"), ({"fields": ["nothing"]}, "fields"), ({"lookup_fields": ["email"]}, "lookup_fields"),
     ({"lookup_fields": ["city"]}, "lookup_fields"), ({"domains": ["*"]}, "domains"), ({"domains": ["https://shop.example"]}, "domains"),
     ({"timeout_milliseconds": 0}, "timeout_milliseconds")],
)  # fmt: skip
async def test_rules_that_would_give_persons_away_are_refused(lytics, rules, field):
    """Personal data can be neither shown nor asked by; a domain must be one."""
    reply = await lytics.client.put("/api/v1/public-access", json=rules)
    assert (reply.status_code, reply.json()["field"]) == (400, field)


async def test_waiting_shows_what_was_just_sent(lytics, api, nats_url):
    """`wait=true` comes back when profiles have caught up with the log, or says that the time was not enough."""
    async with lytics.pool.acquire() as connection:
        generation = await generations.live(connection)
        last = await api.services.profiles.progress.last_sequence()
        await connection.execute(f"INSERT INTO {generation.namespace}.positions VALUES (0, {last})")  # noqa: S608  # numbers
    assert (await lytics.get("/api/entity/user/user_id/ann", wait=True)).json()["message"] == "success"
    assert (await lytics.get("/api/entity/user/user_id/eve", wait=True)).json()["message"] == "Not Found"


async def test_values_that_do_not_fit_are_counted_with_an_example(lytics):
    """By field and reason; the rest of the record stays."""
    await bring(lytics, 4, user_id="ann", age="old", birthday="never", city="Rome")
    drops = {(each["field"], each["reason"]): each for each in (await lytics.get(f"{OWN}/stats")).json()["drops"]}
    assert drops["age", "not a number"]["count"] == 1
    assert drops["age", "not a number"]["example"] == "old"
    assert drops["birthday", "not a date"]["kind"] == "refused value"
    assert (await lytics.data("/api/entity/user/user_id/ann"))["city"] == "Rome"


async def test_a_lookup_follows_another_generation_and_changed_audiences(lytics):
    """The next reply is of the profiles that are live then, and knows an audience that was just made."""
    await lytics.data("/api/entity/user/user_id/ann")
    async with lytics.pool.acquire() as connection, connection.transaction():
        live = await generations.live(connection)
        empty = await generations.create(connection, live.schema)
        await generations.make_live(connection, empty.number)
        await generations.drop(connection, live.number)
    assert (await lytics.get("/api/entity/user/user_id/ann")).json()["message"] == "Not Found"
    await bring(lytics, 7, user_id="ann", city="Rome")
    assert "everybody" not in (await lytics.data("/api/entity/user/user_id/ann"))["segments"]
    assert (await lytics.client.post("/api/segment", content="FILTER * ALIAS everybody")).status_code == 201
    assert "everybody" in (await lytics.data("/api/entity/user/user_id/ann"))["segments"]


async def test_a_rebuild_is_asked_for_seen_and_given_up(api):
    """One at a time; who may only read sees it and cannot begin one."""
    async with api.client() as client, api.client("observer") as reader:
        assert (await client.get("/profiles/rebuild")).status_code == 404
        assert (await reader.post("/profiles/rebuild", json={})).status_code == 403
        started = await client.post("/profiles/rebuild", json={"quiet": True})
        assert started.status_code == 202
        assert (started.json()["state"], started.json()["quiet"]) == ("building", True)
        assert (await client.post("/profiles/rebuild", json={})).status_code == 409
        assert (await reader.get("/profiles/rebuild")).json()["state"] == "building"
        assert (await client.delete("/profiles/rebuild")).json()["state"] == "cancelled"
