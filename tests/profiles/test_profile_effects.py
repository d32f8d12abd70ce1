"""One event in, its effect out: the default schema on records as integrations send them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.documents import profile_document, readable_document
from headwater.profiles.drop_counts import NOBODY, DropCount, DropKey, count_drops, merge_drop_counts
from headwater.profiles.fold import fold
from headwater.profiles.fragments import FragmentKey
from headwater.profiles.identifiers import IDENTIFIERS_PER_EVENT, Identifier
from headwater.profiles.links import pair_of
from headwater.profiles.schema_file import default_schema, read_schema

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DEFAULT = CompiledSchema(default_schema())


def effect(stream="default", **record):
    return DEFAULT.effect(
        {"id": "m-1", "user_id": "u-1", "timestamp": "2026-11-23T09:00:00.000Z", **record}, stream, NOW
    )


def fields(**record):
    """The profile's fields after one event."""
    found = effect(**record)
    members = dict.fromkeys(found.sighted(), found.sighting())
    return readable_document(profile_document(fold("p", members, {found.owner: found.fragment()}, DEFAULT, found.time)))


def drops(found):
    return [(each.kind, each.field, each.reason, each.example) for each in found.dropped]


def test_the_strongest_identifier_owns_the_event():
    """Ranks decide, and each weaker identifier is linked with the strongest, not with one another."""
    found = effect(anonymous_id="a-1", traits_email="Jane@Shop.Example")
    user, email, cookie = found.identifiers
    assert (email.value, cookie.type) == ("jane@shop.example", "anonymous_id")
    assert found.owner == FragmentKey(user)
    assert [link.pair for link in found.links()] == [pair_of(user, email), pair_of(user, cookie)]


def test_an_event_without_identifier_belongs_to_nobody():
    """It says so, and fills nothing."""
    found = effect(user_id=None, traits_city="Oslo")
    assert found.owner is None
    assert (found.fields, found.links()) == ({}, ())


def test_a_blocked_value_stays_out_and_is_told():
    """The event goes on with its other identifiers."""
    found = effect(user_id=' "NULL" ', anonymous_id="a-1")
    assert found.identifiers == (Identifier("anonymous_id", "a-1"),)
    assert drops(found) == [("blocked", "user_id", "word", ' "NULL" ')]


@pytest.mark.parametrize(
    ("record", "drop"),
    [
        ({"traits_email": "jane"}, ("invalid identifier", "email", "not an e-mail address", "jane")),
        ({"user_id": True}, ("invalid identifier", "user_id", "not a string", "True")),
        ({"traits_age": "old"}, ("refused value", "age", "not a number", "old")),
        ({"timestamp": "soon"}, ("event time", "timestamp", "not a date", "soon")),
        (
            {"timestamp": "0001-01-01T00:00:00Z"},
            ("event time", "timestamp", "not after 1970 began", "0001-01-01T00:00:00Z"),
        ),
        ({"timestamp": "2027-11-23T00:00:00Z"}, ("event time", "timestamp", "in the future", "2027-11-23T00:00:00Z")),
        ({"Anonymous_ID": "a"}, ("suspicious key", "Anonymous_ID", "differs from 'anonymous_id' only in case", "a")),
    ],
)
def test_what_cannot_be_used_is_dropped_with_reason_field_and_example(record, drop):
    """Nothing is lost silently, and the rest of the event counts."""
    found = effect(**{"context_device_id": "d-1", **record})
    assert drop in drops(found)
    assert found.identifiers


def test_a_wrong_clock_does_not_win_for_ever():
    """An event from the future counts at its receipt."""
    assert effect(timestamp="2027-11-23T00:00:00Z").time == int(NOW.timestamp() * 1000)
    assert effect(timestamp=None).time == int(NOW.timestamp() * 1000)


def test_one_event_names_so_many_people_at_most():
    """The strongest stay."""
    found = effect(anonymous_id=[f"a-{number:02}" for number in range(30)])
    assert len(found.identifiers) == IDENTIFIERS_PER_EVENT
    assert found.identifiers[0] == Identifier("user_id", "u-1")
    assert sum(kind == "too many identifiers" for kind, *_ in drops(found)) == 31 - IDENTIFIERS_PER_EVENT


def test_an_alias_is_a_stated_link():
    """previous_id says that the earlier anonymous id is the same person."""
    found = effect(type="alias", previous_id="a-0", anonymous_id="a-1")
    stated = {link.pair: link.stated for link in found.links()}
    assert stated[pair_of(Identifier("user_id", "u-1"), Identifier("anonymous_id", "a-0"))]
    assert not stated[pair_of(Identifier("user_id", "u-1"), Identifier("anonymous_id", "a-1"))]
    assert Identifier("anonymous_id", "a-0") in found.sighted()
    again = effect(type="alias", previous_id="a-1", anonymous_id="a-1")
    assert [(link.stated, link.seen.count) for link in again.links()] == [(True, 1)]


def test_deliveries_of_one_message_have_one_key():
    """The key tells messages and owners apart, and nothing else."""
    key = effect().message_key
    assert effect(traits_city="Oslo").message_key == key
    assert effect(id="m-2").message_key != key
    assert effect(user_id="u-2").message_key != key
    assert DEFAULT.effect({"user_id": "u-1"}, "default", NOW, "m-1").message_key == key


def test_a_record_without_an_id_is_known_by_its_content():
    """The same record twice is one message."""
    one, same, other = (
        DEFAULT.effect(record, "s", NOW)
        for record in ({"email": "a@b.io"}, {"email": "a@b.io"}, {"email": "a@b.io", "x": 1})
    )
    assert one.message_key == same.message_key != other.message_key


def test_traits_known_and_unknown_are_kept():
    """The tracking specification's traits have fields; all others are kept as they came."""
    profile = fields(
        type="identify",
        traits_firstName="Jane",
        traits_address_city="Oslo",
        traits_age="41",
        traits_shoe_size=38,
        traits_vip=True,
    )
    assert (profile["first_name"], profile["city"], profile["age"]) == ("Jane", "Oslo", 41)
    assert profile["traits"] == {"firstName": "Jane", "address_city": "Oslo", "age": "41", "shoe_size": 38, "vip": True}


def test_traits_of_a_group_are_not_those_of_the_person():
    """A company's name is not the user's, and its address is not his."""
    profile = fields(type="group", group_id="g-1", traits_name="Acme", traits_email="hello@acme.example")
    assert (profile["company"], profile["group_ids"]) == ("Acme", ["g-1"])
    assert "name" not in profile
    assert "email" not in profile


def test_orders_add_up():
    """Revenue, products, dates and counts of an order, whichever way its name is written."""
    record = {
        "type": "track",
        "properties_order_id": "o-1",
        "properties_revenue": "19.90",
        "properties_products_0_product_id": "p-1",
    }
    for name in ("Order Completed", "order_completed"):
        profile = fields(event=name, **record)
        assert (profile["order_count"], profile["total_revenue"], profile["order_ids"]) == (1, 19.9, ["o-1"])
        assert (profile["products_purchased"], profile["last_order"]) == (["p-1"], "2026-11-23T09:00:00.000Z")
    assert "order_count" not in fields(event="Order Refunded", **record)


def test_the_buyers_address_counts_and_the_friends_does_not():
    """An address among the properties identifies only where people give their own."""
    assert fields(event="Order Completed", properties_email="jane@shop.example")["email"] == "jane@shop.example"
    assert "email" not in fields(event="Friend Invited", properties_email="friend@shop.example")


def test_pages_and_campaigns():
    """Page views by path, the campaign of the context or of the page's address."""
    url = "https://shop.example/p/1?utm_source=mail&utm_campaign=Spring&gclid=g1"
    profile = fields(type="page", context_page_url=url, context_page_path="/p/1", context_campaign_name="Fall")
    assert (profile["pageviewct"], profile["page_paths"], profile["domains"]) == (1, {"/p/1": 1}, ["shop.example"])
    assert (profile["utm_source"], profile["utm_campaign"], profile["gclid"]) == ("mail", "Fall", "g1")
    assert profile["utm_campaigns"] == ["Fall", "Spring"]


def test_engagement():
    """Scroll depth, seconds watched, forms started and submitted."""
    profile = fields(event="Form Started", properties_form_id="f-1", properties_scroll_depth=75, context_page_path="/a")
    assert (profile["deepest_scroll"], profile["scroll_depths"]) == (75, {"/a": 75})
    assert profile["forms_started"] == {"f-1": "2026-11-23T09:00:00.000Z"}
    assert fields(properties_seconds_watched=12.5, properties_video_id="v")["seconds_watched"] == 12.5


def test_records_of_the_lytics_doors():
    """Flat records with the tag's own names."""
    record = {
        "_uid": "c-1",
        "_ts": 1795424400000,
        "_e": "pv",
        "url": "shop.example/p",
        "_sesstart": "1",
        "utm_source": "ad",
    }
    found = DEFAULT.effect(record, "web", NOW, "m")
    assert found.identifiers == (Identifier("_uids", "c-1"),)
    assert found.time == 1795424400000
    assert {"visitct", "pageviewct", "utm_source", "last_page_url"} <= found.fields.keys()
    assert fields(email="a@b.io", name="Jane", first_name="Jane")["name"] == "Jane"
    assert "name" not in fields(type="page", name="Home")


def test_a_mapping_reads_its_own_stream_first():
    """A stream's own mapping beats one for every stream; other streams do not see it."""
    schema = CompiledSchema(
        read_schema(
            """
ranks: [user_id]
fields:
  user_id: {is_identifier: true}
  city: {}
mappings:
  - {field: user_id, expr: user_id}
  - {field: city, expr: city}
  - {field: city, expr: town, stream: crm}
"""
        )
    )
    record = {"user_id": "u", "city": "Oslo", "town": "Bergen"}
    assert schema.effect(record, "crm", NOW).fields["city"][2] == "Bergen"
    assert schema.effect(record, "web", NOW).fields["city"][2] == "Oslo"


def test_assertions_keep_values_out():
    """A value that fails is ignored for its mapping, and the next mapping may have a better one."""
    schema = CompiledSchema(
        read_schema(
            """
ranks: [user_id]
fields:
  user_id: {is_identifier: true}
  code: {assertions: {format: alphanumeric, length: {min: 2, max: 4}, filter: [none]}}
mappings:
  - {field: user_id, expr: user_id}
  - {field: code, expr: code}
  - {field: code, expr: fallback}
"""
        )
    )
    for value, reason in [
        ("none", "a filtered value"),
        ("a-b", "not of format alphanumeric"),
        ("abcde", "not 2 to 4 characters long"),
    ]:
        found = schema.effect({"user_id": "u", "code": value, "fallback": "ok"}, "s", NOW)
        assert found.fields["code"][2] == "ok"
        assert drops(found) == [("refused value", "code", reason, value)]


def test_drops_are_counted_by_kind_field_and_reason():
    """One example of each, and the same counts in any order and grouping."""
    effects = [effect(id=f"m-{number}", traits_age=f"x{number}", anonymous_id="null") for number in (2, 1)]
    effects.append(effect(id="m-3", user_id=None))
    counts = count_drops(effects)
    assert counts == {
        DropKey("refused value", "age", "not a number"): DropCount(2, "m-1", "x1"),
        DropKey("blocked", "anonymous_id", "word"): DropCount(2, "m-1", "null"),
        DropKey("event", "", NOBODY): DropCount(1, "m-3", ""),
    }
    assert merge_drop_counts(count_drops(effects[2:]), count_drops(effects[:2])) == counts


JSON = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.lists(st.text(), max_size=3)
    | st.just({})
)
KEYS = st.sampled_from(
    [
        "user_id",
        "anonymous_id",
        "traits_email",
        "email",
        "timestamp",
        "_ts",
        "event",
        "type",
        "context_page_url",
        "traits_age",
    ]
) | st.text(max_size=5)


@given(st.dictionaries(KEYS, JSON, max_size=12))
def test_no_record_makes_an_effect_fail(record):
    """Whatever is sent, there is an effect, the same one each time."""
    assert DEFAULT.effect(record, "s", NOW, "m") == DEFAULT.effect(record, "s", NOW, "m")
