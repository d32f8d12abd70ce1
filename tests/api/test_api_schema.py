"""The schema over HTTP: LQL statements, the second Lytics API, and whole documents."""

import pytest

from headwater.profiles.observed_fields import ObservedFields
from headwater.profiles.versions import stream_store

SHOP = "SELECT email(mail) AS email, count(visit) AS shop_visits FROM shop INTO user BY email ALIAS shop"
POINTS = {"id": "points", "type": "int", "mergeop": "latest"}


@pytest.fixture
async def lytics(api):
    """A client of the Lytics APIs on an install with the default schema."""
    async with api.client() as client:
        client.base_url = "http://headwater"
        yield client


async def test_a_query_is_saved_shown_tried_and_deleted(lytics):
    """The way of an LQL statement through `/api/query`."""
    saved = (await lytics.post("/api/query", content=SHOP)).json()
    assert (saved["status"], saved["message"], saved["data"][0]["alias"]) == (200, "success", "shop")
    assert saved["meta"] == {"schema_version": 2, "state": "live", "effect": "new events"}
    assert (await lytics.post("/api/query?version=old", content=SHOP)).json()["data"]["alias"] == "shop"
    listed = (await lytics.get("/api/query")).json()
    assert (listed["status"], [each["alias"] for each in listed["data"]]) == ("success", ["shop", "schema_all"])
    assert (await lytics.get(f"/api/query/{saved['data'][0]['id']}")).json()["data"]["text"] == SHOP
    tried = (await lytics.post("/api/query/_test?mail=Ann@Shop.io&visit=1&access_token=x", content=SHOP)).json()
    assert tried["data"] == {"email": "ann@shop.io", "shop_visits": 1}
    assert (await lytics.delete("/api/query/shop")).status_code == 204
    assert (await lytics.delete("/api/query/schema_all")).status_code == 409
    assert (await lytics.get("/api/query/shop")).json() == {
        "data": None, "status": 404, "message": "query: there is no query 'shop'"
    }  # fmt: skip


async def test_a_wrong_query_is_told_with_its_place(lytics):
    """Syntax, unknown functions, missing identifiers and a body that is no text are 400 in the shape of the first API."""
    for body, reason in (
        ("SELECT FROM x", "Failed parsing LQL: "),
        ("SELECT emial(a) AS email FROM shop INTO user BY email ALIAS x", "unknown function 'emial'"),
        ("SELECT a FROM shop INTO user BY email ALIAS x", "no column fills email"),
        (b"\xff\xfe", "not UTF-8"),
        ("", "empty"),
    ):
        for path in ("/api/query", "/api/query/_validate", "/api/query/_test"):
            reply = await lytics.post(path, content=body)
            assert (reply.status_code, reply.json()["status"], reply.json()["data"]) == (400, 400, None)
            assert reason in reply.json()["message"]
    assert (await lytics.post("/api/query/_validate", content=SHOP)).json()["data"] == [
        {"alias": "shop", "from": "shop", "by": ["email"]}
    ]


async def test_a_value_that_does_not_fit_is_told_by_the_trial(lytics):
    """What a field refuses is not in the entity but in the meta, with reason and example."""
    text = "SELECT email, toint(n) AS n, d AS birthday KIND date FROM s INTO user BY email ALIAS a"
    found = (await lytics.post("/api/query/_test?email=ann@shop.io&d=never", content=text)).json()
    assert found["data"] == {"email": "ann@shop.io"}
    assert found["meta"] == {
        "belongs": True,
        "dropped": [{"field": "birthday", "reason": "not a date", "example": "never"}],
    }


async def test_a_csv_sample_becomes_a_statement(lytics):
    """The drafted text passes the check."""
    drafted = await lytics.post("/api/query/_tolql?stream=crm&alias=crm", content="email,spent\na@b.io,12.5\n")
    assert "tonumber(spent) AS spent KIND number" in drafted.json()["data"]
    assert (await lytics.post("/api/query/_validate", content=drafted.json()["data"])).status_code == 200


async def test_the_catalog_lists_fields_with_their_sources(lytics):
    """`/api/schema/user` has the fields of the live version, `limit` cuts them."""
    await lytics.post("/api/query", content=SHOP)
    catalog = (await lytics.get("/api/schema/user")).json()["data"]
    (visits,) = [each for each in catalog["columns"] if each["as"] == "shop_visits"]
    assert visits == {
        "as": "shop_visits", "is_by": False, "type": "int", "op": "default", "shortdesc": "", "longdesc": "", "is_pii": False,
        "froms": ["shop"], "identities": ["visit"],
    }  # fmt: skip
    assert catalog["by_fields"][0] == "user_id"
    assert len((await lytics.get("/api/schema/user?limit=2")).json()["data"]["columns"]) == 2
    assert (await lytics.get("/api/schema/content")).status_code == 404
    assert (await lytics.get("/v2/stream/names")).json()["data"] == ["shop"]


async def test_the_draft_gathers_changes_until_it_is_published(lytics):
    """Fields, mappings and ranks of the second API; the live version changes with publish only."""
    made = await lytics.post(
        "/v2/schema/user/field", json={"Field": "points", "Type": "int", "MergeOp": "latest", "IsPII": False}
    )
    assert (made.status_code, made.json()["data"]["id"], made.json()["message"]) == (200, "points", "created")
    mapped = await lytics.post("/v2/schema/user/mapping", json={"field": "points", "expr": "toint(p)", "stream": "web"})
    name = mapped.json()["data"]["id"]
    moved = await lytics.post(f"/v2/schema/user/mapping/{name}", json={"field": "points", "expr": "p", "stream": "crm"})
    assert (moved.status_code, moved.json()["errors"][0]["code"]) == (400, "BADREQ-400")
    changed = await lytics.put(f"/v2/schema/user/mapping/{name}", json={"field": "points", "expr": "p"})
    assert (changed.json()["data"]["id"], changed.json()["data"]["stream"]) == (name, "web")
    compared = (await lytics.get("/v2/schema/user/compare")).json()["data"]
    assert compared["fields"] == [{"id": "points", "state": "new"}]
    assert compared["mappings"] == [{"id": name, "state": "new"}]
    assert compared["effect"] == "new events"
    assert (await lytics.get("/v2/schema/user/field/points?version=live")).status_code == 404
    assert (await lytics.get("/v2/schema/user/field/points")).json()["data"]["state"] == "new"
    missing = await lytics.post("/v2/schema/user/publish", json={"tag": "points"})
    assert missing.status_code == 400
    published = await lytics.post("/v2/schema/user/publish", json={"tag": "points", "description": "Loyalty"})
    assert (published.json()["data"]["number"], published.json()["data"]["state"]) == (2, "live")
    assert (await lytics.get("/v2/schema/user/field/points?version=live")).status_code == 200
    versions = (await lytics.get("/v2/schema/user/version")).json()["data"]
    assert [each["tag"] for each in versions] == ["points", "first"]


async def test_what_the_api_shows_of_a_field_can_be_sent_back(lytics):
    """A document of GET is a valid body of POST, and changes nothing."""
    shown = (await lytics.get("/v2/schema/user/field/email")).json()["data"]
    assert (await lytics.post("/v2/schema/user/field/email", json=shown)).status_code == 200
    mapping = (await lytics.get("/v2/schema/user/mapping")).json()["data"][0]
    assert (await lytics.post(f"/v2/schema/user/mapping/{mapping['id']}", json=mapping)).status_code == 200
    assert (await lytics.get("/v2/schema/user/compare")).json()["data"]["effect"] == "none"
    ranks = (await lytics.get("/v2/schema/user/rank")).json()["data"]
    assert (await lytics.post("/v2/schema/user/rank", json=ranks)).json()["data"] == ranks


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [("field", {"id": "x", "is_identifier": True, "mergeop": "latest"}, "Identifier Field cannot define a Merge Operation."),
     ("field", {"id": "x", "type": "strin"}, "did you mean 'string'"), ("field", {"id": "x", "mergeop": "sum"}, "fields.x.mergeop"),
     ("field", {"id": "x", "colour": "red"}, "colour: unknown key"), ("field", {"type": "int"}, "id"), ("field", [], "expected a JSON object"),
     ("field", {"id": "x", "capacity": "many"}, "capacity"), ("field", {"id": "segments"}, "profiles fill themselves"),
     ("field/a", {"id": "b"}, "the path names 'a'"), ("mapping", {"field": "email", "expr": "emial(x)"}, "unknown function 'emial'"),
     ("mapping", {"field": "nobody", "expr": "x"}, "unknown field 'nobody'"), ("mapping/none", {"field": "email", "expr": "x"}, "no mapping 'none'"),
     ("mapping", {"field": "email", "expr": "x", "guard_expr": "IF x"}, "guard_expr"), ("rank", {"fields": ["email", "email"]}, "ranked 2 times"),
     ("rank", {"id_ranks": 5}, "id_ranks"), ("rank", {"id_config": [{"field": "email", "many_to": ["x"]}]}, "has no meaning here"),
     ("idconfig", {"id_config": [{"field": "nobody", "unique": True}]}, "no identifier field of that name")],
)  # fmt: skip
async def test_a_bad_part_is_refused_with_its_place(lytics, path, body, reason):
    """400 or 404 in the shape of the second API, the draft untouched."""
    reply = await lytics.post(f"/v2/schema/user/{path}", json=body)
    assert reply.status_code in (400, 404)
    (error,) = reply.json()["errors"]
    assert reason in error["message"]
    assert {"code", "level", "message", "timestamp"} == set(error)
    assert (await lytics.get("/v2/schema/user/compare")).json()["data"]["draft"]["revision"] == 0


async def test_a_patch_shows_its_states_and_is_applied_or_published(lytics):
    """A change set beside the draft: new, modified and deleted parts; into the draft, or live on its own."""
    patch = "/v2/schema/patch/user/loyalty"
    assert (await lytics.post(patch, json={"description": "Loyalty"})).json()["message"] == "created"
    await lytics.post(f"{patch}/field", json=POINTS)
    await lytics.post(f"{patch}/field", json={"id": "city", "type": "string", "shortdesc": "Town"})
    await lytics.post(f"{patch}/mapping", json={"field": "points", "expr": "p"})
    await lytics.delete(f"{patch}/field/title")
    shown = (await lytics.get(patch)).json()["data"]
    assert {each["id"]: each["state"] for each in shown["fields"]} == {
        "points": "new",
        "city": "modified",
        "title": "deleted",
    }
    published = await lytics.post(f"{patch}/apply?publish=true", json={"tag": "loyalty", "description": "Loyalty"})
    assert published.json()["data"]["state"] == "live"
    assert (await lytics.get("/v2/schema/patch/user")).json()["data"] == []
    await lytics.post("/v2/schema/patch/user/other/field", json={"id": "tier"})
    assert (await lytics.post("/v2/schema/patch/user/other/apply")).json()["data"]["revision"] > 0
    assert (await lytics.get("/v2/schema/user/field/tier")).json()["data"]["state"] == "new"
    assert (await lytics.get(patch)).status_code == 404


async def test_a_schema_file_is_taken_checked_and_restored(lytics, api):
    """Our own API has whole documents; a fault names its line; an older version comes back through the draft."""
    own = "/api/v1/profile-schema"
    text = "extends: default\nfields:\n  points: {type: int}\nmappings:\n  - {field: points, expr: p}\n"
    draft = (await lytics.put(f"{own}/draft", json={"yaml": text})).json()
    assert (draft["effect"], draft["changes"][0]["place"]) == ("new events", "fields.points")
    faulty = await lytics.put(f"{own}/draft", json={"yaml": text.replace("type: int", "type: int, mergeop: capped")})
    assert (faulty.status_code, faulty.json()["field"]) == (422, "schema:3: fields.points.mergeop")
    stale = await lytics.post(
        f"{own}/publish", json={"tag": "t", "description": "d", "revision": draft["revision"] + 1}
    )
    assert stale.status_code == 409
    assert (await lytics.post(f"{own}/publish", json={"tag": "t", "description": "d"})).json()["number"] == 2
    back = (await lytics.post(f"{own}/versions/1/restore")).json()
    assert next((each["kind"], each["place"]) for each in back["changes"]) == ("removed", "fields.points")
    assert (await lytics.delete(f"{own}/draft")).status_code == 204
    assert "points" in (await lytics.get(f"{own}/versions/2")).json()["yaml"]
    assert (await lytics.get(f"{own}/draft")).json()["revision"] == 0


async def test_a_key_of_a_stream_becomes_a_field(lytics, api):
    """Seen keys are listed with kind and example; promoting one puts field and mapping into the draft."""
    observed = ObservedFields()
    observed.note("web", {"traits_favouriteColour": "red", "visits": "7"}, 1_000)
    await stream_store.add(api.services.pool, observed.take())
    (stream,) = (await lytics.get("/api/schema/_streams")).json()["data"]
    assert (stream["stream"], {each["name"] for each in stream["fields"]}) == (
        "web",
        {"traits_favouriteColour", "visits"},
    )
    own = "/api/v1/profile-schema"
    (view,) = (await lytics.get(f"{own}/streams")).json()
    assert {each["name"]: each["suggested_kind"] for each in view["fields"]} == {
        "traits_favouriteColour": "string",
        "visits": "int",
    }
    for key in ("traits_favouriteColour", "visits"):
        assert (await lytics.post(f"{own}/promote", json={"stream": "web", "key": key})).status_code == 200
    missing = await lytics.post(f"{own}/promote", json={"stream": "web", "key": "gone"})
    assert (missing.status_code, missing.json()["field"]) == (404, "key")
    fields = {
        each["id"]: each
        for each in (await lytics.get("/v2/schema/user/mapping")).json()["data"][-2:]
        for each in [each]
    }
    assert {(each["field"], each["expr"], each["stream"]) for each in fields.values()} == {
        ("favourite_colour", "traits_favouriteColour", "web"), ("visits", "toint(visits)", "web")
    }  # fmt: skip


async def test_the_token_may_come_as_a_parameter_in_the_first_api_only(lytics, api):
    """`access_token` works under `/api`, and neither under `/v2` nor in our own API."""
    token = lytics.headers.pop("Authorization")
    statuses = [
        (await lytics.get(f"{path}?access_token={token}")).status_code
        for path in ("/api/query", "/v2/schema", "/api/v1/me")
    ]
    assert statuses == [200, 401, 401]
    assert (await lytics.get("/api/query")).json()["status"] == 401
    assert (await lytics.get("/v2/schema")).json()["errors"][0]["code"] == "UNAUTHORIZED-401"


async def test_an_unknown_path_has_the_shape_of_its_api(lytics):
    """404 of the first and of the second Lytics API, and our own."""
    first, second, own = [
        (await lytics.get(path)).json() for path in ("/api/nothing", "/v2/nothing", "/api/v1/nothing")
    ]
    assert (first["data"], first["status"]) == (None, 404)
    assert second["errors"][0]["code"] == "NOTFOUND-404"
    assert own["code"] == "not_found"


async def test_changes_need_a_scope_that_may_change(lytics, api):
    """Readers read; only managers of data change the schema."""
    for scope, read, write in (
        ("observer", 200, 403),
        ("data_manager", 200, 200),
        ("segment_manager", 200, 403),
        ("data", 403, 403),
    ):
        headers = {"Authorization": api.tokens[scope]}
        assert (await lytics.get("/v2/schema/user", headers=headers)).status_code == read
        assert (await lytics.post("/v2/schema/user/field", json=POINTS, headers=headers)).status_code == write
        assert (await lytics.post("/api/query", content=SHOP, headers=headers)).status_code == write


async def test_a_schema_that_breaks_an_audience_is_told(lytics):
    """Taking away a field that an audience reads is a warning of the check, with the audience's name."""
    assert (await lytics.post("/api/segment", content='FILTER city = "Oslo" ALIAS northerners')).status_code == 201
    assert (await lytics.post("/api/query/_validate?segments=true", content=SHOP)).status_code == 200
    await lytics.delete("/v2/schema/user/field/city")
    problems = (await lytics.get("/v2/schema/user/validate")).json()["data"]["problems"]
    assert "audiences.northerners" in [each["place"] for each in problems]


async def test_field_statistics_are_of_all_profiles(lytics):
    """An install without profiles has fields without values, and suggests nothing."""
    found = await lytics.get("/api/schema/user/fieldinfo?fields=city")
    assert (found.status_code, found.json()["data"][0]["ents_present"]) == (200, 0)
    assert (await lytics.get("/api/schema/user/fieldsuggest/city?q=o")).json()["data"] == []
    assert (await lytics.get("/api/schema/user/fieldsuggest/nothing")).status_code == 404
