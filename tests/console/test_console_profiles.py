"""Profiles in the console: find a person, see what is known and why, and decide about identities."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from console_people import ANN, Town, town_of
from console_visits import AXE

from headwater.console.profiles.identity_picture import NODE_HEIGHT, NODE_WIDTH, ROWS_SHOWN, picture_of
from headwater.profiles.explain import ExplainedIdentifier, ExplainedLink, Explanation
from headwater.profiles.health import Health
from headwater.profiles.identifiers import Identifier
from headwater.profiles.sightings import Sighting

in_browser = pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first")


@pytest.fixture
async def town(running_console: Any) -> Town:
    """A town in which nobody lives."""
    return await town_of(running_console)


@pytest.mark.slow
@in_browser
async def test_profiles_without_anybody_teach(town, visits, page_check):
    """A page without people says how profiles begin; a search that finds nobody says what it looked at."""
    page = await visits.as_role("viewer")
    await page.goto("/profiles")
    await page.get_by_role("heading", name="Nobody is known yet").wait_for()
    await page_check(page, "profiles-empty")
    await page.get_by_label("Identifier").fill("nobody@shop.example")
    await page.get_by_text("Nobody is known by").wait_for()


@pytest.mark.slow
@in_browser
async def test_two_browsers_are_found_explained_and_taken_apart(town, visits, page_check):
    """A person is found by any identifier; why two identifiers are one is told; unmerge shows what it does before it does it."""
    await town.bring(*ANN)
    await town.fill()
    page = await visits.as_role("editor")
    await page.goto("/profiles")
    await page_check(page, "profiles")
    await page.get_by_label("Identifier").fill("ANN@shop.ex")
    await page.get_by_role("link", name="ann@shop.example").click()
    await page.get_by_role("heading", name="Fields", exact=True).wait_for()
    await page.get_by_role("row").filter(has_text="city").get_by_text("Oslo").wait_for()
    await page_check(page, "profile")
    await page.get_by_role("link", name="Identity", exact=True).click()
    await page.get_by_role("group", name="identifiers and").wait_for()
    await page.get_by_label("This identifier").select_option("email:ann@shop.example")
    await page.get_by_label("and this one").select_option("_uids:browser-1")
    await page.get_by_role("button", name="Show why").click()
    await page.get_by_text("were seen together").first.wait_for()
    await page_check(page, "profile-identity")
    await page.get_by_label("Take out _uids browser-1").check()
    await page.get_by_role("button", name="Preview taking out").click()
    await page.get_by_text("1 profile becomes 2.").wait_for()
    await page_check(page, "profile-preview")
    assert await town.profile("_uids", "browser-1") == await town.profile("user_id", "ann")
    await page.get_by_label("Why").fill("A shared computer")
    await page.get_by_role("button", name="Take out of this profile").click()
    await page.get_by_text("There are 2 profiles now.").wait_for()
    assert await town.profile("_uids", "browser-1") != await town.profile("user_id", "ann")
    await page.get_by_role("button", name="Take back").first.click()
    await page.get_by_role("heading", name="Take this decision back?").wait_for()


@pytest.mark.slow
@in_browser
async def test_a_hostile_city_is_shown_as_text(town, visits, page_check):
    """What somebody sent as a value is text on every page of the profile, and in its timeline."""
    await town.bring(*ANN)
    bob = await town.profile("user_id", "bob")
    page = await visits.as_role("viewer")
    for path, name in ((f"/profiles/{bob}", "profile-hostile"), (f"/profiles/{bob}/timeline", "profile-timeline")):
        await page.goto(path)
        await page_check(page, name)
        assert "document.title" in await page.content()
        assert await page.title() != "1"


async def test_a_person_is_deleted_by_an_admin_only(town):
    """An editor may not; afterwards nobody is found, and the page says how far the deletion is."""
    await town.bring(*ANN)
    ann = await town.profile("user_id", "ann")
    async with await town.running.client("editor") as editor:
        assert (await editor.post(f"/profiles/{ann}/delete")).status_code == 403
    async with await town.running.client("admin") as admin:
        reply = await admin.post(f"/profiles/{ann}/delete", data={})
        assert reply.status_code == 303
        assert "Deletion of a person" in (await admin.get(reply.headers["location"])).text
        assert (await admin.get(f"/profiles/{ann}")).status_code == 404
        assert "Nobody is known by" in (await admin.get("/profiles/found", params={"q": "ann@shop"})).text


async def test_wishes_that_say_nothing_are_refused_with_the_remedy(town):
    """Taking out nobody, everybody, or what is in no profile changes nothing and says why."""
    await town.bring(*ANN)
    ann = await town.profile("user_id", "ann")
    base = f"/profiles/{ann}/identity"
    async with await town.running.client("editor") as editor:
        for form, told in (
            ({"action": "unmerge"}, "Choose at least one identifier"),
            (
                {"action": "unmerge", "identifier": ["user_id:ann", "email:ann@shop.example", "_uids:browser-1"]},
                "not all",
            ),
            ({"action": "unmerge", "identifier": "user_id:zoe"}, "is in no profile"),
            ({"action": "dance"}, "Choose what is to be done"),
            ({"action": "undo", "decision": "x"}, "Names no decision"),
        ):
            for step in ("preview", "decide"):
                reply = await editor.post(f"{base}/{step}", data=form)
                assert (reply.status_code in (404, 422), told in reply.text) == (True, True), (form, reply.text)


def test_a_picture_of_many_identifiers_stays_readable():
    """No box lies on another or outside of the drawing; what is not drawn is counted; links end at boxes that are there."""
    ann, seen = Identifier("user_id", "ann"), Sighting(1, 2, 3, "m")
    browsers = [Identifier("_uids", f"browser-{number:03} with a long name") for number in range(150)]
    identifiers = tuple(ExplainedIdentifier(each, 1, False, 1, 0, 0, seen, ()) for each in (ann, *browsers))
    links = tuple(ExplainedLink((each, ann), "event", seen) for each in browsers)
    picture = picture_of(Explanation(ann, "1", identifiers, links, (), (), Health("healthy")))
    assert (len(picture.nodes), len(picture.edges)) == (1 + ROWS_SHOWN, ROWS_SHOWN)
    assert [each.hidden for each in picture.headings] == [0, 150 - ROWS_SHOWN]
    places = sorted((node.x, node.y) for node in picture.nodes)
    assert all(a[0] != b[0] or b[1] - a[1] > NODE_HEIGHT for a, b in pairwise(places))
    assert max(y for _, y in places) + NODE_HEIGHT < picture.height
    assert max(x for x, _ in places) + NODE_WIDTH < picture.width
    assert all(node.identifier.value.startswith(node.text.rstrip("…")) for node in picture.nodes)


async def test_a_timeline_goes_back_page_by_page(town):
    """Newest first; the way to older events leads to each of them once, and ends."""
    await town.bring(*({"user_id": "ann", "_e": f"visit-{number:02}"} for number in range(40)))
    path = f"/profiles/{await town.profile('user_id', 'ann')}/timeline"
    told: list[str] = []
    async with await town.running.client("viewer") as viewer:
        while path:
            text = (await viewer.get(path)).text
            told += re.findall(r"visit-\d\d(?=&#34;)", text)
            older = re.search(r'href="([^"]+)" rel="next"', text)
            path = "" if older is None else older[1]
    assert told == [f"visit-{number:02}" for number in range(39, -1, -1)]
