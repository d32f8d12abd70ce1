"""What the doors cost an event, without network and log: decode, check for repeated keys, normalise, encode.

Run: python benchmarks/bench_collect_normalise.py
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from headwater.collect.documents import decode_document
from headwater.collect.normalise import Arrival, EventLimits, normalise
from headwater.log.records import encode_event

BATCH = 100
ROUNDS = 60
LIMITS = EventLimits(size_bytes=32 * 1024, properties=10_000, nesting=100)
ARRIVAL = Arrival(
    1_795_444_496_000,
    "2026-11-23T14:34:56.000Z",
    "203.0.113.9",
    "analytics-python/2.4.0",
    False,
    LIMITS,
    1_795_444_495_000,
)


def event(number: int) -> dict[str, Any]:
    """One track event of about 1.5 KB."""
    product = {
        "product_id": f"p-{number}",
        "sku": "G-32",
        "category": "Games",
        "name": "Monopoly: 3rd Edition",
        "price": 19.99,
        "quantity": 1,
    }
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"b8a4f9c2-1c5e-4a5b-9d43-{number:012d}",
        "userId": f"user-{number}",
        "anonymousId": f"5f0c7c3e-27a5-4d0f-8f4c-{number:012d}",
        "timestamp": "2026-11-23T14:34:50.123Z",
        "context": {
            "library": {"name": "analytics-python", "version": "2.4.0"},
            "page": {
                "path": "/checkout",
                "referrer": "https://shop.example/",
                "title": "Checkout",
                "url": "https://shop.example/checkout",
            },
            "campaign": {"name": "autumn", "source": "mail", "medium": "email"},
            "locale": "en-GB",
            "timezone": "Europe/London",
        },
        "integrations": {"All": True},
        "properties": {
            "order_id": f"o-{number}",
            "total": 59.97,
            "currency": "EUR",
            "products": [product] * 4,
            "note": "Leave it with the neighbours, please. " * 9,
        },
    }


def process(text: bytes) -> int:
    """Everything that happens to a batch between the socket and the log."""
    document = decode_document(text)
    assert not document.repeated
    size = 0
    for each in document.value["batch"]:
        meta, data = normalise(each, ARRIVAL, "p-web")
        size += len(encode_event("p-web", meta, data, 16).payload)
    return size


def main() -> None:
    """Print the median and the best time of one event."""
    text = json.dumps({"batch": [event(number) for number in range(BATCH)]}).encode()
    print(f"batch of {BATCH} events, {len(text) / BATCH:.0f} bytes each")
    for name, work in (("decode and key check", decode_document), ("everything", process)):
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            work(text)
            times.append((time.perf_counter() - start) / BATCH * 1e6)
        print(f"{name:22} median {statistics.median(times):6.2f} µs an event, best {min(times):6.2f}")


if __name__ == "__main__":
    main()
