"""A load generator: many keep-alive connections in one process, bodies made from pieces encoded beforehand.

It speaks HTTP itself, because every client library costs more than the server that is to be measured.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import sys
import time
from typing import Any

import orjson
import uvloop

from headwater import jsontext

ID_MARK = "@@ID@@"
TIME_MARK = "@@TIME@@"


def sample_event(number: int) -> dict[str, Any]:
    """A mixed event of about 1.5 KB, as SDKs send it."""
    kinds = ("track", "track", "page", "identify")
    kind = kinds[number % len(kinds)]
    event: dict[str, Any] = {
        "type": kind,
        "messageId": ID_MARK,
        "userId": f"user-{number % 5000}",
        "anonymousId": f"5f0c8d1e-7a44-4d3b-9c55-{number % 5000:012d}",
        "timestamp": "2026-03-04T10:15:30.123Z",
        "sentAt": "2026-03-04T10:15:31.000Z",
        "context": {
            "ip": "203.0.113.24",
            "locale": "en-GB",
            "timezone": "Europe/Oslo",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0 Safari/537.36",
            "library": {"name": "analytics.js", "version": "npm:next-1.84.1"},
            "page": {
                "url": f"https://shop.example/products/{number}?utm_source=newsletter&utm_medium=email",
                "path": f"/products/{number}",
                "referrer": "https://search.example/",
                "search": "?utm_source=newsletter&utm_medium=email",
                "title": "A product with a reasonably long title",
            },
            "campaign": {"source": "newsletter", "medium": "email", "name": "spring"},
        },
        "integrations": {"All": True},
    }
    if kind == "identify":
        event["traits"] = {
            "email": f"user{number}@example.com",
            "firstName": "Ada",
            "lastName": "Lovelace",
            "plan": "premium",
            "address": {"city": "Oslo", "country": "Norway", "postalCode": "0150", "street": "Karl Johans gate 1"},
            "logins": number,
        }
    elif kind == "page":
        event["name"] = "Product"
        event["properties"] = dict(event["context"]["page"], category="shoes", sent=TIME_MARK)
    else:
        event["event"] = "Order Completed"
        event["properties"] = {
            "order_id": f"o-{number}",
            "total": 129.9,
            "revenue": 109.5,
            "currency": "EUR",
            "coupon": "SPRING",
            "products": [
                {
                    "product_id": f"p-{k}",
                    "sku": f"sku-{k}",
                    "name": "Shoe",
                    "price": 19.9 + k,
                    "quantity": k + 1,
                    "brand": "B",
                }
                for k in range(4)
            ],
            "sent": TIME_MARK,
        }
    return event


class Bodies:
    """Request bodies whose events have ids of their own; ids count up from 0 behind `prefix`."""

    def __init__(self, batch: int, prefix: str, distinct: int = 400) -> None:
        self._batch = batch
        self._prefix = prefix.encode()
        self._numbers = itertools.count()
        samples = (sample_event(number) for number in range(distinct))
        # A single event goes to /v1/track, so it must be one.
        texts = [orjson.dumps(sample) for sample in samples if batch > 1 or sample["type"] == "track"]
        self.event_bytes = sum(len(text) for text in texts) / len(texts)
        self._pieces = [text.split(ID_MARK.encode()) for text in texts]

    def next(self) -> bytes:
        """The next body: one event for batch 1 (with its type inside), else a batch."""
        moment = b"%.6f" % time.time()
        events = []
        for _ in range(self._batch):
            number = next(self._numbers)
            before, after = self._pieces[number % len(self._pieces)]
            events.append(before + self._prefix + b"-%d" % number + after.replace(TIME_MARK.encode(), moment))
        return events[0] if self._batch == 1 else b'{"batch":[' + b",".join(events) + b"]}"


class Result:
    """What a load run saw."""

    def __init__(self) -> None:
        self.requests = 0
        self.events = 0
        self.faults = 0
        self.seconds = 0.0
        self.latencies: list[float] = []

    @property
    def events_per_second(self) -> float:
        """Accepted events per second."""
        return self.events / self.seconds

    def percentile(self, share: float) -> float:
        """Latency of requests in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def run(
    host: str,
    port: int,
    path: str,
    bodies: Bodies,
    write_key: str,
    *,
    batch: int,
    seconds: float,
    connections: int,
    rate: float | None = None,
) -> Result:
    """Send for `seconds` over `connections`; `rate` limits events per second over all, None is as fast as possible."""
    result = Result()
    token = base64.b64encode(f"{write_key}:".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Basic {token}\r\nContent-Length: "
    ).encode()
    started = time.perf_counter()
    schedule = itertools.count()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        while True:
            if rate is not None:
                due = started + next(schedule) * batch / rate
                if due > started + seconds:
                    break
                await asyncio.sleep(max(due - time.perf_counter(), 0))
            elif time.perf_counter() > started + seconds:
                break
            body = bodies.next()
            before = time.perf_counter()
            writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
            status = await _read_reply(reader)
            result.latencies.append(time.perf_counter() - before)
            result.requests += 1
            if status == 200:
                result.events += batch
            else:
                result.faults += 1
        writer.close()

    await asyncio.gather(*(connection() for _ in range(connections)))
    result.seconds = time.perf_counter() - started
    return result


async def _read_reply(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = 0
    for line in head.split(b"\r\n")[1:]:
        if line[:15].lower() == b"content-length:":
            length = int(line[15:])
    if length:
        await reader.readexactly(length)
    return status


def encoded_samples(count: int = 400) -> list[bytes]:
    """Encoded events with ids, for benchmarks without HTTP."""
    return [jsontext.encode({**sample_event(number), "messageId": f"m-{number}"}) for number in range(count)]


def main() -> None:
    """One run as a process of its own; arguments as JSON, the result as JSON."""
    options = orjson.loads(sys.argv[1])
    bodies = Bodies(options["batch"], options["prefix"])
    result = uvloop.run(
        run(
            "127.0.0.1",
            options["port"],
            options["path"],
            bodies,
            options["write_key"],
            batch=options["batch"],
            seconds=options["seconds"],
            connections=options["connections"],
            rate=options.get("rate"),
        )
    )
    report = {
        "events_per_second": result.events_per_second,
        "requests_per_second": result.requests / result.seconds,
        "events": result.events,
        "faults": result.faults,
        "p50": result.percentile(0.5),
        "p99": result.percentile(0.99),
        "event_bytes": bodies.event_bytes,
    }
    sys.stdout.buffer.write(orjson.dumps(report))


if __name__ == "__main__":
    main()
