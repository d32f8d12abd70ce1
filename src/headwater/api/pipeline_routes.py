"""Routes for pipelines, their write keys, and what they deliver to."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.params import JSONBody, QueryParameter

from headwater.api.authorization import CHANGE, READ, actor_of
from headwater.api.names import IntegrationName, PipelineName, RevisionNumber, WriteKey
from headwater.database.transactions import transaction
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import Change, change
from headwater.pipelines.deployment_store import Deployment
from headwater.pipelines.objects import Attachment, Integration, Pipeline

Caller = Request[Any, Any, State]


class NewPipeline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pipeline to create; the slug is made from the name unless given. It gets a first write key."""

    name: str
    slug: str | None = None
    enabled: bool = True
    allowed_origins: tuple[str, ...] = ()
    partial_batch_status: int = 200
    tag: dict[str, Any] = {}


class PipelineChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes of a pipeline; null or absent stays."""

    name: str | None = None
    slug: str | None = None
    enabled: bool | None = None
    allowed_origins: tuple[str, ...] | None = None
    partial_batch_status: int | None = None
    tag: dict[str, Any] | None = None


class NewWriteKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A write key to add; a new one is made unless given."""

    key: str | None = None


class WriteKeyView(msgspec.Struct, frozen=True):
    """A write key that was added."""

    key: str


class NewAttachment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a pipeline begins to use an integration: its newest revision unless given, paused when not enabled.

    On the pipeline of entries and exits `audiences` are the ids or slugs of those that it hears about; null: all.
    """

    revision: RevisionNumber | None = None
    enabled: bool = True
    audiences: tuple[str, ...] | None = None


class AttachmentChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pause or resume delivery, choose audiences (as in `NewAttachment`); what is absent stays."""

    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    audiences: tuple[str, ...] | msgspec.UnsetType | None = msgspec.UNSET


class DeploymentOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which revision to use, the newest unless given."""

    revision: RevisionNumber | None = None


class PipelineRoutes(Controller):
    """Pipelines by id or slug."""

    path = "/pipelines"
    tags = ("pipelines",)

    @get("/", opt=READ, summary="List pipelines")
    async def every(self, state: State) -> list[Pipeline]:
        """All pipelines, oldest first."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await pipeline_store.every(connection)

    @post("/", opt=CHANGE, summary="Create a pipeline")
    async def create(self, state: State, request: Caller, data: JSONBody[NewPipeline]) -> Pipeline:
        """Create a pipeline with a first write key."""
        async with change(state.services.pool, actor_of(request)) as made:
            created = await pipeline_store.create(
                made,
                name=data.name,
                slug=data.slug,
                enabled=data.enabled,
                allowed_origins=data.allowed_origins,
                partial_batch_status=data.partial_batch_status,
                tag=data.tag,
            )
            await pipeline_store.add_write_key(made, created)
            return await pipeline_store.find(made.connection, created.id)

    @get("/{pipeline:str}", opt=READ, summary="Show a pipeline")
    async def show(self, state: State, pipeline: PipelineName) -> Pipeline:
        """One pipeline."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await pipeline_store.find(connection, pipeline)

    @patch("/{pipeline:str}", opt=CHANGE, summary="Change a pipeline")
    async def update(
        self, state: State, request: Caller, pipeline: PipelineName, data: JSONBody[PipelineChange]
    ) -> Pipeline:
        """Change what is given."""
        given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not None}
        async with change(state.services.pool, actor_of(request)) as made:
            before = await pipeline_store.find(made.connection, pipeline)
            return await pipeline_store.update(made, msgspec.structs.replace(before, **given))

    @delete("/{pipeline:str}", opt=CHANGE, summary="Delete a pipeline")
    async def remove(self, state: State, request: Caller, pipeline: PipelineName) -> None:
        """Delete a pipeline with its write keys and attachments; integrations stay."""
        async with change(state.services.pool, actor_of(request)) as made:
            await pipeline_store.delete(made, await pipeline_store.find(made.connection, pipeline))

    @post("/{pipeline:str}/write-keys", opt=CHANGE, summary="Add a write key")
    async def add_write_key(
        self, state: State, request: Caller, pipeline: PipelineName, data: JSONBody[NewWriteKey]
    ) -> WriteKeyView:
        """Give the pipeline one more write key."""
        async with change(state.services.pool, actor_of(request)) as made:
            found = await pipeline_store.find(made.connection, pipeline)
            return WriteKeyView(await pipeline_store.add_write_key(made, found, data.key))

    @delete("/{pipeline:str}/write-keys/{key:str}", opt=CHANGE, summary="Remove a write key")
    async def remove_write_key(self, state: State, request: Caller, pipeline: PipelineName, key: WriteKey) -> None:
        """Take a write key away; senders that use it are refused."""
        async with change(state.services.pool, actor_of(request)) as made:
            await pipeline_store.remove_write_key(made, await pipeline_store.find(made.connection, pipeline), key)

    @get("/{pipeline:str}/integrations", opt=READ, summary="List what a pipeline delivers to")
    async def attachments(self, state: State, pipeline: PipelineName) -> list[Attachment]:
        """The attachments of a pipeline, oldest first."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await deployment_store.attachments(connection, await pipeline_store.find(connection, pipeline))

    @put("/{pipeline:str}/integrations/{integration:str}", opt=CHANGE, summary="Attach an integration", status_code=201)
    async def attach(
        self,
        state: State,
        request: Caller,
        pipeline: PipelineName,
        integration: IntegrationName,
        data: JSONBody[NewAttachment],
    ) -> Attachment:
        """Let the pipeline deliver to the integration from now on."""
        async with change(state.services.pool, actor_of(request)) as made:
            pair = await _pair(made, pipeline, integration)
            return await deployment_store.attach(
                made, *pair, revision=data.revision, enabled=data.enabled, audiences=data.audiences
            )

    @patch("/{pipeline:str}/integrations/{integration:str}", opt=CHANGE, summary="Change an attachment")
    async def change_attachment(
        self,
        state: State,
        request: Caller,
        pipeline: PipelineName,
        integration: IntegrationName,
        data: JSONBody[AttachmentChange],
    ) -> Attachment:
        """Pause delivery, so that events wait in the log, or go on where it was paused; choose audiences."""
        async with change(state.services.pool, actor_of(request)) as made:
            pair = await _pair(made, pipeline, integration)
            if data.enabled is not msgspec.UNSET:
                await deployment_store.enable(made, *pair, enabled=data.enabled)
            if data.audiences is not msgspec.UNSET:
                await deployment_store.choose(made, *pair, data.audiences)
            return await deployment_store.attachment(made.connection, *pair)

    @delete("/{pipeline:str}/integrations/{integration:str}", opt=CHANGE, summary="Detach an integration")
    async def detach(self, state: State, request: Caller, pipeline: PipelineName, integration: IntegrationName) -> None:
        """End delivery; what still waits is not delivered."""
        async with change(state.services.pool, actor_of(request)) as made:
            await deployment_store.detach(made, *await _pair(made, pipeline, integration))

    @post(
        "/{pipeline:str}/integrations/{integration:str}/deploy",
        opt=CHANGE,
        summary="Deploy a revision",
        status_code=200,
    )
    async def deploy(
        self,
        state: State,
        request: Caller,
        pipeline: PipelineName,
        integration: IntegrationName,
        data: JSONBody[DeploymentOrder],
    ) -> Attachment:
        """Let the pipeline use another revision; every process follows within 2 seconds."""
        async with change(state.services.pool, actor_of(request)) as made:
            pair = await _pair(made, pipeline, integration)
            return await deployment_store.deploy(made, *pair, revision=data.revision)

    @post("/{pipeline:str}/integrations/{integration:str}/rollback", opt=CHANGE, summary="Roll back", status_code=200)
    async def roll_back(
        self, state: State, request: Caller, pipeline: PipelineName, integration: IntegrationName
    ) -> Attachment:
        """Go back to the newest older revision that the pipeline used."""
        async with change(state.services.pool, actor_of(request)) as made:
            return await deployment_store.roll_back(made, *await _pair(made, pipeline, integration))

    @get("/{pipeline:str}/deployments", opt=READ, summary="List deployments")
    async def deployments(
        self, state: State, pipeline: PipelineName, limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100
    ) -> list[Deployment]:
        """What was put to use on a pipeline, newest first."""
        async with transaction(state.services.pool, read_only=True) as connection:
            found = await pipeline_store.find(connection, pipeline)
            return await deployment_store.deployments(connection, found, limit)


async def _pair(made: Change, pipeline: str, integration: str) -> tuple[Pipeline, Integration]:
    return (
        await pipeline_store.find(made.connection, pipeline),
        await integration_store.find(made.connection, integration),
    )
