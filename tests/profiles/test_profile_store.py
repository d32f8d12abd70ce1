"""Profiles in the database are what the pure rules say, whatever order, grouping and repetition the effects come in."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profile_evidence import Gathered
from stored_profiles import Stored

from headwater.database import migrations
from headwater.expressions import to_stored
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.documents import profile_document
from headwater.profiles.merging import canonical_bytes
from headwater.profiles.schema_file import read_schema

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = 86_400_000
SCHEMA = CompiledSchema(
    read_schema("""
ranks: [user_id, email, cookie]
event_time: [ts]
message_id: [id]
identifiers:
  user_id: {unique: true}
  email: {form: email, limit: 2}
  cookie: {limit: 3, shared: nobody, alarm: 2}
fields:
  user_id: {is_identifier: true}
  email: {is_identifier: true}
  cookie: {is_identifier: true, type: "[]string"}
  city: {}
  spent: {type: number, mergeop: sum}
  last_spent: {type: date, mergeop: max}
  by_city: {type: "map[string]number"}
mappings:
  - {field: user_id, expr: user_id}
  - {field: email, expr: email}
  - {field: cookie, expr: cookie}
  - {field: city, expr: city}
  - {field: spent, expr: spent}
  - {field: last_spent, expr: now(), guard_expr: EXISTS spent}
  - {field: by_city, expr: 'map(city, spent)'}
aliases:
  - {field: cookie, expr: previous_id}
""")
)


def effect(number, **record):
    """The effect of message `number`, `ts` days after the begin of 2026."""
    record["ts"] = 1_767_225_600_000 + int(record.get("ts", number) * DAY)
    return SCHEMA.effect({"id": f"m{number}", **record}, "web", NOW)


@pytest.fixture
async def stored(database_url):
    await migrations.migrate(database_url)
    opened = await Stored.create(database_url, SCHEMA)
    yield opened
    await opened.connection.close()


def expected(effects, secret):
    """The profiles that the pure rules make, as they are stored."""
    gathered = Gathered(SCHEMA, effects)
    return {profile.id: canonical_bytes(to_stored(profile_document(profile))) for profile in gathered.profiles(secret)}


async def test_a_login_joins_what_was_anonymous(stored):
    """Two identifiers become one profile with the whole history, and the old id leads to it."""
    await stored.apply(effect(1, cookie="c", city="Oslo"))
    (before,) = await stored.documents()
    await stored.apply(effect(2, cookie="c", user_id="u", spent=5))
    rows = await stored.rows("SELECT type, encode(profile_id, 'hex') AS profile FROM {g}.identifiers")
    assert {row["type"]: row["profile"] for row in rows} == {"cookie": before, "user_id": before}
    (fields,) = [row["fields"] for row in await stored.rows("SELECT fields FROM {g}.profiles")]
    assert (fields["city"], fields["spent"], fields["_num_events"]) == ("Oslo", 5, 2)


async def test_a_message_counts_once(stored):
    """In one batch, in the next, and under another sequence."""
    first = effect(1, user_id="u", spent=5)
    assert (await stored.apply(first, first)).applied == 1
    assert (await stored.apply(first, effect(2, user_id="u", spent=2))).repeated == 1
    (row,) = await stored.rows("SELECT fields->'spent' AS spent FROM {g}.profiles")
    assert row["spent"] == 7


async def test_a_till_stays_as_cheap_as_any_other_identifier(stored):
    """Six hundred customers at one till: nobody's component grows, the till's least of all, and each keeps the link as a conflict."""
    for start in range(0, 600, 100):
        await stored.apply(*(effect(n, user_id=f"u{n}", cookie="till", ts=n / 100) for n in range(start, start + 100)))
    (largest,) = await stored.rows("SELECT max(length(body)) AS bytes FROM {g}.components")
    assert largest["bytes"] < 400
    (till,) = await stored.rows("SELECT fields, health FROM {g}.profiles WHERE fields->'cookie' = '[\"till\"]'")
    assert (till["health"], till["fields"]["_num_aliases"]) == ("quarantined", 1)
    (customers,) = await stored.rows(
        "SELECT count(*) FROM {g}.profiles WHERE fields->'_conflicts' = '[\"cookie:till\"]' AND health = 'watched'"
    )
    (borders,) = await stored.rows("SELECT count(*) FROM {g}.borders")
    assert customers["count"] == 600
    assert borders["count"] == 600


async def test_a_profile_that_others_moved_names_its_component(stored):
    """Two components become one by an event that touches one profile of the smaller; the row of its other one follows."""
    await stored.apply(effect(1, user_id="u", cookie="c"), effect(2, user_id="v", cookie="c"))
    await stored.apply(
        effect(3, user_id="w", email="w@shop.io"), *(effect(n, user_id="w", cookie=f"{n}") for n in (4, 5))
    )
    await stored.apply(effect(6, user_id="v", cookie="4"))
    stale = await stored.rows(
        "SELECT p.fields FROM {g}.profiles p JOIN {g}.identifiers i ON i.id = p.id WHERE i.component <> p.component"
    )
    assert stale == []
    (components,) = await stored.rows("SELECT count(*) FROM {g}.components")
    assert components["count"] == 1


RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "user_id": st.sampled_from(["u1", "u2", "u3", "u4"]),
        "email": st.sampled_from(["a@x.io", "b@x.io"]),
        "cookie": st.sampled_from(["c1", "c2", "c3"]),
        "previous_id": st.sampled_from(["c1", "c3"]),
        "city": st.sampled_from(["Oslo", "Rome"]),
        "spent": st.integers(1, 9),
        "ts": st.integers(0, 20),
    },
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), records=st.lists(RECORDS, max_size=14))
async def test_the_store_says_what_the_rules_say(database_url, data, records):
    """Any order, any grouping into batches and any repetition give the profiles that the pure functions give."""
    await migrations.migrate(database_url)
    effects = [effect(number, **record) for number, record in enumerate(records)]
    stored = await Stored.create(database_url, SCHEMA)
    try:
        arriving = data.draw(
            st.permutations(effects + data.draw(st.lists(st.sampled_from(effects or [effect(0)]), max_size=4)))
        )
        while arriving:
            size = data.draw(st.integers(1, len(arriving)))
            await stored.apply(*arriving[:size])
            arriving = arriving[size:]
        taken = effects if effects or not await stored.rows("SELECT 1 FROM {g}.messages") else [effect(0)]
        assert await stored.documents() == expected(taken, stored.secret)
    finally:
        await stored.connection.close()


class Witness:
    """An observer that compares what it is told with what it was told last."""

    def __init__(self):
        self.profiles = {}

    async def observe(self, connection, generation, deltas, now):
        for delta in deltas:
            for each in delta.before_ids:
                assert each in self.profiles, "a profile was there that nobody told of"
            known = self.profiles.get(delta.id) or next(map(self.profiles.get, delta.before_ids), None)
            assert (None if delta.before is None else dict(delta.before)) == known
            names = (known or {}).keys() | (delta.after or {}).keys()
            differing = {name for name in names if (known or {}).get(name) != (delta.after or {}).get(name)}
            assert differing <= delta.changed
        for delta in deltas:
            for each in delta.before_ids:
                self.profiles.pop(each, None)
        self.profiles |= {delta.id: delta.after for delta in deltas if delta.after is not None}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(RECORDS, max_size=12), size=st.integers(1, 4))
async def test_observers_are_told_what_was_and_what_is(database_url, records, size):
    """Each delta begins where the last one about its profile ended, and names every field that differs."""
    await migrations.migrate(database_url)
    witness = Witness()
    stored = await Stored.create(database_url, SCHEMA, [witness])
    try:
        effects = [effect(number, **record) for number, record in enumerate(records)]
        for start in range(0, len(effects), size):
            await stored.apply(*effects[start : start + size])
        rows = await stored.rows("SELECT id, fields FROM {g}.profiles")
        told = {each: to_stored(dict(fields)) for each, fields in witness.profiles.items()}
        assert {row["id"]: row["fields"] for row in rows} == told
    finally:
        await stored.connection.close()
