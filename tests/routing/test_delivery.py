"""Delivery with a real log, a real database and a real HTTP receiver."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client
from prometheus_client import REGISTRY

from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.events import RecordMeta
from headwater.integrations import library
from headwater.log import connection, consumer, streams
from headwater.log.records import encode_event
from headwater.log.writer import LogWriter
from headwater.pipelines.objects import (
    Attachment,
    DeliverySettings,
    PlainValue,
    ReferenceValue,
    Revision,
    RevisionContent,
)
from headwater.pipelines.secrets import SecretBox, SecretResolver
from headwater.pipelines.snapshot import EMPTY, AttachedRevision
from headwater.routing import metrics
from headwater.routing.attempts import AttemptLog
from headwater.routing.dead_letter_desk import DeadLetterDesk
from headwater.routing.dead_letters import Choice, DeadLetterStore
from headwater.routing.destinations import DestinationMaker
from headwater.routing.outbound import Outbound
from headwater.routing.ownership import Ownership
from headwater.routing.router import Router
from headwater.settings import LogSettings, RouteSettings, Settings
from receiver import Answer, Receiver

ATTACHED = datetime(2020, 1, 1, tzinfo=UTC)
KEY = "api-key-that-nobody-may-see"


class House:
    """A router with its log and database, and a writer in place of the collector."""

    def __init__(self, client: Client, writer: LogWriter, router: Router, store: DeadLetterStore) -> None:
        self.client = client
        self.writer = writer
        self.router = router
        self.desk = DeadLetterDesk(store, writer)
        self._version = 0

    async def send(self, *names: str, user: str = "u", pipeline: str = "p", **data: Any) -> None:
        """Put events into the log."""
        records = []
        for name in names:
            meta = RecordMeta("event", pipeline, name, user, datetime.now(UTC).isoformat(timespec="milliseconds"))
            event = {"type": "track", "event": "Paid", "messageId": name, "userId": user, **data}
            records.append(encode_event(pipeline, meta, json.dumps(event).encode(), partitions=4))
        await self.writer.append(records)

    async def deploy(self, *attached: AttachedRevision) -> None:
        """Make these the attachments in force."""
        self._version += 1
        await self.router.apply(EMPTY._replace(version=self._version, attachments=tuple(attached)))


def attach(
    receiver: Receiver,
    integration: str = "a",
    number: int = 1,
    overrides: Any = None,
    audiences: tuple[str, ...] | None = None,
    **delivery: Any,
) -> AttachedRevision:
    """A revision of the Lytics integration that delivers to a receiver of ours."""
    content = RevisionContent(
        kit="lytics",
        texts=library.texts("lytics"),
        parameters={"STREAM_ID": PlainValue("default"), "API_KEY": PlainValue(KEY)},
        overrides={} if overrides is None else overrides,
        delivery=DeliverySettings(
            base_url=receiver.url, **{"batch_size": 1, "batch_wait_milliseconds": 10, **delivery}
        ),
    )
    attachment = Attachment("p", "p", integration, integration, number, True, ATTACHED, audiences)
    return AttachedRevision(attachment, Revision(integration, number, content, "", ATTACHED, "test"))


@asynccontextmanager
async def opened(nats_url: str, database_url: str, retry_hours: float = 4.0) -> AsyncIterator[House]:
    client = await connection.connect(nats_url, "test")
    await streams.ensure(client, LogSettings(partitions=4))
    await migrations.migrate(database_url)
    pool = await open_pool(database_url, size=2)
    settings = Settings(route=RouteSettings(retry_hours=retry_hours))
    outbound = Outbound(("127.0.0.1",))
    resolver = SecretResolver(SecretBox(b"k" * 32), {}, settings.data)
    store = DeadLetterStore(pool)
    writer = LogWriter(client)
    writing = asyncio.create_task(writer.run())
    attempts = AttemptLog(client, writer, pool)
    keeping = asyncio.create_task(attempts.run())
    maker = DestinationMaker(settings, resolver, outbound)
    router = Router(client, store, maker.make, Ownership(database_url), attempts)
    yield House(client, writer, router, store)
    await router.stop()
    keeping.cancel()
    writing.cancel()
    await outbound.close()
    await pool.close()
    await connection.close(client)


@pytest.fixture
async def house(nats_url: str, database_url: str) -> AsyncIterator[House]:
    async with opened(nats_url, database_url) as made:
        yield made


async def until(condition: Callable[[], Any], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def ids(receiver: Receiver) -> list[str]:
    return [record["id"] for record in receiver.records]


async def test_an_event_arrives_mapped_with_the_key_in_its_header(house: House, receiver: Receiver) -> None:
    """What the Lytics integration documents: POST to the stream, plain key, flat record."""
    await house.deploy(attach(receiver))
    await house.send("m1", properties={"total": 19.9, "products": [{"sku": "A"}]})
    await until(lambda: receiver.requests)
    request = receiver.requests[0]
    assert (request.method, request.path) == ("POST", "/collect/json/default")
    assert request.headers["authorization"] == KEY
    assert request.records == [
        {
            "id": "m1", "user_id": "u", "type": "track", "event": "Paid",
            "properties_total": 19.9, "properties_products_0_sku": "A",
        }
    ]  # fmt: skip


async def test_batches_hold_at_most_the_batch_size(house: House, receiver: Receiver) -> None:
    """25 events in batches of 10: every event once, no request with more than ten."""
    names = [f"m{n}" for n in range(25)]
    await house.send(*names)
    await house.deploy(attach(receiver, batch_size=10))
    await until(lambda: len(ids(receiver)) == 25)
    assert sorted(ids(receiver)) == sorted(names)
    assert max(len(request.records) for request in receiver.requests) == 10


async def test_a_dead_integration_slows_no_other(house: House, receiver: Receiver) -> None:
    """One vendor accepts connections and never answers; the other gets 200 events as fast as if it were alone."""
    silent = Receiver(lambda *_: Answer(delay=3600, accept=False))
    await house.deploy(attach(silent, "silent"), attach(receiver, "healthy"))
    await asyncio.sleep(0.5)
    started = time.monotonic()
    await house.send(*(f"m{n}" for n in range(200)))
    await until(lambda: len(ids(receiver)) == 200)
    assert time.monotonic() - started < 10, "the silent vendor would have taken an hour"
    silent.close()


async def test_a_deployment_neither_loses_nor_repeats(house: House, receiver: Receiver) -> None:
    """The revision changes ten times while 500 events flow: each arrives once, mapped by one revision or the other."""
    await house.deploy(attach(receiver))

    async def produce() -> None:
        for n in range(50):
            await house.send(*(f"m{n}-{k}" for k in range(10)), context={"my_id": f"mine-{n}"})
            await asyncio.sleep(0.01)

    producing = asyncio.create_task(produce())
    override = {"global": {"mappings": [{"inputKey": "context.my_id", "outputKey": "mine"}]}}
    for number in range(2, 12):
        await asyncio.sleep(0.05)
        await house.deploy(attach(receiver, number=number, overrides=override if number % 2 == 0 else None))
    await producing
    await until(lambda: len(ids(receiver)) >= 500)
    await asyncio.sleep(0.5)
    assert len(ids(receiver)) == len(set(ids(receiver))) == 500
    assert {("mine" in record) for record in receiver.records} == {True, False}


async def test_a_refused_event_becomes_a_dead_letter_without_the_secret(house: House) -> None:
    """400: the letter holds request, answer and reason; the key is in none of them."""
    receiver = Receiver(lambda *_: Answer(400, b'{"message":"bad key ' + KEY.encode() + b'"}', accept=False))
    await house.deploy(attach(receiver))
    await house.send("m1")
    async with asyncio.timeout(10):
        while not (letters := await house.desk.page(Choice())):
            await asyncio.sleep(0.05)
    assert [(letter.message_id, letter.reason, letter.attempts) for letter in letters] == [("m1", "HTTP 400", 1)]
    letter = await house.desk.find(letters[0].id)
    assert letter.request["method"] == "POST"
    assert json.loads(letter.request["body"])["id"] == "m1"
    assert letter.reply is not None
    assert letter.reply["status"] == 400
    assert KEY not in json.dumps([letter.request, letter.reply])
    receiver.close()


async def test_a_replayed_dead_letter_arrives_and_waits_no_more(house: House) -> None:
    """After the vendor is mended, replaying delivers the event to this integration only."""
    broken = [True]
    mended = Receiver(lambda *_: Answer(422, accept=False) if broken[0] else None)
    other = Receiver()
    await house.deploy(attach(mended, "mended"), attach(other, "other"))
    await house.send("m1")
    async with asyncio.timeout(10):
        while not await house.desk.page(Choice()):
            await asyncio.sleep(0.05)
    broken[0] = False
    assert await house.desk.replay(Choice(), "tester") == 1
    await until(lambda: ids(mended) == ["m1"])
    assert ids(other) == ["m1"]
    assert await house.desk.page(Choice()) == []
    assert [letter.state_changed_by for letter in await house.desk.page(Choice(), "replayed")] == ["tester"]
    mended.close()
    other.close()


async def test_after_the_retry_time_an_event_is_a_dead_letter_that_says_so(nats_url: str, database_url: str) -> None:
    """With no time for retries the second failure gives up and names the attempts."""
    receiver = Receiver(lambda *_: Answer(503, accept=False))
    async with opened(nats_url, database_url, retry_hours=0.0001) as house:
        await house.deploy(attach(receiver))
        await house.send("m1")
        async with asyncio.timeout(20):
            while not (letters := await house.desk.page(Choice())):
                await asyncio.sleep(0.05)
        assert letters[0].reason.startswith("gave up after")
        assert letters[0].reason.endswith("HTTP 503")
    receiver.close()


async def test_a_users_events_arrive_in_order_where_asked_for(house: House) -> None:
    """Every third request fails once; each user's events still arrive in the order they were sent."""
    receiver = Receiver(lambda number, *_: Answer(500, accept=False) if number % 3 == 0 else None)
    await house.deploy(attach(receiver, order_per_user=True, batch_size=3, concurrency=8))
    for n in range(30):
        for user in ("ann", "bob", "cid"):
            await house.send(f"{user}-{n:02}", user=user)
    await until(lambda: len(set(ids(receiver))) == 90, seconds=40)
    for user in ("ann", "bob", "cid"):
        arrived = [name for name in ids(receiver) if name.startswith(user)]
        assert arrived == sorted(arrived)
    receiver.close()


async def test_an_ordered_delivery_that_starts_again_goes_on_where_all_is_settled(house: House) -> None:
    """Stopped with events in hand, it begins at the first unsettled one: nothing is skipped, nothing overtakes."""
    slow = Receiver(lambda *_: Answer(delay=0.05, body=b'{"data":{"rejected_count":0}}'))
    await house.send(*(f"m{n:02}" for n in range(40)))
    await house.deploy(attach(slow, order_per_user=True))
    await until(lambda: len(ids(slow)) >= 5)
    await house.deploy()
    await house.deploy(attach(slow, number=2, order_per_user=True))
    await until(lambda: len(set(ids(slow))) == 40, seconds=30)
    first_seen = list(dict.fromkeys(ids(slow)))
    assert first_seen == sorted(first_seen)
    slow.close()


async def test_detaching_forgets_the_position_and_pausing_keeps_it(house: House, receiver: Receiver) -> None:
    """A paused attachment goes on where it stopped; a detached one leaves no consumer behind."""
    attached = attach(receiver)
    await house.deploy(attached)
    await house.send("m1")
    await until(lambda: ids(receiver) == ["m1"])
    paused = attached._replace(attachment=_paused(attached.attachment))
    await house.deploy(paused)
    await house.send("m2")
    await asyncio.sleep(0.3)
    assert ids(receiver) == ["m1"]
    await house.deploy(attached)
    await until(lambda: ids(receiver) == ["m1", "m2"])
    await house.deploy()
    assert await consumer.lag(house.client, streams.MAIN) == []


def _paused(attachment: Attachment) -> Attachment:
    return Attachment("p", "p", "a", "a", attachment.revision, enabled=False, attached_at=ATTACHED)


async def test_records_of_other_pipelines_do_not_come_here(house: House, receiver: Receiver) -> None:
    """An attachment sees its own pipeline only."""
    await house.deploy(attach(receiver))
    await house.send("other", pipeline="q")
    await house.send("mine")
    await until(lambda: receiver.requests)
    await asyncio.sleep(0.2)
    assert ids(receiver) == ["mine"]


async def test_an_event_without_consent_stays_here_and_is_counted(house: House, receiver: Receiver) -> None:
    """An integration of the category advertising does not get what was refused; the other one does."""
    other = Receiver()
    await house.deploy(attach(receiver, "ads", consent_categories=("advertising",)), attach(other, "shop"))
    counter = metrics.DROPPED.labels("p/ads", "no consent")
    before = counter._value.get()
    await house.send("refused", context={"consent": {"categoryPreferences": {"advertising": False}}})
    await house.send("agreed", context={"consent": {"categoryPreferences": {"advertising": True}}})
    await until(lambda: len(ids(other)) == 2 and len(ids(receiver)) == 1)
    assert ids(receiver) == ["agreed"]
    assert counter._value.get() - before == 1
    other.close()


async def test_the_senders_choice_of_integrations_is_honoured(house: House, receiver: Receiver) -> None:
    """`integrations: {"All": false, "Lytics": true}` goes to Lytics; `{"Lytics": false}` does not."""
    await house.deploy(attach(receiver))
    await house.send("no", integrations={"Lytics": False})
    await house.send("yes", integrations={"All": False, "Lytics": True})
    await until(lambda: receiver.requests)
    await asyncio.sleep(0.2)
    assert ids(receiver) == ["yes"]


async def test_audiences_that_were_not_chosen_stay_here_and_are_counted(house: House, receiver: Receiver) -> None:
    """Only entries of chosen audiences arrive; another choice takes effect while the same revision stays in use."""
    counter = metrics.DROPPED.labels("p/a", "of another audience")
    before = counter._value.get()
    await house.deploy(attach(receiver, audiences=("vip",)))
    await house.send("e1", properties={"audience_id": "oslo"})
    await house.send("e2", properties={"audience_id": "vip"})
    await until(lambda: ids(receiver) == ["e2"] and counter._value.get() - before == 1)
    await house.deploy(attach(receiver, audiences=("oslo", "vip")))
    await house.send("e3", properties={"audience_id": "oslo"})
    await until(lambda: ids(receiver) == ["e2", "e3"])


async def test_a_revision_that_cannot_work_is_shown_and_its_records_wait(house: House, receiver: Receiver) -> None:
    """A secret that is missing sets the gauge; with the secret the records of the meantime arrive and it is 0 again."""

    def faulty() -> float | None:
        return REGISTRY.get_sample_value("headwater_route_revision_faulty", {"integration": "p/late"})

    content = attach(receiver).revision.content
    parameters = content.parameters | {"API_KEY": ReferenceValue("secret://env/LATE_KEY")}
    working = attach(receiver, "late")
    revision = msgspec.structs.replace(
        working.revision, content=msgspec.structs.replace(content, parameters=parameters)
    )
    await house.deploy(working._replace(revision=revision))
    assert faulty() == 1
    await house.send("m1")
    await house.deploy(working)
    await until(lambda: ids(receiver) == ["m1"])
    assert faulty() == 0
    assert REGISTRY.get_sample_value("headwater_route_dead_total", {"integration": "p/late"}) == 0
