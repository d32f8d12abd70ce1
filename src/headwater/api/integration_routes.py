"""Routes for integrations, their revisions, and the kits of the library."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import JSONBody, PathParameter

from headwater.api.authorization import CHANGE, READ, actor_of
from headwater.api.names import IntegrationName, ObjectId
from headwater.database.transactions import transaction
from headwater.integrations import library
from headwater.pipelines import integration_store, secrets
from headwater.pipelines.changes import change
from headwater.pipelines.objects import DeliverySettings, Integration, Revision, shown
from headwater.pipelines.revision_edit import RevisionEdit, conflicts, edited

Caller = Request[Any, Any, State]


class NewIntegration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An integration to create with its first revision: a kit of the library, or a name and the kit's files."""

    name: str
    kit: str
    slug: str | None = None
    texts: dict[str, str] | None = None
    parameters: dict[str, str] = {}
    overrides: dict[str, Any] | None = None
    delivery: DeliverySettings | None = None
    note: str = ""


class IntegrationChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another name or slug; null or absent stays."""

    name: str | None = None
    slug: str | None = None


class NewRevision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes against the newest revision, and a note for the list."""

    change: RevisionEdit
    note: str = ""


class RevisionView(msgspec.Struct, frozen=True):
    """A revision as people see it: secrets masked. `texts` is empty in lists."""

    number: int
    kit: str
    texts: dict[str, str]
    parameters: dict[str, str]
    overrides: dict[str, Any]
    delivery: DeliverySettings
    note: str
    created_at: datetime
    created_by: str


class ParameterView(msgspec.Struct, frozen=True):
    """A parameter that a kit asks for."""

    name: str
    description: str
    default: str | None
    example: str | None
    is_optional: bool
    is_sensitive: bool


class KitView(msgspec.Struct, frozen=True):
    """A kit of the library."""

    name: str
    friendly_name: str
    description: str
    parameters: list[ParameterView]


class ConflictView(msgspec.Struct, frozen=True):
    """An override whose ground a newer kit changes: its place in the overrides, what changed, and what to do."""

    path: str
    message: str
    remedy: str


class IntegrationRoutes(Controller):
    """Integrations by id or slug."""

    path = "/integrations"
    tags = ("integrations",)

    @get("/", opt=READ, summary="List integrations")
    async def every(self, state: State) -> list[Integration]:
        """All integrations, oldest first."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await integration_store.every(connection)

    @post("/", opt=CHANGE, summary="Create an integration")
    async def create(self, state: State, request: Caller, data: JSONBody[NewIntegration]) -> Integration:
        """Create an integration and its first revision. Nothing is delivered until it is attached to a pipeline."""
        edit = RevisionEdit(
            kit=data.kit,
            texts=data.texts,
            parameters=dict(data.parameters),
            overrides=data.overrides,
            delivery=data.delivery,
        )
        async with change(state.services.pool, actor_of(request)) as made:
            created = await integration_store.create(made, name=data.name, slug=data.slug)
            content = edited(None, edit, state.services.box, created.id)
            await integration_store.save(made, created, content, data.note)
            return await integration_store.find(made.connection, created.id)

    @get("/{integration:str}", opt=READ, summary="Show an integration")
    async def show(self, state: State, integration: IntegrationName) -> Integration:
        """One integration."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await integration_store.find(connection, integration)

    @patch("/{integration:str}", opt=CHANGE, summary="Rename an integration")
    async def rename(
        self, state: State, request: Caller, integration: IntegrationName, data: JSONBody[IntegrationChange]
    ) -> Integration:
        """Change name or slug; revisions and attachments stay."""
        async with change(state.services.pool, actor_of(request)) as made:
            before = await integration_store.find(made.connection, integration)
            return await integration_store.rename(
                made,
                before,
                name=before.name if data.name is None else data.name,
                slug=before.slug if data.slug is None else data.slug,
            )

    @delete("/{integration:str}", opt=CHANGE, summary="Delete an integration")
    async def remove(self, state: State, request: Caller, integration: IntegrationName) -> None:
        """Delete an integration that no pipeline uses, with its revisions."""
        async with change(state.services.pool, actor_of(request)) as made:
            await integration_store.delete(made, await integration_store.find(made.connection, integration))

    @get("/{integration:str}/revisions", opt=READ, summary="List revisions")
    async def revisions(self, state: State, integration: IntegrationName) -> list[RevisionView]:
        """All revisions, newest first, without the kit's files."""
        async with transaction(state.services.pool, read_only=True) as connection:
            found = await integration_store.find(connection, integration)
            return [_view(revision) for revision in await integration_store.revisions(connection, found)]

    @post("/{integration:str}/revisions", opt=CHANGE, summary="Save a revision")
    async def save(
        self, state: State, request: Caller, integration: IntegrationName, data: JSONBody[NewRevision]
    ) -> RevisionView:
        """Save a change as the next revision. Pipelines keep what they use until it is deployed."""
        async with change(state.services.pool, actor_of(request)) as made:
            found = await integration_store.find(made.connection, integration)
            before = await integration_store.revision(made.connection, found)
            content = edited(before.content, data.change, state.services.box, found.id)
            return _view(await integration_store.save(made, found, content, data.note))

    @post("/{integration:str}/conflicts", opt=READ, status_code=200, summary="Show conflicts of overrides")
    async def conflicts(
        self, state: State, integration: IntegrationName, data: JSONBody[RevisionEdit]
    ) -> list[ConflictView]:
        """The overrides that a change which brings a newer kit would conflict with. Nothing is saved."""
        async with transaction(state.services.pool, read_only=True) as connection:
            found = await integration_store.find(connection, integration)
            before = await integration_store.revision(connection, found)
        problems = conflicts(before.content, data, state.services.box, found.id)
        return [ConflictView(one.path, one.message, one.remedy) for one in problems]

    @get("/{integration:str}/revisions/{number:int}", opt=READ, summary="Show a revision")
    async def revision(
        self, state: State, integration: IntegrationName, number: Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
    ) -> RevisionView:
        """One revision with the kit's files; secrets are masked."""
        async with transaction(state.services.pool, read_only=True) as connection:
            found = await integration_store.find(connection, integration)
            return _view(await integration_store.revision(connection, found, number))


@get("/kits", opt=READ, tags=("integrations",), summary="List the kits of the library")
async def list_kits() -> list[KitView]:
    """The built-in kits with the parameters that they ask for."""
    return [_kit(integration) for integration in library.list_all()]


@get("/kits/{kit:str}", opt=READ, tags=("integrations",), summary="Show a kit of the library")
async def show_kit(kit: ObjectId) -> KitView:
    """A built-in kit and the parameters that it asks for."""
    return _kit(library.show(kit))


def _kit(integration: library.Integration) -> KitView:
    return KitView(
        integration.name,
        integration.friendly_name,
        integration.description,
        [
            ParameterView(
                p.name,
                p.description,
                p.default,
                p.example,
                p.is_optional,
                secrets.is_sensitive(p.name, p.is_sensitive),
            )
            for p in integration.parameters
        ],
    )


def _view(revision: Revision) -> RevisionView:
    content = revision.content
    return RevisionView(
        number=revision.number,
        kit=content.kit,
        texts=content.texts,
        parameters={name: shown(value) for name, value in sorted(content.parameters.items())},
        overrides=content.overrides,
        delivery=content.delivery,
        note=revision.note,
        created_at=revision.created_at,
        created_by=revision.created_by,
    )
