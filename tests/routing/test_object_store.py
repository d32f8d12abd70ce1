"""Events as objects: names, compression, credentials, and a real HTTP server in the store's place."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cramjam import snappy
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from test_delivery import opened

from headwater.errors import ConfigurationError
from headwater.events import Record, RecordMeta
from headwater.integrations import library
from headwater.pipelines.objects import Attachment, DeliverySettings, PlainValue, Revision, RevisionContent
from headwater.pipelines.secrets import SecretBox, SecretResolver
from headwater.pipelines.snapshot import AttachedRevision
from headwater.routing.compression import compression_of
from headwater.routing.destination import Attempt, Destination
from headwater.routing.destinations import DestinationMaker
from headwater.routing.object_names import clean_prefix, digest, hour_of
from headwater.routing.object_store_destination import LARGEST_BATCH
from headwater.routing.object_stores import open_bucket
from headwater.routing.outbound import Outbound
from headwater.routing.outcomes import Delivered, Refused, Retry
from headwater.settings import RouteSettings, Settings
from receiver import Answer, Receiver

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "secret-that-nobody-may-see"
S3 = {"REGION": "eu-west-1", "BUCKET": "events", "PREFIX": "raw/", "ACCESS_KEY": "AKIAEXAMPLE", "SECRET_KEY": SECRET}
AZURE = {"ACCOUNT_NAME": "account", "CONTAINER": "events", "PREFIX": ""}
ACCOUNT_KEY = base64.b64encode(b"a key of an account").decode()


def attached(
    kit: str, parameters: dict[str, str], delivery: DeliverySettings, changed: dict[str, str]
) -> AttachedRevision:
    texts = {
        path.name: changed.get(path.name, path.read_text("utf-8"))
        for path in (library.FOLDER / kit).glob("*.yaml")
        if changed.get(path.name) != ""
    }
    values = {name: PlainValue(value) for name, value in parameters.items()}
    content = RevisionContent(kit=kit, texts=texts, parameters=values, overrides={}, delivery=delivery)
    revision = Revision("integration-id", 1, content, "", MOMENT, "test")
    return AttachedRevision(Attachment("p", "p", "integration-id", kit, 1, True, MOMENT), revision)


def destination(
    kit: str,
    parameters: dict[str, str],
    base_url: str = "",
    allowed: tuple[str, ...] = ("127.0.0.1",),
    changed: dict[str, str] | None = None,
) -> Destination:
    """The destination that a deployment of a library kit makes."""
    settings = Settings(route=RouteSettings(allowed_hosts=allowed))
    maker = DestinationMaker(settings, SecretResolver(SecretBox(b"k" * 32), {}, settings.data), Outbound(allowed))
    delivery = DeliverySettings(base_url=base_url)
    return maker.make(attached(kit, parameters, delivery, {} if changed is None else changed))


def record(number: int, timestamp: str = "2026-03-04T05:59:59.999Z") -> Record:
    meta = RecordMeta("event", "p", f"m{number}", "u", "2026-07-08T09:10:11.000Z")
    return Record(meta, {"type": "page", "messageId": f"m{number}", "timestamp": timestamp})


async def send(target: Destination, *records: Record) -> Attempt:
    return await target.send([piece for one in records for piece in target.prepare(one).outgoing])


class Store:
    """A receiver that answers as stores do, with an empty body."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.receiver = Receiver(self._behave)

    def _behave(self, _number: int, _headers: dict[str, str], _body: bytes) -> Answer:
        return self.answers.pop(0) if self.answers else Answer()

    def lines(self, number: int) -> list[dict[str, Any]]:
        content = gzip.decompress(self.receiver.requests[number].body)
        return [json.loads(line) for line in content.splitlines()]

    def paths(self) -> list[str]:
        return [urlsplit(request.path).path for request in self.receiver.requests]


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store([])
    yield made
    made.receiver.close()


async def test_a_batch_is_one_object_of_its_hour(store: Store) -> None:
    """Events of one hour are the lines of one compressed object, put with a signed request of known length."""
    target = destination("s3", S3, store.receiver.url)
    attempt = await send(target, record(1), record(2))
    assert attempt.outcome == Delivered()
    (request,) = store.receiver.requests
    address = urlsplit(request.path)
    assert request.method == "PUT"
    assert address.path.startswith("/events/raw/2026/03/04/05/")
    assert address.path.endswith(".jsonl.gz")
    assert parse_qs(address.query)["X-Amz-Credential"][0].startswith("AKIAEXAMPLE/")
    assert request.headers["content-length"] == str(len(request.body))
    assert [line["messageId"] for line in store.lines(0)] == ["m1", "m2"]


async def test_hours_have_objects_of_their_own(store: Store) -> None:
    """A batch over two hours becomes two objects, each with its own events."""
    await send(destination("s3", S3, store.receiver.url), record(1), record(2, "2026-03-04T06:00:00Z"), record(3))
    assert [path.split("/")[-2] for path in store.paths()] == ["05", "06"]
    assert [[line["messageId"] for line in store.lines(number)] for number in (0, 1)] == [["m1", "m3"], ["m2"]]


async def test_a_repeated_batch_overwrites_itself(store: Store) -> None:
    """After a lost answer the same events go to the same names, also in another order and from another process."""
    store.answers[:] = [Answer(), Answer(503)]
    early, late = record(1), record(2, "2026-03-04T06:00:00Z")
    attempt = await send(destination("s3", S3, store.receiver.url), early, late)
    assert isinstance(attempt.outcome, Retry)
    attempt = await send(destination("s3", S3, store.receiver.url), late, early)
    assert attempt.outcome == Delivered()
    first, second = store.paths()[:2], store.paths()[2:]
    assert sorted(first) == sorted(second)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, Retry("HTTP 500")),
        (429, Retry("HTTP 429")),
        (403, Refused("HTTP 403", split=False)),
        (404, Refused("HTTP 404", split=False)),
        (400, Refused("HTTP 400", split=False)),
        (413, Refused("HTTP 413", split=True)),
    ],
)
async def test_answers_decide(store: Store, status: int, expected: Retry | Refused) -> None:
    """A store that is busy is asked again; one that refuses is not, and only a too large object is halved."""
    store.answers[:] = [Answer(status)]
    attempt = await send(destination("s3", S3, store.receiver.url), record(1), record(2))
    assert attempt.outcome == expected


async def test_no_answer_is_tried_again() -> None:
    """Nobody listens at the store's address: later."""
    gone = Receiver()
    gone.close()
    attempt = await send(destination("s3", S3, gone.url), record(1))
    assert isinstance(attempt.outcome, Retry)


async def test_a_refusal_can_be_read_and_holds_no_secret(store: Store) -> None:
    """The dead letter shows the object's name and its lines, and neither signature nor key."""
    store.answers[:] = [Answer(403, f"<Error>AKIAEXAMPLE {SECRET}</Error>".encode())]
    attempt = await send(destination("s3", S3, store.receiver.url), record(1))
    assert attempt.exchange is not None
    shown = json.dumps(attempt.exchange().request) + json.dumps(attempt.exchange().reply)
    assert attempt.exchange().request["url"].startswith("s3://events/raw/2026/03/04/05/")
    assert "m1" in attempt.exchange().request["body"]
    assert SECRET not in shown
    assert "Signature" not in shown
    assert "AKIAEXAMPLE" not in shown


async def test_an_inner_address_is_refused(store: Store) -> None:
    """An endpoint on this machine gets nothing unless the operator allows it."""
    attempt = await send(destination("s3", S3, store.receiver.url, allowed=()), record(1))
    assert isinstance(attempt.outcome, Refused)
    assert "route.allowed_hosts" in attempt.outcome.reason
    assert store.receiver.requests == []


async def test_redirects_are_not_followed(store: Store) -> None:
    """A store cannot send us on to another address."""
    store.answers[:] = [Answer(307, headers={"Location": store.receiver.url + "/elsewhere"})]
    attempt = await send(destination("s3", S3, store.receiver.url), record(1))
    assert isinstance(attempt.outcome, Refused)
    assert len(store.receiver.requests) == 1


async def test_azure_with_a_key_and_with_a_token(store: Store) -> None:
    """Both kinds of credentials make a block blob; a token is used as it is."""
    for own in ({"ACCOUNT_KEY": ACCOUNT_KEY}, {"SAS_TOKEN": "?sv=1&sig=a%2Bb"}):
        attempt = await send(destination("azure", AZURE | own, store.receiver.url), record(1))
        assert attempt.outcome == Delivered()
    by_key, by_token = store.receiver.requests
    assert store.paths()[0] == store.paths()[1]
    assert "sig=" in by_key.path
    assert by_token.path.endswith("?sv=1&sig=a%2Bb")
    assert by_token.headers["x-ms-blob-type"] == by_key.headers["x-ms-blob-type"] == "BlockBlob"


def google_key(**more: str) -> str:
    pem = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = {
        "type": "service_account",
        "private_key": pem.decode(),
        "private_key_id": "k",
        "client_email": "a@example.com",
    }
    return json.dumps(key | more)


async def test_google_cloud_storage(store: Store) -> None:
    """A service account's key signs the request."""
    parameters = {"BUCKET": "events", "PREFIX": "raw", "CREDENTIAL_JSON": google_key()}
    attempt = await send(destination("gcs", parameters, store.receiver.url), record(1))
    assert attempt.outcome == Delivered()
    assert store.paths()[0].startswith("/events/raw/2026/03/04/05/")
    assert "X-Goog-Signature=" in store.receiver.requests[0].path


def test_a_google_key_cannot_name_another_host() -> None:
    """A key file may hold an address; it is not used."""
    settings = {"bucket": "events", "credentialJson": google_key(gcs_base_url="http://169.254.169.254")}
    assert open_bucket("gcs", settings, "").sign("o").startswith("https://storage.googleapis.com/events/o?")


def test_the_environment_of_the_machine_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and addresses come from the connection alone."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "machine"),
        ("AWS_SESSION_TOKEN", "machine"),
        ("AWS_ENDPOINT_URL", "http://machine"),
        ("AWS_SKIP_SIGNATURE", "true"),
        ("AZURE_STORAGE_TOKEN", "machine"),
        ("AZURE_STORAGE_ENDPOINT", "http://machine"),
    ):
        monkeypatch.setenv(name, value)
    s3 = {"bucket": "events", "region": "eu-west-1", "accessKey": "AK", "secretKey": "SK"}
    azure = {"bucket": "events", "accountName": "account", "accountKey": ACCOUNT_KEY}
    signed = open_bucket("s3", s3, "").sign("o"), open_bucket("blob", azure, "").sign("o")
    assert signed[0].startswith("https://s3.eu-west-1.amazonaws.com/events/o?")
    assert "X-Amz-Signature=" in signed[0]
    assert signed[1].startswith("https://account.blob.core.windows.net/events/o?")
    assert "machine" not in "".join(signed)


@pytest.mark.parametrize(
    ("kind", "settings", "named"),
    [
        ("s3", {"bucket": "b", "region": "eu-west-1"}, "accessKey"),
        ("s3", {"bucket": "b", "region": "x.evil.example/", "accessKey": "a", "secretKey": "s"}, "region"),
        ("s3", {"bucket": "b", "region": "eu-west-1", "roleArn": "arn"}, "roleArn"),
        (
            "s3",
            {"bucket": "b", "region": "r", "accessKey": "a", "secretKey": "s", "serverSideEncryption": "aws:kms"},
            "serverSideEncryption",
        ),
        ("gcs", {"bucket": "b", "credentialJson": "{}"}, "credentialJson"),
        ("gcs", {"bucket": "b", "credentialJson": "[]"}, "credentialJson"),
        ("blob", {"bucket": "b", "accountName": "account"}, "sasToken"),
        ("blob", {"bucket": "b", "accountName": "a/b", "sasToken": "t"}, "accountName"),
        ("blob", {"bucket": "b", "accountName": "account", "accountKey": "not base64!"}, "credentials"),
    ],
)
def test_what_cannot_work_is_refused_at_once(kind: str, settings: dict[str, str], named: str) -> None:
    """A setting that is missing or would lead elsewhere stops the deployment and is named."""
    with pytest.raises(ConfigurationError, match=named):
        open_bucket(kind, settings, "")


@pytest.mark.parametrize(
    ("kit", "parameters", "module"), [("s3", S3, "obstore.store"), ("azure", AZURE, "obstore.store")]
)
def test_a_missing_library_is_named(
    monkeypatch: pytest.MonkeyPatch, kit: str, parameters: dict[str, str], module: str
) -> None:
    """Without the optional library the deployment says which extra to install."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=r"headwater\[object-store\]"):
        destination(kit, parameters)


def test_other_kinds_are_refused_by_name() -> None:
    """A kind that nobody serves stops the deployment, not the first event."""
    connection = "params: []\nrasp: {network: n}\n"
    with pytest.raises(ConfigurationError, match="kind rasp"):
        destination("stdout", {}, changed={"connection.yaml": connection})


def test_objects_are_large_when_the_kit_says_nothing() -> None:
    """A kit without delivery.yaml waits a minute for a batch as large as fits in hand."""
    target = destination("s3", S3, changed={"delivery.yaml": ""})
    assert target.pace.batch_wait_seconds == 60
    assert target.prepare(record(1)).outgoing[0].batch_limit == LARGEST_BATCH


async def test_a_stream_fills_objects_without_waiting(nats_url: str, database_url: str, store: Store) -> None:
    """What is in hand is enough to fill a batch: under load nothing waits for the minute to pass."""
    revision = attached("s3", S3, DeliverySettings(base_url=store.receiver.url), {})
    async with opened(nats_url, database_url) as house:
        await house.deploy(revision)
        for start in range(0, 2 * LARGEST_BATCH, 500):
            await house.send(*(f"m{number}" for number in range(start, start + 500)))
        async with asyncio.timeout(20):
            while len(store.receiver.requests) < 2:
                await asyncio.sleep(0.05)
    ids = [line["messageId"] for number in (0, 1) for line in store.lines(number)]
    assert sorted(ids) == sorted(f"m{number}" for number in range(2 * LARGEST_BATCH))


@pytest.mark.parametrize(
    ("number", "suffix", "unpack"),
    [
        (None, ".gz", gzip.decompress),
        (0, ".gz", gzip.decompress),
        ("1", ".sz", lambda content: bytes(snappy.decompress(content))),
        (2, ".gz", gzip.decompress),
        (3, "", bytes),
    ],
)
def test_compressions(number: Any, suffix: str, unpack: Any) -> None:
    """Each number gives what other tools unpack, and the same bytes each time."""
    compression = compression_of(number)
    content = b'{"a":1}\n' * 100
    assert compression.suffix == suffix
    assert unpack(compression.compress(content)) == content
    assert compression.compress(content) == compression.compress(content)


@pytest.mark.parametrize("number", [4, -1, "x", 1.5, True])
def test_an_unknown_compression_is_refused(number: Any) -> None:
    """Only the documented numbers stand for a compression."""
    with pytest.raises(ConfigurationError, match="compression"):
        compression_of(number)


@pytest.mark.parametrize(
    ("timestamp", "hour"),
    [
        ("2026-03-04T05:59:59.999Z", "2026/03/04/05"),
        ("2026-01-01T00:30:00+01:00", "2025/12/31/23"),
        ("2026-03-04T05:00:00", "2026/03/04/05"),
        ("0001-01-01T00:00:00+01:00", "2026/07/08/09"),
        ("yesterday", "2026/07/08/09"),
        (17, "2026/07/08/09"),
    ],
)
def test_the_hour_is_the_events_in_utc(timestamp: Any, hour: str) -> None:
    """By the event's own time; what is no time falls back to the arrival."""
    assert hour_of(record(1, timestamp)) == hour


IDS = st.lists(st.tuples(st.text(), st.text(), st.integers(0, 9)), max_size=4, unique=True)


@given(IDS, IDS, st.randoms())
def test_a_name_stands_for_a_set(first: list[Any], second: list[Any], chance: Any) -> None:
    """Equal sets have equal names in any order; other sets and other integrations have others."""
    shuffled = list(first)
    chance.shuffle(shuffled)
    assert digest("i", first) == digest("i", shuffled)
    assert (digest("i", first) == digest("i", second)) == (set(first) == set(second))
    assert digest("i", first) != digest("j", first)


@pytest.mark.parametrize(("prefix", "clean"), [("", ""), ("/", ""), ("a", "a/"), ("/a//b/", "a/b/"), ("ü=1", "ü=1/")])
def test_prefixes_are_folders(prefix: str, clean: str) -> None:
    """A prefix ends in one slash, however it is written."""
    assert clean_prefix(prefix) == clean


@pytest.mark.parametrize("prefix", ["a/../b", ".", "a\nb", "x" * 600])
def test_a_prefix_that_stores_refuse(prefix: str) -> None:
    """Dots, control characters and endless names are refused before the first event."""
    with pytest.raises(ConfigurationError, match="prefix"):
        clean_prefix(prefix)
