"""Overrides as a YAML file, both ways, and what is wrong with one, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import yaml

from headwater.errors import ConfigurationError
from headwater.playbooks.documents import read_document
from headwater.playbooks.grammar import Field, ListOf, MapOf, Object, Text, find_problems
from headwater.playbooks.playbook_shape import ENRICHMENT, FILTER, LUA, MAPPING, PARAMETER, SHAPES, SPREADING

FILE = "overrides.yaml"
WIDTH = 120


class FileFault(NamedTuple):
    """Something to correct in a file; `line` 0 for the file as a whole."""

    file: str
    line: int
    message: str


def _only_key_required(shape: Object) -> Object:
    """A rule that may lie over one of the kit: only the output key must be there."""
    fields = tuple(msgspec.structs.replace(field, required=field.name == "outputKey") for field in shape.fields)
    return msgspec.structs.replace(shape, fields=fields, at_most=True)


SECTION_SHAPE = Object(
    "SectionOverride",
    (
        Field("remove", ListOf(Text()), "output keys whose rules of the kit are taken out"),
        Field("filters", ListOf(FILTER), "more filters"),
        Field("spreadings", ListOf(SPREADING), "more spreadings"),
        Field("enrichments", ListOf(_only_key_required(ENRICHMENT)), "fixed values, changed or added"),
        Field("mappings", ListOf(_only_key_required(MAPPING)), "mappings, changed or added"),
        Field("expressions", ListOf(LUA), "more Lua expressions"),
    ),
)

SHAPE = Object(
    "Overrides",
    (
        Field("parameters", ListOf(PARAMETER), "more parameters"),
        Field("global", SECTION_SHAPE, "for every event"),
        Field("default", SECTION_SHAPE, "for events without a section of their own"),
        Field("events", MapOf(SECTION_SHAPE), "by event name"),
    ),
)


def write(document: dict[str, Any]) -> str:
    """The document as YAML that reads back as the same document; the empty text for the empty document."""
    if not document:
        return ""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def parse(text: str) -> tuple[dict[str, Any], tuple[FileFault, ...]]:
    """The document of a file, or an empty one with what is wrong."""
    try:
        document = read_document(text, FILE)
    except ConfigurationError as fault:
        return {}, (_placed(fault),)
    except ValueError:
        return {}, (FileFault(FILE, 0, "holds a number of several thousand digits; write it as text"),)
    faults = tuple(
        FileFault(FILE, problem.line, f"{problem.path}: {problem.message}; {problem.remedy}")
        for problem in find_problems(document, SHAPE, SHAPES)
    )
    return ({}, faults) if faults else (document.value, ())


def _placed(fault: ConfigurationError) -> FileFault:
    file, _, line = (fault.place or "").rpartition(":")
    return FileFault(file, int(line), fault.message) if line.isdecimal() else FileFault(FILE, 0, str(fault))


_PLACED = re.compile(
    r"(?P<file>[\w.-]+\.(?:yaml|yml|json))(?: with overrides)?:(?P<line>\d+): (?P<message>.*)", re.DOTALL
)


def faults_of(problems: Iterable[str]) -> tuple[FileFault, ...]:
    """Problems of a revision (as `kits.problems` lists them) with file and line where they are known."""
    return tuple(_fault(line) for problem in problems for line in problem.splitlines())


def _fault(problem: str) -> FileFault:
    match = _PLACED.match(problem)
    if match is None:
        return FileFault("", 0, problem)
    # Line numbers of a kit with overrides lead nowhere: no file looks like that.
    line = 0 if " with overrides:" in problem else int(match["line"])
    return FileFault(match["file"], line, match["message"])


class _Dumper(yaml.SafeDumper):
    """YAML as `read_document` reads it: there `no` and dates are text, and `1e5` is a number."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: ARG002  # PyYAML's signature
        """Indent lists below their key, as people write them."""
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        """Write every value where it stands."""
        return True


_NUMBER_LIKE = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$")


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    lines = text.split("\n")
    if not all(line.isprintable() for line in lines):
        return '"'  # the only one with escapes
    if len(lines) > 1:
        return "|"
    return "'" if _NUMBER_LIKE.match(text) else None


def _decimal(dumper: yaml.SafeDumper, number: Decimal) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:float", str(number))


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Decimal, _decimal)
