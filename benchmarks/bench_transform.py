"""How fast playbooks run, next to only decoding and encoding the same events.

    python benchmarks/bench_transform.py [--kit FOLDER ...] [--seconds 3]

Each line is one kit: events per second for decode + encode alone, for decode + prepare + encode, and the ratio. The two
are measured in turns within one run, in processor time of this process, and the best round of each counts, so that
other work on the machine disturbs both alike. The last line runs 20 integrations on the same events.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from headwater.integrations import library
from headwater.playbooks import CompiledIntegration, compile_kit, example_values, load_kit, parameters_of

EVENTS = 400
NAMES = ["Product Viewed", "Product Added", "Order Completed", "Products Searched", "Checkout Started"]
AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"


def made_up_events(count: int) -> list[dict[str, Any]]:
    """Page views, product events and orders of a shop, about 1.5 KB each, with fields that come and go."""
    chance = random.Random(7)
    return [_event(chance, number) for number in range(count)]


def _event(chance: random.Random, number: int) -> dict[str, Any]:
    name = chance.choice([*NAMES, "", ""])
    url = f"https://shop.example.com/catalogue/category-{number % 20}/product-{chance.randrange(10_000)}"
    event: dict[str, Any] = {
        "type": "track" if name else "page",
        "messageId": f"ajs-next-{chance.getrandbits(128):032x}",
        "anonymousId": f"{chance.getrandbits(64):016x}-{chance.getrandbits(64):016x}",
        "timestamp": "2025-11-20T09:17:16.036Z",
        "originalTimestamp": "2025-11-20T09:17:15.911Z",
        "sentAt": "2025-11-20T09:17:17.000Z",
        "receivedAt": "2025-11-20T09:17:17.120Z",
        "context": _context(chance, url),
        "traits": {"email": f"person{number}@example.com", "firstName": "Jane", "lastName": "Doe"},
        "properties": _properties(chance, name, url),
        "integrations": {},
    }
    if name:
        event["event"] = name
    if chance.random() < 0.6:
        event["userId"] = f"user-{number}"
    return event


def _context(chance: random.Random, url: str) -> dict[str, Any]:
    context: dict[str, Any] = {
        "ip": "203.0.113.24",
        "userAgent": AGENT,
        "locale": "en-GB",
        "timezone": "Europe/Oslo",
        "library": {"name": "analytics.js", "version": "next-1.81.0"},
        "page": {
            "url": f"{url}?utm_source=newsletter&utm_medium=email&utm_campaign=autumn-2025",
            "path": url[24:],
            "referrer": "https://www.google.com/search?q=light+running+shoes+for+wet+weather&ie=UTF-8&oe=UTF-8&hl=en",
            "search": "?utm_source=newsletter&utm_medium=email&utm_campaign=autumn-2025",
            "title": "Running shoes for men and women, light and water-resistant, free delivery and returns | The Example Shop",
        },
    }
    if chance.random() < 0.5:
        context["campaign"] = {"source": "newsletter", "medium": "email", "name": "autumn-2025"}
    if chance.random() < 0.3:
        context["screen"] = {"width": 1512, "height": 982, "density": 2}
    return context


def _properties(chance: random.Random, name: str, url: str) -> dict[str, Any]:
    if not name:
        return {
            "name": "Product page",
            "category": "Shoes",
            "url": url,
            "path": url[24:],
            "referrer": "https://www.google.com/",
        }
    if name in ("Order Completed", "Checkout Started"):
        return {
            "order_id": f"o-{chance.randrange(10**6)}",
            "currency": "EUR",
            "total": 119.8,
            "shipping": 4.9,
            "products": [_product(chance) for _ in range(2)],
        }
    return (
        {"query": "running shoes"}
        if name == "Products Searched"
        else {**_product(chance), "currency": "EUR", "url": url}
    )


def _product(chance: random.Random) -> dict[str, Any]:
    return {
        "product_id": f"p-{chance.randrange(10**5)}",
        "sku": f"sku-{chance.randrange(10**5)}",
        "name": "Runner, light, blue",
        "brand": "Example",
        "category": "Shoes",
        "price": chance.randrange(1000, 20_000) / 100,
        "quantity": chance.randrange(1, 4),
    }


def rate(work: Callable[[], None]) -> float:
    """Events per second of processor time for one round over all events."""
    start = time.process_time()
    work()
    return EVENTS / (time.process_time() - start)


def interleaved(works: dict[str, Callable[[], None]], seconds: float) -> dict[str, float]:
    """The best rate of each work, all measured in turns."""
    best = dict.fromkeys(works, 0.0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, work in works.items():
            best[name] = max(best[name], rate(work))
    return best


def codec(texts: list[bytes]) -> Callable[[], None]:
    """Only decode and encode."""

    def work() -> None:
        for text in texts:
            orjson.dumps(orjson.loads(text))

    return work


def transform(texts: list[bytes], integrations: list[CompiledIntegration]) -> Callable[[], None]:
    """Decode once, prepare for each integration, encode each output."""

    def work() -> None:
        for text in texts:
            event = orjson.loads(text)
            for integration in integrations:
                for output in integration.prepare(event).outputs:
                    orjson.dumps(output.body)

    return work


def compiled(folder: Path) -> CompiledIntegration:
    """The kit of a folder with example values for its parameters."""
    kit = load_kit(folder)
    return compile_kit(kit, example_values(parameters_of(kit)), preview=True)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kit", type=Path, action="append", default=[], help="folder of a further kit to measure")
    arguments.add_argument("--seconds", type=float, default=3.0, help="time for each line")
    given = arguments.parse_args()
    texts = [orjson.dumps(event) for event in made_up_events(EVENTS)]
    print(f"{EVENTS} events, {sum(map(len, texts)) / EVENTS:.0f} bytes on average, one core")
    print(f"{'kit':<28}{'codec/s':>12}{'playbook/s':>12}{'ratio':>8}")
    for folder in (library.FOLDER / "lytics", library.FOLDER / "meta-conversions", *given.kit):
        best = interleaved({"codec": codec(texts), "playbook": transform(texts, [compiled(folder)])}, given.seconds)
        ratio = best["playbook"] / best["codec"]
        print(f"{folder.name:<28}{best['codec']:>12,.0f}{best['playbook']:>12,.0f}{ratio:>8.2f}")
    folder = library.FOLDER / "lytics"
    many = [compiled(folder) for _ in range(20)]
    best = interleaved({"one": transform(texts, many[:1]), "twenty": transform(texts, many)}, given.seconds * 2)
    print(f"20 × lytics costs {best['one'] / best['twenty']:.1f} × one")


if __name__ == "__main__":
    main()
