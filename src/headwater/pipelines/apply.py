"""Read the declared state of an install, and take the steps of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any, NamedTuple

import msgspec

from headwater.errors import ConfigurationError
from headwater.pipelines import audience_choice, deployment_store, integration_store, kits, pipeline_store, secrets
from headwater.pipelines.changes import Change
from headwater.pipelines.declaration import (
    Declaration,
    DeclaredContent,
    DeclaredIntegration,
    DeclaredPipeline,
    DeclaredUse,
    declared_content,
    reference_for,
)
from headwater.pipelines.objects import (
    Attachment,
    Integration,
    ParameterValue,
    Pipeline,
    Revision,
    RevisionContent,
    SealedValue,
)
from headwater.pipelines.plan import (
    AddWriteKey,
    Attach,
    Choose,
    CreateIntegration,
    CreatePipeline,
    DeleteIntegration,
    DeletePipeline,
    Deploy,
    Detach,
    Enable,
    RemoveWriteKey,
    RenameIntegration,
    SaveContent,
    Step,
    UpdatePipeline,
)
from headwater.pipelines.secrets import SecretResolver

RevisionNumbers = dict[tuple[str, str], int]
"""Revision numbers by slug of the integration and digest of the content."""


class DeclaredState(NamedTuple):
    """What an install has: as a declaration, and what a declaration leaves out but applying needs."""

    declaration: Declaration
    numbers: RevisionNumbers
    parameters: Mapping[str, Mapping[str, ParameterValue]]
    """The stored parameter values of each integration's newest revision, by slug: its secrets are kept when unchanged."""


async def declared_state(connection: Any) -> DeclaredState:
    """Read what the install has, in a transaction that sees one state."""
    pipelines = await pipeline_store.every(connection)
    attachments = await deployment_store.attachments(connection)
    slugs = await audience_choice.slugs_by_id(connection)
    integrations: dict[str, DeclaredIntegration] = {}
    numbers: RevisionNumbers = {}
    parameters: dict[str, Mapping[str, ParameterValue]] = {}
    for integration in sorted(await integration_store.every(connection), key=lambda found: found.slug):
        if integration.latest_revision == 0:
            continue
        newest = await integration_store.revision(connection, integration)
        used = {a.revision for a in attachments if a.integration_id == integration.id} - {newest.number}
        older = [await integration_store.revision(connection, integration, number) for number in sorted(used)]
        integrations[integration.slug] = _declare_integration(integration, newest, older)
        parameters[integration.slug] = newest.content.parameters
        for revision in (*older, newest):
            numbers[integration.slug, _digest(integration.slug, revision)] = revision.number
    by_number = {(slug, number): digest for (slug, digest), number in numbers.items()}
    return DeclaredState(
        Declaration(
            pipelines={
                p.slug: _declare_pipeline(p, _uses(p, attachments, integrations, by_number, slugs)) for p in pipelines
            },
            integrations=integrations,
        ),
        numbers,
        parameters,
    )


def _digest(slug: str, revision: Revision) -> str:
    return declared_content(slug, revision.content).digest


def _declare_integration(integration: Integration, newest: Revision, older: Sequence[Revision]) -> DeclaredIntegration:
    content = declared_content(integration.slug, newest.content)
    held = {found.digest: found for found in (declared_content(integration.slug, r.content) for r in older)}
    held.pop(content.digest, None)
    return DeclaredIntegration(slug=integration.slug, name=integration.name, content=content, held=held)


def _uses(
    pipeline: Pipeline,
    attachments: Sequence[Attachment],
    integrations: Mapping[str, DeclaredIntegration],
    digests: Mapping[tuple[str, int], str],
    slugs: Mapping[str, str],
) -> list[DeclaredUse]:
    return [
        DeclaredUse(
            attached.integration,
            attached.enabled,
            _held(attached, integrations, digests),
            audience_choice.named(attached.audiences, slugs),
        )
        for attached in attachments
        if attached.pipeline_id == pipeline.id
    ]


def _declare_pipeline(pipeline: Pipeline, uses: Sequence[DeclaredUse]) -> DeclaredPipeline:
    return DeclaredPipeline(
        slug=pipeline.slug,
        name=pipeline.name,
        enabled=pipeline.enabled,
        allowed_origins=pipeline.allowed_origins,
        partial_batch_status=pipeline.partial_batch_status,
        tag=pipeline.tag,
        write_keys=pipeline.write_keys,
        integrations=tuple(sorted(uses, key=lambda use: use.integration)),
    )


def _held(
    attached: Attachment, integrations: Mapping[str, DeclaredIntegration], digests: Mapping[tuple[str, int], str]
) -> str:
    # Two revisions with the same content share a digest, and the newest number wins: no entry means the newest.
    digest = digests.get((attached.integration, attached.revision), "")
    return digest if digest in integrations[attached.integration].held else ""


def sealed_references(state: DeclaredState) -> tuple[str, ...]:
    """The references that stand for secrets which only this install has, as its declaration shows them."""
    return tuple(
        reference_for(slug, name)
        for slug, parameters in state.parameters.items()
        for name, value in sorted(parameters.items())
        if isinstance(value, SealedValue)
    )


def check_contents(
    steps: Sequence[Step], state: DeclaredState, resolver: SecretResolver, *, secrets_needed: bool
) -> None:
    """Check every content that the steps save. Raises ConfigurationError that lists all problems by file.

    With `secrets_needed` a reference that leads nowhere in this process is a problem too.
    """
    problems: list[str] = []
    for step in steps:
        if isinstance(step, SaveContent):
            place = f"integrations/{step.slug}"
            problems += [f"{place}: {problem}" for problem in _content_problems(step, state, resolver, secrets_needed)]
    if problems:
        raise ConfigurationError("\n".join(dict.fromkeys(problems)))


def _content_problems(
    step: SaveContent, state: DeclaredState, resolver: SecretResolver, secrets_needed: bool
) -> list[str]:
    kept = _kept_secrets(step, state)
    problems = kits.problems(_stored(step.content, kept))
    declared = kits.declared_secrets(step.content.texts, step.content.overrides)
    for name, text in sorted(step.content.parameters.items()):
        place = f"parameter {name}"
        if name in kept:
            continue
        if not secrets.is_reference(text):
            if secrets.is_sensitive(name, name in declared) and text:
                problems.append(f"{place}: a secret does not belong into a file; write secret://env/NAME instead")
        elif secrets_needed:
            problems += _reference_problem(text, place, resolver)
    return problems


def _reference_problem(text: str, place: str, resolver: SecretResolver) -> list[str]:
    try:
        resolver.referred(text, place)
    except ConfigurationError as fault:
        return [f"{fault}, or leave it to the router with --without-secrets"]
    return []


def _kept_secrets(step: SaveContent, state: DeclaredState) -> dict[str, ParameterValue]:
    """Stored secrets that a new content leaves as they are: the file shows the reference that stands for them."""
    stored = state.parameters.get(step.slug, {})
    before = {} if step.before is None else step.before.parameters
    return {
        name: stored[name]
        for name, text in step.content.parameters.items()
        if name in stored and before.get(name) == text and secrets.is_reference(text)
    }


def _stored(content: DeclaredContent, kept: Mapping[str, ParameterValue]) -> RevisionContent:
    return RevisionContent(
        kit=content.kit,
        texts=content.texts,
        parameters={name: kept.get(name) or secrets.readable(text) for name, text in content.parameters.items()},
        overrides=content.overrides,
        delivery=content.delivery,
    )


class _Applying(NamedTuple):
    change: Change
    state: DeclaredState
    numbers: RevisionNumbers


async def execute(change: Change, steps: Sequence[Step], state: DeclaredState) -> None:
    """Take the steps within one change. The contents must have been checked."""
    applying = _Applying(change, state, dict(state.numbers))
    for step in steps:
        await _take(step, applying)


async def _pipeline(applying: _Applying, slug: str) -> Pipeline:
    return await pipeline_store.find(applying.change.connection, slug)


async def _integration(applying: _Applying, slug: str) -> Integration:
    return await integration_store.find(applying.change.connection, slug)


@singledispatch
async def _take(step: Step, applying: _Applying) -> None:  # noqa: ARG001 - the signature of every step
    raise TypeError(f"unknown step {step!r}")


@_take.register
async def _(step: CreateIntegration, applying: _Applying) -> None:
    await integration_store.create(applying.change, name=step.name, slug=step.slug)


@_take.register
async def _(step: RenameIntegration, applying: _Applying) -> None:
    integration = await _integration(applying, step.slug)
    await integration_store.rename(applying.change, integration, name=step.name, slug=step.slug)


@_take.register
async def _(step: SaveContent, applying: _Applying) -> None:
    integration = await _integration(applying, step.slug)
    content = _stored(step.content, _kept_secrets(step, applying.state))
    saved = await integration_store.save(applying.change, integration, content, "applied from files")
    applying.numbers[step.slug, step.content.digest] = saved.number


@_take.register
async def _(step: CreatePipeline, applying: _Applying) -> None:
    await pipeline_store.create(
        applying.change,
        name=step.pipeline.name,
        slug=step.pipeline.slug,
        enabled=step.pipeline.enabled,
        allowed_origins=step.pipeline.allowed_origins,
        partial_batch_status=step.pipeline.partial_batch_status,
        tag=step.pipeline.tag,
    )


@_take.register
async def _(step: UpdatePipeline, applying: _Applying) -> None:
    changed = msgspec.structs.replace(
        await _pipeline(applying, step.pipeline.slug),
        name=step.pipeline.name,
        enabled=step.pipeline.enabled,
        allowed_origins=step.pipeline.allowed_origins,
        partial_batch_status=step.pipeline.partial_batch_status,
        tag=step.pipeline.tag,
    )
    await pipeline_store.update(applying.change, changed)


@_take.register
async def _(step: AddWriteKey, applying: _Applying) -> None:
    await pipeline_store.add_write_key(applying.change, await _pipeline(applying, step.pipeline), step.key)


@_take.register
async def _(step: RemoveWriteKey, applying: _Applying) -> None:
    await pipeline_store.remove_write_key(applying.change, await _pipeline(applying, step.pipeline), step.key)


@_take.register
async def _(step: Attach, applying: _Applying) -> None:
    await deployment_store.attach(
        applying.change,
        await _pipeline(applying, step.pipeline),
        await _integration(applying, step.use.integration),
        revision=applying.numbers[step.use.integration, step.digest],
        enabled=step.use.enabled,
        audiences=step.use.audiences,
    )


@_take.register
async def _(step: Deploy, applying: _Applying) -> None:
    await deployment_store.deploy(
        applying.change,
        await _pipeline(applying, step.pipeline),
        await _integration(applying, step.integration),
        revision=applying.numbers[step.integration, step.digest],
    )


@_take.register
async def _(step: Enable, applying: _Applying) -> None:
    await deployment_store.enable(
        applying.change,
        await _pipeline(applying, step.pipeline),
        await _integration(applying, step.integration),
        enabled=step.enabled,
    )


@_take.register
async def _(step: Choose, applying: _Applying) -> None:
    await deployment_store.choose(
        applying.change,
        await _pipeline(applying, step.pipeline),
        await _integration(applying, step.integration),
        step.audiences,
    )


@_take.register
async def _(step: Detach, applying: _Applying) -> None:
    await deployment_store.detach(
        applying.change, await _pipeline(applying, step.pipeline), await _integration(applying, step.integration)
    )


@_take.register
async def _(step: DeletePipeline, applying: _Applying) -> None:
    await pipeline_store.delete(applying.change, await _pipeline(applying, step.slug))


@_take.register
async def _(step: DeleteIntegration, applying: _Applying) -> None:
    await integration_store.delete(applying.change, await _integration(applying, step.slug))
