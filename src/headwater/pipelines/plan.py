"""What must be done so that an install has the configuration of a folder: a pure difference, shown before it is done.

Steps are in an order that works: removals first, because they free write keys, then integrations and their contents, then
the pipelines that use them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from headwater.pipelines.audience_choice import told
from headwater.pipelines.declaration import (
    Declaration,
    DeclaredContent,
    DeclaredIntegration,
    DeclaredPipeline,
    DeclaredUse,
    differences,
)


class CreateIntegration(NamedTuple):
    slug: str
    name: str

    def __str__(self) -> str:
        return f"create integration {self.slug}"


class RenameIntegration(NamedTuple):
    slug: str
    before: str
    name: str

    def __str__(self) -> str:
        return f"rename integration {self.slug}: {self.before} → {self.name}"


class SaveContent(NamedTuple):
    """Save a new revision; `before` is the content that its unchanged secrets are taken from."""

    slug: str
    content: DeclaredContent
    before: DeclaredContent | None

    def __str__(self) -> str:
        changed = ", ".join(differences(self.before, self.content)) or "the same content as newest"
        return f"save revision of {self.slug}: {changed}"


class CreatePipeline(NamedTuple):
    pipeline: DeclaredPipeline

    def __str__(self) -> str:
        return f"create pipeline {self.pipeline.slug}"


class UpdatePipeline(NamedTuple):
    before: DeclaredPipeline
    pipeline: DeclaredPipeline

    def __str__(self) -> str:
        fields = ("name", "enabled", "allowed_origins", "partial_batch_status", "tag")
        changed = [f for f in fields if getattr(self.before, f) != getattr(self.pipeline, f)]
        values = (f"{f}: {getattr(self.before, f)} → {getattr(self.pipeline, f)}" for f in changed)
        return f"update pipeline {self.pipeline.slug}: {', '.join(values)}"


class AddWriteKey(NamedTuple):
    pipeline: str
    key: str

    def __str__(self) -> str:
        return f"add write key {self.key} to pipeline {self.pipeline}"


class Attach(NamedTuple):
    pipeline: str
    use: DeclaredUse
    digest: str

    def __str__(self) -> str:
        paused = "" if self.use.enabled else ", paused"
        audiences = "" if self.use.audiences is None else f", about {told(self.use.audiences)}"
        return f"attach {self.use.integration} to pipeline {self.pipeline}{paused}{audiences}"


class Deploy(NamedTuple):
    pipeline: str
    integration: str
    digest: str
    newest: bool

    def __str__(self) -> str:
        which = "the newest revision" if self.newest else f"the content {self.digest}"
        return f"deploy {which} of {self.integration} on pipeline {self.pipeline}"


class Enable(NamedTuple):
    pipeline: str
    integration: str
    enabled: bool

    def __str__(self) -> str:
        return f"{'resume' if self.enabled else 'pause'} {self.integration} on pipeline {self.pipeline}"


class Choose(NamedTuple):
    """Let other audiences pass than before."""

    pipeline: str
    integration: str
    before: tuple[str, ...] | None
    audiences: tuple[str, ...] | None

    def __str__(self) -> str:
        return f"let {self.integration} on pipeline {self.pipeline} hear about {told(self.audiences)}, before: {told(self.before)}"


class RemoveWriteKey(NamedTuple):
    pipeline: str
    key: str

    def __str__(self) -> str:
        return f"remove write key {self.key} from pipeline {self.pipeline}"


class Detach(NamedTuple):
    pipeline: str
    integration: str

    def __str__(self) -> str:
        return f"detach {self.integration} from pipeline {self.pipeline}"


class DeletePipeline(NamedTuple):
    slug: str

    def __str__(self) -> str:
        return f"delete pipeline {self.slug}"


class DeleteIntegration(NamedTuple):
    slug: str

    def __str__(self) -> str:
        return f"delete integration {self.slug}"


Removal = RemoveWriteKey | Detach | DeletePipeline | DeleteIntegration
Step = (
    CreateIntegration
    | RenameIntegration
    | SaveContent
    | CreatePipeline
    | UpdatePipeline
    | AddWriteKey
    | Attach
    | Deploy
    | Enable
    | Choose
    | Removal
)


class Plan(NamedTuple):
    """Steps to take, and removals that were left out because nobody asked for them."""

    steps: tuple[Step, ...]
    left: tuple[Removal, ...]


def plan(desired: Declaration, present: Declaration, *, prune: bool = False) -> Plan:
    """The steps from `present` to `desired`; what only `present` has is removed with `prune` and left otherwise."""
    steps: list[Step] = []
    for slug, integration in desired.integrations.items():
        steps += _integration_steps(integration, present.integrations.get(slug))
    for slug, pipeline in desired.pipelines.items():
        steps += _pipeline_steps(pipeline, present.pipelines.get(slug), desired, present)
    removals = tuple(_removals(desired, present))
    return Plan((*removals, *steps), ()) if prune else Plan(tuple(steps), removals)


def _integration_steps(desired: DeclaredIntegration, present: DeclaredIntegration | None) -> Iterator[Step]:
    if present is None:
        yield CreateIntegration(desired.slug, desired.name)
    elif present.name != desired.name:
        yield RenameIntegration(desired.slug, present.name, desired.name)
    known = _digests(present)
    newest = None if present is None else present.content
    missing = [content for digest, content in sorted(desired.held.items()) if digest not in known]
    for content in missing:
        yield SaveContent(desired.slug, content, newest)
    # A held content that was just saved would be the newest, so the newest one is saved after it.
    if missing or newest is None or newest.digest != desired.content.digest:
        yield SaveContent(desired.slug, desired.content, newest)


def _digests(integration: DeclaredIntegration | None) -> set[str]:
    return set() if integration is None else {integration.content.digest, *integration.held}


def _pipeline_steps(
    desired: DeclaredPipeline, present: DeclaredPipeline | None, after: Declaration, before: Declaration
) -> Iterator[Step]:
    if present is None:
        yield CreatePipeline(desired)
    elif _properties(desired) != _properties(present):
        yield UpdatePipeline(present, desired)
    held_keys = () if present is None else present.write_keys
    for key in desired.write_keys:
        if key not in held_keys:
            yield AddWriteKey(desired.slug, key)
    uses = {} if present is None else {use.integration: use for use in present.integrations}
    for use in desired.integrations:
        digest = after.integrations[use.integration].content_of(use.held).digest
        yield from _use_steps(desired.slug, use, digest, uses.get(use.integration), before)


def _use_steps(
    pipeline: str, desired: DeclaredUse, digest: str, present: DeclaredUse | None, before: Declaration
) -> Iterator[Step]:
    if present is None:
        yield Attach(pipeline, desired, digest)
        return
    if before.integrations[present.integration].content_of(present.held).digest != digest:
        yield Deploy(pipeline, desired.integration, digest, newest=not desired.held)
    if present.enabled != desired.enabled:
        yield Enable(pipeline, desired.integration, desired.enabled)
    if present.audiences != desired.audiences:
        yield Choose(pipeline, desired.integration, present.audiences, desired.audiences)


def _properties(pipeline: DeclaredPipeline) -> tuple[object, ...]:
    return pipeline.name, pipeline.enabled, pipeline.allowed_origins, pipeline.partial_batch_status, pipeline.tag


def _removals(desired: Declaration, present: Declaration) -> Iterator[Removal]:
    for slug, pipeline in present.pipelines.items():
        wanted = desired.pipelines.get(slug)
        if wanted is None:
            yield DeletePipeline(slug)
            continue
        yield from (RemoveWriteKey(slug, key) for key in pipeline.write_keys if key not in wanted.write_keys)
        used = {use.integration for use in wanted.integrations}
        yield from (Detach(slug, use.integration) for use in pipeline.integrations if use.integration not in used)
    yield from (DeleteIntegration(slug) for slug in present.integrations if slug not in desired.integrations)
