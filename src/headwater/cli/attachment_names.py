"""How commands name attachments: "pipeline/integration", by slugs where the objects still exist."""

from __future__ import annotations

from typing import Any, NamedTuple

from headwater.database.transactions import transaction
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.routing.router import consumer_name


class AttachmentNames(NamedTuple):
    """Slugs by id, and the pairs of pipeline id and integration id that are attached."""

    pipelines: dict[str, str]
    integrations: dict[str, str]
    attached: frozenset[tuple[str, str]]

    def of(self, pipeline_id: str, integration_id: str) -> str:
        """An attachment as people know it; an object that was deleted since is shown by its id."""
        pipeline = self.pipelines.get(pipeline_id, pipeline_id)
        return f"{pipeline}/{self.integrations.get(integration_id, integration_id)}"

    def by_consumer(self) -> dict[str, str]:
        """The attachments by the names of their consumers."""
        return {consumer_name(pair): self.of(*pair) for pair in self.attached}


async def load(pool: Any) -> AttachmentNames:
    """Read the names of this moment."""
    async with transaction(pool, read_only=True) as connection:
        pipelines = await pipeline_store.every(connection)
        integrations = await integration_store.every(connection)
        attachments = await deployment_store.attachments(connection)
    return AttachmentNames(
        {pipeline.id: pipeline.slug for pipeline in pipelines},
        {integration.id: integration.slug for integration in integrations},
        frozenset((attached.pipeline_id, attached.integration_id) for attached in attachments),
    )
