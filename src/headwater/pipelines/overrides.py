"""Overrides: what an installation changes of a kit, kept apart from it, so that a newer kit can be taken without merging.

    parameters:                        more parameters, as in the kit's `params`
      - name: REGION
    global:                            also `default`
      remove: [category]               take the kit's rules for these output keys out
      mappings:                        change the rule of an output key, or add one
        - outputKey: id
          inputKey: context.my_id
    events:
      Custom Thing:                    an event's own section, made when the kit has none
        enrichments:
          - outputKey: kind
            staticString: thing

A row names an output key. Where the section has one rule for it, the row's keys replace those of the rule and the others
stay, transforms for example; where it has none, the row is a new rule. `filters`, `spreadings` and `expressions` are added.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from headwater.errors import ConfigurationError, InputError
from headwater.playbooks import Document, Kit
from headwater.playbooks.event_names import normalise

Rule = dict[str, Any]
_KEYED = ("enrichments", "mappings")
_ADDED = ("filters", "spreadings", "expressions")


class SectionOverride(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What changes in one section."""

    remove: tuple[str, ...] = ()
    filters: tuple[Rule, ...] = ()
    spreadings: tuple[Rule, ...] = ()
    enrichments: tuple[Rule, ...] = ()
    mappings: tuple[Rule, ...] = ()
    expressions: tuple[Rule, ...] = ()


class Overrides(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The document."""

    parameters: tuple[Rule, ...] = ()
    everywhere: SectionOverride = msgspec.field(default=SectionOverride(), name="global")
    default: SectionOverride = SectionOverride()
    events: dict[str, SectionOverride] = {}


def read(document: dict[str, Any]) -> Overrides:
    """The overrides of a document. Raises ConfigurationError that names the key."""
    try:
        return msgspec.convert(document, Overrides)
    except msgspec.ValidationError as fault:
        text = str(fault)
        raise ConfigurationError(f"{text[0].lower()}{text[1:]}; correct the key or remove it", "overrides") from None


def apply_overrides(kit: Kit, document: dict[str, Any]) -> Kit:
    """The kit with the overrides. Raises ConfigurationError that lists every override that does not fit the kit."""
    if not document:
        return kit
    overrides = read(document)
    playbook, problems = dict(kit.playbook.value), list[str]()
    playbook["params"] = [*(playbook.get("params") or ()), *overrides.parameters]
    playbook["global"] = _section(playbook.get("global") or {}, overrides.everywhere, "global", problems)
    playbook["default"] = _section(playbook.get("default") or {}, overrides.default, "default", problems)
    playbook["eventSpecific"] = _events(playbook, overrides, problems)
    if problems:
        raise ConfigurationError("\n".join(problems), "overrides")
    # Positions of the kit's file would mislead: what stands where is no longer what the file says.
    return msgspec.structs.replace(kit, playbook=Document(f"{kit.playbook.file} with overrides", playbook, {}))


def _events(playbook: dict[str, Any], overrides: Overrides, problems: list[str]) -> dict[str, Any]:
    sections = dict(playbook.get("eventSpecific") or {})
    names = {normalise(name): name for name in sections}
    for event, override in overrides.events.items():
        name = names.get(normalise(event), event)
        section = sections[name] or {} if name in sections else _own_section(playbook["default"])
        sections[name] = _section(section, override, f"events.{event}", problems)
    return sections


def _own_section(default: dict[str, Any]) -> dict[str, Any]:
    """A new event section. It takes the place of `default`, so it begins with the same rules; only the filters go,
    because whoever adds an event wants it sent."""
    return {name: rules for name, rules in default.items() if name != "filters"}


def _section(section: dict[str, Any], override: SectionOverride, place: str, problems: list[str]) -> dict[str, Any]:
    changed = dict(section)
    for key in override.remove:
        if not any(_rules_for(changed.get(group) or (), key) for group in _KEYED):
            problems.append(f"{place}.remove: the kit has no rule for {key!r}; take it out of the list")
        for group in _KEYED:
            changed[group] = [rule for rule in changed.get(group) or () if rule.get("outputKey") != key]
    for group in _KEYED:
        for row in getattr(override, group):
            changed[group] = _with_row(list(changed.get(group) or ()), row, f"{place}.{group}", problems)
    for group in _ADDED:
        added = getattr(override, group)
        if added:
            changed[group] = [*(changed.get(group) or ()), *added]
    return changed


def _with_row(rules: list[Rule], row: Rule, place: str, problems: list[str]) -> list[Rule]:
    key = row.get("outputKey")
    if not isinstance(key, str) or not key:
        problems.append(f"{place}: a row has no outputKey; name the key of the output that it is about")
        return rules
    found = _rules_for(rules, key)
    if len(found) > 1:
        problems.append(f"{place}: the kit has {len(found)} rules for {key!r}; remove them and write the rule whole")
        return rules
    if not found:
        return [*rules, row]
    return [rule | row if position == found[0] else rule for position, rule in enumerate(rules)]


def _rules_for(rules: Iterable[Rule], key: str) -> list[int]:
    return [position for position, rule in enumerate(rules) if rule.get("outputKey") == key]


def writes(kit: Kit, key: str) -> bool:
    """Whether any section of the kit has a mapping or an enrichment for the output key."""
    playbook = kit.playbook.value
    sections = (playbook.get("global"), playbook.get("default"), *(playbook.get("eventSpecific") or {}).values())
    return any(_rules_for(section.get(group) or (), key) for section in sections if section for group in _KEYED)


def with_input(document: dict[str, Any], key: str, path: str, event: str | None) -> dict[str, Any]:
    """The document in which the output key takes its value from a path of the event, in a section or in all events'."""
    section = _section_of(read(document), event)
    rows = {row.get("outputKey"): row for row in section.mappings}
    rows[key] = rows.get(key, {}) | {"outputKey": key, "inputKey": path}
    return _with_section(document, event, msgspec.structs.replace(section, mappings=tuple(rows.values())))


def without_key(document: dict[str, Any], key: str, event: str | None) -> dict[str, Any]:
    """The document without overrides of the output key. Raises InputError when it has none."""
    section = _section_of(read(document), event)
    kept = {group: tuple(row for row in getattr(section, group) if row.get("outputKey") != key) for group in _KEYED}
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
