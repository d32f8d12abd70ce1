"""Make a log record of what came through a Lytics door. The data stays as it was posted; mappings read it later."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from headwater import jsontext
from headwater.collect.identifiers import clean_id
from headwater.collect.normalise import EventLimits, NormalisedEvent
from headwater.collect.timestamps import parse_time, to_milliseconds
from headwater.errors import InputError
from headwater.events import RecordMeta
from headwater.expressions.dates import number_to_time, parse_date

NAME_LIMIT_BYTES = 256
"""Longest flattened name (`user.address.city`) in bytes of UTF-8."""

STREAM_NAME_LIMIT = 100
DEFAULT_STREAM = "default"

_USER_FIELDS = ("user_id", "userId", "_uid", "anonymous_id", "anonymousId", "email")
"""Fields that keep one person's records in one partition, the best first. Only locality hangs on it, no identity."""

_ID_CHARACTERS_KEPT = 80


class Upload(NamedTuple):
    """What all records of one request share. `received_at` is RFC 3339 UTC.

    `timestamp_field` names the field with the event's time, "" for none. `idempotency_key` makes the ids of the records
    from their positions, so that the same upload sent again counts once.
    """

    stream: str
    received_at: str
    request_ip: str
    limits: EventLimits
    timestamp_field: str = ""
    idempotency_key: str = ""


def stream_name(name: str) -> str:
    """A usable stream name. Raises InputError."""
    if not name or len(name) > STREAM_NAME_LIMIT or not name.isprintable() or name.isspace():
        raise InputError(f"must have 1 to {STREAM_NAME_LIMIT} printable characters", "stream", "invalid_stream")
    return name


def stream_record(record: Any, upload: Upload, position: int) -> NormalisedEvent:
    """One record for the log; `position` counts from 0 in the request. Raises InputError that names the field."""
    if not isinstance(record, dict):
        raise InputError("must be an object", "", "invalid_record")
    if not record:
        raise InputError("has no fields", "", "empty_record")
    flags: tuple[str, ...] = ()
    if upload.timestamp_field:
        record, flags = _with_time(record, upload.timestamp_field)
    data = jsontext.encode(record)
    _check(record, data, upload.limits)
    identifier = _message_id(record, data, upload, position)
    meta = RecordMeta(
        kind="stream",
        source=upload.stream,
        message_id=identifier,
        user_key=_user_key(record) or identifier,
        received_at=upload.received_at,
        request_ip=upload.request_ip,
        flags=flags,
    )
    return NormalisedEvent(meta, data)


def _with_time(record: Mapping[str, Any], field: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The record with `_ts` (milliseconds) taken from `field`, and a flag where that cannot be read."""
    value = record.get(field)
    if value is None:
        return dict(record), ()
    moment = event_time(value)
    return (dict(record), ("timestamp_unparsable",)) if moment is None else ({**record, "_ts": moment}, ())


def event_time(value: Any) -> int | None:
    """Milliseconds since 1970 of a date or an epoch number in any form that mappings read, None for anything else."""
    try:
        if isinstance(value, str):
            named = parse_date(value)
            return parse_time(value) if named is None else to_milliseconds(named)
        if isinstance(value, int | float) and not isinstance(value, bool):
            counted = number_to_time(value)
            return None if counted is None else to_milliseconds(counted)
    except OverflowError:  # a date at the edge of the calendar, moved over it by its zone
        return None
    return None


def _check(record: Mapping[str, Any], data: bytes, limits: EventLimits) -> None:
    if len(data) > limits.size_bytes:
        raise InputError(
            f"the record has {len(data)} bytes; at most {limits.size_bytes} are allowed", "", "event_too_large"
        )
    if data.count(b"{") + data.count(b"[") > limits.nesting and jsontext.depth_exceeds(record, limits.nesting):
        raise InputError(f"is nested more than {limits.nesting} levels deep", "", "too_deep")
    if len(data) > NAME_LIMIT_BYTES:
        _check_names(record)


def _check_names(record: Mapping[str, Any]) -> None:
    """Raises InputError for a flattened name over the limit. Lists do not lengthen a name."""
    levels: list[tuple[int, Mapping[str, Any]]] = [(0, record)]
    while levels:
        above, level = levels.pop()
        for name, value in level.items():
            length = above + len(name) if name.isascii() else above + len(name.encode("utf-8", "surrogatepass"))
            if length > NAME_LIMIT_BYTES:
                raise InputError(
                    f"a flattened name is longer than {NAME_LIMIT_BYTES} bytes", name[:40], "name_too_long"
                )
            if isinstance(value, dict):
                levels.append((length + 1, value))


def _message_id(record: Mapping[str, Any], data: bytes, upload: Upload, position: int) -> str:
    """What makes a repeated record a duplicate.

    An `id` may be the id of the message (a router's retry) or of a person (a nightly export), so it never decides
    alone: only the same id with the same content is the same record.
    """
    if upload.idempotency_key:
        return _digest(f"{upload.idempotency_key}\0{position}".encode("utf-8", "surrogatepass"))
    given = record.get("id")
    named = clean_id(given, "id") if isinstance(given, str) else None
    return str(uuid.uuid4()) if named is None else f"{named[:_ID_CHARACTERS_KEPT]}.{_digest(data)}"


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=9).hexdigest()


def _user_key(record: Mapping[str, Any]) -> str | None:
    for field in _USER_FIELDS:
        value = record.get(field)
        if isinstance(value, str) and value and not value.isspace():
            return value
    return None
