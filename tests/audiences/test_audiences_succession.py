"""Profiles were built anew: who is in which audience afterwards, and who is told."""

import asyncio

import pytest
from people import BEGIN, SCHEMA
from stored_profiles import Stored

from headwater.audiences.scheduling import FlipScheduler
from headwater.audiences.succession import AudienceSuccession
from headwater.profiles.store import generations
from headwater.profiles.store.batch import Arrival, Batch


async def built(people, *records):
    """Other profiles, made of these records, that nobody reads yet."""
    other = await Stored.create(people.stored.url, SCHEMA, [])
    at = round(BEGIN.timestamp() * 1000)
    arrivals = [
        Arrival(number, "event", SCHEMA.effect({"id": f"n{number}", "ts": at, **each}, "web", people.now))
        for number, each in enumerate(records)
    ]
    await other.builder.apply(other.connection, Batch(tuple(arrivals)), people.now)
    return other


async def switch(people, other, *, quiet=False):
    """Make them live, in the caller's transaction."""
    await generations.make_live(other.connection, other.generation.number)
    await AudienceSuccession().move(other.connection, people.generation, other.generation.number, quiet=quiet)


async def replace(people, *records, quiet=False):
    """Other profiles take the place of the present ones."""
    other = await built(people, *records)
    async with other.connection.transaction():
        await switch(people, other, quiet=quiet)
    await people.stored.connection.close()
    people.stored = other


@pytest.mark.parametrize("quiet", [False, True])
async def test_differences_are_told_once(people, quiet):
    """Whoever is in and was in notices nothing, the others enter or leave once, or silently where that was asked for."""
    await people.create('FILTER city == "Rome"', "romans")
    await people.fill()
    cities = {"ada": "Rome", "bob": "Rome", "cyd": "Oslo"}
    await people.do(*({"user_id": name, "city": city} for name, city in cities.items()))
    told = await people.events()
    assert told == [("Entered", "romans", "ada"), ("Entered", "romans", "bob")]
    cities = {"ada": "Rome", "bob": "Oslo", "cyd": "Rome"}
    await replace(people, *({"user_id": name, "city": city} for name, city in cities.items()), quiet=quiet)
    assert await people.members("romans") == {"ada", "bob"}
    await people.fill()
    assert await people.members("romans") == {"ada", "cyd"}
    assert await people.sizes() == {"romans": 2}
    assert [each[0] for each in await people.history("ada")] == [True]
    assert [each[0] for each in await people.history("bob")] == [True, False]
    more = [] if quiet else [("Entered", "romans", "cyd"), ("Exited", "romans", "bob")]
    assert sorted((await people.events())[2:]) == more


async def test_profiles_that_were_joined_or_taken_apart_keep_their_audiences(people):
    """Two browsers of one person, and one profile of two people: nobody enters what he was in already."""
    await people.create("FILTER visits >= 1", "visitors")
    await people.fill()
    await people.do({"cookie": "c1"}, {"cookie": "c2"}, {"user_id": "bob", "cookie": "c3"})
    before = await people.events()
    await replace(
        people,
        {"user_id": "ada", "cookie": "c1"},
        {"user_id": "ada", "cookie": "c2"},
        {"user_id": "bob"},
        {"cookie": "c3"},
    )
    await people.fill()
    assert await people.members("visitors") == {"ada", "bob", "c3"}
    assert await people.events() == before


async def test_who_waits_for_the_switch_works_on_what_is_live_then(people):
    """Moments that come while it switches over belong to the new profiles; nobody is told twice."""
    await people.create('FILTER last_visit > "now-7d"', "lately")
    await people.fill()
    await people.do({"user_id": "ada"})
    people.later(days=8)
    other = await built(people, {"user_id": "ada"})
    async with other.connection.transaction():
        await switch(people, other)
        waiting = asyncio.create_task(FlipScheduler(people.pool, clock=people.clock).ask_due())
        await asyncio.sleep(0.3)
        assert not waiting.done()
    assert await waiting == 0
    await people.stored.connection.close()
    people.stored = other
    await people.fill()
    await people.flip()
    assert await people.events() == [("Entered", "lately", "ada"), ("Exited", "lately", "ada")]
