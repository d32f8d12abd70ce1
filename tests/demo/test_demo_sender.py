"""The sender against a real HTTP server that fails in every way."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import uvicorn

from headwater.demo.sender import BATCH_LIMIT, LANES, Sender, batch_size, lane_of, wait_before_repeat
from headwater.errors import ConfigurationError

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
OK: Answer = (200, [], b'{"success":true}')


class Receiver:
    """Keeps the events of each request that it answers with 200. `decide` gets the number of the request."""

    def __init__(self, decide: Callable[[int], Answer]) -> None:
        self._decide = decide
        self.requests = 0
        self.batches: list[list[dict]] = []
        self.peers: set[Any] = set()
        self.authorization = b""

    @property
    def message_ids(self) -> list[str]:
        """What was kept, in order."""
        return [event["messageId"] for batch in self.batches for event in batch]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.requests += 1
        self.peers.add(scope["client"])
        self.authorization = dict(scope["headers"])[b"authorization"]
        assert (scope["method"], scope["path"]) == ("POST", "/v1/batch")
        status, headers, answer = self._decide(self.requests)
        if status == 200:
            self.batches.append(orjson.loads(body)["batch"])
        headers = [*headers, (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


@asynccontextmanager
async def serving(receiver: Receiver) -> AsyncIterator[str]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(receiver, log_level="critical", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def _events(count: int, users: int = 7) -> list[dict]:
    return [{"messageId": f"m{n}", "userId": f"u{n % users}"} for n in range(count)]


async def test_everything_arrives_once_over_few_connections() -> None:
    """Each event is sent, with the write key as user name, over as many connections as there are lanes."""
    receiver = Receiver(lambda _: OK)
    async with serving(receiver) as url:
        sender = Sender(url, "wk_1")
        await sender.send(_events(1234))
    assert sorted(receiver.message_ids) == sorted(f"m{n}" for n in range(1234))
    assert (sender.tally.sent, sender.tally.accepted, sender.tally.repeats) == (1234, 1234, 0)
    assert receiver.authorization == b"Basic " + base64.b64encode(b"wk_1:")
    assert len(receiver.peers) <= LANES
    assert max(map(len, receiver.batches)) == BATCH_LIMIT


async def test_events_of_a_user_keep_their_order_through_repeats() -> None:
    """Where half of the requests must be repeated, every user's events still arrive in their order, none lost."""
    receiver = Receiver(lambda number: (503, [], b"") if number % 2 else OK)
    async with serving(receiver) as url:
        sender = Sender(url, "wk_1")
        await sender.send(_events(900))
    assert sender.tally.accepted == 900
    assert sender.tally.repeats > 0
    for user in range(7):
        kept = [int(name[1:]) for name in receiver.message_ids if int(name[1:]) % 7 == user]
        assert kept == list(range(user, 900, 7))


async def test_retry_after_is_waited_for() -> None:
    """A 429 that asks for a second is not answered with another request before that."""
    receiver = Receiver(lambda number: (429, [(b"retry-after", b"1")], b"") if number == 1 else OK)
    async with serving(receiver) as url:
        started = time.monotonic()
        await Sender(url, "wk_1").send(_events(1))
    assert time.monotonic() - started >= 1
    assert receiver.message_ids == ["m0"]


async def test_collector_that_is_away_is_waited_for() -> None:
    """While nothing listens the sender goes on trying, and delivers when the collector is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sender = Sender(f"http://127.0.0.1:{port}", "wk_1")
    sending = asyncio.create_task(sender.send(_events(3)))
    while sender.tally.repeats == 0:
        await asyncio.sleep(0.01)
    receiver = Receiver(lambda _: OK)
    config = uvicorn.Config(receiver, port=port, log_level="critical", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    serving_task = asyncio.create_task(server.serve())
    await sending
    server.should_exit = True
    await serving_task
    assert sorted(receiver.message_ids) == ["m0", "m1", "m2"]


async def test_wrong_write_key_ends_the_replay() -> None:
    """A collector that knows no such key would refuse every batch: the sender stops and says why."""
    receiver = Receiver(lambda _: (401, [], b'{"message":"unknown write key"}'))
    async with serving(receiver) as url:
        with pytest.raises(ConfigurationError, match="unknown write key"):
            await Sender(url, "wk_1").send(_events(5000))
    assert receiver.requests <= LANES


async def test_an_address_that_never_answered_ends_the_replay() -> None:
    """Nobody listens there: after the patience for a first answer the sender stops and names the address."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match="nobody answers there") as raised:
            await Sender(url, "wk_1", first_answer_seconds=0.5).send(_events(10))
    assert url in str(raised.value)


async def test_rate_is_kept() -> None:
    """At 200 events a second, 100 events take half a second, and do not wait for a full batch."""
    receiver = Receiver(lambda _: OK)
    async with serving(receiver) as url:
        started = time.monotonic()
        await Sender(url, "wk_1").send(_events(100), rate=200)
    assert 0.4 < time.monotonic() - started < 3
    assert receiver.requests > LANES


def test_batches_of_a_slow_replay_are_small() -> None:
    """A lane fills a batch within a quarter of a second, as far as one event at a time allows."""
    assert (batch_size(None), batch_size(1), batch_size(400), batch_size(1e6)) == (100, 1, 25, 100)


def test_wait_is_bounded_and_honours_the_collector() -> None:
    """Our own wait doubles up to five seconds; one that the collector asks for is kept in full."""
    assert wait_before_repeat(1, None, 0.0) < wait_before_repeat(3, None, 0.0) <= wait_before_repeat(99, None, 0.9) == 5
    assert wait_before_repeat(1, 60.0, 0.5) == 60


def test_a_household_stays_in_its_lane() -> None:
    """Lanes are chosen by the user alone and all of them are used."""
    assert {lane_of(f"household-{n}") for n in range(100)} == set(range(LANES))
