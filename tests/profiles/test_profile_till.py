"""A value that very many people share: it joins nobody, costs no more than any other, and says whom it was seen with."""

import time
from datetime import UTC, datetime

import pytest
from stored_profiles import Stored
from test_profile_store import SCHEMA, effect

from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.profiles.deciding import IdentityDesk
from headwater.profiles.identifiers import Identifier
from headwater.profiles.neighbours import NEIGHBOURS_SHOWN
from headwater.profiles.reading import ProfileReader
from headwater.profiles.store import generations

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TILL = Identifier("cookie", "till")


@pytest.fixture
async def stored(database_url):
    await migrations.migrate(database_url)
    opened = await Stored.create(database_url, SCHEMA)
    await generations.make_live(opened.connection, opened.generation.number)
    opened.pool = await open_pool(database_url)
    yield opened
    await opened.pool.close()
    await opened.connection.close()


async def serve(stored, customers):
    """Customers at the till, one event each; the seconds that a batch of them took."""
    begun = time.perf_counter()
    await stored.apply(*(effect(n, user_id=f"u{n}", cookie="till", ts=n / 1000) for n in customers))
    return time.perf_counter() - begun


async def explanation(stored, identifier):
    reader = ProfileReader(stored.pool)
    found = await reader.by_identifier(*identifier)
    return await reader.explain(found.id)


async def test_a_value_under_the_alarm_shows_whom_it_was_seen_with(stored):
    """Its conflicts are those of its neighbours: both profiles, the rule, and the event that showed the link."""
    await serve(stored, range(4))
    told = await explanation(stored, TILL)
    conflicts = told.explanation.conflicts
    assert [each.pair for each in conflicts] == [(TILL, Identifier("user_id", f"u{n}")) for n in range(4)]
    assert {(each.rule, each.state, each.left) for each in conflicts} == {("degree alarm", "open", TILL)}
    assert [(each.right.value, each.seen.message_id) for each in conflicts] == [(f"u{n}", f"m{n}") for n in range(4)]
    assert told.explanation.further_conflicts == 0
    assert {each["meta"].get("conflicts_with") for each in told.lytics["fragments"]} == {None, "cookie:till"}
    (other,) = (await explanation(stored, Identifier("user_id", "u1"))).explanation.conflicts
    assert other == conflicts[1]


async def test_of_very_many_some_are_shown_and_the_others_counted(stored):
    """Reading stays bounded however many shared the value."""
    await serve(stored, range(NEIGHBOURS_SHOWN + 7))
    told = (await explanation(stored, TILL)).explanation
    assert (len(told.conflicts), told.further_conflicts) == (NEIGHBOURS_SHOWN, 7)


async def test_two_values_under_the_alarm_show_each_other(stored):
    """One of the two keeps the link; both list it, the other one by the list of its neighbours."""
    other = Identifier("cookie", "other till")
    await serve(stored, range(3))
    await stored.apply(*(effect(n, user_id=f"u{n}", cookie=other.value, ts=0.1) for n in range(10, 13)))
    await stored.apply(effect(20, cookie="till", previous_id=other.value))
    for one in (TILL, other):
        pairs = [each.pair for each in (await explanation(stored, one)).explanation.conflicts]
        assert (other, TILL) in pairs, one
        assert len(pairs) == 4


async def test_a_blocked_till_says_that_a_person_blocked_it(stored):
    """The reason is the person's word, as it is for its neighbours."""
    await serve(stored, range(3))
    await IdentityDesk(stored.pool).block("tester", TILL)
    conflicts = (await explanation(stored, TILL)).explanation.conflicts
    assert {(each.rule, each.state) for each in conflicts} == {("value blocked", "value blocked")}


async def timed(stored, kind, people):
    """One event of each of a hundred people: of the large till, of a small one, or who were at none. The seconds that it took."""
    cookie = {"large": "till", "small": "small till"}
    events = [
        effect(number, user_id=f"{kind} {number}", cookie=cookie.get(kind, f"own {number}"), ts=number / 1000)
        for number in people
    ]
    begun = time.perf_counter()
    await stored.apply(*events)
    return time.perf_counter() - begun


@pytest.mark.slow
async def test_ten_thousand_customers_of_a_till_cost_what_a_hundred_do(stored):
    """At the ten-thousandth customer of one till an event takes at most twice the time that it takes at the hundredth of another,
    and so does that of a stranger; nobody is joined; the till's own events go to nobody.

    The three take turns, so that whatever else the machine does strikes all of them; times are the shortest of five.
    """
    for people in hundreds(0, 9_500):
        await timed(stored, "large", people)
    await timed(stored, "small", range(10_000, 10_100))
    taken = {"large": [], "small": [], "stranger": []}
    for turn in hundreds(9_500, 10_000):
        for place, (kind, times) in enumerate(taken.items()):
            times.append(await timed(stored, kind, range(turn.start + 1000 * place, turn.stop + 1000 * place)))
    each = {kind: min(times) / len(turn) * 1e3 for kind, times in taken.items()}
    await stored.apply(effect(99_999, cookie="till", city="Oslo"))
    assert max(each["large"], each["stranger"]) <= 2 * each["small"], f"milliseconds an event: {each}"
    customers = (
        "SELECT count(*) FROM {g}.profiles WHERE fields->>'user_id' LIKE 'large %' AND fields->'_num_aliases' = '1'"
    )
    assert [row["count"] for row in await stored.rows(customers)] == [10_000]
    begun = time.perf_counter()
    told = (await explanation(stored, TILL)).explanation
    assert time.perf_counter() - begun < 1
    assert (len(told.conflicts), told.further_conflicts) == (NEIGHBOURS_SHOWN, 10_000 - NEIGHBOURS_SHOWN)
    assert [field.candidates[0].value for field in told.fields if field.name == "city"] == ["Oslo"]


def hundreds(first, last):
    """People, a hundred at a time."""
    return [range(start, start + 100) for start in range(first, last, 100)]
