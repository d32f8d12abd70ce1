"""Make one event of what a client sent: checked, with clean ids, corrected times and what the server knows.

Pure: nothing is read or written, the input stays as it is. Fields that no rule names pass through untouched.
Rules: Segment spec (common fields, identify, track, page, screen, group, alias); Rudder for `merge`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from headwater import jsontext
from headwater.collect.callers import caller_kind
from headwater.collect.identifiers import clean_id, message_id
from headwater.collect.timestamps import correct_times
from headwater.errors import InputError
from headwater.events import RecordMeta

API_VERSION = 2
"""Value of `version` in events without one (Segment spec: version of the API that received the message)."""

EVENT_TYPES = frozenset({"identify", "track", "page", "screen", "group", "alias", "merge"})
_OBJECT_FIELDS = ("properties", "traits", "context", "integrations")
_ID_FIELDS = ("userId", "anonymousId", "groupId", "previousId")
_MERGE_IDS = 2


class EventLimits(NamedTuple):
    """Limits of one event: bytes of its compact JSON text, entries of properties or traits, levels of nesting."""

    size_bytes: int
    properties: int
    nesting: int


class Arrival(NamedTuple):
    """What all events of one request share.

    `received_at` and `received_ms` are the same moment. `sent_at_ms`, `context` and `integrations` come from the batch
    (or a header) and serve events that lack their own. `from_page`: only a browser can have sent the request.
    """

    received_ms: int
    received_at: str
    request_ip: str
    user_agent: str
    from_page: bool
    limits: EventLimits
    sent_at_ms: int | None = None
    context: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None


class NormalisedEvent(NamedTuple):
    """An event ready for the log: its metadata and its JSON text."""

    meta: RecordMeta
    data: bytes


def normalise(
    sent: Mapping[str, Any], arrival: Arrival, source: str, kind: str | None = None, needs_identity: bool = True
) -> NormalisedEvent:
    """Check and complete one event of the pipeline `source`.

    `kind` is the type that the route names and beats the event's own. `needs_identity` is false for doors whose
    senders know no user (webhooks). Raises InputError that names the field.
    """
    event = dict(sent)
    event.pop("writeKey", None)
    event["type"] = named = _checked_type(event.get("type") if kind is None else kind)
    user_key = _clean_ids(event)
    _check_objects(event, arrival.limits.properties)
    _check_type_fields(event, named, needs_identity)
    event["messageId"] = identifier = message_id(event.get("messageId"))
    _merge_defaults(event, arrival)
    _complete_context(event, arrival)
    flags = _set_times(event, arrival)
    event.setdefault("version", API_VERSION)
    meta = RecordMeta(
        kind="event",
        source=source,
        message_id=identifier,
        user_key=user_key or identifier,
        received_at=arrival.received_at,
        request_ip=arrival.request_ip,
        flags=flags,
    )
    data = jsontext.encode(event)
    _check_size(sent, data, arrival)
    _check_nesting(event, data, arrival.limits.nesting)
    return NormalisedEvent(meta, data)


def _checked_type(kind: Any) -> str:
    if isinstance(kind, str) and kind in EVENT_TYPES:
        return kind
    known = ", ".join(sorted(EVENT_TYPES))
    raise InputError(f"is not an event type; use one of {known}", "type", "invalid_type")


def _clean_ids(event: dict[str, Any]) -> str | None:
    """Put clean ids in place, leave out absent ones. Returns the text that decides the user's partition, if any."""
    for field in _ID_FIELDS:
        if field in event:
            text = clean_id(event[field], field)
            if text is None:
                del event[field]
            else:
                event[field] = text
    user: str | None = event.get("userId", event.get("anonymousId"))
    return user


def _check_objects(event: dict[str, Any], properties_limit: int) -> None:
    for field in _OBJECT_FIELDS:
        if field not in event:
            continue
        value = event[field]
        if value is None:
            del event[field]
        elif not isinstance(value, dict):
            raise InputError("must be an object", field, "invalid_object")
        elif len(value) > properties_limit:
            raise InputError(
                f"has {len(value)} entries; at most {properties_limit} are allowed", field, "too_many_properties"
            )


def _check_type_fields(event: Mapping[str, Any], kind: str, needs_identity: bool) -> None:
    if kind == "merge":
        _check_merge(event.get("mergeProperties"))
        return
    if kind == "track":
        name = event.get("event")
        if not isinstance(name, str) or not name or name.isspace():
            raise InputError("must be a text that is not empty in a track event", "event", "missing_event_name")
    for field in ("userId", "previousId") if kind == "alias" else ("groupId",) if kind == "group" else ():
        if field not in event:
            raise InputError(f"is required in an event of type {kind}", field, "missing_id")
    if needs_identity and "userId" not in event and "anonymousId" not in event:
        raise InputError("neither userId nor anonymousId is given; send at least one", "userId", "no_user_anon_id")


def _check_merge(pairs: Any) -> None:
    if not isinstance(pairs, list) or len(pairs) != _MERGE_IDS:
        raise InputError("must be a list of exactly two objects {type, value}", "mergeProperties", "invalid_merge")
    for position, pair in enumerate(pairs):
        for field in ("type", "value"):
            value = pair.get(field) if isinstance(pair, dict) else None
            if not isinstance(value, str) or not value or value.isspace():
                place = f"mergeProperties[{position}].{field}"
                raise InputError("must be a text that is not empty", place, "invalid_merge")


def _merge_defaults(event: dict[str, Any], arrival: Arrival) -> None:
    """Put the batch's context and integrations under the event's own; what the event says wins."""
    options = event.get("options")
    for field, default in (("context", arrival.context), ("integrations", arrival.integrations)):
        own = event.get(field)
        if own is None and isinstance(options, dict) and isinstance(options.get(field), dict):
            own = event[field] = options[field]  # the old name for both
        if default:
            event[field] = default if own is None else merge_under(own, default)


def merge_under(own: dict[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    """`own` with what only `default` has, objects merged at every level. Both nest at most as deep as is allowed."""
    merged = {**default, **own}
    for key, value in own.items():
        below = default.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            merged[key] = merge_under(value, below)
    return merged


def _complete_context(event: dict[str, Any], arrival: Arrival) -> None:
    """Add ip, userAgent and root traits. A server library's ip and agent are the server's, so they are left out."""
    context: dict[str, Any] = event.get("context", {})
    added: dict[str, Any] = {}
    no_ip, no_agent = context.get("ip") is None, context.get("userAgent") is None
    if no_ip or no_agent:
        caller = caller_kind(event, context, arrival.user_agent, arrival.from_page)
        if no_ip and arrival.request_ip and (caller != "server" or context.get("direct") is True):
            added["ip"] = arrival.request_ip
        if no_agent and arrival.user_agent and caller == "browser":
            added["userAgent"] = arrival.user_agent
    if added:
        event["context"] = {**context, **added}
    # Root traits of a group event describe the group, those in the context the user.
    if "traits" not in event and event["type"] != "group" and isinstance(context.get("traits"), dict):
        event["traits"] = context["traits"]


def _set_times(event: dict[str, Any], arrival: Arrival) -> tuple[str, ...]:
    times = correct_times(event, arrival.received_ms, arrival.received_at, arrival.sent_at_ms)
    for field, text in (("originalTimestamp", times.original), ("sentAt", times.sent_at)):
        if text is not None:
            event[field] = text
        else:
            event.pop(field, None)
    event["timestamp"] = times.timestamp
    event["receivedAt"] = arrival.received_at
    return times.flags


def _check_size(sent: Mapping[str, Any], data: bytes, arrival: Arrival) -> None:
    """The limit is on what was sent, with the batch's context, not on what was added here."""
    limit = arrival.limits.size_bytes
    if len(data) <= limit:
        return
    merged = dict(sent)
    _merge_defaults(merged, arrival)
    size = len(jsontext.encode(merged))
    if size > limit:
        raise InputError(f"the event has {size} bytes; at most {limit} are allowed", "", "event_too_large")


def _check_nesting(event: Mapping[str, Any], data: bytes, limit: int) -> None:
    # The number of brackets is an upper bound of the depth, and counting them costs next to nothing.
    if data.count(b"{") + data.count(b"[") > limit and jsontext.depth_exceeds(event, limit):
        raise InputError(f"is nested more than {limit} levels deep", "", "too_deep")
