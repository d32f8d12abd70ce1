"""A newer kit under an integration's overrides: is there one, and which overrides need a look."""

from __future__ import annotations

import re
from typing import NamedTuple

from headwater.console.integrations.override_edit import Document
from headwater.console.integrations.rule_table import DEFAULT, GLOBAL, SectionName
from headwater.errors import ConfigurationError
from headwater.pipelines import kits
from headwater.pipelines.objects import RevisionContent
from headwater.playbooks import Problem

_PLACE = re.compile(
    r"(?P<section>global|default|events\.(?P<event>.+))\.(?P<group>remove|[a-z]+)\[(?P<index>\d+)\]", re.DOTALL
)


class NewerKit(NamedTuple):
    """The library's present kit, where it is not the one of the revision."""

    before: str
    version: str
    texts: dict[str, str]


class Conflict(NamedTuple):
    """An override whose ground a newer kit changed. `section` and `key` say what can be taken back, None and "" if nothing."""

    path: str
    message: str
    section: SectionName | None
    key: str


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


def conflicts(before: RevisionContent, after: RevisionContent) -> tuple[Conflict, ...]:
    """Overrides of rules that are not the same in the newer kit: a person decides whether they still make sense."""
    try:
        found = kits.override_conflicts(before, after)
    except ConfigurationError:
        return ()  # the draft's own faults are shown instead
    return tuple(_conflict(problem, after.overrides) for problem in found)


def _conflict(problem: Problem, document: Document) -> Conflict:
    place = _PLACE.fullmatch(problem.path)
    if place is None:
        return Conflict(problem.path, problem.message, None, "")
    event = place["event"]
    section = {"global": GLOBAL, "default": DEFAULT}.get(place["section"]) or SectionName("event", event)
    rows = (document["events"][event] if event is not None else document[place["section"]])[place["group"]]
    row = rows[int(place["index"])]
    return Conflict(problem.path, problem.message, section, str(row if isinstance(row, str) else row["outputKey"]))
