"""A Lytics integration on a pipeline, as the tests of the integrations' pages begin with it."""

from __future__ import annotations

from typing import Any

from console_visits import RunningConsole

from headwater.database.transactions import transaction
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import Integration, Revision
from headwater.pipelines.revision_edit import RevisionEdit, edited

SECRET = "k-very-secret-1"


async def added(running: RunningConsole, overrides: dict[str, Any] | None = None) -> Integration:
    """Lytics, to which the pipeline `shop` delivers with revision 1."""
    async with change(running.pool, "test") as made:
        pipeline = await pipeline_store.create(made, name="Shop", slug="shop")
        created = await integration_store.create(made, name="Lytics")
        parameters = {"STREAM_ID": "web", "API_KEY": SECRET}
        edit = RevisionEdit(kit="lytics", parameters=dict(parameters), overrides=overrides)
        content = edited(None, edit, running.console.services.box, created.id)
        await integration_store.save(made, created, content, "added")
        await deployment_store.attach(made, pipeline, created)
        return created


async def newest(running: RunningConsole, slug: str = "lytics") -> Revision:
    """The newest revision of an integration."""
    async with transaction(running.pool, read_only=True) as database:
        found = await integration_store.find(database, slug)
        return await integration_store.revision(database, found)


async def saved(running: RunningConsole, edit: RevisionEdit, note: str) -> Revision:
    """One more revision of Lytics."""
    async with change(running.pool, "test") as made:
        found = await integration_store.find(made.connection, "lytics")
        before = (await integration_store.revision(made.connection, found)).content
        content = edited(before, edit, running.console.services.box, found.id)
        return await integration_store.save(made, found, content, note)
