"""One event: what is required, what is added, what stays as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater import jsontext
from headwater.collect.normalise import Arrival, EventLimits, merge_under, normalise
from headwater.errors import InputError

LIMITS = EventLimits(size_bytes=2000, properties=5, nesting=6)
ARRIVAL = Arrival(1_795_444_496_000, "2026-11-23T14:34:56.000Z", "203.0.113.9", "Mozilla/5.0", False, LIMITS)
SERVER = ARRIVAL._replace(user_agent="curl/8")


def made(event: dict[str, Any], arrival: Arrival = SERVER, **options: Any) -> dict[str, Any]:
    """The data of the normalised event."""
    return jsontext.decode(normalise(event, arrival, "p1", **options).data)


def track(**fields: Any) -> dict[str, Any]:
    """The smallest track event, with other fields."""
    return {"type": "track", "event": "A", "userId": "u1", **fields}


def test_the_smallest_event_gets_what_the_server_knows():
    """Ids and content stay; times, message id and version are added; metadata stands beside."""
    meta, data = normalise(track(messageId="m1"), SERVER, "p1")
    assert jsontext.decode(data) == {
        "type": "track",
        "event": "A",
        "userId": "u1",
        "messageId": "m1",
        "timestamp": "2026-11-23T14:34:56.000Z",
        "receivedAt": "2026-11-23T14:34:56.000Z",
        "version": 2,
    }
    assert (meta.kind, meta.source, meta.message_id, meta.user_key) == ("event", "p1", "m1", "u1")
    assert (meta.received_at, meta.request_ip, meta.flags) == ("2026-11-23T14:34:56.000Z", "203.0.113.9", ())


def test_what_was_sent_is_not_changed():
    """Normalising works on a copy, however much it adds."""
    sent = track(context={"traits": {"a": 1}}, traits=None, userId=7)
    before = jsontext.encode(sent)
    normalise(sent, ARRIVAL._replace(context={"os": {"name": "x"}}), "p1")
    assert jsontext.encode(sent) == before


@pytest.mark.parametrize(
    ("event", "field", "code"),
    [
        ({}, "type", "invalid_type"),
        ({"type": "purchase"}, "type", "invalid_type"),
        ({"type": ["track"]}, "type", "invalid_type"),
        ({"type": "track", "userId": "u"}, "event", "missing_event_name"),
        ({"type": "track", "userId": "u", "event": " "}, "event", "missing_event_name"),
        ({"type": "track", "userId": "u", "event": 7}, "event", "missing_event_name"),
        ({"type": "track", "event": "A"}, "userId", "no_user_anon_id"),
        ({"type": "page", "userId": " ", "anonymousId": ""}, "userId", "no_user_anon_id"),
        ({"type": "group", "userId": "u"}, "groupId", "missing_id"),
        ({"type": "alias", "userId": "u"}, "previousId", "missing_id"),
        ({"type": "alias", "previousId": "p", "anonymousId": "a"}, "userId", "missing_id"),
        ({"type": "merge"}, "mergeProperties", "invalid_merge"),
        ({"type": "merge", "mergeProperties": [{"type": "e", "value": "v"}] * 3}, "mergeProperties", "invalid_merge"),
        (
            {"type": "merge", "mergeProperties": [{"type": "e", "value": "v"}, {"type": "e"}]},
            "mergeProperties[1].value",
            "invalid_merge",
        ),
        ({"type": "identify", "userId": {"id": 1}}, "userId", "invalid_id"),
        ({"type": "identify", "userId": True}, "userId", "invalid_id"),
        (track(messageId="m" * 101), "messageId", "message_id_too_long"),
        (track(properties=[]), "properties", "invalid_object"),
        (track(traits="x"), "traits", "invalid_object"),
        (track(context=7), "context", "invalid_object"),
        (track(integrations=True), "integrations", "invalid_object"),
        (track(properties={str(n): 1 for n in range(6)}), "properties", "too_many_properties"),
        (track(note="x" * 2000), "", "event_too_large"),
        (track(properties={"a": [[[[[[1]]]]]]}), "", "too_deep"),
    ],
)
def test_refuses_with_the_field_named(event, field, code):
    """Each rule has a code, and the error names the field that broke it."""
    with pytest.raises(InputError) as caught:
        normalise(event, SERVER, "p1")
    assert (caught.value.field, caught.value.code) == (field, code)


@pytest.mark.parametrize(
    ("given_id", "expected"),
    [
        (7, "7"),
        (2**70, str(2**70)),
        (1.5, "1.5"),
        (Decimal("1.10"), "1.10"),
        ("a\x00b\x1f\x85c", "abc"),
        (" x ", " x "),
    ],
)
def test_ids_become_clean_text(given_id, expected):
    """Numbers keep every digit, control characters go, everything else stays."""
    assert made(track(userId=given_id))["userId"] == expected


def test_absent_ids_leave_no_trace():
    """A blank or null id is as good as none."""
    assert "anonymousId" not in made(track(anonymousId=" ")) | made(track(anonymousId=None))


def test_the_route_beats_the_events_type():
    """On a route for one type the event's own type is overridden."""
    assert made({"type": "identify", "userId": "u"}, kind="page")["type"] == "page"


def test_unknown_fields_stay_and_the_write_key_goes():
    """What no rule names passes through; the key is an address, not content."""
    data = made(track(extra={"deep": [1, None]}, _metadata={"x": 1}, writeKey="k"))
    assert data["extra"] == {"deep": [1, None]}
    assert data["_metadata"] == {"x": 1}
    assert "writeKey" not in data


def test_a_message_without_an_id_gets_a_new_one_each_time():
    """Two messages without ids are two messages."""
    first, second = made(track()), made(track())
    assert first["messageId"] != second["messageId"]


def test_the_batch_context_lies_under_the_events_own():
    """Objects are merged at every level, and the event wins."""
    arrival = SERVER._replace(
        context={"app": {"name": "Shop", "build": "1"}, "locale": "en"}, integrations={"All": False, "X": True}
    )
    data = made(track(context={"app": {"build": "2"}}, integrations={"All": True}), arrival)
    assert data["context"] == {"app": {"name": "Shop", "build": "2"}, "locale": "en"}
    assert data["integrations"] == {"All": True, "X": True}


OBJECTS = st.recursive(
    st.integers(0, 3) | st.none(),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
).map(lambda value: value if isinstance(value, dict) else {"a": value})


def scalars(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every value that is no object, by its path."""
    if not isinstance(value, dict):
        return {path: value}
    return {place: scalar for key, below in value.items() for place, scalar in scalars(below, (*path, key)).items()}


@given(OBJECTS, OBJECTS)
def test_merging_keeps_all_of_the_own_side_and_only_adds(own, default):
    """The event's values stay, what is added comes from the batch, and merging again changes nothing."""
    merged = merge_under(own, default)
    kept, added = scalars(own), scalars(merged)
    assert {path: added[path] for path in kept} == kept
    assert {path: scalar for path, scalar in added.items() if path not in kept}.items() <= scalars(default).items()
    assert default.keys() <= merged.keys()
    assert merge_under(merged, default) == merged


@pytest.mark.parametrize(
    ("event", "arrival", "expected"),
    [
        ({}, ARRIVAL, {"ip": "203.0.113.9", "userAgent": "Mozilla/5.0"}),
        ({}, SERVER, None),
        ({"context": {"ip": "0.0.0.0"}}, ARRIVAL, {"ip": "0.0.0.0", "userAgent": "Mozilla/5.0"}),
        ({"context": {"direct": True}}, SERVER, {"direct": True, "ip": "203.0.113.9"}),
        ({"channel": "mobile"}, SERVER, {"ip": "203.0.113.9"}),
        ({"channel": "server"}, ARRIVAL, None),
    ],
)
def test_ip_and_agent_are_added_for_people_not_for_servers(event, arrival, expected):
    """A server library's address is the server's; a browser's and an app's is the person's."""
    assert made(track(**event), arrival).get("context") == expected


def test_context_traits_are_copied_to_the_root_where_it_has_none():
    """Mappings read traits at the root; a group's root traits are the group's, so they are left alone."""
    context = {"traits": {"email": "a@x.io"}}
    assert made(track(context=context))["traits"] == {"email": "a@x.io"}
    assert made(track(context=context, traits={}))["traits"] == {}
    assert "traits" not in made({"type": "group", "groupId": "g", "userId": "u", "context": context})


def test_options_are_the_old_name():
    """Context and integrations inside `options` count where the event has none at its root."""
    data = made(track(options={"context": {"a": 1}, "integrations": {"X": False}}, integrations={"Y": True}))
    assert (data["context"], data["integrations"]) == ({"a": 1}, {"Y": True})


def test_what_the_server_adds_does_not_count_against_the_size():
    """An event as large as is allowed stays so when traits are copied and times are added."""
    event = track(context={"traits": {"note": "x" * 1800}})
    assert len(normalise(event, ARRIVAL, "p1").data) > LIMITS.size_bytes


def test_a_webhook_needs_no_user():
    """Without an identity the message id decides the partition."""
    meta, _ = normalise({"event": "A", "messageId": "m"}, SERVER, "p1", "track", needs_identity=False)
    assert meta.user_key == "m"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8) | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip
FIELDS = st.sampled_from(
    ["type", "event", "userId", "anonymousId", "groupId", "previousId", "messageId", "timestamp", "sentAt", "originalTimestamp",
     "context", "traits", "properties", "integrations", "options", "mergeProperties", "channel", "version", "writeKey", "x"]
)  # fmt: skip
KINDS = st.sampled_from([None, "identify", "track", "page", "screen", "group", "alias", "merge"])


@given(st.dictionaries(FIELDS, ANYTHING, max_size=8), KINDS, st.dictionaries(st.text(max_size=3), ANYTHING, max_size=2))
def test_any_object_is_an_event_or_an_input_error(event, kind, context):
    """Nothing that JSON can say raises anything else, and what is taken is complete."""
    arrival = ARRIVAL._replace(context=context, limits=EventLimits(32_768, 10_000, 100))
    try:
        meta, data = normalise(event, arrival, "p1", kind)
    except InputError:
        return
    document = jsontext.decode(data)
    assert document["messageId"] == meta.message_id
    assert document["timestamp"].endswith("Z")
    assert meta.user_key
