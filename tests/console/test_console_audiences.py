"""Audiences in the console: build one, see its size move, watch a person enter it, and ask why."""

from __future__ import annotations

from typing import Any

import pytest
from console_people import ANN, HOSTILE, Town, town_of
from console_visits import AXE
from hypothesis import given
from hypothesis import strategies as st

from headwater.audiences import store
from headwater.console.audiences.rules import Condition, RuleGroup, Rules, rules_of, text_of
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.integrations import library
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.audience_choice import named, slugs_by_id
from headwater.pipelines.changes import change
from headwater.pipelines.objects import RevisionContent

in_browser = pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first")


@pytest.fixture
async def town(running_console: Any) -> Town:
    """A town in which nobody lives."""
    return await town_of(running_console)


async def audience(town: Town, text: str, slug: str, **more: Any) -> None:
    async with change(town.pool, "test") as made:
        await store.create(made, store.Draft(segment_ql=text, **{"name": slug, "slug": slug, **more}))
    await town.fill()


@pytest.mark.slow
@in_browser
async def test_an_audience_is_built_and_a_person_enters_it_live(town, visits, page_check):
    """Rules say who; the size moves as they are typed; text and rules are one; somebody who fits enters while we look."""
    await town.bring(*ANN)
    page = await visits.as_role("editor")
    await page.goto("/audiences")
    await page_check(page, "audiences")
    await page.get_by_role("link", name="New audience").click()
    look = page.get_by_label("Who it would hold")
    await look.get_by_text("Choose a field").wait_for()
    await page.get_by_label("Field of condition 1").fill("city")
    await page.get_by_label("Field of condition 1").press("Tab")
    await page.get_by_label("Value of condition 1").fill("Oslo")
    await look.locator(".size").get_by_text("1", exact=True).wait_for()
    await look.get_by_role("link", name="ann").wait_for()
    await page.get_by_role("button", name="Add a condition").click()
    await page.get_by_label("Field of condition 2").fill("pageviewct")
    await page.get_by_label("Field of condition 2").press("Tab")
    await page.get_by_label("Operator of condition 2").select_option(label="is at least")
    await page.get_by_label("Value of condition 2").fill("2")
    await look.get_by_text("Nobody fits.").wait_for()
    await page_check(page, "audience-builder")
    await page.get_by_role("button", name="Write as text").click()
    text = page.get_by_label("FilterQL")
    assert await text.input_value() == 'FILTER AND (\n    city = "Oslo",\n    pageviewct >= 2\n)'
    await text.fill("FILTER AND ( ci")
    await text.press("Control+Space")
    await page.get_by_role("option", name="city City").wait_for()
    await page_check(page, "audience-text")
    await text.press("Enter")
    await text.press("End")
    assert await text.input_value() == "FILTER AND ( city"
    await text.fill('FILTER AND ( city = "Oslo", pageviewct >= 1 )')
    await look.locator(".size").get_by_text("1", exact=True).wait_for()
    await page.get_by_role("button", name="Show as rules").click()
    assert await page.get_by_label("Value of condition 2").input_value() == "1"
    await page.get_by_label("Name", exact=True).fill("Oslo")
    await page.get_by_role("button", name="Save the audience").click()
    await page.get_by_role("heading", name="Oslo").wait_for()
    await town.fill()
    now = page.get_by_label("Size now")
    await now.get_by_text("1", exact=True).wait_for()
    await town.bring({"user_id": "eva", "city": "Oslo", "_e": "pv", "url": "shop.example/b"})
    await now.get_by_role("link", name="eva").wait_for()
    await now.get_by_text("2", exact=True).wait_for()
    await page_check(page, "audience")


@pytest.mark.slow
@in_browser
async def test_why_members_overlap_and_activation(town, visits, page_check):
    """Each condition answers for a person; members are listed; shares are told; a refused address says why."""
    await town.bring(*ANN)
    await audience(town, 'FILTER city = "Oslo"', "oslo")
    await audience(town, "FILTER EXISTS email", "reachable", description=HOSTILE)
    page = await visits.as_role("editor")
    await page.goto("/audiences/oslo/why")
    await page.get_by_label("Person").fill("bob@")
    await page.get_by_role("button", name="Ask").click()
    await page.get_by_role("heading", name="is not in it").wait_for()
    await page.get_by_role("cell", name="no", exact=True).wait_for()
    await page_check(page, "audience-why")
    await page.get_by_role("link", name="Members").click()
    await page.get_by_role("link", name="ann").wait_for()
    await page_check(page, "audience-members")
    await page.get_by_role("link", name="Overlap").click()
    await page.get_by_label("reachable").check()
    await page.get_by_role("button", name="Compare").click()
    await page.get_by_role("row", name="reachable").get_by_text("100 %").wait_for()
    await page_check(page, "audience-overlap")
    await page.get_by_role("link", name="Activation").click()
    await page.get_by_role("textbox", name="Address").fill("https://shop.example/hook")
    await page.get_by_label("Fields that go along").fill("email,'")
    await page.get_by_role("button", name="Tell this address").click()
    await page.get_by_text("without quotes and commas").wait_for()
    await page.get_by_label("Fields that go along").fill("email")
    await page.get_by_role("button", name="Tell this address").click()
    await page.get_by_text("Keep the secret now").wait_for()
    await page.get_by_role("link", name="Done").click()
    await page.get_by_text("https://shop.example/hook").wait_for()
    await page_check(page, "audience-activation")


async def integration(town: Town, slug: str, *audiences: str) -> None:
    """An integration with a revision; attached where audiences are named."""
    async with change(town.pool, "test") as made:
        created = await integration_store.create(made, name=slug.title(), slug=slug)
        texts = library.texts("stdout")
        await integration_store.save(made, created, RevisionContent(kit="stdout", texts=texts))
        if audiences:
            pipeline = await pipeline_store.find(made.connection, "audiences")
            await deployment_store.attach(made, pipeline, created, audiences=audiences)


async def heard(town: Town) -> dict[str, tuple[str, ...] | None]:
    """What each integration of the pipeline hears about."""
    async with transaction(town.pool, read_only=True) as connection:
        pipeline = await pipeline_store.find(connection, "audiences")
        slugs = await slugs_by_id(connection)
        attached = await deployment_store.attachments(connection, pipeline)
        return {each.integration: named(each.audiences, slugs) for each in attached}


@pytest.mark.slow
@in_browser
async def test_one_audience_goes_to_one_integration(town, visits, page_check):
    """This audience alone unless one wants all; another audience joins it; ending takes this one away and leaves the other."""
    await audience(town, "FILTER EXISTS email", "oslo")
    await audience(town, "FILTER EXISTS email", "vip")
    await integration(town, "mailer")
    await integration(town, "ads", "vip")
    page = await visits.as_role("editor")
    await page.goto("/audiences/oslo/activation")
    await page.get_by_label("Send to").select_option(label="Mailer")
    await page.get_by_role("button", name="Send entries and exits").click()
    await page.get_by_role("row", name="mailer").get_by_text("only this audience").wait_for()
    await page.get_by_label("Send to").select_option(label="Ads (hears about vip)")
    await page.get_by_role("button", name="Send entries and exits").click()
    await page.get_by_role("row", name="ads").get_by_text("this audience, vip").wait_for()
    assert await heard(town) == {"ads": ("oslo", "vip"), "mailer": ("oslo",)}
    await page_check(page, "audience-activation-integrations")
    await page.get_by_role("row", name="ads").get_by_role("button", name="End").click()
    await page.get_by_role("dialog").get_by_text("It goes on hearing about vip").wait_for()
    await page.get_by_role("button", name="End it").click()
    await page.get_by_text("Ads gets no entries and exits of oslo any more").wait_for()
    await page.get_by_role("row", name="mailer").get_by_role("button", name="End").click()
    await page.get_by_role("dialog").get_by_role("button", name="End it").click()
    await page.get_by_text("Mailer gets no entries and exits of any audience any more").wait_for()
    assert await heard(town) == {"ads": ("vip",)}
    await page.get_by_label("Send to").select_option(label="Mailer")
    await page.get_by_label("Entries and exits of").select_option(label="All audiences, future ones too")
    await page.get_by_role("button", name="Send entries and exits").click()
    await page.get_by_role("row", name="mailer").get_by_role("cell", name="all audiences").wait_for()
    assert (await heard(town))["mailer"] is None
    await page.get_by_role("button", name="Only this audience").click()
    await page.get_by_role("dialog").get_by_role("button", name="Only this audience").click()
    await page.get_by_role("row", name="mailer").get_by_role("cell", name="only this audience").wait_for()
    await page.goto("/pipelines/audiences")
    await page.get_by_role("link", name="vip").wait_for()
    await page_check(page, "pipeline-with-chosen-audiences")


async def test_ending_asks_again_when_somebody_else_was_faster(town):
    """Who ends all audiences where one was chosen meanwhile, or the other way round, is told; nothing is changed."""
    await audience(town, "FILTER EXISTS email", "vip")
    await integration(town, "ads", "vip")
    client = await town.running.client("editor")
    reply = await client.post("/audiences/vip/integrations/ads/end", data={"everything": "yes"})
    assert (reply.status_code, await heard(town)) == (409, {"ads": ("vip",)})


CONDITIONS = st.one_of(
    st.builds(
        Condition,
        st.sampled_from(["city", "a.b", "any name"]),
        st.sampled_from(["is", "is not"]),
        st.tuples(st.text(min_size=1, max_size=8)),
    ),
    st.builds(
        Condition,
        st.just("visits"),
        st.sampled_from(["is", "gt", "ge", "lt", "le"]),
        st.tuples(st.integers(-99, 99).map(str)),
        st.just(True),
    ),
    st.builds(
        Condition,
        st.just("tags"),
        st.sampled_from(["has", "has not"]),
        st.tuples(st.text("abc ", min_size=1).map(str.strip).filter(bool)),
    ),
    st.builds(Condition, st.sampled_from(["vip", "oslo"]), st.sampled_from(["include", "exclude"])),
    st.builds(Condition, st.just("email"), st.sampled_from(["exists", "missing", "true", "false"])),
    st.just(Condition("last_seen", "after", ("now-7d",))),
    st.just(Condition("visits", "between", ("1", "9"), numeric=True)),
)
GROUPS = st.builds(RuleGroup, st.sampled_from(["and", "or"]), st.lists(CONDITIONS, min_size=2, max_size=4).map(tuple))
RULES = st.builds(Rules, st.sampled_from(["and", "or"]), st.lists(GROUPS, min_size=2, max_size=3).map(tuple))


@given(RULES)
def test_rules_become_text_and_the_same_rules_again(rules):
    """Whatever can be said in rules is said by the text, and read back as it was; a value that cannot be written is refused."""
    try:
        text = text_of(rules)
    except InputError:
        return
    assert rules_of(text) == rules


def test_hostile_values_stay_values():
    """Quotes, parentheses and comments that somebody types do not get out of their value."""
    for value in ('x") OR (1 = 1', "\\", '"', "-- x", HOSTILE, "a\nb"):
        rules = Rules(groups=(RuleGroup("and", (Condition("city", "is", (value,)),)),))
        assert rules_of(text_of(rules)) == rules, value


def test_what_rules_cannot_say_stays_text():
    """Functions, negated groups, three levels and clauses of the statement are not lost: they are no rules."""
    for text in (
        'FILTER todate(city) > "now-1d"',
        "FILTER NOT OR (a = 1, b = 2)",
        "FILTER AND (a = 1, OR (b = 2, AND (c = 3, d = 4)))",
        "FILTER a = 1 LIMIT 5",
        'FILTER city IN ("Oslo, Norway", "Rome")',
        "FILTER a = b",
    ):
        assert rules_of(text) is None, text
    assert rules_of("FILTER *") == Rules()
    assert rules_of('FILTER city = "Oslo" AND visits > 5') == Rules(
        groups=(
            RuleGroup("and", (Condition("city", "is", ("Oslo",)), Condition("visits", "gt", ("5",), numeric=True))),
        )
    )
