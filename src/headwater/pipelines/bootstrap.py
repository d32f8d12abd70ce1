"""What a first start creates: a pipeline that works at once, delivering to the profiles of this install.

The default pipeline has a write key, and a Lytics integration whose requests go to our own Lytics door with a generated
token. It is created once; what people delete or change afterwards stays deleted or changed.
"""

from __future__ import annotations

from typing import Any

from headwater.integrations import library
from headwater.pipelines import deployment_store, integration_store, kits, pipeline_store, secrets, token_store
from headwater.pipelines.changes import QUERIES, change
from headwater.pipelines.objects import THIS_INSTALL, DeliverySettings, Pipeline, RevisionContent
from headwater.pipelines.secrets import SecretBox

ACTOR = "first start"
PIPELINE = "default"
INTEGRATION = "lytics"
STREAM = "default"


async def create_defaults(pool: Any, box: SecretBox) -> Pipeline | None:
    """Create the defaults on the first start and return the pipeline; None on every later one.

    Safe to call from several processes at once. Raises as `transaction` does, ConfigurationError when the library's
    kit is damaged.
    """
    async with change(pool, ACTOR) as made:
        installation = await made.connection.fetchrow(QUERIES["installation"])
        if installation["first_started_at"] is not None:
            return None
        await made.connection.execute(QUERIES["mark_first_start"])
        if await pipeline_store.every(made.connection) or await integration_store.every(made.connection):
            return None  # someone applied a configuration before the first start: theirs counts
        pipeline = await pipeline_store.create(made, name="Default", slug=PIPELINE)
        await pipeline_store.add_write_key(made, pipeline)
        token = await token_store.create(made, name="default pipeline to the profiles of this install", scopes=["data"])
        integration = await integration_store.create(made, name="Profiles of this install", slug=INTEGRATION)
        values = {"STREAM_ID": STREAM, "API_KEY": token.raw}
        content = RevisionContent(
            kit="lytics",
            texts=library.texts("lytics"),
            parameters={
                name: secrets.stored(name, text, sensitive=False, box=box, integration_id=integration.id)
                for name, text in values.items()
            },
            delivery=DeliverySettings(base_url=THIS_INSTALL),
        )
        kits.check(content)
        await integration_store.save(made, integration, content, "first start")
        await deployment_store.attach(made, pipeline, integration)
        return await pipeline_store.find(made.connection, pipeline.id)
