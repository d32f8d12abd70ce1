"""What one revision does differently from another: rule by rule, and line by line where files were edited."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from headwater.console.integrations.draft import tables_of
from headwater.console.integrations.rule_table import KEYED, SectionTable
from headwater.console.integrations.rule_wording import wording_of
from headwater.pipelines.objects import RevisionContent, shown

Kind = Literal["new", "changed", "gone"]


class Difference(NamedTuple):
    """One rule, parameter or setting that is not the same. `before` and `after` are in words, "" where there is none."""

    section: str
    subject: str
    kind: Kind
    before: str
    after: str


class FileDifference(NamedTuple):
    """Changed lines of a file: pairs of mark (" ", "-", "+", "@") and text."""

    file: str
    lines: tuple[tuple[str, str], ...]


def differences(before: RevisionContent, after: RevisionContent) -> tuple[Difference, ...]:
    """Everything that differs, parameters and delivery first."""
    return (*_values(before, after), *rule_differences(tables_of(before), tables_of(after)))


def rule_differences(before: tuple[SectionTable, ...], after: tuple[SectionTable, ...]) -> tuple[Difference, ...]:
    """The rules that differ, by section."""
    earlier = {(section, subject): text for section, subject, text in _rules(before)}
    later = {(section, subject): text for section, subject, text in _rules(after)}
    return tuple(_compared(earlier, later))


def file_differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FileDifference, ...]:
    """Files that differ."""
    names = sorted({*before, *after})
    found = (FileDifference(name, tuple(_lines(before.get(name, ""), after.get(name, "")))) for name in names)
    return tuple(difference for difference in found if difference.lines)


def _lines(before: str, after: str) -> Iterator[tuple[str, str]]:
    changed = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    for line in list(changed)[2:]:
        yield line[:1], line[1:] if line[:1] != "@" else line.strip("@ ")


def _rules(tables: tuple[SectionTable, ...]) -> Iterator[tuple[str, str, str]]:
    for table in tables:
        if table.own and not table.rules:
            yield table.name.title, "section", "is there, without rules"
        for rule in table.rules:
            words = wording_of(rule)
            subject = rule.key if rule.group in KEYED else f"{words.output}: {words.code or words.line}"
            yield table.name.title, subject, words.line


def _values(before: RevisionContent, after: RevisionContent) -> Iterator[Difference]:
    earlier = {("Parameters", name): shown(value) for name, value in before.parameters.items()}
    later = {("Parameters", name): shown(value) for name, value in after.parameters.items()}
    yield from _compared(earlier, later)
    for name, value in after.parameters.items():
        if value != before.parameters.get(name, value) and shown(value) == shown(before.parameters[name]):
            yield Difference("Parameters", name, "changed", "a secret", "another secret")


def _compared(earlier: Mapping[tuple[str, str], str], later: Mapping[tuple[str, str], str]) -> Iterator[Difference]:
    for place, text in later.items():
        if place not in earlier:
            yield Difference(*place, "new", "", text)
        elif earlier[place] != text:
            yield Difference(*place, "changed", earlier[place], text)
    for place, text in earlier.items():
        if place not in later:
            yield Difference(*place, "gone", text, "")
