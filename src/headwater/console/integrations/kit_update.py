"""A newer kit under an integration's overrides: is there one, and which overrides need a look."""

from __future__ import annotations

from typing import Literal, NamedTuple

from headwater.console.integrations.override_edit import Document
from headwater.console.integrations.rule_table import (
    DEFAULT,
    GLOBAL,
    KEYED,
    SectionName,
    override_of,
    rules_for,
    section_of,
)
from headwater.console.integrations.rule_wording import wording
from headwater.errors import ConfigurationError
from headwater.pipelines import kits, overrides
from headwater.pipelines.objects import RevisionContent
from headwater.playbooks import Kit


class NewerKit(NamedTuple):
    """The library's present kit, where it is not the one of the revision."""

    before: str
    version: str
    texts: dict[str, str]


class Conflict(NamedTuple):
    """An override of a rule that the newer kit changed or has no more. The texts are the rule in words, "" for none."""

    section: SectionName
    key: str
    kind: Literal["changed", "gone"]
    kit_before: str
    kit_now: str
    override: str


def newer_kit(content: RevisionContent) -> NewerKit | None:
    """The library's kit when it differs from the revision's; None when it is the same or not of the library."""
    texts = kits.find_library_texts(content.kit)
    if texts is None or texts == content.texts:
        return None
    try:
        before = kits.kit_from(content.kit, content.texts).version
    except ConfigurationError:
        before = ""
    return NewerKit(before, kits.kit_from(content.kit, texts).version, texts)


def conflicts(before: Kit, now: Kit, document: Document) -> tuple[Conflict, ...]:
    """Overrides of rules that are not the same in the newer kit: a person decides whether they still make sense."""
    read = overrides.read(document)
    names = (GLOBAL, *(SectionName("event", event) for event in read.events), DEFAULT)
    found: list[Conflict] = []
    for name in names:
        override = override_of(read, name)
        rows = {row["outputKey"]: wording(group, row).line for group in KEYED for row in getattr(override, group)}
        for key in dict.fromkeys((*override.remove, *rows)):
            was, present = _line(before, name, key), _line(now, name, key)
            if was and was != present:
                kind: Literal["changed", "gone"] = "changed" if present else "gone"
                found.append(Conflict(name, key, kind, was, present, rows.get(key, "taken out")))
    return tuple(found)


def _line(kit: Kit, name: SectionName, key: str) -> str:
    section = section_of(kit, name)
    if section is None:
        section = section_of(kit, DEFAULT) or {}
    return " and ".join(wording(group, row).line for group, row in rules_for(section, key))
