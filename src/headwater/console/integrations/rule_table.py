"""A kit with its overrides as tables: every rule of every section, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from headwater.pipelines.overrides import Overrides, SectionOverride
from headwater.playbooks import Kit
from headwater.playbooks.event_names import normalise

Row = dict[str, Any]
Origin = Literal["kit", "changed", "added"]

GROUPS = ("filters", "spreadings", "enrichments", "mappings", "expressions")
"""The lists of a section, in the order in which they run."""
KEYED = ("enrichments", "mappings")
"""Lists whose rules are known by their output key."""


class SectionName(NamedTuple):
    """`global`, `default`, or the section of an event."""

    kind: Literal["global", "default", "event"]
    event: str = ""

    @property
    def path(self) -> str:
        """How the playbook language names the section in traces and problems."""
        return f"eventSpecific.{self.event}" if self.kind == "event" else self.kind

    @property
    def title(self) -> str:
        """How people name it."""
        return {"global": "Global", "default": "Default", "event": self.event}[self.kind]


GLOBAL = SectionName("global")
DEFAULT = SectionName("default")


class Rule(NamedTuple):
    """A rule as it runs. `place` is how traces name it, `kit_row` what the kit has in its place."""

    place: str
    group: str
    position: int
    row: Row
    origin: Origin
    kit_row: Row | None = None

    @property
    def key(self) -> str:
        """The output key, "" for rules that write several."""
        return str(self.row.get("outputKey", ""))


class SectionTable(NamedTuple):
    """A section. `removed` are rules of the kit that were taken out, `own` says that the kit has no such section."""

    name: SectionName
    rules: tuple[Rule, ...]
    removed: tuple[Row, ...]
    own: bool


def tables(kit: Kit, overridden: Kit, overrides: Overrides) -> tuple[SectionTable, ...]:
    """The sections of a kit with its overrides applied (`overridden`): global, events in their order, default."""
    return tuple(_table(name, kit, overridden, overrides) for name in section_names(overridden))


def section_names(kit: Kit) -> tuple[SectionName, ...]:
    """Every section that a kit has or could have."""
    events = kit.playbook.value.get("eventSpecific") or {}
    return (GLOBAL, *(SectionName("event", event) for event in events), DEFAULT)


def section_of(kit: Kit, name: SectionName) -> Row | None:
    """A section of the kit; None for an event that it does not treat in a way of its own."""
    playbook = kit.playbook.value
    if name.kind != "event":
        return playbook.get(name.kind) or {}
    found = {normalise(event): section for event, section in (playbook.get("eventSpecific") or {}).items()}
    section = found.get(normalise(name.event))
    return {} if section is None and normalise(name.event) in found else section


def override_of(overrides: Overrides, name: SectionName) -> SectionOverride:
    """What changes in a section; nothing for one without overrides."""
    if name.kind != "event":
        return overrides.everywhere if name.kind == "global" else overrides.default
    by_name = {normalise(event): section for event, section in overrides.events.items()}
    return by_name.get(normalise(name.event), SectionOverride())


def rules_for(section: Mapping[str, Any], key: str) -> list[tuple[str, Row]]:
    """The rules of a section for an output key, with their groups."""
    return [(group, row) for group in KEYED for row in section.get(group) or () if row.get("outputKey") == key]


def _table(name: SectionName, kit: Kit, overridden: Kit, overrides: Overrides) -> SectionTable:
    before = section_of(kit, name)
    inherited = before if before is not None else section_of(kit, DEFAULT) or {}
    section = section_of(overridden, name) or {}
    override = override_of(overrides, name)
    rules = tuple(_rules(name, section, inherited, override))
    present = {rule.key for rule in rules if rule.key}
    removed = tuple(row for key in override.remove if key not in present for _, row in rules_for(inherited, key))
    return SectionTable(name, rules, removed, own=before is None)


def _rules(name: SectionName, section: Row, inherited: Row, override: SectionOverride) -> Iterator[Rule]:
    for group in GROUPS:
        rows = section.get(group) or ()
        added = len(getattr(override, group))
        for position, row in enumerate(rows):
            place = f"{name.path}.{group}[{position}]"
            if group in KEYED:
                yield _keyed(place, group, position, row, inherited, override)
            else:
                yield Rule(place, group, position, row, "kit" if position < len(rows) - added else "added")


def _keyed(place: str, group: str, position: int, row: Row, inherited: Row, override: SectionOverride) -> Rule:
    key = row.get("outputKey")
    if not any(key == one.get("outputKey") for one in (*override.mappings, *override.enrichments)):
        return Rule(place, group, position, row, "kit")
    replaced = rules_for(inherited, str(key))
    return Rule(place, group, position, row, "changed" if replaced else "added", replaced[0][1] if replaced else None)
