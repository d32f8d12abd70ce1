"""Settings in a real Chromium: people and their links, tokens, secrets, the audit log, one's own password."""

from __future__ import annotations

import pytest
from console_visits import AXE, PASSWORD

from headwater.console.value_changes import ValueChange, changes
from headwater.pipelines import bootstrap, token_store
from headwater.pipelines.changes import change

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]

HOSTILE = "<script>document.title = 'broken'</script>"


def test_only_what_differs_is_told():
    """Paths that are the same are left out; what is new or gone has one side only; a list is one value."""
    before = {"name": "Web", "tag": {"on": True, "parts": [1]}, "gone": 0}
    after = {"name": "Web", "tag": {"on": False, "parts": [1, 2]}, "new": ""}
    assert changes(before, after) == [
        ValueChange("gone", "0", None),
        ValueChange("new", None, ""),
        ValueChange("tag.on", "true", "false"),
        ValueChange("tag.parts", "[1]", "[1,2]"),
    ]


async def test_invite_somebody_who_then_signs_in(visits, page_check):
    """An admin makes a link, the invited person opens it, chooses a password and is in, with the role."""
    page = await visits.as_role("admin")
    await page.goto("/settings/people")
    await page.get_by_label("E-mail").fill("new@example.com")
    await page.get_by_label("Role", exact=True).select_option("editor")
    await page.get_by_role("button", name="Make a link").click()
    await page.get_by_role("heading", name="A link for new@example.com").wait_for()
    link = await page.locator("pre").inner_text()
    await page_check(page, "settings-link")
    await page.get_by_role("link", name="Done").click()
    await page.get_by_role("heading", name="Links that were not used yet").wait_for()
    await page_check(page, "settings-people")
    newcomer = await visits.as_role(None)
    await newcomer.goto(link)
    await page_check(newcomer, "welcome")
    await newcomer.get_by_label("Your name").fill(HOSTILE)
    await newcomer.get_by_label("Password").fill("some words of my own")
    await newcomer.get_by_role("button", name="Begin").click()
    await newcomer.get_by_role("heading", name="Home").wait_for()
    assert HOSTILE in await newcomer.locator(".me").inner_text()
    await page.reload()
    assert await page.get_by_label(f"Role of {HOSTILE}").input_value() == "editor"


async def test_roles_and_shutting_out(running_console, visits):
    """A changed role counts at once; who is shut out cannot go on; the last admin stays admin."""
    editor = await visits.as_role("editor")
    await editor.goto("/pipelines")
    admin = await visits.as_role("admin")
    await admin.goto("/settings/people")
    await admin.get_by_label("Role of Editor").select_option("viewer")
    await admin.get_by_role("button", name="Set the role of Editor").click()
    await admin.get_by_text("Editor is viewer now").wait_for()
    await editor.get_by_role("link", name="New pipeline").click()
    await editor.get_by_text("this needs the role editor", exact=False).wait_for()
    await admin.get_by_role("row").filter(has_text="viewer@example.com").get_by_role("button", name="Shut out").click()
    await admin.get_by_role("dialog").get_by_role("button", name="Shut out").click()
    await admin.get_by_text("Viewer is shut out").wait_for()
    await admin.get_by_label("Role of Admin").select_option("viewer")
    await admin.get_by_role("button", name="Set the role of Admin").click()
    await admin.get_by_text("is the last admin").wait_for()


async def test_a_token_is_shown_once(running_console, visits, page_check):
    """It works at once, is not on the page again, and can be revoked."""
    page = await visits.as_role("admin")
    await page.goto("/settings/tokens")
    await page_check(page, "settings-tokens-empty")
    await page.get_by_label("Name").fill("Nightly export")
    await page.get_by_role("button", name="Create the token").click()
    await page.get_by_text("a token needs at least one scope", exact=False).wait_for()
    await page.get_by_label("observer").check()
    await page.get_by_role("button", name="Create the token").click()
    await page.get_by_role("heading", name="The token for Nightly export").wait_for()
    raw = await page.locator("pre").inner_text()
    assert raw.startswith("hw_")
    await page.get_by_role("link", name="Done").click()
    assert raw not in await page.content()
    await page_check(page, "settings-tokens")
    await page.get_by_role("button", name="Revoke").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await page.get_by_text("does not work any more").wait_for()
    async with change(running_console.pool, "test") as made:
        assert (await token_store.every(made.connection))[0].revoked_at is not None


async def test_secrets_are_listed_without_their_values(running_console, visits, page_check):
    """The first start's API key is encrypted, and nothing of it is on the page."""
    page = await visits.as_role("viewer")
    await page.goto("/settings/secrets")
    await page.get_by_role("heading", name="No secret yet").wait_for()
    await bootstrap.create_defaults(running_console.pool, running_console.console.services.box)
    await page.reload()
    await page.get_by_role("row").filter(has_text="API_KEY").get_by_text("encrypted here").wait_for()
    assert "hw_" not in await page.content()
    await page_check(page, "settings-secrets")


async def test_the_audit_log_says_who_changed_what(running_console, visits, page_check):
    """A change made on a page is there with its author, and with before and after."""
    await bootstrap.create_defaults(running_console.pool, running_console.console.services.box)
    page = await visits.as_role("editor")
    await page.goto("/pipelines/default/settings")
    await page.get_by_label("Name").fill(HOSTILE)
    await page.get_by_role("button", name="Save").click()
    await page.goto("/settings/audit")
    row = page.get_by_role("row").filter(has_text="pipeline updated")
    assert "Editor (editor@example.com)" in await row.inner_text()
    await row.get_by_text("1 value").click()
    assert [await row.locator(".removed").inner_text(), await row.locator(".added").inner_text()] == [
        "Default",
        HOSTILE,
    ]
    await page_check(page, "settings-audit")
    await row.get_by_role("link").click()
    await page.get_by_text("Show everything").wait_for()
    assert await page.get_by_role("row").filter(has_text="person added").count() == 0


async def test_change_ones_own_password(visits, page_check):
    """The present password is asked for; other windows are signed out, this one stays."""
    page, other = await visits.as_role("viewer"), await visits.as_role("viewer")
    await page.goto("/settings")
    await page_check(page, "settings-account")
    await page.get_by_label("Present password").fill("wrong")
    await page.get_by_label("New password").fill("another long password")
    await page.get_by_role("button", name="Change the password").click()
    await page.get_by_text("This is not your present password").wait_for()
    await page.get_by_label("Present password").fill(PASSWORD)
    await page.get_by_label("New password").fill("another long password")
    await page.get_by_role("button", name="Change the password").click()
    await page.get_by_text("The password is changed").wait_for()
    await other.goto("/")
    await other.get_by_role("heading", name="Sign in").wait_for()
