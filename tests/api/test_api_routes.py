"""What the routes do."""

import pytest

from headwater.database.transactions import transaction
from headwater.pipelines import audit_log
from headwater.routing.dead_letters import DeadLetter, DeadLetterStore

LYTICS = {"name": "Lytics", "kit": "lytics", "parameters": {"STREAM_ID": "default", "API_KEY": "k-secret"}}


async def made(client, path, document):
    """The reply to a POST that must succeed."""
    reply = await client.post(path, json=document)
    assert reply.status_code in (200, 201), reply.text
    return reply.json()


async def test_the_way_from_nothing_to_a_rolled_back_deployment(api):
    """Create, attach, save, deploy, roll back: each reply shows the state, and deletion cleans up."""
    async with api.client() as client:
        pipeline = await made(client, "/pipelines", {"name": "Web shop"})
        assert (pipeline["slug"], len(pipeline["write_keys"])) == ("web-shop", 1)
        assert (await made(client, "/integrations", LYTICS))["latest_revision"] == 1
        attached = await client.put("/pipelines/web-shop/integrations/lytics", json={})
        assert (attached.status_code, attached.json()["revision"]) == (201, 1)
        saved = await made(client, "/integrations/lytics/revisions", {"change": {"parameters": {"STREAM_ID": "other"}}})
        assert (saved["number"], saved["parameters"]["STREAM_ID"]) == (2, "other")
        assert (await made(client, "/pipelines/web-shop/integrations/lytics/deploy", {}))["revision"] == 2
        assert (await made(client, "/pipelines/web-shop/integrations/lytics/rollback", {}))["revision"] == 1
        paused = await client.patch("/pipelines/web-shop/integrations/lytics", json={"enabled": False})
        assert paused.json()["enabled"] is False
        assert [d["revision"] for d in (await client.get("/pipelines/web-shop/deployments")).json()] == [1, 2, 1]
        assert (await client.delete("/integrations/lytics")).status_code == 409
        assert (await client.delete("/pipelines/web-shop/integrations/lytics")).status_code == 204
        assert (await client.delete("/integrations/lytics")).status_code == 204
        assert (await client.delete("/pipelines/web-shop")).status_code == 204
        # The pipeline of entries into audiences is there from the first start.
        assert [each["slug"] for each in (await client.get("/pipelines")).json()] == ["audiences"]


async def test_a_secret_never_comes_back(api):
    """Neither in a revision, nor in a list, nor in the audit log; an edit that does not name it keeps it."""
    async with api.client() as client:
        await made(client, "/integrations", LYTICS)
        await made(client, "/integrations/lytics/revisions", {"change": {"parameters": {"STREAM_ID": "other"}}})
        texts = [
            (await client.get(path)).text
            for path in ("/integrations/lytics/revisions/2", "/integrations/lytics/revisions", "/audit-log")
        ]
        shown = (await client.get("/integrations/lytics/revisions/2")).json()
    assert "k-secret" not in "".join(texts)
    assert shown["parameters"] == {"API_KEY": "(set, not shown)", "STREAM_ID": "other"}


async def test_what_a_kit_lacks_is_refused_on_save(api):
    """A missing parameter and an unknown one are named; nothing is left behind."""
    async with api.client() as client:
        missing = await client.post("/integrations", json=LYTICS | {"parameters": {"STREAM_ID": "default"}})
        unknown = await client.post(
            "/integrations", json=LYTICS | {"parameters": LYTICS["parameters"] | {"STREAM": "x"}}
        )
        listed = await client.get("/integrations")
    assert (missing.status_code, missing.json()["code"]) == (422, "invalid_configuration")
    assert "API_KEY" in missing.json()["message"]
    assert "STREAM" in unknown.json()["message"]
    assert listed.json() == []


async def test_a_newer_kit_shows_conflicts_with_overrides(api):
    """They are asked for without saving, refused on save, and accepted on request."""
    connection = "default: {endpoint: https://a.example, method: POST}"
    old, new = (
        {
            "connection.yaml": connection,
            "playbook.yaml": f"version: 1.0.0\nglobal: {{mappings: [{{inputKey: {path}, outputKey: id}}]}}",
        }
        for path in ("userId", "user.id")
    )
    overrides = {"global": {"mappings": [{"outputKey": "id", "inputKey": "context.my_id"}]}}
    async with api.client() as client:
        await made(client, "/integrations", {"name": "Mine", "kit": "mine", "texts": old, "overrides": overrides})
        asked = await client.post("/integrations/mine/conflicts", json={"texts": new})
        refused = await client.post("/integrations/mine/revisions", json={"change": {"texts": new}})
        await made(client, "/integrations/mine/revisions", {"change": {"texts": new, "accept_conflicts": True}})
    assert asked.status_code == 200
    assert [conflict["path"] for conflict in asked.json()] == ["global.mappings[0]"]
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_configuration")
    assert "overrides: global.mappings[0]" in refused.json()["message"]


@pytest.mark.parametrize(
    ("document", "field"),
    [({}, "name"), ({"name": ""}, "name"), ({"name": "W", "slug": "Not a slug"}, "slug"), ({"name": "W", "unknown": 1}, "unknown"),
     ({"name": "W", "allowed_origins": ["x"]}, "allowed_origins"), ({"name": 5}, "name"), ([], "")],
)  # fmt: skip
async def test_a_wrong_body_is_answered_with_its_field(api, document, field):
    """The reply has code, message and field, and the status is 400."""
    async with api.client() as client:
        reply = await client.post("/pipelines", json=document)
    assert (reply.status_code, set(reply.json())) == (400, {"code", "message", "field"})
    assert reply.json()["field"] == field
    assert reply.json()["message"]


async def test_what_is_not_there_is_not_found(api):
    """Unknown objects and unknown paths have the same shape of reply."""
    async with api.client() as client:
        for path in (
            "/pipelines/none",
            "/integrations/none",
            "/dead-letters/9",
            "/dead-letters/x",
            "/kits/none",
            "/nothing",
        ):
            reply = await client.get(path)
            assert (reply.status_code, reply.json()["code"]) == (404, "not_found"), path
        assert (await client.put("/pipelines", json={})).json()["code"] == "method_not_allowed"


async def test_a_taken_name_is_a_conflict(api):
    """The second pipeline of a name is refused, and the field says why."""
    async with api.client() as client:
        await made(client, "/pipelines", {"name": "Web"})
        reply = await client.post("/pipelines", json={"name": "Web"})
    assert (reply.status_code, reply.json()["code"], reply.json()["field"]) == (409, "conflict", "slug")


async def test_a_token_is_told_once(api):
    """The reply to its creation has it, no list ever does."""
    async with api.client() as client:
        created = await made(client, "/tokens", {"name": "CI", "scopes": ["data"]})
        assert created["token"] not in (await client.get("/tokens")).text
        revoked = await client.delete(f"/tokens/{created['id']}")
        assert revoked.status_code == 204
        (listed,) = [t for t in (await client.get("/tokens")).json() if t["id"] == created["id"]]
    assert listed["revoked_at"] is not None


async def test_changes_name_their_author(api):
    """The audit log shows which token did it, newest first, page by page."""
    async with api.client("campaign_manager") as client:
        await made(client, "/pipelines", {"name": "Web"})
        newest = (await client.get("/audit-log", params={"limit": 1})).json()
        older = (await client.get("/audit-log", params={"limit": 1, "older_than": newest[0]["id"]})).json()
    assert newest[0]["actor"].startswith("token campaign_manager (")
    assert [newest[0]["action"], older[0]["action"]] == ["write key added", "pipeline created"]


async def letters(api, *reasons):
    """Dead letters of one integration, one for each reason."""
    store = DeadLetterStore(api.services.pool)
    made_of = [
        DeadLetter(
            f"m{n}", 0, 1, reason, 3, 0.0, 1.0, b'{"meta":{},"data":{"userId":"u"}}', {"url": "https://a.example"}, None
        )
        for n, reason in enumerate(reasons)
    ]
    await store.add("p", "i", made_of)


async def test_dead_letters_are_listed_without_customers_data(api):
    """A list shows where and why; one letter shows the record, the request and the reply."""
    await letters(api, "status 400", "status 413")
    async with api.client() as client:
        listed = (await client.get("/dead-letters", params={"integration_id": "i", "reason": "status 413"})).json()
        counted = (await client.get("/dead-letters/reasons")).json()
        shown = (await client.get(f"/dead-letters/{listed[0]['id']}")).json()
        page = (await client.get("/dead-letters", params={"before": listed[0]["id"]})).json()
    assert [letter["reason"] for letter in listed] == ["status 413"]
    assert not {"record", "request", "reply"} & listed[0].keys()
    assert [(count["reason"], count["letters"]) for count in counted] == [("status 400", 1), ("status 413", 1)]
    assert shown["record"]["data"] == {"userId": "u"}
    assert shown["letter"] == listed[0]
    assert [letter["reason"] for letter in page] == ["status 400"]


async def test_dead_letters_are_replayed_and_discarded_by_choice(api):
    """By id, by reason, or all when that is said; the letter remembers who did it."""
    await letters(api, "a", "b", "b", "c")
    async with api.client() as client:
        assert await made(client, "/dead-letters/replay", {"ids": [1, 99]}) == {"count": 1}
        assert await made(client, "/dead-letters/discard", {"reason": "b"}) == {"count": 2}
        assert await made(client, "/dead-letters/replay", {"everything": True}) == {"count": 1}
        replayed = (await client.get("/dead-letters", params={"status": "replayed"})).json()
    assert [letter["reason"] for letter in replayed] == ["c", "a"]
    assert replayed[0]["state_changed_by"].startswith("token admin (")


async def test_the_audit_log_tells_what_was_done_with_dead_letters(api):
    """Who, what, which integration, how many and for which reason; what chose no letter leaves no entry and nothing changes elsewhere."""
    await letters(api, "a", "b", "b")
    async with transaction(api.services.pool, read_only=True) as connection:
        version = await connection.fetchval("SELECT configuration_version FROM installation")
    async with api.client() as client:
        await made(client, "/dead-letters/discard", {"reason": "b"})
        await made(client, "/dead-letters/replay", {"ids": [1, 99]})
        await made(client, "/dead-letters/replay", {"ids": [99]})
    async with transaction(api.services.pool, read_only=True) as connection:
        replayed, discarded = await audit_log.entries(connection, subject="integration i")
        assert version == await connection.fetchval("SELECT configuration_version FROM installation")
    assert (replayed.action, replayed.after) == (
        "dead letters sent again",
        {"pipeline": "p", "letters": 1, "first_ids": [1]},
    )
    assert (discarded.action, discarded.after["letters"], discarded.after["reason"]) == (
        "dead letters discarded",
        2,
        "b",
    )
    assert replayed.actor.startswith("token admin (")


@pytest.mark.parametrize("selection", [{}, {"ids": []}, {"ids": [0]}, {"ids": [1], "everything": True}, {"all": True}])
async def test_a_choice_of_dead_letters_must_be_clear(api, selection):
    """An empty body never means all of them."""
    await letters(api, "a")
    async with api.client() as client:
        reply = await client.post("/dead-letters/discard", json=selection)
        assert reply.status_code == 400, reply.text
        assert len((await client.get("/dead-letters")).json()) == 1


async def test_an_outage_of_the_database_may_be_tried_again(api):
    """503 with Retry-After, never 500, and no address or password in the message."""
    await api.services.pool.close()
    async with api.client() as client:
        reply = await client.get("/pipelines")
    assert (reply.status_code, reply.json()["code"]) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) >= 1


async def test_a_kit_shows_the_parameters_that_it_asks_for(api):
    """Names, and which of them are secrets."""
    async with api.client("observer") as client:
        assert "lytics" in [kit["name"] for kit in (await client.get("/kits")).json()]
        kit = (await client.get("/kits/lytics")).json()
    assert {p["name"]: p["is_sensitive"] for p in kit["parameters"]} == {"STREAM_ID": False, "API_KEY": True}


async def test_an_integration_hears_about_chosen_audiences(api):
    """The choice is made when attaching and changed alone; what is absent stays, null means all."""
    async with api.client() as client:
        await made(client, "/integrations", LYTICS)
        place = "/pipelines/audiences/integrations/lytics"
        attached = await client.put(place, json={"audiences": ["connected_profiles"]})
        (chosen,) = attached.json()["audiences"]
        assert chosen != "connected_profiles"
        paused = await client.patch(place, json={"enabled": False})
        assert (paused.json()["enabled"], paused.json()["audiences"]) == (False, [chosen])
        everything = await client.patch(place, json={"audiences": None})
        assert (everything.json()["enabled"], everything.json()["audiences"]) == (False, None)
        refused = await client.patch(place, json={"audiences": ["nobody"]})
        assert (refused.status_code, refused.json()["field"]) == (400, "audiences")
