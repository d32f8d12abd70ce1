"""Deletion of persons."""

from typing import Any
from uuid import uuid4

import pytest
from stored_profiles import Stored
from test_profile_store import SCHEMA, effect

from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.errors import InputError
from headwater.profiles.deciding import IdentityDesk
from headwater.profiles.drop_counts import DropKey
from headwater.profiles.erasure.desk import ErasureDesk
from headwater.profiles.erasure.past import DELETED
from headwater.profiles.identifiers import Identifier
from headwater.profiles.reading import ProfileReader
from headwater.profiles.store import generations

USER, MAIL, COOKIE = Identifier("user_id", "u"), Identifier("email", "ann@shop.io"), Identifier("cookie", "c")


class Watching:
    """Notes what observers are told."""

    def __init__(self):
        self.gone = []

    async def observe(self, connection: Any, generation: int, deltas: Any, now: Any) -> None:
        self.gone += [(delta.id.hex(), delta.before.get("city")) for delta in deltas if delta.after is None]


@pytest.fixture
async def stored(database_url):
    await migrations.migrate(database_url)
    opened = await Stored.create(database_url, SCHEMA)
    await generations.make_live(opened.connection, opened.generation.number)
    opened.pool, opened.watching, opened.last = await open_pool(database_url), Watching(), 100

    async def last_sequence():
        return opened.last

    opened.desk = ErasureDesk(opened.pool, last_sequence, [opened.watching])
    yield opened
    await opened.pool.close()
    await opened.connection.close()


async def everything(stored):
    """All rows of all tables as one text, apart from what a deletion looks for until it is complete."""
    names = await stored.rows(
        "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables "
        "WHERE table_schema IN ('public', $1) AND table_type = 'BASE TABLE' AND table_name <> 'erasure_traces'",
        stored.generation.namespace,
    )
    texts = [await stored.rows("TABLE " + row["name"]) for row in names]
    return repr([[dict(row) for row in rows] for rows in texts])


async def test_nothing_of_a_person_is_left_in_the_database(stored):
    """No table holds an identifier or a value of the deleted profile; its records are to be forgotten; others stay as they were."""
    await stored.apply(effect(9, user_id="other", city="Rome"))
    others = await stored.documents()
    await stored.apply(
        effect(1, user_id="u", email="ann@shop.io", city="Oslo", spent=7),
        effect(2, cookie="c", user_id="u"),
        effect(3, user_id="u", spent="ann@shop.io!"),
    )
    await IdentityDesk(stored.pool).keep_apart("tester", MAIL, Identifier("email", "bob@shop.io"))
    assert "ann@shop.io" in await everything(stored)
    profile = await ProfileReader(stored.pool).by_identifier("cookie", "c")
    erasure = await stored.desk.erase("tester", COOKIE)
    left = await everything(stored)
    assert [text for text in ("ann@shop.io", "Oslo", "'u'") if text in left] == []
    assert await stored.documents() == others
    assert stored.watching.gone == [(profile.id, "Oslo")]
    forgotten = await stored.connection.fetch("SELECT sequence FROM archive_forgotten ORDER BY 1")
    assert [row["sequence"] for row in forgotten] == [2, 3, 4]
    assert erasure.complete is False


async def test_the_status_of_no_deletion_is_refused(stored):
    """Whoever asks learns that the number is wrong, not that nothing is left."""
    with pytest.raises(InputError, match="there is no deletion"):
        await stored.desk.status(uuid4())


async def test_a_repeated_delivery_brings_nothing_back_and_a_new_event_begins_anew(stored):
    """Messages stay counted; what comes in after the deletion is a new person."""
    await stored.apply(effect(1, user_id="u", city="Oslo"))
    stored.last = 1
    await stored.desk.erase("tester", USER)
    await stored.apply(effect(1, user_id="u", city="Oslo"))
    assert await stored.documents() == {}
    await stored.apply(effect(2, user_id="u", spent=1))
    found = await ProfileReader(stored.pool).by_identifier("user_id", "u")
    assert (found.fields["_num_events"], found.fields.get("city")) == (1, None)


async def test_what_was_on_its_way_is_passed_over_and_forgotten(stored):
    """Records up to the last one at the time of the request count as the past, also in a generation that is built later."""
    await stored.apply(effect(1, user_id="u"))
    stored.last = 3
    await stored.desk.erase("tester", USER)
    applied = await stored.apply(
        effect(2, user_id="u", city="Oslo"), effect(3, user_id="other"), effect(4, user_id="u")
    )
    assert applied.drops[DropKey("event", "", DELETED)].count == 1
    found = await ProfileReader(stored.pool).by_identifier("user_id", "u")
    assert (found.fields["_num_events"], found.fields.get("city")) == (1, None)
    forgotten = await stored.connection.fetch("SELECT sequence FROM archive_forgotten ORDER BY 1")
    assert [row["sequence"] for row in forgotten] == [1, 2]
    later = await Stored.create(stored.url, SCHEMA)
    past = [effect(number, user_id="u", city="Oslo") for number in (1, 2)]
    await later.apply(*past, effect(3, user_id="other"), effect(4, user_id="u"))
    assert await later.documents() == await stored.documents()
    await later.connection.close()


async def test_without_its_records_a_person_is_only_hidden(stored):
    """Log and archive keep them, and a rebuild does not bring the person back."""
    await stored.apply(effect(1, user_id="u", city="Oslo"))
    await stored.desk.erase("tester", USER, records_too=False)
    assert await stored.connection.fetchval("SELECT count(*) FROM archive_forgotten") == 0
    assert await stored.documents() == {}


async def test_who_shared_a_device_stays(stored):
    """A conflict's other end is another person; it goes only when that is asked for. Who stays has no conflict any more."""
    await stored.apply(
        effect(1, user_id="u", cookie="c"), effect(2, user_id="v", cookie="c"), effect(3, user_id="u", city="Oslo")
    )
    assert len(await stored.documents()) == 3
    await stored.desk.erase("tester", USER)
    reader = ProfileReader(stored.pool)
    assert await reader.by_identifier("user_id", "u") is None
    other = await reader.by_identifier("user_id", "v")
    assert (other.fields["_num_conflicts"], other.fields["cookie"]) == (0, ["c"])
    await stored.apply(effect(4, user_id="w", cookie="c"))
    await stored.desk.erase("tester", Identifier("user_id", "w"), with_conflicts=True)
    assert await stored.documents() == {}


async def test_a_till_is_nobodys_and_stays_known(stored):
    """Deleting a value under the alarm takes what its own events said; its neighbours keep their links."""
    await stored.apply(*(effect(number, user_id=f"u{number}", cookie="c") for number in range(5)))
    await stored.apply(effect(9, cookie="c", city="Oslo"))
    await stored.desk.erase("tester", COOKIE)
    reader = ProfileReader(stored.pool)
    assert await reader.by_identifier("cookie", "c") is None
    assert (await reader.by_identifier("user_id", "u1")).fields["_num_conflicts"] == 1
    await stored.desk.erase("tester", Identifier("user_id", "u1"))
    assert await reader.by_identifier("user_id", "u1") is None
    assert len(await stored.rows("TABLE {g}.borders")) == 4


async def test_somebody_unknown_can_be_deleted(stored):
    """There may be records of theirs on the way: these are passed over."""
    stored.last = 1
    await stored.desk.erase("tester", USER)
    await stored.apply(effect(1, user_id="u"))
    assert await stored.documents() == {}


async def test_the_audit_log_tells_the_deletion_without_the_person(stored):
    """Who asked, how many identifiers and records."""
    await stored.apply(effect(1, user_id="u", email="ann@shop.io"))
    await stored.desk.erase("tester", MAIL)
    row = await stored.connection.fetchrow("SELECT actor, action, after FROM audit_log")
    assert tuple(row) == ("tester", "profile deleted", {"identifiers": 2, "records": 1, "records_too": True})
