"""Which events a preview can show: the pipeline's newest ones, else examples of the kit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nats.aio.client import Client

from headwater.console.integrations.compiled import library_kits
from headwater.console.integrations.recent_events import RecentEvent, event_at, recent_events
from headwater.console.live.examples import Example
from headwater.pipelines.objects import Pipeline

NEWEST = "newest"
_LABEL_CHARACTERS = 60
_DIGITS = 18
"""Of the greatest place in the log that is looked for."""
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
    """The list of events, and the one that is shown. `sequence` is its place in the log, 0 for an example.

    `recent` are events of the log, `kept` those that people kept, `examples` those of the kit.
    """

    chosen: str
    event: dict[str, Any]
    sequence: int
    recent: tuple[Choice, ...]
    kept: tuple[Choice, ...]
    examples: tuple[Choice, ...]


async def choices(client: Client, pipeline: Pipeline | None, kept: Sequence[Example], kit: str, chosen: str) -> Choices:
    """The events that a preview offers, and the chosen one; the newest when the chosen one is gone.

    Raises UnavailableError when the log does not answer.
    """
    recent = [] if pipeline is None else await recent_events(client, pipeline.id)
    own = {f"kept:{one.id}": (one.title, one.event) for one in kept}
    of_kit = {f"example:{index}": found for index, found in enumerate(_examples(kit))}
    known = own | of_kit
    lists = (
        tuple(Choice(f"log:{one.sequence}", label(one.record.data)) for one in recent),
        tuple(Choice(name, title) for name, (title, _) in own.items()),
        tuple(Choice(name, title) for name, (title, _) in of_kit.items()),
    )
    if chosen in known:
        return Choices(chosen, known[chosen][1], 0, *lists)
    found = await _in_log(client, pipeline, recent, chosen)
    if found is not None:
        return Choices(chosen, found.record.data, found.sequence, *lists)
    if recent:
        return Choices(NEWEST, recent[0].record.data, recent[0].sequence, *lists)
    return Choices(NEWEST, of_kit["example:0"][1], 0, *lists)


async def _in_log(
    client: Client, pipeline: Pipeline | None, recent: Sequence[RecentEvent], chosen: str
) -> RecentEvent | None:
    """The chosen event of the log; None when none was chosen or it is not there any more."""
    kind, _, number = chosen.partition(":")
    if kind != "log" or not number.isdecimal() or len(number) > _DIGITS or pipeline is None:
        return None
    for one in recent:
        if one.sequence == int(number):
            return one
    return await event_at(client, pipeline.id, int(number))


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
