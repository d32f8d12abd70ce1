"""Audiences over HTTP, in the shapes of both Lytics APIs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from headwater.api.application import create_app
from headwater.api.ports import Services
from headwater.audiences import members
from headwater.audiences.buckets import bucket_of
from headwater.pipelines import token_store
from headwater.pipelines.changes import change
from headwater.pipelines.secrets import SecretBox
from headwater.pipelines.watcher import SnapshotWatcher

ROMANS = 'FILTER city == "Rome" ALIAS romans'


@pytest.fixture
async def client(people, database_url) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API over the people's database, with a token that may do everything."""
    async with change(people.pool, "test") as made:
        token = (await token_store.create(made, name="test", scopes=["admin"])).raw
    async with SnapshotWatcher(database_url) as watcher:
        await watcher.wait_ready(5)
        services = Services(people.pool, watcher, SecretBox(b"k" * 32), None, None)
        transport = httpx.ASGITransport(app=create_app(services), raise_app_exceptions=False)
        headers = {"Authorization": token}
        async with httpx.AsyncClient(transport=transport, base_url="http://headwater", headers=headers) as opened:
            yield opened


async def _some_people(people, count: int = 12) -> None:
    await people.do(*({"user_id": f"u{n}", "city": "Rome" if n % 3 else "Oslo", "spent": n} for n in range(count)))


async def test_an_alias_names_an_audience(people, client):
    """FilterQL as text: the ALIAS is slug and name; the same ALIAS again changes the audience."""
    created = await client.post("/api/segment", content=f"-- In town\n{ROMANS}")
    assert created.status_code == 201
    segment = created.json()["data"]
    assert (segment["slug_name"], segment["name"], segment["description"]) == ("romans", "romans", "In town")
    assert segment["invalid"] is False
    again = await client.post("/api/segment", content='FILTER city == "Oslo" AND last_visit > "now-7d" ALIAS romans')
    assert again.status_code == 200
    changed = again.json()["data"]
    assert (changed["id"], changed["version"], changed["datemath_calc"]) == (segment["id"], 2, True)
    listed = (await client.get("/api/segment")).json()
    assert [each["id"] for each in listed["data"]] == [segment["id"]]
    versions = (await client.get("/api/v1/audiences/romans/versions")).json()
    assert [each["number"] for each in versions] == [2, 1]


async def test_json_creates_and_changes(people, client):
    """JSON has the attributes that a text has no place for; what a change leaves out stays."""
    body = {"name": "Big spenders", "segment_ql": "FILTER spent > 5", "is_public": True, "tags": ["money"]}
    segment = (await client.post("/api/segment", json=body)).json()["data"]
    assert segment["slug_name"] == "big_spenders"
    changed = (await client.put("/api/segment/big_spenders", json={"description": "They spend"})).json()["data"]
    assert (changed["is_public"], changed["tags"], changed["description"]) == (True, ["money"], "They spend")
    assert (await client.delete("/api/segment/big_spenders")).status_code == 204
    assert (await client.get("/api/segment/big_spenders")).status_code == 404


async def test_what_was_read_can_be_sent_back(people, client):
    """A program reads an audience, changes one key and sends the whole object."""
    segment = (await client.post("/api/segment", content=ROMANS)).json()["data"]
    changed = (await client.put("/api/segment/romans", json={**segment, "is_public": True})).json()["data"]
    assert changed["is_public"] is True
    assert changed["version"] == 1
    unknown = await client.put("/api/segment/romans", json={"is_pubic": True})
    assert unknown.status_code == 400
    assert "is_pubic" in unknown.json()["message"]


async def test_a_taken_slug_is_a_conflict(people, client):
    """The second API does not rename silently."""
    body = {"name": "x", "slug_name": "romans", "segment_ql": "FILTER spent > 5", "kind": "segment", "table": "user"}
    assert (await client.post("/v2/segment", json=body)).status_code == 201
    taken = await client.post("/v2/segment", json=body)
    assert taken.status_code == 409
    assert "romans" in taken.json()["errors"][0]["message"]
    wrong = await client.post("/v2/segment", json={**body, "slug_name": "y", "segment_ql": "FILTER spent >"})
    assert wrong.status_code == 422


async def test_validation_names_the_place_and_the_nearest_name(people, client):
    """What is wrong, where, and what was probably meant."""
    fine = await client.post("/api/segment/validate", content="FILTER spent > 5")
    assert fine.json() == {"status": 200, "message": "success", "data": None}
    wrong = await client.post("/api/segment/validate", content="FILTER spnet > 5")
    assert wrong.status_code == 400
    message = wrong.json()["message"]
    assert message.startswith("Failed parsing segment QL")
    assert "did you mean spent?" in message
    assert "line 1, column 8" in message


@pytest.mark.parametrize(
    "text",
    [
        "FILTER AND (" + ", ".join(f"f{n} == 1" for n in range(10_000)) + ")",
        "FILTER " + "NOT (" * 5_000 + "a" + ")" * 5_000,
        'FILTER city LIKE "' + "*a" * 60_000 + '"',
        "FILTER " + "a AND " * 20_000 + "a",
    ],
)
async def test_hostile_filters_are_refused(people, client, text: str):
    """Too long, too deep, too many: a client error, not a busy server."""
    for path in ("/api/segment/validate", "/api/segment/size", "/api/segment"):
        reply = await client.post(path, content=text)
        assert reply.status_code == 400


async def test_a_pattern_that_would_explode_is_answered(people, client):
    """Wildcards by the dozen take no more time than their length."""
    await people.do({"user_id": "ada", "city": "a" * 250})
    reply = await client.post("/api/segment/size", content='FILTER city LIKE "' + "*a" * 40 + '*b"')
    assert reply.json()["data"]["size"] == 0


async def test_sizes_of_saved_audiences_and_of_drafts(people, client):
    """A saved one is exact at once; of a draft in a small installation as well."""
    await client.post("/api/segment", content=ROMANS)
    await people.fill()
    await _some_people(people)
    assert (await client.get("/api/segment/romans/size")).json()["data"]["size"] == 8
    (entry,) = (await client.get("/api/segment/sizes?ids=[romans]")).json()["data"]
    assert entry["size"] == 8
    draft = (await client.post("/api/segment/size", content="FILTER INCLUDE romans AND spent > 5 ALIAS x")).json()[
        "data"
    ]
    assert draft == {
        "id": "",
        "name": "x",
        "slug_name": "x",
        "size": 4,
        "low": 4,
        "high": 4,
        "exact": True,
        "sampled": 12,
    }
    by_parameter = await client.get("/api/segment/size", params={"segments": "FILTER *"})
    assert by_parameter.json()["data"]["size"] == 12


@pytest.mark.parametrize("few", [0, members.FEW], ids=["walked", "found at once"])
async def test_scanning_gives_every_member_once(people, client, monkeypatch, few):
    """Page by page to the end, by id or sorted, of a saved audience as of its filter, however many there are."""
    monkeypatch.setattr(members, "FEW", few)
    await client.post("/api/segment", content=ROMANS)
    await people.fill()
    await _some_people(people)
    for path, params in (
        ("/api/segment/romans/scan", {}),
        ("/api/segment/scan", {"segments": 'FILTER city == "Rome"'}),
    ):
        for order in ({}, {"sortfield": "spent", "sortorder": "desc"}, {"recent": "true"}):
            found, start = [], ""
            while True:
                page = (await client.get(path, params={**params, **order, "limit": 3, "start": start})).json()
                assert page["total"] == 8
                found += [each["spent"] for each in page["data"]]
                assert all("romans" in each["segments"] for each in page["data"])
                start = page["_next"]
                if not start:
                    break
            assert sorted(found) == [1, 2, 4, 5, 7, 8, 10, 11]
            if "sortfield" in order:
                assert found == sorted(found, reverse=True)


async def test_splits_are_the_buckets_of_profiles(people, client):
    """A hundred buckets, together everybody, the same in SQL and in Python."""
    await _some_people(people)
    ids = {n: await people.profile_id(f"u{n}") for n in range(12)}
    some = list(range(50))
    params = {"segments": "FILTER *", "limit": 100, "splits": ",".join(map(str, some))}
    found = (await client.get("/api/segment/scan", params=params)).json()["data"]
    assert sorted(each["spent"] for each in found) == [n for n in range(12) if bucket_of(ids[n]) in some]
    assert (await client.get("/api/segment/scan", params={**params, "splits": "100"})).status_code == 400


async def test_field_statistics_within_an_audience(people, client):
    """The commonest values, figures, and how many have it."""
    await _some_people(people)
    reply = await client.get(
        "/api/segment/fieldinfo", params={"segments": "FILTER spent > 2", "fields": "city,spent,email"}
    )
    city, spent, email = reply.json()["data"]
    assert city["terms_counts"] == {"Rome": 6, "Oslo": 3}
    assert (spent["stats"]["min"], spent["stats"]["max"], spent["stats"]["n"]) == (3, 11, 9)
    assert sum(each["count"] for each in spent["histograms"]) == 9
    assert (email["ents_present"], email["ents_absent"]) == (0, 9)


async def test_what_an_audience_includes(people, client):
    """Ancestors, the filter without INCLUDE, and the refusal to take the ground away."""
    await client.post("/api/segment", content=ROMANS)
    await client.post("/api/segment", content="FILTER AND (INCLUDE romans, spent > 5) ALIAS rich_romans")
    ancestors = (await client.get("/v2/segment/rich_romans/ancestors")).json()["data"]
    assert [each["slug_name"] for each in ancestors] == ["romans"]
    inlined = (await client.get("/v2/segment/rich_romans", params={"inline": "true", "sizes": "true"})).json()["data"]
    assert inlined["ql_resolved"] == 'AND ( city == "Rome", spent > 5 )'
    assert inlined["size"] == 0
    assert (await client.delete("/api/segment/romans")).status_code == 409
    assert (await client.put("/api/segment/romans", json={"slug_name": "latins"})).status_code == 409


async def test_overlap_and_explanation(people, client):
    """How many are in both; why one is in it and another is not."""
    await client.post("/api/segment", content=ROMANS)
    await client.post("/api/segment", content="FILTER spent > 5 ALIAS spenders")
    await people.fill()
    await _some_people(people)
    overlap = (await client.get("/api/v1/audiences/overlap?ids=romans,spenders")).json()
    assert [pair["both"] for pair in overlap["pairs"]] == [4]
    profile = (await people.profile_id("u3")).hex()
    explained = (await client.get(f"/api/v1/audiences/romans/explain/{profile}")).json()
    assert explained["member"] is False
    assert explained["clauses"] == [
        {"clause": 'city == "Rome"', "included_from": "", "result": "false", "values": {"city": "Oslo"}}
    ]


async def test_a_subscription_is_an_integration(people, client):
    """It gets a secret, is attached to the pipeline of entries and exits, and goes with its integration."""
    await client.post("/api/segment", content=ROMANS)
    body = {"webhook_url": "https://example.com/hook", "segment_ids": ["romans"], "user_fields": ["city"],
            "headers": {"X-Key": "very secret"}, "withbackfill": True}  # fmt: skip
    created = await client.post("/api/subscription", json=body)
    assert created.status_code == 201
    subscription = created.json()["data"]
    assert len(subscription["secret"]) > 30
    assert subscription["headers"] == {"X-Key": "(set, not shown)"}
    assert subscription["backfilling"] is True
    attached = (await client.get("/api/v1/pipelines/audiences/integrations")).json()
    assert [each["integration_id"] for each in attached] == [subscription["integration_id"]]
    revision = await client.get(f"/api/v1/integrations/{subscription['integration_id']}/revisions/1")
    assert "very secret" not in revision.text
    changed = await client.post(
        f"/api/subscription/{subscription['id']}", json={"webhook_url": "https://example.com/b"}
    )
    assert changed.json()["data"]["webhook_url"] == "https://example.com/b"
    assert "secret" not in changed.json()["data"]
    assert (await client.delete(f"/api/subscription/{subscription['id']}")).status_code == 204
    assert (await client.get("/api/v1/pipelines/audiences/integrations")).json() == []


async def test_a_subscription_is_told_who_was_there_before(people, client):
    """With withbackfill the members of before are told to this subscription alone, once."""
    await client.post("/api/segment", content=ROMANS)
    await people.fill()
    await people.do({"user_id": "ada", "city": "Rome"}, {"user_id": "bob", "city": "Oslo"})
    body = {"webhook_url": "https://example.com/hook", "segment_ids": ["romans"], "withbackfill": True}
    subscription = (await client.post("/api/subscription", json=body)).json()["data"]
    await people.fill()
    entered, told = await people.announced()
    assert entered["event"] == "Audience Entered"
    assert (told["event"], told["userId"]) == ("Audience Member", "ada")
    assert told["integrations"] == {"All": False, "audience-webhook": True}, "no other integration may have it"
    assert told["properties"]["subscription_id"] == subscription["id"]


@pytest.mark.parametrize(
    "body",
    [
        {"segment_ids": ["romans"]},
        {"webhook_url": "ftp://example.com", "segment_ids": ["romans"]},
        {"webhook_url": "https://example.com", "segment_ids": []},
        {"webhook_url": "https://example.com", "segmentql": "FILTER spent > 5"},
        {"webhook_url": "https://example.com", "segmentql": "FILTER * ALIAS whole"},
        {"webhook_url": "https://example.com", "segment_ids": ["romans"], "channel": "kinesis"},
        {"webhook_url": "https://example.com", "segment_ids": ["romans"], "headers": {"Host": "x"}},
        {"webhook_url": "https://example.com", "segment_ids": ["romans"], "user_fields": ['a"; os.exit() --']},
    ],
)
async def test_subscriptions_that_cannot_work_are_refused(people, client, body):
    """Each with a client error, and nothing is left behind."""
    await client.post("/api/segment", content=ROMANS)
    assert (await client.post("/api/subscription", json=body)).status_code == 400
    assert (await client.get("/api/subscription")).json()["data"] == []
    assert (await client.get("/api/v1/integrations")).json() == []
