"""The pages of integrations without a browser: roles, faults, secrets, what is saved."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from lytics_setup import SECRET, added, newest, saved

from headwater.console.live import examples
from headwater.database.transactions import transaction
from headwater.pipelines import audit_log, integration_store, pipeline_store
from headwater.pipelines.revision_edit import RevisionEdit


def fields(page: str) -> dict[str, str]:
    """The hidden state of the editor, as the browser would send it."""
    found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    found |= dict(re.findall(r'<textarea name="([^"]+)" hidden[^>]*>\n(.*?)</textarea>', page, re.DOTALL))
    return {name: html.unescape(text) for name, text in found.items()}


async def step(client: Any, page: str, do: str, **more: str) -> str:
    sent = {**fields(page), "event": "newest", "do": do, **{name.replace("__", "."): v for name, v in more.items()}}
    reply = await client.post("/integrations/lytics/mapping/draft", data=sent)
    assert reply.status_code in (200, 201), reply.text
    return reply.text


@pytest.mark.parametrize("path", ["/integrations", "/integrations/library", "/integrations/library/lytics"])
async def test_pages_answer_without_anything_configured(running_console, path):
    """Empty states have pages, too."""
    async with await running_console.client("viewer") as client:
        reply = await client.get(path)
    assert reply.status_code == 200


async def test_no_page_shows_a_secret(running_console):
    """Not as a value, not in a request, not in the state that the editor carries."""
    await added(running_console)
    async with await running_console.client("editor") as client:
        pages = [
            await client.get(f"/integrations{path}")
            for path in ("", "/lytics", "/lytics/connection", "/lytics/mapping", "/lytics/revisions/1")
        ]
    for reply in pages:
        assert reply.status_code == 200
        assert SECRET not in reply.text


async def test_a_viewer_can_look_but_not_save(running_console):
    """The editor opens for a viewer; its buttons are not there, and their requests are refused."""
    await added(running_console)
    async with await running_console.client("viewer") as client:
        page = (await client.get("/integrations/lytics/mapping")).text
        assert "Save and deploy" not in page
        reply = await client.post("/integrations/lytics/mapping/save", data=fields(page))
    assert reply.status_code == 403


async def test_an_override_is_saved_with_its_note(running_console):
    """A rule is changed in the table, and the next revision has it."""
    await added(running_console)
    async with await running_console.client("editor") as client:
        page = (await client.get("/integrations/lytics/mapping")).text
        place = re.search(r'value="edit:(0:mappings:\d+)">Edit<span class="unseen"> id<', page)[1]
        page = await step(client, page, f"edit:{place}")
        page = await step(client, page, "apply", rule__key="id", rule__source="path", rule__path="properties.event_id")
        reply = await client.post(
            "/integrations/lytics/mapping/save", data={**fields(page), "do": "save", "note": "our own ids"}
        )
        assert reply.status_code == 303, reply.text
    after = await newest(running_console)
    assert (after.number, after.note) == (2, "our own ids")
    assert after.content.overrides["global"]["mappings"] == [{"inputKey": "properties.event_id", "outputKey": "id"}]


async def test_two_people_do_not_overwrite_each_other(running_console):
    """Whoever saves second is told, and can save on top all the same."""
    await added(running_console)
    async with await running_console.client("editor") as client:
        page = (await client.get("/integrations/lytics/mapping")).text
        mine = {**fields(page), "overrides": "global:\n  remove: [name]\n", "do": "save"}
        theirs = {**fields(page), "overrides": "global:\n  remove: [type]\n", "do": "save"}
        assert (await client.post("/integrations/lytics/mapping/save", data=theirs)).status_code == 303
        refused = await client.post("/integrations/lytics/mapping/save", data=mine)
        assert "Save on top of it all the same" in refused.text
        assert (await newest(running_console)).number == 2
        taken = await client.post("/integrations/lytics/mapping/save", data={**mine, "over": "on"})
    assert taken.status_code == 303
    assert (await newest(running_console)).number == 3


async def test_a_wrong_file_names_its_line(running_console):
    """The file view says where the fault is, and nothing can be saved."""
    await added(running_console)
    async with await running_console.client("editor") as client:
        page = (await client.get("/integrations/lytics/mapping?view=file")).text
        sent = {**fields(page), "overrides": "global:\n  mappings:\n    - outputKey: id\n      inputKeys: x\n"}
        reply = await client.post("/integrations/lytics/mapping/draft", data={**sent, "do": "view:file"})
        assert "overrides.yaml, line 4" in reply.text
        reply = await client.post("/integrations/lytics/mapping/save", data={**sent, "do": "save"})
    assert "The draft has faults" in reply.text
    assert (await newest(running_console)).number == 1


async def test_a_newer_kit_is_taken_with_its_conflicts_shown(running_console):
    """An integration of an older kit is told of the library's, and what of its own it concerns."""
    await added(running_console, {"global": {"mappings": [{"outputKey": "event", "inputKey": "properties.a"}]}})
    texts = (await newest(running_console)).content.texts
    older = (
        texts["playbook.yaml"]
        .replace("version: 1.0.0", "version: 0.9.0")
        .replace("inputKey: event,", "inputKey: name,")
    )
    edit = RevisionEdit(texts=texts | {"playbook.yaml": older}, accept_conflicts=True)
    await saved(running_console, edit, "as it was")
    async with await running_console.client("editor") as client:
        page = (await client.get("/integrations/lytics/mapping")).text
        assert "this revision has 0.9.0" in page
        page = await step(client, page, "update-kit")
        assert "The newer kit changed what you changed" in page
        page = await step(client, page, "take-kit:0")
        assert "The newer kit changed what you changed" not in page
        reply = await client.post("/integrations/lytics/mapping/save", data={**fields(page), "do": "save"})
        assert reply.status_code == 303, reply.text
    after = await newest(running_console)
    assert after.content.overrides == {}
    assert "version: 1.0.0" in after.content.texts["playbook.yaml"]


async def test_a_missing_parameter_is_named(running_console):
    """Adding without a key says which, and nothing was made."""
    async with await running_console.client("editor") as client:
        reply = await client.post("/integrations/library/lytics/add", data={"do": "add", "parameters.STREAM_ID": "x"})
        assert 'data-fault-of="parameters.API_KEY"' in reply.text
    async with transaction(running_console.pool, read_only=True) as database:
        assert await integration_store.every(database) == []


async def test_a_secret_may_be_kept_elsewhere(running_console):
    """A variable's name becomes a reference, which pages may show."""
    async with await running_console.client("editor") as client:
        sent = {
            "do": "add",
            "parameters.STREAM_ID": "x",
            "how.API_KEY": "env",
            "parameters.API_KEY": "LYTICS_KEY",
            "how.STREAM_ID": "",
        }
        assert (await client.post("/integrations/library/lytics/add", data=sent)).status_code == 303
        assert "secret://env/LYTICS_KEY" in (await client.get("/integrations/lytics")).text


async def test_a_changed_connection_keeps_the_secret(running_console):
    """What stays as it is set is not asked for again."""
    await added(running_console)
    before = (await newest(running_console)).content.parameters["API_KEY"]
    async with await running_console.client("editor") as client:
        sent = {"do": "save", "parameters.STREAM_ID": "shop", "how.API_KEY": "keep", "deploy": "shop"}
        assert (await client.post("/integrations/lytics/connection", data=sent)).status_code == 303
        after = await newest(running_console)
        assert after.content.parameters["API_KEY"] == before
        assert after.content.parameters["STREAM_ID"].value == "shop"
        assert "What would change" not in (await client.get("/integrations/lytics")).text


async def test_a_test_event_stands_in_the_audit_log(running_console):
    """Who sent it with which kit and what came of it, also of a connection that is not saved; never a parameter."""
    await added(running_console)
    nobody = {"delivery.base_url": "http://127.0.0.1:9", "parameters.STREAM_ID": "shop"}
    async with await running_console.client("editor") as client:
        typed = {"do": "test", "how.API_KEY": "stored", "parameters.API_KEY": SECRET, **nobody}
        assert (await client.post("/integrations/library/lytics/add", data=typed)).status_code == 200
        kept = {"do": "test", "how.API_KEY": "keep", **nobody}
        assert (await client.post("/integrations/lytics/connection", data=kept)).status_code == 200
    async with transaction(running_console.pool, read_only=True) as connection:
        saved_one, typed_one = await audit_log.entries(connection, limit=2)
        integration = await integration_store.find(connection, "lytics")
    assert (typed_one.action, typed_one.subject) == ("test event sent", "kit lytics")
    assert (saved_one.action, saved_one.subject) == ("test event sent", integration_store.subject(integration))
    assert (saved_one.after["kit"], saved_one.after["results"]) == ("lytics", ["again"])
    assert saved_one.actor.startswith("Editor (")
    assert SECRET not in str(typed_one)


async def test_search_finds_by_what_a_kit_does(running_console):
    """Words may stand in the name or in the description."""
    async with await running_console.client("viewer") as client:
        reply = await client.get("/integrations/library?q=google", headers={"HX-Request": "true"})
        assert "ga4" in reply.text
        assert "/library/lytics" not in reply.text
        assert "Nothing fits" in (await client.get("/integrations/library?q=zzz")).text


async def test_lua_is_checked_with_its_line(running_console):
    """The line of the fault is a number that the editor can mark."""
    async with await running_console.client("editor") as client:
        sent = {"checked": "rule.lua", "rule.lua": "local a = 1\nreturn a +"}
        assert 'data-line="2"' in (await client.post("/integrations/lua-check", data=sent)).text
        sent = {"checked": "rule.lua", "rule.lua": "return $$X$$"}
        assert "It compiles" in (await client.post("/integrations/lua-check", data=sent)).text


async def test_kept_events_are_offered_to_the_preview(running_console):
    """An event that somebody kept for this pipeline can be chosen by its title."""
    await added(running_console)
    async with transaction(running_console.pool) as database:
        pipeline = await pipeline_store.find(database, "shop")
        event = {"type": "track", "event": "Kept One", "properties": {"kept": "yes"}}
        number = await examples.keep(database, pipeline, title="An odd one", event=event, sequence=7, actor="test")
    async with await running_console.client("viewer") as client:
        page = (await client.get(f"/integrations/lytics/mapping?event=kept:{number}")).text
    assert f'<option value="kept:{number}" selected>An odd one</option>' in page
    assert "properties_kept" in page


async def test_a_viewers_draft_is_not_run(running_console):
    """Lua of somebody who may not save is not executed; the preview shows the saved revision."""
    await added(running_console)
    lua = "global:\n  expressions:\n    - {lang: lua, body: 'return {mine = 1}'}\n"
    for role, runs in (("viewer", False), ("editor", True)):
        async with await running_console.client(role) as client:
            page = (await client.get("/integrations/lytics/mapping")).text
            sent = {**fields(page), "overrides": lua, "event": "example:0"}
            preview = (await client.post("/integrations/lytics/mapping/preview", data=sent)).text
        assert (">mine<" in preview) == runs


@pytest.mark.parametrize("field", ["base", "opened", "event", "do", "view", "file", "pipeline"])
async def test_nonsense_in_the_editors_state_is_survived(running_console, field):
    """What no browser sends is answered with the editor or a clear refusal, never with a failure."""
    await added(running_console)
    async with await running_console.client("editor") as client:
        page = (await client.get("/integrations/lytics/mapping")).text
        for text in (
            "\u00b2",
            "9" * 30,
            "log:" + "9" * 30,
            "0:mappings:99",
            "edit:7:mappings:0",
            "restore:0:5",
            "\ud7ff",
        ):
            sent = {**fields(page), field: text}
            reply = await client.post("/integrations/lytics/mapping/draft", data=sent)
            assert reply.status_code in (200, 201, 404), (text, reply.text)
