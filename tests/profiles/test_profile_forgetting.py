"""A deletion reaches every store: a real log with its streams, a real archive, and every table are searched for the person."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta

import pytest
from running_profiles import PARTITIONS
from stored_profiles import fragment_text

from headwater import jsontext
from headwater.archive.archiver import Archiver
from headwater.archive.reading import ArchiveReader
from headwater.archive.stores import FolderStore
from headwater.collect.forgetting import RefusalCopies
from headwater.collect.ports import Refusal
from headwater.collect.refusal_log import RefusalStream
from headwater.database.transactions import transaction
from headwater.errors import UnavailableError
from headwater.events import RecordMeta
from headwater.log import reader, streams
from headwater.log.deletion import take_out_where
from headwater.log.records import encode_event, encode_stream_record
from headwater.profiles.deciding import IdentityDesk
from headwater.profiles.erasure.desk import ErasureDesk
from headwater.profiles.erasure.sweeper import Sweeper
from headwater.profiles.identifiers import Identifier
from headwater.profiles.outbox import OutboxRelay
from headwater.profiles.progress import last_sequence
from headwater.profiles.reading import ProfileReader
from headwater.profiles.store import generations
from headwater.routing.attempts import AttemptLog
from headwater.routing.dead_letters import Choice, DeadLetter, DeadLetterStore
from headwater.routing.destination import Exchange
from headwater.routing.forgetting import DeliveryCopies
from headwater.routing.replays import replay_log
from headwater.settings import ArchiveSettings

ANN, ANNS_MAIL = Identifier("user_id", "ann-4711"), Identifier("email", "ann@shop.example")
BOB = Identifier("user_id", "bob-0815")
NOW = "2026-11-23T10:00:00.000Z"


class Town:
    """An install, and everything in it that keeps people's data."""

    def __init__(self, running, store):
        self.running, self.store, self.pool, self.client = running, store, running.pool, running.client
        self.letters = DeadLetterStore(self.pool)
        self.desk = ErasureDesk(self.pool, lambda: last_sequence(self.client))
        self.sweeper = self.new_sweeper(settle_seconds=0)
        self.relay = OutboxRelay(self.client, running.writer, running.url, PARTITIONS, 60)

    def new_sweeper(self, **options):
        keepers = [DeliveryCopies(self.client), RefusalCopies(self.client)]
        return Sweeper(self.client, self.running.url, self.store, keepers, **options)

    # What happens

    async def event(self, pipeline, number, **data):
        """An event of a pipeline that no profiles are attached to."""
        made = {"type": "track", "event": "Paid", "messageId": f"e{number}", **data}
        meta = RecordMeta("event", pipeline, f"e{number}", str(data.get("userId", "")), NOW)
        record = encode_event(pipeline, meta, jsontext.encode(made), PARTITIONS)
        await self.running.writer.append([record])
        return record.payload

    async def repeat(self, word):
        """Somebody delivers a record again, after the log's time for noticing repeats: no profile knows this one."""
        async with contextlib.aclosing(reader.read(self.client, reader.Query(kind="stream"))) as records:
            found = [each async for each in records if word.encode() in each.payload]
        meta = found[0].record.meta
        again = encode_stream_record(meta.source, meta, jsontext.encode(found[0].record.data), PARTITIONS)
        await self.running.writer.append([again._replace(dedup_id="again")])

    async def announce(self, profile, name, person):
        """An event of our own, in the outbox."""
        data = {"type": "track", "event": name, "messageId": name, "anonymousId": profile, "userId": person.value}
        await self.pool.execute(
            "INSERT INTO outbox (pipeline_id, message_id, user_key, data) VALUES ('own', $1, $2, $3)",
            name,
            profile,
            data,
        )

    async def send(self):
        async with self.pool.acquire() as connection:
            await self.relay.relay(connection)

    async def refuse(self, payload, *, body, number):
        """A vendor refuses a record, in a batch with others: a letter, an attempt and a refusal at the door."""
        request = {"method": "POST", "url": "https://vendor.example/", "headers": [], "body": body}
        now = time.time()
        await self.letters.add(
            "shop", "vendor", [DeadLetter(f"e{number}", 0, 1, "no", 1, now, now, payload, request, None)]
        )
        attempts, refusals = AttemptLog(self.client, self.running.writer, self.pool), RefusalStream(self.client)
        attempts.of("shop", "vendor").keep(
            "refused",
            "no",
            revision=1,
            seconds=0.1,
            number=1,
            messages=[f"e{number}"],
            exchange=Exchange(request, None),
        )
        refusals.keep(Refusal("shop", "track", "invalid", f"cannot be {number}", "x", body.encode(), NOW, "::1"))
        before = await count(self.client, streams.ATTEMPTS), await count(self.client, streams.REFUSED)
        async with running_beside(attempts.run(), refusals.run()), asyncio.timeout(10):
            while (await count(self.client, streams.ATTEMPTS), await count(self.client, streams.REFUSED)) != (
                before[0] + 1,
                before[1] + 1,
            ):
                await asyncio.sleep(0.05)

    async def archive(self):
        """Archive what there is, and do what was asked for."""
        archiver = Archiver(self.client, self.pool, self.store, ArchiveSettings(idle_seconds=0.01, cut_seconds=0.01))
        last = await last_sequence(self.client)
        async with running_beside(archiver.run()), asyncio.timeout(30):
            while archiver.position < last or await self.pool.fetchval(
                "SELECT count(*) FROM archive_forgotten WHERE done_at IS NULL"
            ):
                await asyncio.sleep(0.05)

    async def finish(self, erasure, rounds=100):
        """Everybody works until the deletion is complete."""
        for _ in range(rounds):
            await self.sweeper.work(self.pool)
            if (await self.desk.status(erasure.id)).complete:
                return
            await self.archive()
            await asyncio.sleep(0.1)
        raise AssertionError("the deletion does not come to its end")

    # What is kept

    async def places(self, *words):
        """Where one of the words is to be read: tables, streams and the archive."""
        found = set()
        for name, text in [*await self._tables(), *await self._streams(), ("archive", await self._archive())]:
            if any(word in text for word in words):
                found.add(name)
        return found

    async def _tables(self):
        names = await self.pool.fetch(
            "SELECT table_schema AS room, table_name AS name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
            "AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        texts = []
        for row in names:
            rows = [dict(each) for each in await self.pool.fetch(f'TABLE "{row["room"]}"."{row["name"]}"')]
            if row["name"] == "fragments":
                rows = [fragment_text(each["body"]) for each in rows]
            texts.append((row["name"], repr(rows)))
        return texts

    async def _streams(self):
        texts = []
        for name in streams.SUBJECTS:
            payloads = []
            await take_out_where(self.client, name, lambda payload, into=payloads: into.append(payload))
            texts.append((name, repr(payloads)))
        return texts

    async def _archive(self):
        payloads = []
        async with contextlib.aclosing(ArchiveReader(self.pool, self.store).batches()) as batches:
            async for batch in batches:
                payloads += [each.payload for each in batch]
        return repr(payloads)


@contextlib.asynccontextmanager
async def running_beside(*works):
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def count(client, stream):
    return (await client.jsm().stream_info(stream)).state.messages


@pytest.fixture
async def town(running, tmp_path):
    for name in (streams.ATTEMPTS, streams.REFUSED):
        await running.client.jsm().purge_stream(name)
    await running.pool.execute(
        "INSERT INTO pipelines (id, slug, name, enabled, allowed_origins, partial_batch_status) "
        "VALUES ('own', 'audiences', 'Audiences', true, '{}', 200)"
    )
    return Town(running, FolderStore(tmp_path / "archive"))


async def profile_id(town, person):
    return (await ProfileReader(town.pool).by_identifier(*person)).id


async def live_everywhere(town):
    """Ann and Bob leave traces in every store. Returns Ann's profile."""
    for person, mail in ((ANN, ANNS_MAIL.value), (BOB, "bob@shop.example")):
        await town.running.post({"user_id": person.value, "email": mail, "city": f"city of {person.value}"})
    async with town.running.worker():
        await town.running.until("user_id", [ANN.value, BOB.value])
    ann = await profile_id(town, ANN)
    await town.repeat(ANN.value)
    payloads = [
        await town.event("shop", 1, userId=ANN.value),
        await town.event("shop", 2, anonymousId="a", context={"traits": {"email": "Ann@Shop.example"}}),
        await town.event("shop", 3, userId=BOB.value, properties={"seat": 3}),
    ]
    await town.announce(ann, "Audience Entered", ANN)
    await town.send()
    await town.announce(ann, "Audience Exited", ANN)
    body = '[{"userId": "ann-4711"}, {"userId": "bob-0815"}]'
    for number, payload in enumerate(payloads, 1):
        await town.refuse(payload, body='{"userId": "bob-0815"}' if number == 3 else body, number=number)
    async with contextlib.aclosing(reader.read(town.client, reader.Query(source="shop"))) as found:
        await replay_log(town.running.writer, "shop", "vendor", found, lambda _: None)
    await town.pool.execute(
        "INSERT INTO event_examples (pipeline_id, title, event, sequence, created_by) VALUES ('own', 't', $1, 1, 'x')",
        {"userId": ANN.value},
    )
    await town.pool.execute(
        "INSERT INTO observed_fields VALUES ('default', 'nick', 1, '{}', 'known as ann-4711', now(), now())"
    )
    await IdentityDesk(town.pool).keep_apart("tester", ANN, BOB, note="ann-4711 is another")
    await town.archive()
    return ann


async def test_nothing_of_a_person_is_left_anywhere(town):
    """Tables, log, queue, samples and archive: what had Ann has her no more, and Bob is where he was."""
    ann = await live_everywhere(town)
    words = (ANN.value, ANNS_MAIL.value, "Ann@Shop")
    everywhere = {streams.MAIN, streams.REPLAYS, streams.REFUSED, streams.ATTEMPTS, "archive", "dead_letters", "outbox"}
    everywhere |= {
        "event_examples",
        "observed_fields",
        "identity_decisions",
        "identifiers",
        "components",
        "profiles",
        "fragments",
    }
    assert everywhere <= await town.places(*words)
    bob = await town.places(BOB.value)
    erasure = await town.desk.erase("tester", ANNS_MAIL)
    assert erasure.complete is False
    async with town.running.worker():
        town.sweeper = town.new_sweeper()  # with the usual patience: builders keep examples of keys a moment later
        await town.finish(erasure)
    assert await town.places(*words) == set()
    assert await town.places(ann) & {streams.MAIN, "archive", "outbox", "erasure_traces"} == set()
    assert bob - await town.places(BOB.value) == {"identity_decisions"}
    (letter,) = await town.letters.page(Choice())
    assert letter.message_id == "e3"
    assert (await town.letters.find(letter.id)).request["body"] == '{"userId": "bob-0815"}'


async def test_it_is_complete_when_everybody_is_done(town):
    """Not before builders have passed what had come in, and not before the archiver has forgotten the records."""
    await town.running.post({"user_id": ANN.value})
    erasure = await town.desk.erase("tester", ANN)
    await town.sweeper.work(town.pool)
    assert (await town.desk.status(erasure.id)).complete is False
    async with town.running.worker(), asyncio.timeout(20):
        while [row["sequence"] for row in await town.running.rows("SELECT sequence FROM {g}.positions")] != [
            1
        ] * PARTITIONS:
            await asyncio.sleep(0.05)
    assert await town.sweeper.work(town.pool) == 0
    await town.archive()
    assert await town.sweeper.work(town.pool) == 1
    assert (await town.desk.status(erasure.id)).complete is True
    assert await town.places(ANN.value) == set()


async def test_who_is_only_mentioned_in_a_record_does_not_take_it_along(town):
    """Bob writes to Ann: the event is Bob's and stays; the request of his letter, which shows her, is emptied."""
    payload = await town.event("shop", 1, userId=BOB.value, properties={"invited": ANNS_MAIL.value})
    await town.refuse(payload, body=f"invite {ANNS_MAIL.value}", number=1)
    erasure = await town.desk.erase("tester", ANNS_MAIL)
    async with town.running.worker():
        await town.finish(erasure)
    assert await town.places(ANNS_MAIL.value) == {streams.MAIN, "archive", "dead_letters"}
    (letter,) = await town.letters.page(Choice())
    stored = await town.letters.find(letter.id)
    assert (stored.request, stored.record) == ({}, payload)


async def test_what_comes_in_afterwards_is_a_new_person(town):
    """Neither the sweep nor a copy of a later record falls under the deletion."""
    await town.event("shop", 1, userId=ANN.value)
    erasure = await town.desk.erase("tester", ANN)
    later = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    data = jsontext.encode({"type": "track", "userId": ANN.value})
    record = encode_event("shop", RecordMeta("event", "shop", "e2", ANN.value, later), data, PARTITIONS)
    await town.running.writer.append([record])
    await town.letters.add("shop", "vendor", [DeadLetter("e2", 0, 1, "no", 1, 0, 0, record.payload, {}, None)])
    async with town.running.worker():
        await town.finish(erasure)
    left = [each async for each in reader.read(town.client, reader.Query(source="shop"))]
    assert [each.record.meta.message_id for each in left] == ["e2"]
    assert [letter.message_id for letter in await town.letters.page(Choice())] == ["e2"]


async def test_a_delivery_that_outlives_its_person_leaves_no_copy(town):
    """A router that still tries to send a record when it is forgotten stores neither a letter nor an attempt of it."""
    payload = await town.event("shop", 1, userId=ANN.value)
    erasure = await town.desk.erase("tester", ANN)
    async with town.running.worker():
        await town.finish(erasure)
    await town.letters.add("shop", "vendor", [DeadLetter("e1", 0, 1, "no", 1, 0, 0, payload, {}, None)])
    attempts = AttemptLog(town.client, town.running.writer, town.pool)
    for message in ("e1", "e9"):
        attempts.of("shop", "vendor").keep(
            "refused", message, revision=1, seconds=0, number=1, messages=[message], exchange=None
        )
    async with running_beside(attempts.run()), asyncio.timeout(10):
        while not await count(town.client, streams.ATTEMPTS):
            await asyncio.sleep(0.05)
    assert await town.letters.page(Choice()) == []
    assert await count(town.client, streams.ATTEMPTS) == 1


async def test_an_event_of_our_own_that_is_being_sent_is_waited_for(town):
    """Marked by the relay when the person was deleted, it gets into the log, and is forgotten there; one that was not marked is never sent."""
    await town.running.post({"user_id": ANN.value})
    async with town.running.worker():
        await town.running.until("user_id", [ANN.value])
    ann = await profile_id(town, ANN)
    for name in ("being sent", "waiting"):
        await town.announce(ann, name, ANN)
    await town.pool.execute("UPDATE outbox SET attempted_at = now() WHERE message_id = 'being sent'")
    erasure = await town.desk.erase("tester", ANN)
    assert [row["message_id"] for row in await town.pool.fetch("SELECT message_id FROM outbox")] == ["being sent"]
    async with town.running.worker():
        with pytest.raises(AssertionError):
            await town.finish(erasure, rounds=2)
        await town.send()
        assert streams.MAIN in await town.places("being sent")
        await town.finish(erasure)
    assert await town.places("being sent", "waiting", ann) == set()


async def test_profiles_that_a_rebuild_replaced_are_waited_for(town):
    """A deletion in the minute in which they stay is complete when they are dropped."""
    await town.running.post({"user_id": ANN.value})
    async with town.running.worker():
        await town.running.until("user_id", [ANN.value])
    async with transaction(town.pool) as database:
        old = await generations.live(database)
        new = await generations.create(database, old.schema)
        await generations.make_live(database, new.number)
    async with town.running.worker():
        await town.running.until("user_id", [ANN.value])
        erasure = await town.desk.erase("tester", ANN)
        with pytest.raises(AssertionError):
            await town.finish(erasure, rounds=2)
        assert "profiles" in await town.places(ANN.value)
        async with transaction(town.pool) as database:
            await generations.drop(database, old.number)
        await town.finish(erasure)
    assert await town.places(ANN.value) == set()


class Away:
    """A keeper that cannot be reached the first time."""

    def __init__(self):
        self.asked = 0

    async def forget(self, pool, traces, messages):
        self.asked += 1
        if self.asked == 1:
            raise UnavailableError("away")
        return 0


async def test_a_deletion_that_is_interrupted_goes_on(town):
    """A store that is away, and a process that is gone: nothing counts as forgotten before it is."""
    away = Away()
    await town.event("shop", 1, userId=ANN.value)
    erasure = await town.desk.erase("tester", ANN)
    town.sweeper = Sweeper(town.client, town.running.url, town.store, [away], settle_seconds=0)
    async with town.running.worker():
        with pytest.raises(UnavailableError):
            await town.finish(erasure)
    assert (await town.desk.status(erasure.id)).complete is False
    town.sweeper = Sweeper(town.client, town.running.url, town.store, [away], settle_seconds=0)
    await town.finish(erasure, rounds=1)
    assert away.asked == 2


async def test_a_hidden_person_keeps_records_and_copies(town):
    """Without its records a deletion is complete when builders have passed; what it looked for is forgotten all the same."""
    payload = await town.event("shop", 1, userId=ANN.value)
    await town.refuse(payload, body=ANN.value, number=1)
    erasure = await town.desk.erase("tester", ANN, records_too=False)
    async with town.running.worker():
        await town.finish(erasure)
    kept = {streams.MAIN, "archive", "dead_letters", streams.ATTEMPTS, streams.REFUSED}
    assert await town.places(ANN.value) == kept
