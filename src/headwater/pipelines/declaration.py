"""The configuration as people write it in files: what exists by name, without ids, numbers, times and secrets.

Two installs with the same declaration deliver the same. A secret appears as a reference only; the content of a revision
is named by a digest, so that a pipeline that is held at an older revision can say which one on any install.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from headwater.errors import ConfigurationError
from headwater.pipelines import kits
from headwater.pipelines.objects import DeliverySettings, ParameterValue, RevisionContent, SealedValue, shown

_DIGEST_LENGTH = 12
_encode_sorted = msgspec.json.Encoder(order="sorted", decimal_format="number").encode


class DeclaredContent(msgspec.Struct, frozen=True):
    """What an integration sends; `parameters` holds plain texts and references."""

    kit: str
    texts: dict[str, str]
    parameters: dict[str, str] = {}
    overrides: dict[str, Any] = {}
    delivery: DeliverySettings = DeliverySettings()

    @property
    def digest(self) -> str:
        """Names this content on every install: the start of SHA-256 over its JSON text with sorted keys."""
        return hashlib.sha256(_encode_sorted(self)).hexdigest()[:_DIGEST_LENGTH]


class DeclaredIntegration(msgspec.Struct, frozen=True):
    """An integration: its newest content, and older contents that a pipeline is held at, by digest."""

    slug: str
    name: str
    content: DeclaredContent
    held: dict[str, DeclaredContent] = {}

    def content_of(self, held: str) -> DeclaredContent:
        """The content with this digest; "" is the newest. Raises KeyError."""
        return self.held[held] if held else self.content


class DeclaredUse(msgspec.Struct, frozen=True):
    """A pipeline uses an integration: the newest content, or the one that `held` names.

    `audiences` are the slugs of those that it hears about, in alphabetical order; None: everything passes.
    """

    integration: str
    enabled: bool = True
    held: str = ""
    audiences: tuple[str, ...] | None = None


class DeclaredPipeline(msgspec.Struct, frozen=True):
    """A pipeline with everything that belongs to it."""

    slug: str
    name: str
    enabled: bool = True
    allowed_origins: tuple[str, ...] = ()
    partial_batch_status: int = 200
    tag: dict[str, Any] = {}
    write_keys: tuple[str, ...] = ()
    integrations: tuple[DeclaredUse, ...] = ()


class Declaration(msgspec.Struct, frozen=True):
    """A whole configuration, by slug."""

    pipelines: dict[str, DeclaredPipeline] = {}
    integrations: dict[str, DeclaredIntegration] = {}


def reference_for(integration: str, parameter: str) -> str:
    """The reference that stands for a sealed value in files: `secret://env/LYTICS_API_KEY`."""
    return "secret://env/" + re.sub(r"[^A-Z0-9]+", "_", f"{integration}_{parameter}".upper())


def declared_content(slug: str, content: RevisionContent) -> DeclaredContent:
    """Stored content as files show it."""
    return DeclaredContent(
        kit=content.kit,
        texts=content.texts,
        parameters={name: _declared(slug, name, value) for name, value in content.parameters.items()},
        overrides=content.overrides,
        delivery=content.delivery,
    )


def _declared(slug: str, name: str, value: ParameterValue) -> str:
    return reference_for(slug, name) if isinstance(value, SealedValue) else shown(value)


def differences(before: DeclaredContent | None, after: DeclaredContent) -> tuple[str, ...]:
    """What a new revision changes, in words, by dotted names; secrets cannot appear because there are none."""
    if before is None:
        return (f"kit {after.kit}",)
    parts: list[str] = [] if before.kit == after.kit else [f"kit {before.kit} → {after.kit}"]
    parts += [f"file {name}" for name in _changed(before.texts, after.texts)]
    for name in _changed(before.parameters, after.parameters):
        parts.append(
            f"parameter {name}: {before.parameters.get(name, 'unset')} → {after.parameters.get(name, 'unset')}"
        )
    parts += [f"override {name}" for name in _changed(before.overrides, after.overrides)]
    if before.delivery != after.delivery:
        parts.append("delivery")
    return (*parts, *_conflicts(before, after))


def _conflicts(before: DeclaredContent, after: DeclaredContent) -> Iterator[str]:
    """What a newer kit changes below the overrides; nothing when the kit cannot be read, which the check tells."""
    old, new = (RevisionContent(kit=one.kit, texts=one.texts, overrides=one.overrides) for one in (before, after))
    try:
        found = kits.override_conflicts(old, new)
    except ConfigurationError:
        return
    for problem in found:
        yield f"conflict at {problem.path}: {problem.message}; {problem.remedy}"


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return sorted(
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or _encode_sorted(before[name]) != _encode_sorted(after[name])
    )
