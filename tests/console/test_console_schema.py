"""The schema in the console: what profiles know, a draft of changes, and keys that nothing reads yet."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from console_people import ANN, HOSTILE, Town, town_of
from console_visits import AXE
from hypothesis import given
from hypothesis import strategies as st

from headwater.audiences import store
from headwater.console.schema import alias_form, blocked_form
from headwater.database.transactions import transaction
from headwater.pipelines.changes import change
from headwater.profiles.instants import milliseconds_of
from headwater.profiles.observed_fields import Observation
from headwater.profiles.schema import Alias, Assertions, Blocked, Field, Length, Schema
from headwater.profiles.schema_edits import SchemaEdit
from headwater.profiles.versions import draft_store, stream_store, version_store

in_browser = pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first")


@pytest.fixture
async def town(running_console: Any) -> Town:
    """A town in which nobody lives."""
    return await town_of(running_console)


async def observe(town: Town, *names: str) -> None:
    """Records of the stream `default` were seen with these keys."""
    now = milliseconds_of(datetime.now(UTC))
    seen = [Observation("default", name, 12, {"string": 12}, HOSTILE, now, now) for name in names]
    async with transaction(town.pool) as connection:
        await stream_store.add(connection, seen)


@pytest.mark.slow
@in_browser
async def test_a_key_is_mapped_looked_at_and_published(town, visits, page_check):
    """One click maps a key that nothing reads; the draft says what that changes; publishing makes it a version."""
    await town.bring(*ANN)
    await observe(town, "shoe size", "email", HOSTILE[:60])
    page = await visits.as_role("editor")
    await page.goto("/schema")
    await page.get_by_role("row").filter(has_text="user_id").get_by_text("67 %").wait_for()
    await page_check(page, "schema")
    await page.get_by_role("link", name="Not mapped yet").click()
    await page_check(page, "schema-unmapped")
    assert not await page.get_by_label("Field for email", exact=True).is_visible()
    await page.get_by_role("button", name="Map shoe size").click()
    await page.get_by_text("fills shoe_size once").wait_for()
    await page.get_by_role("link", name="Draft", exact=True).click()
    await page.get_by_role("row").filter(has_text="fields.shoe_size").get_by_text("added").wait_for()
    await page_check(page, "schema-draft")
    await page.get_by_label("Name of the version").fill("shoes")
    await page.get_by_label("What changed").fill("Shoe sizes are kept")
    await page.get_by_role("button", name="Publish").click()
    await page.get_by_role("heading", name="Version 2: shoes").wait_for()
    await page_check(page, "schema-version")
    await page.goto("/schema/versions")
    await page_check(page, "schema-versions")
    await page.goto("/schema/draft")
    await page_check(page, "schema-draft-empty")


@pytest.mark.slow
@in_browser
async def test_a_field_and_ranks_are_changed_in_the_draft(town, visits, page_check):
    """A wrong expression is refused with its place; a right one is in the draft; an identifier moves up."""
    await town.bring(*ANN)
    page = await visits.as_role("editor")
    await page.goto("/schema/fields/city")
    await page_check(page, "schema-field")
    await page.get_by_role("button", name="Add a mapping").click()
    last = page.get_by_role("group", name="Mapping").last
    await last.get_by_placeholder("expression").fill("lower(")
    await page.get_by_role("button", name="Save in the draft").click()
    await page.get_by_role("alert").wait_for()
    last = page.get_by_role("group", name="Mapping").last
    await last.get_by_placeholder("expression").fill("town")
    await page.get_by_role("button", name="Save in the draft").click()
    await page.get_by_text("The draft is changed.").wait_for()
    await page.goto("/schema/ranks")
    await page_check(page, "schema-ranks")
    await page.get_by_role("button", name="Up phone").click()
    await page.get_by_text("The draft is changed.").wait_for()
    async with transaction(town.pool, read_only=True) as connection:
        schema = (await draft_store.draft(connection)).schema
    assert schema.ranks[:3] == ("user_id", "email", "phone")
    assert [each.expr for each in schema.mappings if each.field == "city"][-1] == "town"


async def test_saving_a_field_untouched_changes_nothing(town):
    """A form sent back as it was makes no draft, whatever attributes it does not show."""
    async with await town.running.client("editor") as editor:
        async with change(town.pool, "test") as made:
            odd = Field("odd", assertions=Assertions(email=True, format="hex", filter=(" spaced ", "n/a")))
            await draft_store.edit(made, SchemaEdit(fields={"odd": odd}))
        for field in ("city", "events", "email", "account_created", "odd"):
            async with transaction(town.pool, read_only=True) as connection:
                schema = (await draft_store.draft(connection)).schema
            held = schema.field(field)
            assert held is not None
            rows = [each for each in schema.mappings if each.field == field]
            form = {
                "type": held.type,
                "mergeop": held.mergeop,
                "shortdesc": held.shortdesc,
                "longdesc": held.longdesc,
                "capacity": str(held.capacity or ""),
                "format": held.assertions.format,
                "filter": "\r\n".join(held.assertions.filter),
                **({"email": "yes"} if held.assertions.email else {}),
                **({"is_identifier": "yes"} if held.is_identifier else {}),
                **({"is_pii": "yes"} if held.is_pii else {}),
                "mappings": str(len(rows)),
                "do": "save",
            }
            for at, row in enumerate(form_rows(await (await editor.get(f"/schema/fields/{field}")).aread())):
                form |= {f"mapping-{at}-{name}": value for name, value in row.items()}
            assert (await editor.post(f"/schema/fields/{field}", data=form)).status_code == 303
    async with transaction(town.pool, read_only=True) as connection:
        assert (await draft_store.draft(connection)).revision == 1


def form_rows(page: bytes) -> list[dict[str, str]]:
    """The mappings that a page's form holds."""
    rows: dict[str, dict[str, str]] = {}

    class Inputs(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            known = dict(attrs)
            name = known.get("name") or ""
            if tag == "input" and name.startswith("mapping-"):
                _, at, what = name.split("-")
                rows.setdefault(at, {})[what] = known.get("value") or ""

    Inputs().feed(page.decode())
    return [rows[at] for at in sorted(rows, key=int)]


@pytest.mark.slow
@in_browser
async def test_aliases_blocked_values_and_assertions_are_changed_in_the_draft(town, visits, page_check):
    """A wrong expression is refused; rows are added and taken away; lists are typed line by line; a text must fit."""
    page = await visits.as_role("editor")
    await page.goto("/schema/aliases")
    await page_check(page, "schema-aliases")
    rows = page.get_by_role("group", name="Earlier identifier")
    before = await rows.count()
    await page.get_by_role("button", name="Add a row").click()
    await rows.nth(before).get_by_placeholder("expression").fill("lower(")
    await page.get_by_role("button", name="Save in the draft").click()
    await page.get_by_role("alert").wait_for()
    await rows.nth(before).get_by_placeholder("expression").fill("old_email")
    await rows.nth(before).get_by_label("Identifier").select_option("email")
    await page.get_by_label("Expression 1", exact=True).fill("")
    await page.get_by_role("button", name="Save in the draft").click()
    await page.get_by_text("The draft is changed.").wait_for()
    await page.get_by_role("link", name="Blocked values").click()
    await page.get_by_label("Values for every identifier").fill("kiosk\n\n n/k \nkiosk")
    await page.locator("summary").filter(has=page.get_by_text("email", exact=True)).click()
    await page.get_by_label("Patterns for email", exact=True).fill("*@shop.example")
    await page_check(page, "schema-blocked")
    await page.get_by_role("button", name="Save in the draft").click()
    await page.get_by_text("The draft is changed.").wait_for()
    await page.goto("/schema/fields/city")
    await page.get_by_text("What a text must be to be taken").click()
    await page.get_by_label("Shortest, in characters").fill("two")
    await page.get_by_role("button", name="Save in the draft").click()
    await page.get_by_text("Write a whole number").wait_for()
    await page.get_by_label("Shortest, in characters").fill("2")
    await page.get_by_label("Format").select_option("alpha")
    await page.get_by_label("Texts to leave out").fill("nowhere\nn/a")
    await page_check(page, "schema-field-assertions")
    await page.get_by_role("button", name="Save in the draft").click()
    await page.get_by_text("The draft is changed.").wait_for()
    async with transaction(town.pool, read_only=True) as connection:
        first = (await version_store.newest(connection)).schema
        schema = (await draft_store.draft(connection)).schema
    assert schema.aliases == (*first.aliases[1:], Alias("email", "old_email"))
    assert schema.blocked.values["*"] == ("kiosk", "n/k")
    assert schema.blocked.patterns["email"] == ("*@shop.example",)
    city = schema.field("city")
    assert city is not None
    assert city.assertions == Assertions(format="alpha", length=Length(2, 0), filter=("nowhere", "n/a"))


async def test_two_people_change_aliases_and_blocked_values(town):
    """A row that somebody else added stays; lists that somebody else changed are not overwritten unseen."""
    aliases = (Alias("email", "old_email"), Alias("email", "older_email", guard_expr="EXISTS b"))
    async with change(town.pool, "Bob") as made:
        schema = (await draft_store.draft(made.connection)).schema
        await draft_store.replace(made, msgspec.structs.replace(schema, aliases=aliases))
    both = msgspec.structs.replace(schema, aliases=aliases)
    (mine,) = alias_form.rows_of(msgspec.structs.replace(schema, aliases=aliases[:1]))
    assert alias_form.aliases_from([mine._replace(expr="")], both) == (aliases[1],)
    typed = {"values.*": "kiosk", "revision": "0"}
    async with await town.running.client("editor") as editor:
        refused = await editor.post("/schema/blocked", data=typed)
        assert (refused.status_code, "Bob changed the draft" in refused.text) == (409, True)
        assert "kiosk" in refused.text
        assert (await editor.post("/schema/blocked", data={**typed, "revision": "1"})).status_code == 303
    async with await town.running.client("viewer") as viewer:
        assert "older_email" in (await viewer.get("/schema/aliases")).text
        assert "readonly" in (await viewer.get("/schema/blocked")).text
        assert (await viewer.post("/schema/aliases", data={"aliases": "0"})).status_code == 403


LINES = st.lists(
    st.text(min_size=1, max_size=6).map(str.strip).filter(lambda text: text and "\n" not in text), unique=True
)


@given(values=LINES, patterns=LINES)
def test_lists_of_blocked_values_are_read_back_as_they_were(values, patterns):
    """What the form shows and sends back untouched is no change, and written out line by line it is the same list."""
    schema = Schema(ranks=("email",), blocked=Blocked(values={"*": tuple(values)}, patterns={"email": tuple(patterns)}))
    rows = blocked_form.rows_of(schema)
    assert blocked_form.blocked_from(rows, Blocked()).values.get("*", ()) == tuple(values)
    assert blocked_form.blocked_from(rows, schema.blocked).patterns.get("email", ()) == tuple(patterns)


async def test_publishing_what_breaks_an_audience_is_refused(town):
    """The audience is named; a viewer may look and not publish."""
    async with change(town.pool, "test") as made:
        await store.create(made, store.Draft(segment_ql='FILTER city = "Oslo"', name="Oslo", slug="oslo"))
    async with await town.running.client("editor") as editor:
        assert (await editor.post("/schema/fields/city/remove")).status_code == 303
        form = {"tag": "t", "description": "d"}
        refused = await editor.post("/schema/draft/publish", data=form)
        assert (refused.status_code, "audiences would become invalid: oslo" in refused.text.lower()) == (422, True)
        assert (await editor.post("/schema/draft/publish", data={**form, "break_audiences": "yes"})).status_code == 303
    async with await town.running.client("viewer") as viewer:
        assert (await viewer.get("/schema/draft")).status_code == 200
        assert (await viewer.post("/schema/draft/discard")).status_code == 403
