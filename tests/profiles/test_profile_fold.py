"""A profile is exactly what its events say: any order, any grouping, any number of deliveries."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from profile_evidence import AT, SECRET, Gathered

from headwater import jsontext
from headwater.expressions import from_stored, to_stored
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.conflicts import pairs_that_separate
from headwater.profiles.decisions import Decision, Decisions
from headwater.profiles.documents import profile_document, readable_document
from headwater.profiles.fold import fold
from headwater.profiles.fragments import Fragment, FragmentKey, days_count
from headwater.profiles.identifiers import Identifier
from headwater.profiles.merging import canonical_bytes
from headwater.profiles.profile_ids import fragment_id
from headwater.profiles.resolution import Part
from headwater.profiles.schema_file import default_schema, read_schema

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = 86_400_000
SMALL = """
ranks: [user_id, email, cookie]
event_time: [ts]
message_id: [id]
identifiers:
  user_id: {{unique: true}}
  email: {{form: email, limit: 2}}
  cookie: {{limit: 3, shared: nobody, alarm: 3{session}}}
fields:
  user_id: {{is_identifier: true}}
  email: {{is_identifier: true}}
  cookie: {{is_identifier: true, type: "[]string"}}
  city: {{}}
  first_city: {{mergeop: oldest}}
  spent: {{type: number, mergeop: sum}}
  orders: {{type: int, mergeop: count}}
  largest: {{type: number, mergeop: max}}
  last_spent: {{type: date, mergeop: max}}
  cities: {{type: "ts[]string", capacity: 2}}
  by_city: {{type: "map[string]number"}}
  city_times: {{type: "map[string]time", capacity: 2}}
mappings:
  - {{field: user_id, expr: user_id}}
  - {{field: email, expr: email}}
  - {{field: cookie, expr: cookie}}
  - {{field: city, expr: city}}
  - {{field: first_city, expr: city}}
  - {{field: spent, expr: spent}}
  - {{field: orders, expr: spent}}
  - {{field: largest, expr: spent}}
  - {{field: last_spent, expr: now(), guard_expr: EXISTS spent}}
  - {{field: cities, expr: city}}
  - {{field: by_city, expr: 'map(city, spent)'}}
  - {{field: city_times, expr: 'map(city, now())'}}
aliases:
  - {{field: cookie, expr: previous_id}}
"""
SCHEMA = CompiledSchema(read_schema(SMALL.format(session="")))
SESSIONS = CompiledSchema(read_schema(SMALL.format(session=", session_minutes: 30")))


def effect(number, schema=SCHEMA, **record):
    """The effect of message `number`, `ts` days after the begin of 2026."""
    record["ts"] = 1_767_225_600_000 + int(record.get("ts", number) * DAY)
    return schema.effect({"id": f"m{number}", **record}, record.pop("stream", "web"), NOW)


RECORDS = st.fixed_dictionaries(
    {"ts": st.integers(0, 5)},
    optional={
        "user_id": st.sampled_from(["1", "2", "null"]),
        "email": st.sampled_from(["e@x.io", "f@x.io", "g@x.io"]),
        "cookie": st.sampled_from(["a", "b", "c", ["a", "d"]]),
        "previous_id": st.sampled_from(["a", "z"]),
        "city": st.sampled_from(["Oslo", "Rome", "Bonn"]),
        "spent": st.sampled_from([0.1, 0.2, 19.9, 7]),
        "stream": st.sampled_from(["web", "crm"]),
    },
)
EFFECTS = st.lists(RECORDS, min_size=1, max_size=9).map(
    lambda records: [effect(number, **record) for number, record in enumerate(records)]
)
PAIRS = st.tuples(
    st.sampled_from([Identifier("user_id", "1"), Identifier("email", "e@x.io")]),
    st.sampled_from([Identifier("cookie", "a"), Identifier("user_id", "2")]),
)


@settings(max_examples=200)
@given(EFFECTS, st.randoms(), st.data())
def test_order_and_repetition_of_deliveries_do_not_matter(effects, chance, data):
    """Shuffled, and with any messages delivered again: the same profiles under the same ids, byte for byte."""
    again = data.draw(st.lists(st.sampled_from(effects), max_size=5))
    deliveries = [*effects, *again]
    chance.shuffle(deliveries)
    assert Gathered(SCHEMA, deliveries).documents() == Gathered(SCHEMA, effects).documents()


@settings(max_examples=100)
@given(EFFECTS, st.data())
def test_grouping_does_not_matter(effects, data):
    """Two workers that share the messages in any way get what one worker gets."""
    mine = data.draw(st.sets(st.sampled_from(range(len(effects)))))
    one = Gathered(SCHEMA, [each for number, each in enumerate(effects) if number in mine])
    other = Gathered(SCHEMA, [each for number, each in enumerate(effects) if number not in mine])
    assert one.join(other).documents() == Gathered(SCHEMA, effects).documents()


@settings(max_examples=100)
@given(EFFECTS, PAIRS)
def test_merge_then_unmerge_equals_never_merged(effects, pair):
    """Two profiles joined by a person and taken apart again are what they were, byte for byte, under their old ids.

    Only a conflict that was open between the two is now decided, so it is no longer counted.
    """
    alone = [effect(90 + number, **{each.type: each.value}) for number, each in enumerate(pair)]
    gathered = Gathered(SCHEMA, [*effects, *alone])
    one, other = (gathered.evidence().resolution.part_of()[each] for each in pair)
    assume(one != other)
    merge = Decision("allowed", *pair, "ann", 1)
    merged = gathered.evidence(Decisions.of([merge])).resolution.part_of()
    assert merged[pair[0]] == merged[pair[1]]
    both = Part(one.founder, (*one.members, *other.members))
    unmerge = [Decision("kept apart", *each, "bob", 2) for each in pairs_that_separate(both, frozenset(one.members))]
    after = gathered.documents(Decisions.of([merge, *unmerge]))
    assert {name: but_conflicts(text) for name, text in after.items()} == {
        name: but_conflicts(text) for name, text in gathered.documents().items()
    }


def but_conflicts(text):
    document = jsontext.decode(text)
    return canonical_bytes({name: value for name, value in document.items() if "_conflicts" not in name})


def test_unmerge_takes_apart_what_an_event_joined():
    """Each side shows what its own events said, as if the event had named its strongest identifier only."""
    apart = [effect(0, cookie="a", city="Oslo"), effect(1, user_id="1", city="Rome", spent=5)]
    joining = Gathered(SCHEMA, [*apart, effect(2, user_id="1", cookie="a", spent=7)])
    never = Gathered(SCHEMA, [*apart, effect(2, user_id="1", spent=7)])
    (part,) = joining.evidence().resolution.parts
    pairs = pairs_that_separate(part, frozenset({Identifier("cookie", "a")}))
    unmerge = Decisions.of([Decision("kept apart", *pair, "ann", 1) for pair in pairs])
    assert len(joining.documents()) == 1
    assert joining.documents(unmerge) == never.documents()


def test_undoing_an_unmerge_brings_the_profile_back():
    """The prohibition is all that kept them apart."""
    gathered = Gathered(SCHEMA, [effect(0, user_id="1", cookie="a")])
    unmerge = Decisions.of([Decision("kept apart", Identifier("user_id", "1"), Identifier("cookie", "a"), "ann", 1)])
    assert len(gathered.documents(unmerge)) == 2
    assert len(gathered.documents()) == 1


@given(EFFECTS)
def test_every_id_that_a_profile_had_still_leads_to_it(effects):
    """An id of a profile is the id of one of its identifiers, at every moment."""
    gathered, given_out = Gathered(SCHEMA), set()
    for each in effects:
        gathered.take(each)
        given_out |= gathered.documents().keys()
    owners = gathered.evidence().resolution.part_of()
    known = {fragment_id(identifier, SECRET): part for identifier, part in owners.items()}
    assert given_out <= known.keys()


def test_a_profile_keeps_the_id_of_who_was_seen_first():
    """The anonymous visitor's id stays when he logs in; a late, older event may move it."""
    gathered = Gathered(SCHEMA, [effect(3, cookie="a")])
    (visitor,) = gathered.documents()
    gathered.take(effect(4, cookie="a", user_id="1"))
    assert list(gathered.documents()) == [visitor]
    gathered.take(effect(1, user_id="1"))
    assert list(gathered.documents()) == [fragment_id(Identifier("user_id", "1"), SECRET)]


def test_ids_cannot_be_guessed_or_confused():
    """Another secret gives another id, and type and value do not run into each other."""
    email = Identifier("email", "a@b.io")
    assert fragment_id(email, SECRET) != fragment_id(email, SECRET + b"!")
    assert fragment_id(Identifier("a", "bc"), SECRET) != fragment_id(Identifier("ab", "c"), SECRET)


def test_a_profile_shows_what_its_fragments_say_together():
    """Values by their operators over all fragments, identifiers, and the facts about events."""
    gathered = Gathered(
        SCHEMA,
        [
            effect(0, cookie="b", city="Oslo", spent=0.1),
            effect(1, cookie="b", user_id="1", email="e@x.io", city="Rome", spent=0.2, stream="crm"),
            effect(3, email="e@x.io", city="Bonn"),
            effect(4, cookie="a", user_id="1"),
        ],
    )
    ((profile_id, text),) = gathered.documents().items()
    assert profile_id == fragment_id(Identifier("cookie", "b"), SECRET)
    assert jsontext.decode(text) == {
        "user_id": "1",
        "email": "e@x.io",
        "cookie": ["b", "a"],
        "city": "Bonn",
        "first_city": "Oslo",
        "spent": 0.3,
        "orders": 2,
        "largest": 0.2,
        "last_spent": "2026-01-02T00:00:00.000Z",
        "cities": ["Rome", "Bonn"],
        "by_city": {"Oslo": 0.1, "Rome": 0.2},
        "city_times": {"Rome": "2026-01-02T00:00:00.000Z", "Bonn": "2026-01-04T00:00:00.000Z"},
        "_id": profile_id,
        "_num_aliases": 4,
        "_num_events": 4,
        "_num_streams": 2,
        "_num_days": 4,
        "_num_conflicts": 0,
        "_streamnames": ["crm", "web"],
        "_created": "2026-01-01T00:00:00.000Z",
        "_modified": "2026-01-05T00:00:00.000Z",
    }


def test_conflicts_are_counted_and_named():
    """Who reads a profile sees that somebody else claims part of it."""
    gathered = Gathered(SCHEMA, [effect(0, user_id="1", cookie="a"), effect(1, user_id="2", cookie="a")])
    documents = [jsontext.decode(text) for text in gathered.documents().values()]
    assert {(each.get("user_id"), each["_num_conflicts"]) for each in documents} == {("1", 1), ("2", 1), (None, 2)}
    assert next(each for each in documents if each.get("user_id") == "1")["_conflicts"] == ["cookie:a"]


def test_the_address_seen_last_is_shown():
    """A single-valued identifier field shows its newest value; both find the profile."""
    gathered = Gathered(SCHEMA, [effect(0, user_id="1", email="f@x.io"), effect(1, user_id="1", email="e@x.io")])
    (text,) = gathered.documents().values()
    assert jsontext.decode(text)["email"] == "e@x.io"
    assert jsontext.decode(text)["_num_aliases"] == 3


def test_instants_are_datetimes_for_filters_and_text_for_people():
    """A filter compares instants; a reply shows RFC 3339."""
    found = effect(0, user_id="1", spent=1)
    members = {each: found.sighting() for each in found.sighted()}
    profile = fold("p", members, {found.owner: found.fragment()}, SCHEMA, AT)
    assert profile.fields["last_spent"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert readable_document(profile_document(profile))["last_spent"] == "2026-01-01T00:00:00.000Z"


@given(EFFECTS)
def test_what_is_stored_comes_back(effects):
    """Effects, sightings and links are JSON, and typed again when they are read."""
    gathered = Gathered(SCHEMA, effects)
    for value in (*effects, *gathered.seen.values(), *gathered.links.values(), *gathered.evidence().resolution.parts):
        stored = jsontext.decode(jsontext.encode(msgspec.to_builtins(value)))
        assert msgspec.convert(stored, type(value)) == value


@given(EFFECTS)
def test_fields_survive_the_database(effects):
    """What a filter sees of a profile is the same before and after it was stored, instants included."""
    gathered = Gathered(SCHEMA, effects)
    for key, fragment in gathered.fragments.items():
        fields = fold("p", {key.identifier: gathered.seen[key.identifier]}, {key: fragment}, SCHEMA, AT).fields
        assert from_stored(jsontext.decode(jsontext.encode(to_stored(dict(fields))))) == fields


def test_a_fragment_survives_the_store():
    """A fragment is JSON, and typed again when it is read."""
    fragment = effect(0, user_id="1", city="Oslo", spent=0.1).fragment()
    assert msgspec.convert(jsontext.decode(jsontext.encode(msgspec.to_builtins(fragment))), Fragment) == fragment


def test_a_field_that_left_the_schema_leaves_the_fragments():
    """What nobody can merge any more is not carried along."""
    old = effect(0, user_id="1", city="Oslo").fragment()
    gone = Fragment({**old.fields, "shoe": [1, 1, "x"]}, 1, 0, 0, {}, ())
    assert "shoe" not in SCHEMA.merge(gone, old).fields


@given(st.lists(st.integers(0, 12), min_size=1, max_size=12))
def test_days_are_counted_once(days):
    """However many events a day has, it is one day."""
    whole = None
    for day in days:
        one = Fragment({}, 1, 0, 0, {}, ((day, day),))
        whole = one if whole is None else SCHEMA.merge(whole, one)
    assert days_count(whole.days) == len(set(days))
    assert all(last + 1 < first for (_, last), (first, _) in zip(whole.days, whole.days[1:], strict=False))


def test_an_identifier_of_a_dropped_type_stays_readable():
    """A schema that no longer knows a type does not make profiles unreadable."""
    old = Identifier("old_id", "x")
    profile = fold("p", {old: effect(0, user_id="1").sighting()}, {}, SCHEMA, AT)
    assert (profile.identifiers, profile.fields) == ((old,), {"old_id": "x"})


# Sessions


def session(number, minute, **record):
    return effect(number, SESSIONS, ts=minute / 1440, **record)


def profiles_by_user(gathered):
    documents = map(jsontext.decode, gathered.documents().values())
    return {each.get("user_id"): each for each in documents}


def test_on_a_shared_device_anonymous_events_follow_the_login_near_them():
    """Each visitor's anonymous events go to the one who logged in then; what is near no login stays with the device."""
    gathered = Gathered(
        SESSIONS,
        [
            session(0, 5, cookie="k", city="Oslo"),
            session(1, 9, cookie="k", user_id="1"),
            session(2, 600, cookie="k", city="Rome"),
            session(3, 604, cookie="k", user_id="2"),
            session(4, 3000, cookie="k", city="Bonn"),
        ],
    )
    profiles = profiles_by_user(gathered)
    assert {user: profile.get("city") for user, profile in profiles.items()} == {"1": "Oslo", "2": "Rome", None: "Bonn"}
    assert "cookie" not in profiles["1"]


def test_two_logins_near_an_anonymous_event_leave_it_to_the_device():
    """Time tells nothing where two people were there at once."""
    gathered = Gathered(
        SESSIONS,
        [
            session(0, 5, cookie="k", city="Oslo"),
            session(1, 9, cookie="k", user_id="1"),
            session(2, 12, cookie="k", user_id="2"),
        ],
    )
    assert profiles_by_user(gathered)[None]["city"] == "Oslo"


def test_on_a_device_of_one_person_sessions_do_not_matter():
    """All slots go with their device."""
    gathered = Gathered(SESSIONS, [session(0, 5, cookie="k", city="Oslo"), session(1, 9999, cookie="k", user_id="1")])
    assert profiles_by_user(gathered)["1"]["city"] == "Oslo"
    assert [key.slot is None for key in sorted(gathered.fragments)] == [False, True]
    assert FragmentKey(Identifier("user_id", "1")) in gathered.fragments


@pytest.mark.parametrize("schema", [SESSIONS])
@settings(max_examples=100)
@given(data=st.data())
def test_sessions_do_not_depend_on_order_either(schema, data):
    """Slots are sets, and what follows a login is a function of them."""
    records = data.draw(
        st.lists(
            st.fixed_dictionaries(
                {"minute": st.integers(0, 200), "cookie": st.sampled_from("kl")},
                optional={"user_id": st.sampled_from("12"), "city": st.sampled_from(["Oslo", "Rome"])},
            ),
            min_size=1,
            max_size=8,
        )
    )
    effects = [session(number, **record) for number, record in enumerate(records)]
    shuffled = data.draw(st.permutations(effects))
    assert Gathered(schema, shuffled).documents() == Gathered(schema, effects).documents()


def test_the_default_schema_obeys_the_same_laws():
    """One rich event of the default schema, folded in both orders."""
    compiled = CompiledSchema(default_schema())
    records = [
        {
            "id": "1",
            "user_id": "u",
            "anonymous_id": "a",
            "type": "track",
            "event": "Order Completed",
            "properties_revenue": 0.1,
        },
        {
            "id": "2",
            "user_id": "u",
            "type": "page",
            "context_page_path": "/",
            "context_page_url": "https://a.io/?utm_source=x",
        },
    ]
    effects = [compiled.effect(record, "default", NOW) for record in records]
    assert Gathered(compiled, effects).documents() == Gathered(compiled, effects[::-1]).documents()
