"""The schema in the console: what profiles know, a draft of changes, and keys that nothing reads yet."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from console_people import ANN, HOSTILE, Town, town_of
from console_visits import AXE

from headwater.audiences import store
from headwater.database.transactions import transaction
from headwater.pipelines.changes import change
from headwater.profiles.instants import milliseconds_of
from headwater.profiles.observed_fields import Observation
from headwater.profiles.versions import draft_store, stream_store

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
        for field in ("city", "events", "email", "account_created"):
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
                **({"is_identifier": "yes"} if held.is_identifier else {}),
                **({"is_pii": "yes"} if held.is_pii else {}),
                "mappings": str(len(rows)),
                "do": "save",
            }
            for at, row in enumerate(form_rows(await (await editor.get(f"/schema/fields/{field}")).aread())):
                form |= {f"mapping-{at}-{name}": value for name, value in row.items()}
            assert (await editor.post(f"/schema/fields/{field}", data=form)).status_code == 303
    async with transaction(town.pool, read_only=True) as connection:
        assert (await draft_store.draft(connection)).revision == 0


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
