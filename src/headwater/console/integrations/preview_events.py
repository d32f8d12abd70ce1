"""Which events a preview can show: the pipeline's newest ones, else examples of the kit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nats.aio.client import Client

from headwater.console.integrations.compiled import library_kits
from headwater.console.integrations.recent_events import RecentEvent, event_at, recent_events
from headwater.pipelines.objects import Pipeline

NEWEST = "newest"
_LABEL_CHARACTERS = 60
_STARTER: Mapping[str, Any] = {
    "type": "track",
    "event": "Product Viewed",
    "messageId": "example-1",
    "anonymousId": "a-1",
    "userId": "u-1",
    "timestamp": "2026-01-01T00:00:00.000Z",
    "context": {"page": {"url": "https://shop.example/p/1", "title": "A product"}, "locale": "en-GB"},
    "properties": {"product_id": "p-1", "name": "A product", "price": 19.9, "currency": "EUR"},
}


class Choice(NamedTuple):
    """An entry of the list of events: `value` chooses it."""

    value: str
    label: str


class Choices(NamedTuple):
    """The list of events, and the one that is shown. `sequence` is its place in the log, 0 for an example."""

    chosen: str
    event: dict[str, Any]
    sequence: int
    recent: tuple[Choice, ...]
    examples: tuple[Choice, ...]


async def choices(client: Client, pipeline: Pipeline | None, kit: str, chosen: str) -> Choices:
    """The events that a preview offers, and the chosen one; the newest when the chosen one is gone.

    Raises UnavailableError when the log does not answer.
    """
    recent = [] if pipeline is None else await recent_events(client, pipeline.id)
    examples = _examples(kit)
    shown = tuple(Choice(f"log:{one.sequence}", label(one.record.data)) for one in recent)
    offered = tuple(Choice(f"example:{index}", title) for index, (title, _) in enumerate(examples))
    kind, _, number = chosen.partition(":")
    if kind == "example" and number.isdigit() and int(number) < len(examples):
        return Choices(chosen, examples[int(number)][1], 0, shown, offered)
    if kind == "log" and number.isdigit() and pipeline is not None:
        found = await _found(client, pipeline, recent, int(number))
        if found is not None:
            return Choices(chosen, found.record.data, found.sequence, shown, offered)
    if recent:
        return Choices(NEWEST, recent[0].record.data, recent[0].sequence, shown, offered)
    return Choices(NEWEST, examples[0][1], 0, shown, offered)


async def _found(client: Client, pipeline: Pipeline, recent: list[RecentEvent], sequence: int) -> RecentEvent | None:
    for one in recent:
        if one.sequence == sequence:
            return one
    return await event_at(client, pipeline.id, sequence)


def label(event: Mapping[str, Any]) -> str:
    """An event in a line: type, name, whose."""
    name = event.get("event") if event.get("type") == "track" else event.get("name")
    user = event.get("userId") or event.get("anonymousId")
    parts = [str(event.get("type", "event"))]
    if name:
        parts.append(_short(str(name)))
    if user:
        parts.append(f"({_short(str(user))})")
    return " ".join(parts)


def _short(text: str) -> str:
    return text if len(text) <= _LABEL_CHARACTERS else text[: _LABEL_CHARACTERS - 1] + "…"


def _examples(kit: str) -> list[tuple[str, dict[str, Any]]]:
    own = [(one.title, one.event) for found in library_kits() if found.name == kit for one in found.examples]
    return own or [("A product is looked at", dict(_STARTER))]
