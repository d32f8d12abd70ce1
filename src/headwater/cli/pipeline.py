"""`headwater pipeline`: pipelines, their write keys, and what they deliver to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from headwater.cli.configuration_session import session, write_json, write_line, write_table
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.pipelines import audience_choice, deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import Attachment, Pipeline

app = App(name="pipeline", help="Pipelines: write keys, and which revision of which integration they deliver to.")
write_key = App(name="write-key", help="The keys that senders use to reach a pipeline.")
app.command(write_key)

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]
Yes = Annotated[bool, Parameter(negative=(), help="Do it without being asked.")]


@app.command(name="list")
async def list_(*, json: AsJson = False) -> None:
    """List pipelines."""
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        pipelines = await pipeline_store.every(connection)
        attachments = await deployment_store.attachments(connection)
        slugs = await audience_choice.slugs_by_id(connection)
    if json:
        write_json(pipelines)
        return
    rows = [
        (
            pipeline.slug,
            pipeline.name,
            "enabled" if pipeline.enabled else "disabled",
            ", ".join(_use(a, slugs) for a in attachments if a.pipeline_id == pipeline.id),
        )
        for pipeline in pipelines
    ]
    write_table("Pipelines", ("pipeline", "name", "state", "delivers to"), rows)


@app.command
async def create(
    name: str,
    *,
    slug: str | None = None,
    origin: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    json: AsJson = False,
) -> None:
    """Create a pipeline with a first write key.

    Parameters
    ----------
    name
        A name for people.
    slug
        A short name for commands and files; made from the name by default.
    origin
        A web page origin that may send, such as https://shop.example; all may when none is given.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        created = await pipeline_store.create(changing, name=name, slug=slug, allowed_origins=origin)
        await pipeline_store.add_write_key(changing, created)
        pipeline = await pipeline_store.find(changing.connection, created.id)
    _write_pipeline(pipeline, [], {}, json=json)


@app.command
async def show(pipeline: str, *, json: AsJson = False) -> None:
    """Show a pipeline."""
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        found = await pipeline_store.find(connection, pipeline)
        attachments = await deployment_store.attachments(connection, found)
        slugs = await audience_choice.slugs_by_id(connection)
    _write_pipeline(found, attachments, slugs, json=json)


@app.command
async def update(
    pipeline: str,
    *,
    name: str | None = None,
    slug: str | None = None,
    enabled: bool | None = None,
    origin: Annotated[tuple[str, ...] | None, Parameter(negative=())] = None,
    any_origin: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Change a pipeline; what is not given stays.

    Parameters
    ----------
    origin
        The web page origins that may send, all of them.
    any_origin
        Let pages of every origin send.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        before = await pipeline_store.find(changing.connection, pipeline)
        origins = before.allowed_origins if origin is None else origin
        changed = msgspec.structs.replace(
            before,
            name=before.name if name is None else name,
            slug=before.slug if slug is None else slug,
            enabled=before.enabled if enabled is None else enabled,
            allowed_origins=() if any_origin else origins,
        )
        after = await pipeline_store.update(changing, changed)
    _write_pipeline(after, [], {}, json=False)


@app.command
async def delete(pipeline: str, *, yes: Yes = False) -> None:
    """Delete a pipeline with its write keys; integrations stay."""
    if not yes:
        raise InputError(f"senders of {pipeline!r} would be refused from now on; repeat with --yes to do it", "--yes")
    async with session() as made, change(made.pool, made.actor) as changing:
        await pipeline_store.delete(changing, await pipeline_store.find(changing.connection, pipeline))
    write_line(f"Deleted {pipeline}.")


@app.command
async def attach(
    pipeline: str,
    integration: str,
    *,
    revision: int | None = None,
    paused: Annotated[bool, Parameter(negative=())] = False,
    audience: Annotated[tuple[str, ...] | None, Parameter(negative=())] = None,
) -> None:
    """Let a pipeline deliver to an integration from now on.

    Parameters
    ----------
    revision
        The revision to use; the newest by default.
    paused
        Keep events in the log for it, but do not deliver yet.
    audience
        On the pipeline "audiences": deliver entries and exits of this one, by slug or id; repeat it for more. All by default.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        attached = await deployment_store.attach(
            changing,
            await pipeline_store.find(changing.connection, pipeline),
            await integration_store.find(changing.connection, integration),
            revision=revision,
            enabled=not paused,
            audiences=audience,
        )
        slugs = await audience_choice.slugs_by_id(changing.connection)
    _write_use(attached, slugs)


@app.command
async def audiences(
    pipeline: str, integration: str, *names: str, every: Annotated[bool, Parameter(negative=())] = False
) -> None:
    """Choose the audiences whose entries and exits a pipeline delivers to an integration.

    Parameters
    ----------
    names
        Slugs or ids, all of them: others are taken away.
    every
        Deliver those of all audiences, future ones too.
    """
    if every == bool(names):
        raise InputError("name audiences, or give --every for all of them", "names")
    async with session() as made, change(made.pool, made.actor) as changing:
        attached = await deployment_store.choose(
            changing,
            await pipeline_store.find(changing.connection, pipeline),
            await integration_store.find(changing.connection, integration),
            None if every else names,
        )
        slugs = await audience_choice.slugs_by_id(changing.connection)
    _write_use(attached, slugs)


@app.command
async def detach(pipeline: str, integration: str) -> None:
    """End the delivery of a pipeline to an integration; what still waits is not delivered."""
    async with session() as made, change(made.pool, made.actor) as changing:
        await deployment_store.detach(
            changing,
            await pipeline_store.find(changing.connection, pipeline),
            await integration_store.find(changing.connection, integration),
        )
    write_line(f"{pipeline} does not deliver to {integration} any more.")


@app.command
async def deploy(pipeline: str, integration: str, *, revision: int | None = None) -> None:
    """Let a pipeline use a revision of an integration, the newest by default."""
    async with session() as made, change(made.pool, made.actor) as changing:
        attached = await deployment_store.deploy(
            changing,
            await pipeline_store.find(changing.connection, pipeline),
            await integration_store.find(changing.connection, integration),
            revision=revision,
        )
        slugs = await audience_choice.slugs_by_id(changing.connection)
    _write_use(attached, slugs)


@app.command
async def rollback(pipeline: str, integration: str) -> None:
    """Go back to the newest older revision that the pipeline used."""
    async with session() as made, change(made.pool, made.actor) as changing:
        attached = await deployment_store.roll_back(
            changing,
            await pipeline_store.find(changing.connection, pipeline),
            await integration_store.find(changing.connection, integration),
        )
        slugs = await audience_choice.slugs_by_id(changing.connection)
    _write_use(attached, slugs)


@app.command
async def pause(pipeline: str, integration: str) -> None:
    """Stop delivery to an integration for a while; events wait in the log."""
    await _enable(pipeline, integration, enabled=False)


@app.command
async def resume(pipeline: str, integration: str) -> None:
    """Go on with delivery where it was paused."""
    await _enable(pipeline, integration, enabled=True)


@app.command
async def deployments(pipeline: str, *, json: AsJson = False) -> None:
    """Show what was put to use on a pipeline, newest first."""
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        found = await deployment_store.deployments(connection, await pipeline_store.find(connection, pipeline))
    if json:
        write_json(found)
        return
    rows = [(f"{d.deployed_at:%Y-%m-%d %H:%M:%S}", d.integration, d.revision, d.deployed_by) for d in found]
    write_table(f"Deployments of {pipeline}", ("time (UTC)", "integration", "revision", "by"), rows)


@write_key.command(name="list")
async def list_keys(pipeline: str, *, json: AsJson = False) -> None:
    """List the write keys of a pipeline."""
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        found = await pipeline_store.find(connection, pipeline)
    if json:
        write_json(found.write_keys)
        return
    for key in found.write_keys:
        write_line(key)


@write_key.command(name="add")
async def add_key(pipeline: str, key: str | None = None) -> None:
    """Give a pipeline one more write key, a new one unless given."""
    async with session() as made, change(made.pool, made.actor) as changing:
        found = await pipeline_store.find(changing.connection, pipeline)
        added = await pipeline_store.add_write_key(changing, found, key)
    write_line(added)


@write_key.command(name="remove")
async def remove_key(pipeline: str, key: str) -> None:
    """Take a write key away; senders that use it are refused."""
    async with session() as made, change(made.pool, made.actor) as changing:
        await pipeline_store.remove_write_key(changing, await pipeline_store.find(changing.connection, pipeline), key)
    write_line(f"{pipeline} does not take that key any more.")


async def _enable(pipeline: str, integration: str, *, enabled: bool) -> None:
    async with session() as made, change(made.pool, made.actor) as changing:
        attached = await deployment_store.enable(
            changing,
            await pipeline_store.find(changing.connection, pipeline),
            await integration_store.find(changing.connection, integration),
            enabled=enabled,
        )
        slugs = await audience_choice.slugs_by_id(changing.connection)
    _write_use(attached, slugs)


def _write_pipeline(pipeline: Pipeline, attachments: list[Attachment], slugs: Mapping[str, str], *, json: bool) -> None:
    if json:
        write_json(msgspec.to_builtins(pipeline) | {"integrations": msgspec.to_builtins(attachments)})
        return
    rows = [
        ("id", pipeline.id),
        ("name", pipeline.name),
        ("state", "enabled" if pipeline.enabled else "disabled"),
        ("write keys", ", ".join(pipeline.write_keys)),
        ("origins", ", ".join(pipeline.allowed_origins) if pipeline.allowed_origins else "any"),
        ("delivers to", ", ".join(_use(attached, slugs) for attached in attachments)),
    ]
    write_table(f"Pipeline {pipeline.slug}", ("", ""), rows)


def _write_use(attached: Attachment, slugs: Mapping[str, str]) -> None:
    state = _state(attached, slugs)
    write_line(f"{attached.pipeline} delivers to {attached.integration} with revision {attached.revision}{state}.")


def _use(attached: Attachment, slugs: Mapping[str, str]) -> str:
    return f"{attached.integration} (revision {attached.revision}{_state(attached, slugs)})"


def _state(attached: Attachment, slugs: Mapping[str, str]) -> str:
    paused = "" if attached.enabled else ", paused"
    choice = audience_choice.named(attached.audiences, slugs)
    return paused if choice is None else f"{paused}, about {audience_choice.told(choice)}"
