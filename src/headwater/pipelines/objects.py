"""The objects of a configuration as values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from headwater.integrations.delivery import Count

THIS_INSTALL = "this-install"
"""`DeliverySettings.base_url` that means the collector of this Headwater, wherever it listens."""


class Pipeline(msgspec.Struct, frozen=True):
    """Where events of one source arrive. `slug` names it for people, `id` stays when the slug changes."""

    id: str
    slug: str
    name: str
    enabled: bool
    allowed_origins: tuple[str, ...]
    write_keys: tuple[str, ...]
    created_at: datetime
    partial_batch_status: int = 200
    """HTTP status of a batch of which some events were refused: 200 or 207."""
    tag: dict[str, Any] = {}
    """What the browser tag does on this pipeline's pages, see `tag_settings`."""


class Integration(msgspec.Struct, frozen=True):
    """A destination that a pipeline can deliver to; its content is in its revisions."""

    id: str
    slug: str
    name: str
    created_at: datetime
    latest_revision: int = 0


class PlainValue(msgspec.Struct, frozen=True, tag="plain", tag_field="kind"):
    """A parameter value that anybody may see."""

    value: str


class SealedValue(msgspec.Struct, frozen=True, tag="sealed", tag_field="kind"):
    """A secret parameter value, encrypted with the key file of this install."""

    sealed: str


class ReferenceValue(msgspec.Struct, frozen=True, tag="reference", tag_field="kind"):
    """A secret kept elsewhere: `secret://env/NAME` or `secret://file/PATH`."""

    reference: str


ParameterValue = PlainValue | SealedValue | ReferenceValue


BaseUrl = Annotated[str, msgspec.Meta(pattern=r"^(this-install|https?://[^/?#@\s]+|)$")]


class DeliverySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an integration changes of its kit's way of delivery (see `Delivery`). None leaves the kit's own setting.

    `base_url` replaces scheme, host and port of every request; THIS_INSTALL means our own collector.
    `consent_categories` are what a person must have agreed to before an event goes there; none: no consent is needed.
    """

    base_url: BaseUrl = ""
    batch_size: Count | None = None
    batch_wait_milliseconds: Annotated[int, msgspec.Meta(ge=0, le=600_000)] | None = None
    concurrency: Count | None = None
    order_per_user: bool | None = None
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] | None = None
    retry_hours: Annotated[float, msgspec.Meta(ge=0, le=720)] | None = None
    consent_categories: tuple[Annotated[str, msgspec.Meta(min_length=1)], ...] = ()


class RevisionContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that decides what an integration sends.

    `kit`         name of the kit, in the library or as imported
    `texts`       the kit's files by name ("playbook.yaml"), complete, so that a later library changes nothing
    `parameters`  values by parameter name
    `overrides`   a document on top of the kit, see the playbook guide
    """

    kit: str
    texts: dict[str, str]
    parameters: dict[str, ParameterValue] = {}
    overrides: dict[str, Any] = {}
    delivery: DeliverySettings = DeliverySettings()


class Revision(msgspec.Struct, frozen=True):
    """A saved state of an integration. `number` counts from 1 in each integration."""

    integration_id: str
    number: int
    content: RevisionContent
    note: str
    created_at: datetime
    created_by: str


class Attachment(msgspec.Struct, frozen=True):
    """A pipeline uses one revision of an integration, from `attached_at` on.

    `audiences` are the ids of those whose entries and exits pass; None: everything passes (see `audience_choice`).
    """

    pipeline_id: str
    pipeline: str
    integration_id: str
    integration: str
    revision: int
    enabled: bool
    attached_at: datetime
    audiences: tuple[str, ...] | None = None


MASK = "(set, not shown)"


def shown(value: ParameterValue) -> str:
    """A parameter value as people may see it."""
    match value:
        case PlainValue(text):
            return text
        case ReferenceValue(reference):
            return reference
        case SealedValue():
            return MASK


def shown_content(content: RevisionContent) -> dict[str, Any]:
    """Revision content for pages, logs and the audit log: secrets masked, kit files as digests."""
    return {
        "kit": content.kit,
        "texts": {name: text_digest(text) for name, text in sorted(content.texts.items())},
        "parameters": {name: shown(value) for name, value in sorted(content.parameters.items())},
        "overrides": content.overrides,
        "delivery": msgspec.to_builtins(content.delivery),
    }


def text_digest(text: str) -> str:
    """SHA-256 of a kit file as hexadecimal text, to compare versions without showing them."""
    return hashlib.sha256(text.encode()).hexdigest()


def content_to_json(content: RevisionContent) -> dict[str, Any]:
    """The form in which content is stored."""
    built: dict[str, Any] = msgspec.to_builtins(content)
    return built


def content_from_json(document: Mapping[str, Any]) -> RevisionContent:
    """The inverse of `content_to_json`. Numbers of overrides keep their precision."""
    return msgspec.convert(document, RevisionContent)
