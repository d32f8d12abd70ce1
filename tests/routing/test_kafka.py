"""Events as Kafka messages, with a real producer and consumer and the brokers that librdkafka brings along."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import confluent_kafka
import pytest

from headwater.errors import ConfigurationError
from headwater.events import Record, RecordMeta
from headwater.integrations import library
from headwater.pipelines.objects import Attachment, DeliverySettings, PlainValue, Revision, RevisionContent
from headwater.pipelines.secrets import SecretBox, SecretResolver
from headwater.pipelines.snapshot import AttachedRevision
from headwater.routing.destination import Attempt, Destination
from headwater.routing.destinations import DestinationMaker
from headwater.routing.kafka_destination import message_key
from headwater.routing.kafka_producer import Fault, judge_faults
from headwater.routing.kafka_settings import Broker, kafka_settings
from headwater.routing.outbound import Outbound
from headwater.routing.outcomes import Delivered, Outcome, Refused, Retry
from headwater.settings import RouteSettings, Settings

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
CONNECTION = """
params:
  - {name: BROKERS, exampleValue: b}
kafka: {brokers: $$BROKERS$$, topic: events, compression: gzip}
"""


def destination(
    brokers: str,
    allowed: tuple[str, ...] = ("127.0.0.1",),
    connection: str = CONNECTION,
    delivery: DeliverySettings = DeliverySettings(timeout_seconds=5),
) -> Destination:
    """The destination that a deployment makes of the library's kit with another connection."""
    settings = Settings(route=RouteSettings(allowed_hosts=allowed))
    resolver = SecretResolver(SecretBox(b"k" * 32), {}, settings.data)
    content = RevisionContent(
        kit="kafka",
        texts=library.texts("kafka") | {"connection.yaml": connection},
        parameters={"BROKERS": PlainValue(brokers)},
        overrides={},
        delivery=delivery,
    )
    attachment = Attachment("p", "p", "i", "kafka", 1, enabled=True, attached_at=MOMENT)
    attached = AttachedRevision(attachment, Revision("i", 1, content, "", MOMENT, "test"))
    return DestinationMaker(settings, resolver, Outbound(allowed)).make(attached)


def record(number: int, user: str = "u", **more: Any) -> Record:
    meta = RecordMeta("event", "p", f"m{number}", user, "2026-07-08T09:10:11.000Z")
    return Record(meta, {"type": "page", "messageId": f"m{number}", "userId": user, "anonymousId": "a", **more})


async def send(target: Destination, *records: Record) -> Attempt:
    return await target.send([piece for one in records for piece in target.prepare(one).outgoing])


def cluster() -> tuple[Any, str]:
    """Brokers that live as long as the first value, and their addresses."""
    owner = confluent_kafka.Producer({"test.mock.num.brokers": 2, "bootstrap.servers": "none", "log_level": 0})
    named = owner.list_topics(timeout=10).brokers.values()
    return owner, ",".join(f"{broker.host}:{broker.port}" for broker in named)


@pytest.fixture
def brokers() -> Iterator[str]:
    owner, addresses = cluster()
    yield addresses
    del owner


def consumed(brokers: str, count: int) -> list[Any]:
    """The first messages of the topic, by a consumer that begins at the start of every partition."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": brokers, "group.id": "test", "log_level": 0})
    partitions = consumer.list_topics("events", timeout=10).topics["events"].partitions
    consumer.assign([confluent_kafka.TopicPartition("events", number, 0) for number in partitions])
    messages: list[Any] = []
    end = time.monotonic() + 15
    while len(messages) < count and time.monotonic() < end:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            messages.append(message)
    consumer.close()
    return messages


async def test_each_output_is_a_message_of_its_user(brokers: str) -> None:
    """A consumer reads every event under the user's key, a user's events in order and in one partition."""
    target = destination(brokers)
    attempt = await send(target, *(record(number, f"u{number % 3}") for number in range(30)))
    assert attempt.outcome == Delivered()
    messages = await asyncio.to_thread(consumed, brokers, 30)
    by_user: dict[bytes, list[Any]] = {}
    for message in messages:
        by_user.setdefault(message.key(), []).append(message)
    assert set(by_user) == {b"u0", b"u1", b"u2"}
    for number, user in enumerate(sorted(by_user)):
        ids = [json.loads(message.value())["messageId"] for message in by_user[user]]
        assert ids == [f"m{one}" for one in range(number, 30, 3)]
        assert len({message.partition() for message in by_user[user]}) == 1


async def test_batches_share_a_producer(brokers: str) -> None:
    """Batches that are sent at once all succeed: a report that another one fetches still reaches its batch."""
    target = destination(brokers)
    attempts = await asyncio.gather(*(send(target, record(number)) for number in range(8)))
    assert {attempt.outcome for attempt in attempts} == {Delivered()}
    assert len(await asyncio.to_thread(consumed, brokers, 8)) == 8


async def test_keys_land_where_java_clients_put_them(brokers: str) -> None:
    """The partition is murmur2 of the key, as Java's producer chooses: "21" hashes to -973932308 there."""
    target = destination(brokers)
    assert (await send(target, record(1, "21"))).outcome == Delivered()
    (message,) = await asyncio.to_thread(consumed, brokers, 1)
    assert message.partition() == (-973932308 & 0x7FFFFFFF) % 4


async def test_brokers_that_are_away_are_tried_again() -> None:
    """Nobody listens: the event loop stays free, and the reason says what happened."""
    target = destination("127.0.0.1:9", delivery=DeliverySettings(timeout_seconds=1))
    sending = asyncio.create_task(send(target, record(1)))
    longest = 0.0
    while not sending.done():
        before = time.monotonic()
        await asyncio.sleep(0.02)
        longest = max(longest, time.monotonic() - before)
    outcome = sending.result().outcome
    assert isinstance(outcome, Retry)
    assert "Connection refused" in outcome.reason
    assert longest < 0.5


async def test_brokers_that_go_away_are_tried_again() -> None:
    """Messages on their way to brokers that stop are not reported as stored."""
    owner, addresses = cluster()
    target = destination(addresses, delivery=DeliverySettings(timeout_seconds=1))
    assert (await send(target, record(1))).outcome == Delivered()
    del owner
    assert isinstance((await send(target, record(2))).outcome, Retry)


@pytest.mark.parametrize("address", ["127.0.0.1:9092", "[::1]:9092", "169.254.169.254", "localhost:9092"])
async def test_inner_addresses_are_refused(address: str) -> None:
    """A broker on an address inside gets no connection unless the operator allows it."""
    outcome = (await send(destination(address, allowed=()), record(1))).outcome
    assert isinstance(outcome, Refused)
    assert "route.allowed_hosts" in outcome.reason


async def test_a_cluster_cannot_lead_to_an_inner_address(brokers: str) -> None:
    """What the cluster names as its brokers is checked as well, before any event is sent."""
    first, second = brokers.split(",")
    outcome = (await send(destination(first, allowed=(first,)), record(1))).outcome
    assert isinstance(outcome, Refused)
    assert outcome.split is False
    assert "127.0.0.1" in outcome.reason
    outcome = (await send(destination(first, allowed=(first, second)), record(1))).outcome
    assert outcome == Delivered()


async def test_a_message_that_is_too_large_is_found_before_sending(brokers: str) -> None:
    """The batch is halved until it is alone; nothing was sent that would be doubled by that."""
    target = destination(brokers)
    large = record(2, text="x" * 1_000_000)
    outcome = (await send(target, record(1), large)).outcome
    assert isinstance(outcome, Refused)
    assert outcome.split
    outcome = (await send(target, large)).outcome
    assert isinstance(outcome, Refused)
    assert not outcome.split
    assert (await send(target, record(3))).outcome == Delivered()
    (message,) = await asyncio.to_thread(consumed, brokers, 1)
    assert json.loads(message.value())["messageId"] == "m3"


async def test_a_stop_does_not_wait_for_brokers() -> None:
    """A send that is cancelled ends at once."""
    target = destination("127.0.0.1:9", delivery=DeliverySettings(timeout_seconds=1))
    sending = asyncio.create_task(send(target, record(1)))
    await asyncio.sleep(0.1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(sending, 0.5)


GONE, LARGE, FORBIDDEN = (Fault(name, name) for name in ("_MSG_TIMED_OUT", "MSG_SIZE_TOO_LARGE", "TOPIC_EXCEPTION"))


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        ([], Delivered()),
        ([LARGE, FORBIDDEN, GONE], Retry("_MSG_TIMED_OUT")),
        ([LARGE, FORBIDDEN], Refused("TOPIC_EXCEPTION", split=False)),
        ([LARGE], Refused("MSG_SIZE_TOO_LARGE", split=True)),
        ([Fault("NEW_KIND", "new")], Retry("new")),
    ],
)
def test_faults_decide(faults: list[Fault], outcome: Outcome) -> None:
    """What passes is tried again first, then what concerns the topic, and only then a message is looked for."""
    assert judge_faults(faults) == outcome


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ({"userId": "ü", "anonymousId": "a"}, "ü".encode()),
        ({"userId": "", "anonymousId": "a"}, b"a"),
        ({"userId": 0}, b"0"),
        ({"userId": None}, None),
        ({}, None),
    ],
)
def test_the_key_is_the_person(event: dict[str, Any], key: bytes | None) -> None:
    """userId, else anonymousId, else none."""
    assert message_key(event) == key


def test_settings_in_the_words_of_the_library() -> None:
    """Brokers as list or text, encryption and login become librdkafka's options."""
    login = {"username": "u", "password": "p"}
    settings = kafka_settings(
        {"brokers": "a:1, [::1]:2,c", "topic": "t", "tls": "true", "saslScram": {"algorithm": 2, **login}}
    )
    assert settings.brokers == (Broker("a", 1), Broker("::1", 2), Broker("c", 9092))
    assert settings.options == {
        "compression.type": "none",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "u",
        "sasl.password": "p",
    }
    plain = kafka_settings({"brokers": ["a:1"], "topic": "t", "saslPlain": login}).options
    assert (plain["security.protocol"], plain["sasl.mechanism"]) == ("SASL_PLAINTEXT", "PLAIN")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"brokers": ""}, "brokers"),
        ({"brokers": "http://a:1"}, "brokers"),
        ({"brokers": "a:x"}, "brokers"),
        ({"brokers": "a:1/b"}, "brokers"),
        ({"topic": "a b"}, "topic"),
        ({"compression": "rar"}, "compression"),
        ({"saslScram": {"algorithm": "MD5", "username": "u", "password": "p"}}, "algorithm"),
        ({"saslPlain": {"username": "u", "password": ""}}, "password"),
    ],
)
def test_settings_that_cannot_work_are_named(changed: dict[str, Any], named: str) -> None:
    """A mistake stops the deployment and says which key it is."""
    with pytest.raises(ConfigurationError, match=named):
        kafka_settings({"brokers": "a:1", "topic": "t", **changed})


def test_a_base_url_is_refused() -> None:
    """It would do nothing."""
    with pytest.raises(ConfigurationError, match="base_url"):
        destination("a:1", delivery=DeliverySettings(base_url="http://a"))


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the optional library the deployment says which extra to install."""
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ConfigurationError, match=r"headwater\[kafka\]"):
        destination("a:1")
