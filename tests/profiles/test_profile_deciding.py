"""People decide who is who: preview, decision, undo; and what reading shows of it."""

import asyncpg
import pytest
from stored_profiles import Stored
from test_profile_store import SCHEMA, effect

from headwater.database import migrations
from headwater.database.pool import open_connection, open_pool
from headwater.errors import InputError
from headwater.profiles.deciding import IdentityDesk
from headwater.profiles.identifiers import Identifier
from headwater.profiles.reading import ProfileReader
from headwater.profiles.store import generations
from headwater.profiles.timeline import Timeline

USER, COOKIE = Identifier("user_id", "u"), Identifier("cookie", "c")


@pytest.fixture
async def stored(database_url):
    await migrations.migrate(database_url)
    opened = await Stored.create(database_url, SCHEMA)
    await generations.make_live(opened.connection, opened.generation.number)
    opened.pool = await open_pool(database_url)
    opened.desk, opened.reader = IdentityDesk(opened.pool), ProfileReader(opened.pool)
    yield opened
    await opened.pool.close()
    await opened.connection.close()


async def test_merge_then_unmerge_gives_what_was(stored):
    """Byte for byte: what a person joined comes apart as if it had never been one."""
    await stored.apply(effect(1, cookie="c", city="Oslo", spent=3), effect(2, user_id="u", city="Rome"))
    apart = await stored.documents()
    joined = await stored.desk.allow("tester", USER, COOKIE)
    assert len(await stored.documents()) == 1
    await stored.desk.undo("tester", [each.id for each in joined.decisions])
    assert await stored.documents() == apart


async def test_unmerge_is_as_if_it_had_been_decided_before(stored):
    """A generation that never joined the two says the same, and no later event brings them together; undo does."""
    events = [effect(1, cookie="c", city="Oslo"), effect(2, user_id="u", cookie="c", spent=2)]
    await stored.apply(*events)
    outcome = await stored.desk.unmerge("tester", [COOKIE])
    other = await Stored.create(stored.url, SCHEMA)
    await other.apply(*events)
    assert len(await stored.documents()) == 2
    await stored.apply(late := effect(3, user_id="u", cookie="c", ts=4))
    await other.apply(late)
    assert await stored.documents() == await other.documents()
    await stored.desk.undo("tester", [each.id for each in outcome.decisions])
    assert len(await stored.documents()) == 1
    await other.connection.close()


async def test_a_preview_changes_nothing(stored):
    """It says what would be there, and leaves profiles, decisions and the audit log as they are."""
    await stored.apply(effect(1, cookie="c", user_id="u"))
    before = await stored.documents()
    outcome = await stored.desk.keep_apart("tester", USER, COOKIE, preview=True)
    assert (len(outcome.before), len(outcome.after)) == (1, 2)
    assert await stored.documents() == before
    assert await stored.connection.fetchval("SELECT count(*) FROM identity_decisions") == 0
    assert await stored.connection.fetchval("SELECT count(*) FROM audit_log") == 0


async def test_what_a_person_allowed_joins_without_any_event(stored):
    """Decided before one of the two was ever seen, and after."""
    await stored.desk.allow("tester", USER, Identifier("user_id", "v"))
    await stored.apply(effect(1, user_id="u"))
    await stored.apply(effect(2, user_id="v"))
    await stored.apply(effect(3, user_id="w"))
    assert len(await stored.documents()) == 2
    await stored.desk.allow("tester", USER, Identifier("user_id", "w"))
    assert len(await stored.documents()) == 1


async def test_an_alarm_comes_and_a_person_ends_it(stored):
    """A till splits from its customers when there are too many, keeps nobody together, and joins again what a person allows."""
    for number in range(3):
        await stored.apply(effect(number, user_id=f"u{number}", cookie="c", email="a@x.io"))
    rows = await stored.rows("SELECT type, component FROM {g}.identifiers WHERE type = 'cookie' OR value = 'u1'")
    assert len({row["component"] for row in rows}) == 2
    till = await stored.reader.by_identifier("cookie", "c")
    assert (till.health, till.reasons) == ("quarantined", ("seen with too many people in a short time",))
    await stored.desk.allow("tester", COOKIE, Identifier("user_id", "u1"))
    joined = await stored.reader.by_identifier("cookie", "c")
    assert joined.fields["user_id"] == "u1"
    assert len({row["component"] for row in await stored.rows("SELECT component FROM {g}.identifiers")}) == 1


async def test_a_blocked_value_leaves_its_profile(stored):
    """Its conflict is settled, and undo brings it back."""
    await stored.apply(effect(1, user_id="u", email="a@x.io", spent=3))
    whole = await stored.documents()
    outcome = await stored.desk.block("tester", Identifier("email", "a@x.io"), note="a shared mailbox")
    assert len(await stored.documents()) == 2
    (entry,) = await stored.connection.fetch("SELECT actor, action FROM audit_log")
    assert tuple(entry) == ("tester", "identity decided")
    await stored.desk.undo("tester", [outcome.decisions[0].id])
    assert await stored.documents() == whole


async def test_what_cannot_be_decided_is_refused(stored):
    """Everything of a profile, somebody unknown, one and the same, what is not in force."""
    await stored.apply(effect(1, user_id="u"))
    for attempt in (
        stored.desk.unmerge("t", [USER]),
        stored.desk.unmerge("t", [COOKIE]),
        stored.desk.allow("t", USER, USER),
        stored.desk.undo("t", [1]),
    ):
        with pytest.raises(InputError):
            await attempt


async def test_any_spelling_and_any_old_id_lead_to_the_profile(stored):
    """An address in capitals, and the id that a fragment had alone."""
    await stored.apply(effect(1, user_id="u"))
    (alone,) = await stored.documents()
    await stored.apply(effect(2, email="A@x.io", user_id="u", ts=0, spent=2))
    found = await stored.reader.by_identifier("email", "a@X.IO ")
    assert found.fields["spent"] == 2
    assert (await stored.reader.by_id(alone)).id == found.id
    assert await stored.reader.by_identifier("email", "b@x.io") is None
    assert await stored.reader.by_id("nonsense") is None
    assert [each.value for each in await stored.reader.identifiers(alone)] == ["u", "a@x.io"]
    assert [each.value for each in await stored.reader.search("a@")] == ["a@x.io"]


async def test_explain_names_links_conflicts_and_decisions(stored):
    """Which event linked what, what does not hold and why, what people decided, which value counts."""
    await stored.apply(effect(1, user_id="u", cookie="c", city="Oslo"), effect(2, user_id="v", cookie="c"))
    await stored.desk.keep_apart("tester", USER, COOKIE)
    found = await stored.reader.by_identifier("user_id", "u")
    told = await stored.reader.explain(found.id)
    assert [(each.state, each.seen.message_id) for each in told.explanation.conflicts] == [("kept apart", "m1")]
    assert [each.decision.kind for each in told.decisions] == ["kept apart"]
    assert [each.name for each in told.explanation.fields] == ["city"]
    assert told.lytics["entity"]["city"] == "Oslo"


async def test_the_timeline_has_the_newest_first_and_goes_on(stored):
    """By event time, over all fragments of the profile, page by page."""
    await stored.apply(*(effect(number, user_id="u" if number % 2 else None, cookie="c") for number in range(7)))
    (profile,) = await stored.documents()
    timeline = Timeline(stored.pool)
    seen, older = [], ""
    while True:
        page = await timeline.page(profile, older=older, limit=3)
        seen += [entry.sequence for entry in page.entries]
        older = page.older
        if not older:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_stats_count_what_is_there(stored):
    """Profiles, identifiers by type, messages, health, and what was dropped."""
    await stored.apply(effect(1, user_id="u", cookie="c"), effect(2, email="nobody"), effect(3, user_id="null"))
    stats = await stored.reader.stats()
    assert (stats.profiles, stats.identifiers, stats.messages) == (1, {"cookie": 1, "user_id": 1}, 3)
    assert {(each.field, each.reason) for each in stats.drops} >= {
        ("email", "not an e-mail address"),
        ("user_id", "word"),
    }


async def test_the_audit_log_names_no_identifiers(stored):
    """An entry has kind, types and the number of the decision, under which the words are found as long as they are there."""
    decided = await stored.desk.keep_apart("tester", USER, COOKIE, note="u borrowed it")
    await stored.desk.block("tester", COOKIE)
    rows = await stored.connection.fetch("SELECT subject, after FROM audit_log ORDER BY id")
    number = decided.decisions[0].id
    assert [tuple(row) for row in rows] == [
        (f"identity decision {number}", {"kind": "kept apart", "left": "user_id", "right": "cookie"}),
        (f"identity decision {number + 1}", {"kind": "value blocked", "left": "cookie", "right": None}),
    ]


async def test_audit_entries_of_older_versions_lose_their_words(database_url):
    """Rows of before, which had the decision whole, read like those of now; other rows are as they were, and rows still never change."""
    known = migrations.load()
    await migrations.migrate(database_url, [each for each in known if each.number < 60])
    database = await open_connection(database_url)
    whole = {"kind": "kept apart", "left": ["cookie", "c"], "right": ["user_id", "u"], "by": "x", "at": 1, "note": "u"}
    blocked = {"kind": "value blocked", "left": ["cookie", "c"], "right": None, "by": "x", "at": 1, "note": ""}
    for action, after in (("identity decided", whole), ("identity decision taken back", blocked), ("another", whole)):
        await database.execute(
            "INSERT INTO audit_log (actor, action, subject, after) VALUES ('x', $1, 's', $2)", action, after
        )
    await migrations.migrate(database_url)
    assert [row["after"] for row in await database.fetch("SELECT after FROM audit_log ORDER BY id")] == [
        {"kind": "kept apart", "left": "cookie", "right": "user_id"},
        {"kind": "value blocked", "left": "cookie", "right": None},
        whole,
    ]
    with pytest.raises(asyncpg.RaiseError, match="never change"):
        await database.execute("UPDATE audit_log SET actor = 'y'")
    await database.close()
