"""Edits of overrides, one rule at a time: a document in, the changed document out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from headwater import jsontext
from headwater.console.integrations.rule_table import (
    DEFAULT,
    KEYED,
    Row,
    SectionName,
    override_of,
    rules_for,
    section_of,
)
from headwater.errors import InputError
from headwater.pipelines.overrides import Overrides, SectionOverride, laid_over, read
from headwater.playbooks import Kit
from headwater.playbooks.event_names import normalise

Document = dict[str, Any]


def with_keyed_rule(document: Document, kit: Kit, name: SectionName, group: str, row: Row) -> Document:
    """The document in which `row` is the section's one rule for its output key, as small an override as does it.

    `kit` is the kit without overrides. Where the kit has a rule of the same kind, only what differs is kept.
    """
    key = row["outputKey"]
    section = _without_key(override_of(read(document), name), key)
    present = rules_for(_kit_section(kit, name), key)
    if present == [(group, row)]:
        return with_section(document, name, section)
    change = _smallest(present, group, row)
    if change is None:
        section = msgspec.structs.replace(section, remove=(*section.remove, key))
    added = (*getattr(section, group), row if change is None else change)
    return with_section(document, name, msgspec.structs.replace(section, **{group: added}))


def _smallest(present: list[tuple[str, Row]], group: str, row: Row) -> Row | None:
    """What to lay over the kit's rule to get `row`; None when the kit's rule must be taken out instead."""
    if not present:
        return row
    if len(present) > 1 or present[0][0] != group:
        return None
    before = present[0][1]
    change = {name: value for name, value in row.items() if name == "outputKey" or before.get(name) != value}
    if "transforms" not in row and before.get("transforms"):
        change["transforms"] = []
    result = {name: value for name, value in laid_over(before, change).items() if value != []}
    return change if result == row else None


def with_added_rule(document: Document, name: SectionName, group: str, row: Row, index: int | None = None) -> Document:
    """The document with one more filter, spreading or expression; at `index` in place of one that was added before."""
    section = override_of(read(document), name)
    rows = list(getattr(section, group))
    if index is None:
        rows.append(row)
    else:
        rows[index] = row
    return with_section(document, name, msgspec.structs.replace(section, **{group: tuple(rows)}))


def without_added_rule(document: Document, name: SectionName, group: str, index: int) -> Document:
    """The document without the filter, spreading or expression that was added at `index`."""
    section = override_of(read(document), name)
    rows = [row for position, row in enumerate(getattr(section, group)) if position != index]
    return with_section(document, name, msgspec.structs.replace(section, **{group: tuple(rows)}))


def without_rule(document: Document, kit: Kit, name: SectionName, key: str) -> Document:
    """The document in which the section has no rule for the output key."""
    section = _without_key(override_of(read(document), name), key)
    if rules_for(_kit_section(kit, name), key):
        section = msgspec.structs.replace(section, remove=(*section.remove, key))
    return with_section(document, name, section)


def as_in_kit(document: Document, name: SectionName, key: str) -> Document:
    """The document without any override of the output key: as the kit has it."""
    return with_section(document, name, _without_key(override_of(read(document), name), key))


def with_event(document: Document, kit: Kit, event: str) -> Document:
    """The document with a section for an event. Raises InputError for a name that is empty or taken."""
    event = event.strip()
    if not event:
        raise InputError("name the event, as senders call it", "event")
    overrides = read(document)
    taken = {normalise(name) for name in (*overrides.events, *(kit.playbook.value.get("eventSpecific") or {}))}
    if normalise(event) in taken:
        raise InputError(f"there is already a section for {event!r}; change that one", "event")
    return _to_document(msgspec.structs.replace(overrides, events=overrides.events | {event: SectionOverride()}))


def without_event(document: Document, event: str) -> Document:
    """The document without overrides of an event: a section that the kit lacks is gone."""
    overrides = read(document)
    events = {name: section for name, section in overrides.events.items() if normalise(name) != normalise(event)}
    return _to_document(msgspec.structs.replace(overrides, events=events))


def with_parameter(document: Document, row: Row) -> Document:
    """The document with one more parameter, in place of one with the same name."""
    overrides = read(document)
    others = tuple(one for one in overrides.parameters if one.get("name") != row["name"])
    return _to_document(msgspec.structs.replace(overrides, parameters=(*others, row)))


def without_parameter(document: Document, name: str) -> Document:
    """The document without an added parameter."""
    overrides = read(document)
    kept = tuple(row for row in overrides.parameters if row.get("name") != name)
    return _to_document(msgspec.structs.replace(overrides, parameters=kept))


def with_section(document: Document, name: SectionName, section: SectionOverride) -> Document:
    """The document with these overrides of a section."""
    overrides = read(document)
    if name.kind == "global":
        return _to_document(msgspec.structs.replace(overrides, everywhere=section))
    if name.kind == "default":
        return _to_document(msgspec.structs.replace(overrides, default=section))
    written = next((event for event in overrides.events if normalise(event) == normalise(name.event)), name.event)
    return _to_document(msgspec.structs.replace(overrides, events=overrides.events | {written: section}))


def tidied(document: Document, kit: Kit) -> Document:
    """The document without sections that change nothing; an empty one stays where it makes an event's section."""
    overrides = read(document)
    known = {normalise(event) for event in kit.playbook.value.get("eventSpecific") or {}}
    events = {
        event: section
        for event, section in overrides.events.items()
        if section != SectionOverride() or normalise(event) not in known
    }
    return _to_document(msgspec.structs.replace(overrides, events=events))


def _kit_section(kit: Kit, name: SectionName) -> Row:
    """What the overrides of a section lie on: an event's own section begins with the rules of the default."""
    section = section_of(kit, name)
    return (section_of(kit, DEFAULT) or {}) if section is None else section


def _without_key(section: SectionOverride, key: str) -> SectionOverride:
    kept = {group: tuple(row for row in getattr(section, group) if row.get("outputKey") != key) for group in KEYED}
    return msgspec.structs.replace(section, remove=tuple(name for name in section.remove if name != key), **kept)


def _to_document(overrides: Overrides) -> Document:
    built = jsontext.decode(jsontext.encode(msgspec.to_builtins(overrides, builtin_types=(Decimal,))))
    return {name: part for name, part in built.items() if part != {}}
