"""The schema of profiles in our own admin API: whole documents, the draft, versions, and keys of streams that become fields."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, delete, get, post, put
from litestar.datastructures import State
from litestar.params import JSONBody, PathParameter, QueryParameter

from headwater.api.authorization import SCHEMA_CHANGE, SCHEMA_READ, actor_of
from headwater.api.ports import Services
from headwater.database.transactions import transaction
from headwater.errors import ConfigurationError
from headwater.pipelines.changes import change
from headwater.profiles.promotion import Promotion, promotion_edit
from headwater.profiles.schema import Schema
from headwater.profiles.schema_check import Problem, check_schema
from headwater.profiles.schema_diff import Effect, SchemaChange, compare_schemas
from headwater.profiles.schema_file import place_of, read_schema, write_schema
from headwater.profiles.versions import draft_store, stream_store, version_store
from headwater.profiles.versions.objects import Draft, SchemaVersion, VersionSummary

Caller = Request[Any, Any, State]
_Number = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
_Page = Annotated[int, QueryParameter(ge=1, le=500)]


class SchemaText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A schema file: YAML, as docs/schema.md describes it."""

    yaml: Annotated[str, msgspec.Meta(max_length=2_000_000)]


class DraftView(msgspec.Struct, frozen=True):
    """The draft as a schema file, with every difference from the live version and what publishing it takes."""

    yaml: str
    revision: int
    authors: tuple[str, ...]
    changes: tuple[SchemaChange, ...]
    effect: Effect
    warnings: tuple[Problem, ...]


class VersionView(msgspec.Struct, frozen=True):
    """A version as a schema file."""

    summary: VersionSummary
    yaml: str


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tag and description of a version; `revision`: only if the draft is still the one that was looked at."""

    tag: str
    description: str
    revision: Annotated[int, msgspec.Meta(ge=0, le=2**62)] | None = None


class StreamFieldView(msgspec.Struct, frozen=True):
    """A key of a stream's records; `suggested_kind` is the kind that would suit its values."""

    name: str
    count: int
    kinds: dict[str, int]
    suggested_kind: str
    example: str
    first_seen: datetime
    last_seen: datetime


class StreamView(msgspec.Struct, frozen=True):
    """A stream with its keys, the most frequent first."""

    name: str
    last_seen: datetime
    fields: tuple[StreamFieldView, ...]


class ProfileSchemaRoutes(Controller):
    """Draft and versions."""

    path = "/profile-schema"
    tags = ("profile schema",)

    @get("/draft", opt=SCHEMA_READ, summary="Show the draft")
    async def show_draft(self, state: State) -> DraftView:
        """The shared draft; the newest version where nobody edits."""
        return await _draft_view(state.services)

    @put("/draft", opt=SCHEMA_CHANGE, summary="Replace the draft")
    async def replace_draft(self, state: State, request: Caller, data: JSONBody[SchemaText]) -> DraftView:
        """Take a schema file as the draft. A fault is answered with its line."""
        schema = read_sound(data.yaml)
        async with change(state.services.pool, actor_of(request)) as made:
            await draft_store.replace(made, schema)
        return await _draft_view(state.services)

    @delete("/draft", opt=SCHEMA_CHANGE, summary="Discard the draft")
    async def discard_draft(self, state: State, request: Caller) -> None:
        """Make the draft the newest version again."""
        async with change(state.services.pool, actor_of(request)) as made:
            await draft_store.discard(made)

    @post("/check", opt=SCHEMA_READ, summary="Check a schema file", status_code=200)
    async def check(self, data: JSONBody[SchemaText]) -> list[Problem]:
        """Faults and warnings with their places; nothing is stored."""
        return list(check_schema(read_schema(data.yaml)))

    @post("/publish", opt=SCHEMA_CHANGE, summary="Publish the draft", status_code=200)
    async def publish(self, state: State, request: Caller, data: JSONBody[Publication]) -> VersionSummary:
        """Live at once where new events suffice, else waiting for a rebuild of profiles."""
        async with change(state.services.pool, actor_of(request)) as made:
            published = await draft_store.publish(
                made, tag=data.tag, description=data.description, revision=data.revision
            )
        return published.summary

    @get("/versions", opt=SCHEMA_READ, summary="List versions")
    async def versions(
        self, state: State, before: Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1)] = None, limit: _Page = 100
    ) -> list[VersionSummary]:
        """Newest first; `before` is the number where the page before ended."""
        async with transaction(state.services.pool, read_only=True) as connection:
            return await version_store.every(connection, before=before, limit=limit)

    @get("/versions/{number:int}", opt=SCHEMA_READ, summary="Show a version")
    async def show_version(self, state: State, number: _Number) -> VersionView:
        """A published version as a schema file."""
        async with transaction(state.services.pool, read_only=True) as connection:
            found = await version_store.version(connection, number)
        return VersionView(found.summary, _yaml(found.schema))

    @post("/versions/{number:int}/restore", opt=SCHEMA_CHANGE, summary="Go back to a version", status_code=200)
    async def restore(self, state: State, request: Caller, number: _Number) -> DraftView:
        """Take an older version as the draft; publishing it goes back."""
        async with change(state.services.pool, actor_of(request)) as made:
            found: SchemaVersion = await version_store.version(made.connection, number)
            await draft_store.replace(made, found.schema)
        return await _draft_view(state.services)

    @get("/streams", opt=SCHEMA_READ, summary="List streams with their keys")
    async def streams(self, state: State) -> list[StreamView]:
        """What records of each stream were seen to carry. Counts are estimates; examples are never a person's data."""
        async with transaction(state.services.pool, read_only=True) as connection:
            found = await stream_store.streams(connection)
        return [
            StreamView(
                name=stream.name,
                last_seen=stream.last_seen,
                fields=tuple(
                    StreamFieldView(suggested_kind=field.suggested_kind, **msgspec.structs.asdict(field))
                    for field in stream.fields
                ),
            )
            for stream in found
        ]

    @post("/promote", opt=SCHEMA_CHANGE, summary="Make a field of a key", status_code=200)
    async def promote(self, state: State, request: Caller, data: JSONBody[Promotion]) -> DraftView:
        """Add a field and the mapping that fills it from a stream's key to the draft; the kind is suggested unless given."""
        async with change(state.services.pool, actor_of(request)) as made:
            draft: Draft = await draft_store.draft(made.connection)
            seen = await stream_store.streams(made.connection, data.stream)
            await draft_store.edit(made, promotion_edit(draft.schema, data, seen[0].fields if seen else ()))
        return await _draft_view(state.services)


def read_sound(text: str) -> Schema:
    """The schema of a file. Raises ConfigurationError with the line of the first fault and all faults in words."""
    schema = read_schema(text)
    errors = [problem for problem in check_schema(schema) if problem.severity == "error"]
    if errors:
        message = "; ".join(f"{each.place}: {each.message}" for each in errors)
        raise ConfigurationError(message, place_of(text, errors[0].place))
    return schema


def _yaml(schema: Schema) -> str:
    return write_schema(msgspec.structs.replace(schema, version=""))


async def _draft_view(services: Services) -> DraftView:
    async with transaction(services.pool, read_only=True) as connection:
        draft = await draft_store.draft(connection)
        live = (await version_store.live(connection)).schema
    diff = compare_schemas(live, draft.schema)
    return DraftView(
        yaml=_yaml(draft.schema),
        revision=draft.revision,
        authors=draft.authors,
        changes=diff.changes,
        effect=version_store.effect_of(diff),
        warnings=check_schema(draft.schema),
    )
