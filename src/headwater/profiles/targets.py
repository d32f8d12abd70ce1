"""Pipelines that build profiles: what their events become before the schema reads them.

The built-in profiles are attached to a pipeline like any integration, so consent, the sender's choice and the playbook of the
deployed revision decide here as they do for a vendor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from headwater.errors import ConfigurationError
from headwater.pipelines import kits
from headwater.pipelines.secrets import SecretResolver
from headwater.pipelines.snapshot import AttachedRevision, ConfigurationSnapshot
from headwater.playbooks import CompiledIntegration, compile_kit
from headwater.privacy.permission import Refused, decide, forwarded

KIND = "profiles"
"""The kind of connection that means the profiles of this install."""

DEFAULT_STREAM = "default"

logger = structlog.get_logger(__name__)


class Shaped(NamedTuple):
    """What an event becomes for one attachment: flat records for a stream, or the reason why there are none."""

    stream: str
    records: tuple[Mapping[str, Any], ...]
    dropped: str | None = None


class Target:
    """One attachment of the built-in profiles, ready for events."""

    def __init__(self, attached: AttachedRevision, resolver: SecretResolver) -> None:
        """Raises ConfigurationError when the revision cannot work."""
        content = attached.revision.content
        texts = resolver.texts(content.parameters, attached.revision.integration_id)
        kit = kits.kit_of(content)
        self._integration: CompiledIntegration = compile_kit(kit, texts)
        friendly = kit.metadata.value.get("friendlyName")
        names = {attached.attachment.integration, content.kit}
        self._names = frozenset(names | {friendly} if isinstance(friendly, str) else names)
        self._categories = content.delivery.consent_categories
        self._audiences = attached.attachment.audiences
        self.stream = str(self._integration.connection.settings.get("stream") or DEFAULT_STREAM)
        self.since: datetime = attached.attachment.attached_at
        self.key = target_key(attached)

    def shape(self, event: dict[str, Any]) -> Shaped:
        """The records of an event. Raises nothing that the event could cause: a playbook's faults are its flags."""
        permission = decide(event, self._names, self._categories, self._audiences)
        if isinstance(permission, Refused):
            return Shaped(self.stream, (), permission.reason)
        prepared = self._integration.prepare(forwarded(event))
        if prepared.drop is not None:
            return Shaped(self.stream, (), prepared.drop.reason)
        return Shaped(self.stream, tuple(output.body for output in prepared.outputs))


def target_key(attached: AttachedRevision) -> tuple[str, str, datetime]:
    """What tells one attachment from another, and from the same one detached and attached again."""
    attachment = attached.attachment
    return attachment.pipeline_id, attachment.integration_id, attachment.attached_at


def is_profiles(attached: AttachedRevision) -> bool:
    """Whether an attachment is of the built-in profiles. A revision that cannot be read is not."""
    content = attached.revision.content
    if not any(KIND in text for name, text in content.texts.items() if name.startswith("connection.")):
        return False  # reading a kit takes milliseconds, and most are none of ours
    try:
        return KIND in kits.kit_of(content).connection.value
    except ConfigurationError:
        return False


def profile_attachments(snapshot: ConfigurationSnapshot) -> list[AttachedRevision]:
    """The attachments of the built-in profiles that are not paused, in a lasting order."""
    found = (each for each in snapshot.attachments if each.attachment.enabled and is_profiles(each))
    return sorted(found, key=lambda each: (each.attachment.attached_at, each.attachment.integration_id))


def targets_of(attachments: Iterable[AttachedRevision], resolver: SecretResolver) -> dict[str, tuple[Target, ...]]:
    """Targets by pipeline id. A revision that cannot work is reported and left out."""
    found: dict[str, tuple[Target, ...]] = {}
    for attached in attachments:
        attachment = attached.attachment
        try:
            target = Target(attached, resolver)
        except ConfigurationError as fault:
            logger.error(
                "a revision cannot work; its events do not become profiles",
                integration=attachment.integration,
                revision=attachment.revision,
                reason=str(fault),
            )
            continue
        found[attachment.pipeline_id] = (*found.get(attachment.pipeline_id, ()), target)
    return found
