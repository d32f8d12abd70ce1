"""A profile as one flat document: fields and meta fields, as filters read it and as the database holds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from headwater import jsontext
from headwater.expressions.stored import stored_json, to_stored
from headwater.profiles.fold import Profile
from headwater.profiles.instants import instant

CONFLICTS_SHOWN = 100
"""Open conflicts that a profile lists by name; all are counted."""

_ZERO = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def profile_document(profile: Profile) -> dict[str, Any]:
    """Fields and meta fields (`_id`, `_created`, `_modified`, `_num_events`, …) of a profile, instants as datetimes. `_health` is for the store to add."""
    document = dict(profile.fields)
    document["_id"] = profile.id
    document["_num_aliases"] = len(profile.identifiers)
    document["_num_events"] = profile.events
    document["_num_streams"] = len(profile.streams)
    document["_num_days"] = profile.days
    document["_num_conflicts"] = len(profile.conflicts)
    document["_streamnames"] = list(profile.streams)
    if profile.conflicts:
        document["_conflicts"] = list(profile.conflicts[:CONFLICTS_SHOWN])
    if profile.events:
        document["_created"] = instant(profile.created)
        document["_modified"] = instant(profile.modified)
    return document


def stored_text(document: Mapping[str, Any]) -> str:
    """A document as the JSON text that goes into the database, which cannot hold the character U+0000: it becomes U+FFFD."""
    text = stored_json(document)
    if b"\\u0000" in text and _ZERO.search(text):
        text = jsontext.encode(_without_zeros(to_stored(document)))
    return text.decode()


def _without_zeros(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_without_zeros(key): _without_zeros(item) for key, item in value.items()}
    return [_without_zeros(item) for item in value] if isinstance(value, list) else value


def readable_document(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as plain JSON, sorted by name, instants as RFC 3339 texts in UTC."""
    return {name: _readable(fields[name]) for name in sorted(fields)}


def _readable(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    if isinstance(value, dict):
        return {key: _readable(item) for key, item in value.items()}
    return [_readable(item) for item in value] if isinstance(value, list) else value
