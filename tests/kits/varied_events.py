"""Events made for one kit: all its event names and some unknown ones, with values at the paths that the kit reads."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit_events import ordinary_events

READ_PATH = re.compile(
    r"\b(?:properties|traits|context|integrations)(?:\.[A-Za-z_][A-Za-z0-9_]*)+|"
    r"\binput\.((?:[A-Za-z_][A-Za-z0-9_]*)(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
)
UNKNOWN = ["Order  completed ", "ORDER CANCELLED", "Never Heard Of", "", "Åpnet Side"]
TYPES = ["page", "screen", "identify", "group", "alias"]
PLATFORMS: list[dict[str, Any]] = [
    {},
    {"device": {"type": "android", "advertisingId": "38400000-8cf0-11bd-b23e-10b96e40000d"}, "os": {"name": "Android"}},
    {
        "device": {"type": "iOS", "advertisingId": "6D92078A-8246-4BA4-AE5B-76104861E7DC", "id": "i-1"},
        "os": {"name": "iOS"},
    },
]
TEXTS = [
    "x",
    "Jane@Example.com ",
    "ü&=?#/ \"'<>\\ 日本",
    "12.50",
    " 7 ",
    "true",
    "2025-11-20T09:17:16.036Z",
    "",
    "a.b,c|d",
]
OTHERS: list[Any] = [0, 1, -2.5, 19.99, 1e15, True, False, None, [], {}, ["a", None, 2], {"k": {"n": 1.5}}, [{"id": 1}]]
PRODUCT = {"product_id": "p-9", "sku": "s-9", "name": "Støvel", "price": "49.95", "quantity": "2", "category": "A/B"}
PRODUCT_LISTS: list[Any] = [
    [],
    [PRODUCT],
    [PRODUCT, {"product_id": 17, "price": 3, "quantity": 4, "brand": "Y"}],
    [{"name": "no price"}, PRODUCT],
    [PRODUCT, None, {"price": None}],
    {"a": PRODUCT},
    "p-1",
]


def paths_read(folder: Path) -> list[str]:
    """The paths of the event that the files of a kit name, as far as a pattern can tell."""
    found = READ_PATH.finditer((folder / "playbook.json").read_text() + (folder / "connection.json").read_text())
    return sorted({match[1] or match[0] for match in found})


def names_of(folder: Path) -> list[str]:
    """The event names of a kit's sections, as an SDK would send them."""
    names: set[str] = set()
    for file in ("playbook", "connection"):
        names |= set(json.loads((folder / f"{file}.json").read_text()).get("eventSpecific") or {})
    return [name.replace("_", " ").title() for name in sorted(names - set(TYPES))]


def varied_events(folder: Path, rounds: int, text_share: float) -> Iterator[dict[str, Any]]:
    """So many events for each name and type, the same for each call; other values than text are of every kind."""
    chance = random.Random(folder.name)  # noqa: S311  # events must repeat
    paths = paths_read(folder)
    rich = ordinary_events()[0]
    for name in [*names_of(folder), *UNKNOWN]:
        for number in range(rounds):
            yield _event({"type": "track", "event": name}, rich, paths, chance, number, text_share)
    for kind in TYPES:
        for number in range(rounds):
            yield _event({"type": kind, "name": "Home"}, rich, paths, chance, number, text_share)


def _event(
    head: dict[str, Any], rich: dict[str, Any], paths: list[str], chance: random.Random, number: int, text_share: float
) -> dict[str, Any]:
    event: dict[str, Any] = copy.deepcopy(rich) if number % 3 else {"messageId": "m-1", "timestamp": rich["timestamp"]}
    event |= head
    context = event.setdefault("context", {})
    for key, value in chance.choice(PLATFORMS).items():
        context[key] = copy.deepcopy(value)
    for path in paths:
        if path not in head and chance.random() < (0.4, 0.15, 0.7)[number % 3]:
            _put(event, path.split("."), chance, text_share)
    if isinstance(event.get("properties"), dict) and chance.random() < 0.7:
        event["properties"]["products"] = copy.deepcopy(chance.choice(PRODUCT_LISTS))
    for root in ("userId", "traits", "properties", "context"):
        if chance.random() < 0.08:
            event.pop(root, None)
    return event


def _put(event: dict[str, Any], path: list[str], chance: random.Random, text_share: float) -> None:
    place = event
    for part in path[:-1]:
        inner = place.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        place = inner
    values = TEXTS[:5] if chance.random() < text_share else [*TEXTS, *OTHERS]
    place[path[-1]] = copy.deepcopy(chance.choice(values))
