"""Entries and exits as events: what any pipeline can route to any integration."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from headwater.audiences.objects import Audience, Transition
from headwater.expressions import to_stored

ENTERED = "Audience Entered"
EXITED = "Audience Exited"
MEMBER = "Audience Member"
"""Said to one subscription about somebody who was in the audience before it began."""
SUBSCRIPTION_KIT = "audience-webhook"
"""The kit of all subscriptions; the filter of each takes what is for it."""


class Announcement(NamedTuple):
    """A row for the outbox: an event in the shape of an SDK's, and the key that keeps a profile's events in order."""

    message_id: str
    user_key: str
    data: dict[str, Any]


def announcement(
    transition: Transition,
    audience: Audience,
    fields: Mapping[str, Any],
    identifiers: Mapping[str, Any],
    chosen_fields: Sequence[str],
    subscription: str | None = None,
) -> Announcement:
    """The event of one entry or exit. Its message id follows from what happened, so that a repeat is the same message.

    With a `subscription` it is what that one alone is told about somebody who was there before.
    """
    profile_id = transition.profile_id.hex()
    message_id = (
        _message_id(transition, audience) if subscription is None else f"{subscription}-{audience.number}-{profile_id}"
    )
    properties: dict[str, Any] = {
        "audience_id": audience.id,
        "audience": audience.slug,
        "audience_name": audience.name,
        "profile_id": profile_id,
        "identifiers": identifiers,
        "fields": shown_fields(fields, chosen_fields),
        "reason": _without_nulls(msgspec.to_builtins(transition.reason)),
    }
    if subscription is not None:
        properties["subscription_id"] = subscription
    data: dict[str, Any] = {
        "type": "track",
        "event": MEMBER if subscription is not None else ENTERED if transition.entered else EXITED,
        "messageId": message_id,
        "timestamp": _iso(transition.at),
        "anonymousId": _first(identifiers.get("anonymous_id"), profile_id),
        "properties": properties,
        "context": {"traits": {"email": email} if (email := _first(identifiers.get("email"), "")) else {}},
    }
    user = _first(identifiers.get("user_id"), "")
    if user:
        data["userId"] = user
    if subscription is not None:
        # The sender's choice, as any event may carry it: whoever else is attached has no use for a second entry.
        data["integrations"] = {"All": False, SUBSCRIPTION_KIT: True}
    return Announcement(message_id, profile_id, data)


def _message_id(transition: Transition, audience: Audience) -> str:
    text = f"{transition.profile_id.hex()} {audience.id} {transition.entered} {transition.at.isoformat()}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def shown_fields(fields: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Some fields of a profile as JSON for people."""
    return {name: _plain(to_stored(fields[name], iso_times=True)) for name in names if name in fields}


def _plain(value: Any) -> Any:
    """Instants as RFC 3339 texts."""
    if isinstance(value, dict):
        if value.keys() == {"$time"}:
            return value["$time"]
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _first(value: Any, otherwise: str) -> str:
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, str) and first else otherwise


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None and item != ""}


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
