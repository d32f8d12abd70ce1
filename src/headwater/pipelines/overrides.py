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

from headwater.errors import ConfigurationError
from headwater.playbooks import Document, Kit
from headwater.playbooks.event_names import normalise

Rule = dict[str, Any]
KEYED = ("enrichments", "mappings")
_ADDED = ("filters", "spreadings", "expressions")
_EITHER_OR = (
    frozenset({"staticString", "staticInt", "staticFloat", "staticBool", "timestamp", "uuid"}),
    frozenset({"defaultString", "defaultInt", "defaultFloat", "defaultBool"}),
)
"""Of these keys a rule has one: a row's takes the place of whichever the kit's rule has."""


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
        section = sections[name] or {} if name in sections else own_section(playbook["default"])
        sections[name] = _section(section, override, f"events.{event}", problems)
    return sections


def kit_section(kit: Kit, event: str | None) -> dict[str, Any]:
    """The section of a kit that overrides of an event lie over, or those of all events."""
    playbook = kit.playbook.value
    if event is None:
        return dict(playbook.get("global") or {})
    for name, section in (playbook.get("eventSpecific") or {}).items():
        if normalise(name) == normalise(event):
            return dict(section or {})
    return own_section(playbook.get("default") or {})


def own_section(default: dict[str, Any]) -> dict[str, Any]:
    """A new event section. It takes the place of `default`, so it begins with the same rules; only the filters go,
    because whoever adds an event wants it sent."""
    return {name: rules for name, rules in default.items() if name != "filters"}


def _section(section: dict[str, Any], override: SectionOverride, place: str, problems: list[str]) -> dict[str, Any]:
    changed = dict(section)
    for key in override.remove:
        if not any(rules_for(changed.get(group) or (), key) for group in KEYED):
            problems.append(f"{place}.remove: the kit has no rule for {key!r}; take it out of the list")
        for group in KEYED:
            changed[group] = [rule for rule in changed.get(group) or () if rule.get("outputKey") != key]
    for group in KEYED:
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
    found = rules_for(rules, key)
    if len(found) > 1:
        problems.append(f"{place}: the kit has {len(found)} rules for {key!r}; remove them and write the rule whole")
        return rules
    if not found:
        return [*rules, row]
    return [laid_over(rule, row) if position == found[0] else rule for position, rule in enumerate(rules)]


def laid_over(rule: Rule, row: Rule) -> Rule:
    """The kit's rule with the keys of a row in place of its own."""
    replaced = {key for group in _EITHER_OR if not group.isdisjoint(row) for key in group}
    return {key: value for key, value in rule.items() if key not in replaced} | row


def rules_for(rules: Iterable[Rule], key: str) -> list[int]:
    """Positions of the rules that write an output key."""
    return [position for position, rule in enumerate(rules) if rule.get("outputKey") == key]


def writes(kit: Kit, key: str) -> bool:
    """Whether any section of the kit has a mapping or an enrichment for the output key."""
    playbook = kit.playbook.value
    sections = (playbook.get("global"), playbook.get("default"), *(playbook.get("eventSpecific") or {}).values())
    return any(rules_for(section.get(group) or (), key) for section in sections if section for group in KEYED)
