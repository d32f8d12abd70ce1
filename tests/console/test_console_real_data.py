"""Every page of the console with real data: a replayed part of the grocery data set, in an install of its own."""

from __future__ import annotations

import json
import re
import time

import pytest
from console_visits import AXE, check_page
from playwright.async_api import Page

from install import Install

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not AXE.exists(), reason="run scripts/setup-tests first"),
]

HOUSEHOLDS = 40
PAGES = {
    "home": "/",
    "home-month": "/?range=month",
    "live": "/live",
    "live-refused": "/live/refused",
    "pipelines": "/pipelines",
    "pipeline": "/pipelines/default",
    "sources": "/pipelines/default/sources",
    "pipeline-settings": "/pipelines/default/settings",
    "integrations": "/integrations",
    "library": "/integrations/library",
    "integration": "/integrations/lytics",
    "connection": "/integrations/lytics/connection",
    "mapping": "/integrations/lytics/mapping",
    "deliveries": "/deliveries",
    "attempts": "/deliveries/attempts",
    "dead-letters": "/deliveries/dead",
    "runs": "/deliveries/runs",
    "profiles": "/profiles",
    "audiences": "/audiences",
    "audience": "/audiences/big_spenders",
    "audience-members": "/audiences/big_spenders/members",
    "audience-overlap": "/audiences/big_spenders/overlap?with=regulars",
    "audience-activation": "/audiences/big_spenders/activation",
    "audience-edit": "/audiences/big_spenders/edit",
    "new-audience": "/new/audience",
    "schema": "/schema",
    "schema-ranks": "/schema/ranks",
    "schema-aliases": "/schema/aliases",
    "schema-blocked": "/schema/blocked",
    "schema-versions": "/schema/versions",
    "schema-draft": "/schema/draft",
    "schema-unmapped": "/schema/unmapped",
    "schema-field": "/schema/fields/total_revenue",
    "new-field": "/new/field",
    "settings": "/settings",
    "people": "/settings/people",
    "tokens": "/settings/tokens",
    "secrets": "/settings/secrets",
    "audit": "/settings/audit",
}


def replay(install: Install) -> None:
    """Some households through the front door, until their profiles are there, and audiences of them."""
    install.run("audiences", "create", "FILTER total_revenue > 1000 ALIAS big_spenders")
    install.run("audiences", "create", "FILTER order_count > 20 ALIAS regulars")
    install.run("demo", "--households", str(HOUSEHOLDS))
    deadline = time.monotonic() + 120
    while json.loads(install.run("audiences", "size", "big_spenders", "--json").stdout)["size"] < 5:
        assert time.monotonic() < deadline, install.log.read_text()[-4000:]
        time.sleep(1)


async def test_every_page_with_real_data(running_install: Install, admin: Page) -> None:
    """No violation of accessibility, nothing wider than a narrow screen, no page that fails; and pictures of each for who asks."""
    replay(running_install)
    await admin.goto("/profiles?q=household-1")
    profile = re.search(r"/profiles/[0-9a-f]{32}", await admin.content())
    assert profile is not None
    person = {
        "profile": profile[0],
        "profile-timeline": f"{profile[0]}/timeline",
        "profile-identity": f"{profile[0]}/identity",
        "audience-why": f"/audiences/big_spenders/why?profile={profile[0].rsplit('/', 1)[1]}",
    }
    for name, path in {**PAGES, **person}.items():
        reply = await admin.goto(path, wait_until="load")
        assert reply is not None
        assert reply.status == 200, f"{path}: {reply.status}"
        await admin.wait_for_timeout(400)  # what the page loads by itself
        await check_page(admin, name)
