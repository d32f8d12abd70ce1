"""Configuration documents: JSON or YAML text read into plain values, with the line of every node.

Both notations give the same values. YAML is read with the JSON rules for plain words (`true`, `false`, `null`, numbers);
everything else is text, so that a country code `no` or a date stays what was written. Duplicate keys are an error.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import msgspec
import yaml

from headwater.errors import ConfigurationError

Path = tuple[str | int, ...]
"""Keys and list positions that lead from the root of a document to a node."""

NODE_LIMIT = 100_000
"""Nodes that one document may have; YAML aliases count each time, so that a small file cannot unfold into a huge one."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)$")
_FRACTION = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


class Document(msgspec.Struct, frozen=True):
    """One configuration text: `value` as plain Python values, `lines` the first line (from 1) of each node by path."""

    file: str
    value: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of a node, or of the nearest node above it that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Reading(NamedTuple):
    file: str
    lines: dict[Path, int]

    def fail(self, message: str, line: int) -> ConfigurationError:
        return ConfigurationError(message, f"{self.file}:{line}")

    def note(self, path: Path, line: int) -> None:
        if len(self.lines) >= NODE_LIMIT:
            raise self.fail(f"more than {NODE_LIMIT} nodes; split the document or remove aliases", line)
        self.lines[path] = line


def read_document(text: str, file: str) -> Document:
    """Read JSON (a file name ending in `.json`) or YAML. Raises ConfigurationError with file and line."""
    reading = _Reading(file, {})
    value = _read_json(text, reading) if file.endswith(".json") else _read_yaml(text, reading)
    return Document(file, {} if value is None else value, reading.lines)


def _read_yaml(text: str, reading: _Reading) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        raise reading.fail(f"not valid YAML: {fault.problem or fault.context}", line) from None
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        raise reading.fail(f"not valid YAML: {fault}", 1) from None
    return None if node is None else _from_yaml(node, (), reading)


def _from_yaml(node: yaml.Node, path: Path, reading: _Reading) -> Any:
    line = node.start_mark.line + 1
    reading.note(path, line)
    if len(path) > 100:
        raise reading.fail("nested more than 100 levels deep", line)
    if isinstance(node, yaml.MappingNode):
        return _mapping_from_yaml(node, path, reading)
    if isinstance(node, yaml.SequenceNode):
        return [_from_yaml(item, (*path, index), reading) for index, item in enumerate(node.value)]
    return _scalar_from_yaml(node.value, quoted=bool(node.style))  # type: ignore[attr-defined]  # the third kind of node


def _mapping_from_yaml(node: yaml.MappingNode, path: Path, reading: _Reading) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise reading.fail("a key must be text", line)
        key = key_node.value
        if key in result:
            raise reading.fail(f"the key {key!r} is written twice; remove one", line)
        result[key] = _from_yaml(value_node, (*path, key), reading)
        reading.lines[(*path, key)] = line
    return result


def _scalar_from_yaml(text: str, *, quoted: bool) -> Any:
    if quoted:  # also literal and folded: always text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _FRACTION.match(text):
        return float(text)
    return text


_WHITE = re.compile(r"[ \t\r\n]*")
_scan_string = json.decoder.scanstring  # type: ignore[attr-defined]  # the standard decoder's string scanner, not in typeshed
_BARE = re.compile(r"[A-Za-z0-9+.\-]+")


def _read_json(text: str, reading: _Reading) -> Any:
    scanner = _JsonScanner(text, reading)
    value, end = scanner.value(scanner.skip(0), ())
    if scanner.skip(end) != len(text):
        raise scanner.fail("text after the end of the document", end)
    return value


class _JsonScanner:
    """A JSON reader that knows where it is; the standard decoder tells no positions."""

    def __init__(self, text: str, reading: _Reading) -> None:
        self.text = text
        self.reading = reading

    def fail(self, message: str, position: int) -> ConfigurationError:
        return self.reading.fail(f"not valid JSON: {message}", self.text.count("\n", 0, position) + 1)

    def skip(self, position: int) -> int:
        match = _WHITE.match(self.text, position)
        return position if match is None else match.end()

    def value(self, position: int, path: Path) -> tuple[Any, int]:
        if path not in self.reading.lines:
            self.reading.note(path, self.text.count("\n", 0, position) + 1)
        if len(path) > 100:
            raise self.fail("nested more than 100 levels deep", position)
        first = self.text[position : position + 1]
        if first == "{":
            return self.object(position + 1, path)
        if first == "[":
            return self.list(position + 1, path)
        if first == '"':
            return self.string(position)
        return self.bare(position)

    def string(self, position: int) -> tuple[str, int]:
        try:
            value, end = _scan_string(self.text, position + 1, True)
        except json.JSONDecodeError as fault:
            raise self.fail(fault.msg, fault.pos) from None
        return value, end

    def bare(self, position: int) -> tuple[Any, int]:
        match = _BARE.match(self.text, position)
        word = match[0] if match else ""
        if match is None or (word not in ("true", "false", "null") and not _FRACTION.match(word)):
            raise self.fail(f"expected a value, found {self.text[position : position + 10]!r}", position)
        return json.loads(word), match.end()

    def list(self, position: int, path: Path) -> tuple[list[Any], int]:
        items: list[Any] = []
        position = self.skip(position)
        if self.text[position : position + 1] == "]":
            return items, position + 1
        while True:
            item, end = self.value(self.skip(position), (*path, len(items)))
            items.append(item)
            position = self.skip(end)
            mark = self.text[position : position + 1]
            if mark == "]":
                return items, position + 1
            if mark != ",":
                raise self.fail("expected ',' or ']'", position)
            position += 1

    def object(self, position: int, path: Path) -> tuple[dict[str, Any], int]:
        members: dict[str, Any] = {}
        position = self.skip(position)
        if self.text[position : position + 1] == "}":
            return members, position + 1
        while True:
            position = self.member(self.skip(position), path, members)
            mark = self.text[position : position + 1]
            if mark == "}":
                return members, position + 1
            if mark != ",":
                raise self.fail("expected ',' or '}'", position)
            position += 1

    def member(self, position: int, path: Path, members: dict[str, Any]) -> int:
        if self.text[position : position + 1] != '"':
            raise self.fail("expected a key in double quotes", position)
        key, end = self.string(position)
        if key in members:
            line = self.text.count("\n", 0, position) + 1
            raise self.reading.fail(f"the key {key!r} is written twice; remove one", line)
        self.reading.note((*path, key), self.text.count("\n", 0, position) + 1)
        end = self.skip(end)
        if self.text[end : end + 1] != ":":
            raise self.fail("expected ':'", end)
        members[key], end = self.value(self.skip(end + 1), (*path, key))
        return self.skip(end)
