"""Clients that go away or fall asleep inside a body."""

from __future__ import annotations

import asyncio

from headwater.collect import body

HEAD = b"POST /v1/page HTTP/1.1\r\nHost: x\r\nAuthorization: Basic a2V5LXdlYjo=\r\nContent-Length: 1000\r\n\r\n"


async def open_and_send(collector, content: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection with an unfinished request."""
    port = int(collector.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + content)
    await writer.drain()
    return reader, writer


def in_flight(collector) -> float:
    return collector.registry.get_sample_value("headwater_collect_in_flight_bytes") or 0


async def until(condition) -> None:
    """Wait, as long as the test may take."""
    while not condition():
        await asyncio.sleep(0.01)


async def test_a_client_that_goes_away_leaves_nothing_behind(collector):
    """No event, no refusal, and its bytes are given back."""
    _, writer = await open_and_send(collector, b'{"userId":"u",')
    await until(lambda: in_flight(collector) > 0)
    writer.close()
    await writer.wait_closed()
    await until(lambda: in_flight(collector) == 0)
    assert (collector.writer.appended, collector.refusals.kept) == ([], [])


async def test_a_client_that_falls_asleep_gets_408(collector, monkeypatch):
    """It may send again, and is counted."""
    monkeypatch.setattr(body, "CHUNK_TIMEOUT_SECONDS", 0.05)
    reader, writer = await open_and_send(collector, b'{"userId":"u",')
    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    assert collector.count("refused", reason="slow_body") == 1
    writer.close()
    await writer.wait_closed()


async def test_a_request_refused_before_its_body_leaves_the_connection_usable(collector):
    """The rest of the body is thrown away, and the next request on the connection is answered."""
    port = int(collector.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    large = 6 * 1024 * 1024
    writer.write(
        HEAD.replace(b"1000", str(large).encode()) + bytes(large) + b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    await reader.readuntil(b"HTTP/1.1 200 OK\r\n")
    writer.close()
    await writer.wait_closed()
