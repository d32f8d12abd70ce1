"""Who enters and who leaves, when, why, and who is told, in the builder's own transactions."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.errors import InputError


async def test_a_person_enters_and_leaves(people):
    """Membership follows the profile, each change is announced once with its reason."""
    await people.create('FILTER AND (visits >= 2, city == "Rome")', "romans")
    await people.do({"user_id": "ada", "city": "Rome"})
    assert await people.members("romans") == set()
    await people.do({"user_id": "ada"})
    assert await people.members("romans") == {"ada"}
    await people.do({"user_id": "ada", "city": "Oslo"})
    assert await people.members("romans") == set()
    assert await people.events() == [("Entered", "romans", "ada"), ("Exited", "romans", "ada")]
    assert await people.history("ada") == [(True, "profile", "visits >= 2"), (False, "profile", 'city == "Rome"')]


async def test_an_event_says_who_and_why(people):
    """The announced event carries identifiers, chosen fields and the clause with the value that it saw."""
    await people.create("FILTER visits >= 1", "visitors", event_fields=("city", "last_visit", "nothing"))
    await people.do({"user_id": "ada", "email": "ada@example.com", "cookie": "c1", "city": "Rome"})
    (event,) = await people.announced()
    assert event["type"] == "track"
    assert event["event"] == "Audience Entered"
    assert event["userId"] == "ada"
    assert event["context"] == {"traits": {"email": "ada@example.com"}}
    properties = event["properties"]
    assert properties["identifiers"] == {"user_id": "ada", "email": "ada@example.com", "cookie": ["c1"]}
    assert properties["fields"] == {"city": "Rome", "last_visit": "2026-11-01T00:00:00Z"}
    assert properties["reason"] == {"cause": "profile", "clause": "visits >= 1", "value": 1}
    assert properties["profile_id"] == (await people.profile_id("ada")).hex()


async def test_time_alone_ends_a_membership(people):
    """A window closes at its second: not before, and by nothing but the clock."""
    await people.create('FILTER last_visit > "now-7d"', "lately")
    await people.do({"user_id": "ada"})
    people.later(days=6)
    await people.do({"user_id": "bob"})
    people.later(days=1, seconds=-1)
    assert await people.flip() == 0
    assert await people.members("lately") == {"ada", "bob"}
    people.later(seconds=1)
    assert await people.flip() == 1
    assert await people.members("lately") == {"bob"}
    assert await people.history("ada") == [
        (True, "profile", 'last_visit > "now-7d"'),
        (False, "time", 'last_visit > "now-7d"'),
    ]


async def test_a_visit_in_time_keeps_a_membership(people):
    """The window moves on with each visit; the old moment passes without effect."""
    await people.create('FILTER last_visit > "now-7d"', "lately")
    await people.do({"user_id": "ada"})
    people.later(days=5)
    await people.do({"user_id": "ada"})
    people.later(days=3)
    await people.flip()
    assert await people.members("lately") == {"ada"}
    people.later(days=4)
    await people.flip()
    assert await people.members("lately") == set()
    assert len(await people.events()) == 2


async def test_joined_profiles_keep_what_they_were_in(people):
    """Who was in it before and is in it after two profiles became one neither leaves nor enters."""
    await people.create("FILTER visits >= 1", "visitors")
    await people.create("FILTER visits >= 2", "regulars")
    await people.create("FILTER NOT EXISTS user_id", "anonymous")
    await people.do({"cookie": "c1"}, {"user_id": "ada"})
    await people.do({"user_id": "ada", "cookie": "c1", "ago": -60})
    assert await people.members("visitors") == {"ada"}
    assert await people.members("regulars") == {"ada"}
    assert await people.members("anonymous") == set()
    events = await people.events()
    assert sorted(events[:3]) == [
        ("Entered", "anonymous", "c1"),
        ("Entered", "visitors", "ada"),
        ("Entered", "visitors", "c1"),
    ]
    assert sorted(events[3:]) == [("Entered", "regulars", "ada"), ("Exited", "anonymous", "ada")]
    assert await people.sizes() == {"visitors": 1, "regulars": 1, "anonymous": 0}
    rows = await people.stored.rows("SELECT DISTINCT profile_id FROM {g}.transitions")
    assert [bytes(row["profile_id"]) for row in rows] == [await people.profile_id("ada")]


async def test_sizes_are_exact_before_and_after_adding_up(people):
    """Sizes count what is written down, added up or not."""
    await people.create("FILTER visits >= 1", "visitors")
    await people.do(*({"user_id": f"u{count}"} for count in range(7)))
    assert await people.sizes() == {"visitors": 7}
    await people.add_up()
    await people.do({"user_id": "one more"})
    assert await people.sizes() == {"visitors": 8}


async def test_a_new_audience_is_filled_quietly(people):
    """Those who are in it from the start are members without an event; who enters later is announced."""
    await people.do({"user_id": "ada"}, {"user_id": "bob"})
    await people.create("FILTER visits >= 1", "visitors")
    await people.create("FILTER visits >= 2", "regulars")
    await people.do({"user_id": "bob"})
    await people.fill()
    assert await people.members("visitors") == {"ada", "bob"}
    assert await people.events() == [("Entered", "regulars", "bob")]
    assert await people.history("ada") == [(True, "audience", "")]
    assert await people.sizes() == {"visitors": 2, "regulars": 1}


async def test_a_new_audience_can_be_filled_with_events(people):
    """If asked for, everybody who is in it from the start is announced, once."""
    await people.do({"user_id": "ada"}, {"user_id": "bob"})
    await people.create("FILTER visits >= 1", "visitors", with_events=True)
    await people.do({"user_id": "bob"})
    await people.fill()
    assert sorted(await people.events()) == [("Entered", "visitors", "ada"), ("Entered", "visitors", "bob")]


async def test_a_changed_filter_moves_those_who_include_it_as_well(people):
    """After a change of the text all members are those of the new text, of including audiences too."""
    romans = await people.create('FILTER city == "Rome"', "romans")
    await people.create("FILTER NOT INCLUDE romans", "others")
    await people.do({"user_id": "ada", "city": "Rome"}, {"user_id": "bob", "city": "Oslo"})
    assert await people.members("others") == {"bob"}
    await people.update(romans, segment_ql='FILTER city == "Oslo"')
    await people.fill()
    assert await people.members("romans") == {"bob"}
    assert await people.members("others") == {"ada"}
    assert len(await people.events()) == 2


async def test_a_deleted_audience_leaves_nothing(people):
    """Memberships of a deleted audience go silently; its number is not used again."""
    visitors = await people.create("FILTER visits >= 1", "visitors")
    await people.do({"user_id": "ada"})
    await people.delete(visitors)
    await people.fill()
    rows = await people.stored.rows("SELECT audiences FROM {g}.memberships")
    assert [row["audiences"] for row in rows] == []
    again = await people.create("FILTER visits >= 1", "visitors")
    assert again.number != visitors.number
    assert await people.sizes() == {"visitors": 0}


async def test_an_audience_that_others_include_stays(people):
    """Deleting or renaming it would change others behind their backs."""
    romans = await people.create('FILTER city == "Rome"', "romans")
    await people.create("FILTER INCLUDE romans", "users")
    for attempt in (people.delete(romans), people.update(romans, slug="latins")):
        with pytest.raises(InputError) as refused:
            await attempt
        assert refused.value.code == "conflict"
    with pytest.raises(InputError, match="includes itself"):
        await people.update(romans, segment_ql="FILTER INCLUDE users")


@pytest.mark.parametrize(
    "draft",
    [
        {"segment_ql": "FILTER visits >"},
        {"segment_ql": "FILTER nofunction(visits)"},
        {"segment_ql": "FILTER INCLUDE nowhere"},
        {"segment_ql": "FILTER OR (" + ", ".join(f"visits == {n}" for n in range(1_001)) + ")"},
        {"segment_ql": "FILTER " + "(" * 10_000 + "visits" + ")" * 10_000},
        {"segment_ql": f'FILTER city == "{"x" * 100_000}"'},
        {"segment_ql": "FILTER * FROM content"},
        {"segment_ql": "FILTER *", "slug": "No Slug"},
        {"segment_ql": "FILTER *", "kind": "sgement"},
    ],
)
async def test_what_must_not_be_saved_is_refused(people, draft: dict[str, Any]):
    """Hostile and mistaken filters are refused with an input error, at once."""
    values = {"slug": "a", **draft}
    with pytest.raises(InputError):
        await people.create(values.pop("segment_ql"), **values)
