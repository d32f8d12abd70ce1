"""Change an overrides document by one thing at a time: an input, a fixed value, a rule or an event less, and back again."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.errors import InputError
from headwater.pipelines.overrides import KEYED, Overrides, Rule, SectionOverride, kit_section, read, rules_for
from headwater.playbooks import Kit
from headwater.playbooks.event_names import normalise
from headwater.playbooks.scalars import text_number

_QUOTED = 2
"""Shortest text with quotes around it."""


def with_input(document: dict[str, Any], key: str, path: str, event: str | None) -> dict[str, Any]:
    """The document in which the output key takes its value from a path of the event, in a section or in all events'."""
    section = _section_of(read(document), event)
    rows = {row.get("outputKey"): row for row in section.mappings}
    rows[key] = rows.get(key, {}) | {"outputKey": key, "inputKey": path}
    return _with_section(document, event, msgspec.structs.replace(section, mappings=tuple(rows.values())))


def with_fixed(document: dict[str, Any], kit: Kit, key: str, value: str, event: str | None) -> dict[str, Any]:
    """The document in which the output key always has a value: a number, true or false as such, else text.

    Quotes around it make anything text. Where the kit takes the key from the event, that rule goes.
    """
    section = _section_of(read(document), event)
    kept = tuple(row for row in section.enrichments if row.get("outputKey") != key)
    mapped = rules_for(kit_section(kit, event).get("mappings") or (), key)
    removed = (*(name for name in section.remove if name != key), *((key,) if mapped else ()))
    changed = msgspec.structs.replace(
        section,
        enrichments=(*kept, {"outputKey": key} | _static(value)),
        mappings=tuple(row for row in section.mappings if row.get("outputKey") != key),
        remove=removed,
    )
    return _with_section(document, event, changed)


def _static(value: str) -> Rule:
    if value in ("true", "false"):
        return {"staticBool": value == "true"}
    number = text_number(value)
    if isinstance(number, int):
        return {"staticInt": number}
    if number is not None:
        return {"staticFloat": number}
    quoted = len(value) >= _QUOTED and value[0] == value[-1] == '"'
    return {"staticString": value[1:-1] if quoted else value}


def with_dropped(document: dict[str, Any], key: str, event: str | None) -> dict[str, Any]:
    """The document in which the kit's rules for the output key are taken out."""
    section = _section_of(read(document), event)
    kept = {group: tuple(row for row in getattr(section, group) if row.get("outputKey") != key) for group in KEYED}
    removed = (*(name for name in section.remove if name != key), key)
    return _with_section(document, event, msgspec.structs.replace(section, remove=removed, **kept))


def with_event_dropped(document: dict[str, Any], event: str) -> dict[str, Any]:
    """The document by which an event is not sent at all."""
    kept = _without_drop(read(document).everywhere, event)
    row = {"byEventNames": {"action": "deny", "events": [event]}}
    return _with_section(document, None, msgspec.structs.replace(kept, filters=(*kept.filters, row)))


def without_event(document: dict[str, Any], event: str) -> dict[str, Any]:
    """The document without overrides of an event, that it is not sent among them. Raises InputError when it has none."""
    overrides = read(document)
    kept = _without_drop(overrides.everywhere, event)
    own = _section_of(overrides, event)
    if kept == overrides.everywhere and own == SectionOverride():
        raise InputError(f"there is no override of the event {event!r}", "--restore-event")
    return _with_section(_with_section(document, None, kept), event, SectionOverride())


def _without_drop(section: SectionOverride, event: str) -> SectionOverride:
    """The section without the filter that drops this one event."""
    return msgspec.structs.replace(section, filters=tuple(row for row in section.filters if not _drops(row, event)))


def _drops(row: Rule, event: str) -> bool:
    names = row.get("byEventNames")
    if not isinstance(names, dict) or names.get("action") != "deny":
        return False
    return [normalise(str(name)) for name in names.get("events") or ()] == [normalise(event)]


def without_key(document: dict[str, Any], key: str, event: str | None) -> dict[str, Any]:
    """The document without overrides of the output key. Raises InputError when it has none."""
    section = _section_of(read(document), event)
    kept = {group: tuple(row for row in getattr(section, group) if row.get("outputKey") != key) for group in KEYED}
    removed = tuple(name for name in section.remove if name != key)
    changed = msgspec.structs.replace(section, remove=removed, **kept)
    if changed == section:
        where = "for all events" if event is None else f"for {event!r}"
        raise InputError(f"there is no parameter and, {where}, no override of the name {key!r}", "--remove")
    return _with_section(document, event, changed)


def with_parameter(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The document in which the kit has one more parameter."""
    rows = [row for row in read(document).parameters if row.get("name") != name]
    return document | {"parameters": [*rows, {"name": name}]}


def _section_of(overrides: Overrides, event: str | None) -> SectionOverride:
    if event is None:
        return overrides.everywhere
    return overrides.events.get(_event_key(overrides, event), SectionOverride())


def _event_key(overrides: Overrides, event: str) -> str:
    return next((name for name in overrides.events if normalise(name) == normalise(event)), event)


def _with_section(document: dict[str, Any], event: str | None, section: SectionOverride) -> dict[str, Any]:
    overrides = read(document)
    if event is None:
        changed = msgspec.structs.replace(overrides, everywhere=section)
    else:
        events = overrides.events | {_event_key(overrides, event): section}
        changed = msgspec.structs.replace(
            overrides, events={name: one for name, one in events.items() if one != SectionOverride()}
        )
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(changed))
    return {name: part for name, part in built.items() if part != {}}


def mentions(document: dict[str, Any], key: str) -> bool:
    """Whether any override is about the output key."""
    overrides = read(document)
    sections = (overrides.everywhere, overrides.default, *overrides.events.values())
    return any(
        key in section.remove or any(rules_for(getattr(section, group), key) for group in KEYED) for section in sections
    )
