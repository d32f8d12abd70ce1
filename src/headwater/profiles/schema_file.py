"""Schema files: YAML in, a `Schema` out, with the line of every fault.

A file may extend another schema by name (`extends: default`): its fields replace those of the same name, its mappings come
before, `without` names fields to leave out, everything else that it gives replaces what was there.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from importlib import resources
from typing import Any

import msgspec
import yaml

from headwater.errors import ConfigurationError
from headwater.profiles.schema import IdentifierSettings, Schema, schema_document
from headwater.yamltext import needs_escapes

DEFAULT = "default"
"""Name of the schema that every installation has."""

_BY_NAME = ("identifiers",)


def default_schema() -> Schema:
    """The schema that a new installation starts with."""
    return read_schema(_default_text(), place="defaults.yaml")


def _default_text() -> str:
    return resources.files("headwater.profiles").joinpath("defaults.yaml").read_text("utf-8")


def read_schema(text: str, place: str = "schema", others: MappingOf[str, str] | None = None) -> Schema:
    """Read the text of a schema file. `others` are texts of schemas that may be extended, by name; "default" is always there.

    Raises ConfigurationError with file and line: not YAML, an unknown key, a value of the wrong type, an unknown or circular
    `extends`. Whether the parts fit together is another question (`schema_check.check_schema`).
    """
    known = {DEFAULT: _default_text(), **(others or {})}
    document = _extended(_Source(text, place), known, ())
    lines = _lines_of(text)
    try:
        return msgspec.convert(document, Schema)
    except msgspec.ValidationError as fault:
        message, path = _reason_and_path(str(fault), document)
        raise ConfigurationError(message, _place(place, path, lines)) from None


def write_schema(schema: Schema) -> str:
    """The schema as the text of a schema file; `read_schema` gives the same value back."""
    document = schema_document(schema)
    if "fields" in document:
        document["fields"] = {field["id"]: _without_id(field) for field in document["fields"]}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Dumper(yaml.SafeDumper):
    """YAML folds Unicode's line ends in plain and single-quoted text; where there are any, text is escaped."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if needs_escapes(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _without_id(field: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key != "id"}


class _Source(msgspec.Struct, frozen=True):
    text: str
    place: str


def _extended(source: _Source, known: MappingOf[str, str], above: tuple[str, ...]) -> dict[str, Any]:
    own = _document(source)
    name = own.pop("extends", None)
    without = set(_texts(own.pop("without", []), source, "without"))
    if name is None:
        return _left_out(own, without)
    if name in above:
        raise ConfigurationError(f"extends in a circle: {' > '.join((*above, name))}; break it", source.place)
    if not isinstance(name, str) or name not in known:
        raise ConfigurationError(
            f"extends {name!r}, which is unknown; known are {', '.join(sorted(known))}", source.place
        )
    base = _extended(_Source(known[name], name), known, (*above, name))
    return _overlaid(_left_out(base, without), own)


def _left_out(document: dict[str, Any], without: set[str]) -> dict[str, Any]:
    if not without:
        return document
    lists = {
        "fields": [field for field in document.get("fields", []) if field["id"] not in without],
        "mappings": [each for each in document.get("mappings", []) if each.get("field") not in without],
        "aliases": [each for each in document.get("aliases", []) if each.get("field") not in without],
        "ranks": [name for name in document.get("ranks", []) if name not in without],
        "identifiers": {name: each for name, each in document.get("identifiers", {}).items() if name not in without},
    }
    return document | {key: value for key, value in lists.items() if key in document}


def _overlaid(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = base | own
    if "fields" in own:
        replaced = {field["id"]: field for field in (*base.get("fields", []), *own["fields"])}
        merged["fields"] = list(replaced.values())
    for key in ("mappings", "aliases"):
        if key in own:
            merged[key] = [*own[key], *base.get(key, [])]
    for key in _BY_NAME:
        if key in own:
            merged[key] = base.get(key, {}) | own[key]
    return merged


def _document(source: _Source) -> dict[str, Any]:
    try:
        _refuse_aliases(source)
        document = yaml.safe_load(source.text)
    except yaml.YAMLError as fault:
        raise ConfigurationError(f"not valid YAML: {_one_line(fault)}", source.place) from None
    if not isinstance(document, dict):
        raise ConfigurationError("not a schema: the top level must have keys such as fields and mappings", source.place)
    fields = document.get("fields", {})
    if not isinstance(fields, dict) or not all(isinstance(each, dict | None) for each in fields.values()):
        raise ConfigurationError("fields must be names with their attributes", source.place)
    if "fields" in document:
        document["fields"] = [{"id": str(name), **(each or {})} for name, each in fields.items()]
    return document


def _one_line(fault: yaml.YAMLError) -> str:
    return " ".join(str(fault).split())


def _texts(value: Any, source: _Source, key: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigurationError(f"{key} must be a list of field names", source.place)
    return value


def _refuse_aliases(source: _Source) -> None:
    """An alias can make YAML contain itself, or grow without bound; no schema needs one."""
    for token in yaml.scan(source.text):
        if isinstance(token, yaml.AliasToken):
            line = token.start_mark.line + 1
            raise ConfigurationError("a YAML alias (*); write the value itself", f"{source.place}:{line}")


# Lines


def _lines_of(text: str) -> dict[str, int]:
    """The line of every path (`fields.email.type`, `mappings.3.expr`) that the text itself holds."""
    lines: dict[str, int] = {}
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is not None:
        _note_lines(node, "", lines)
    return lines


def _note_lines(node: yaml.Node, path: str, lines: dict[str, int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _note_lines(value, f"{path}.{key.value}" if path else str(key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(item, f"{path}.{index}", lines)


def place_of(text: str, path: str, name: str = "schema") -> str:
    """`name:line: path` for a path in a schema file; without the line where the text does not hold the path."""
    return _place(name, path, _lines_of(text))


def _place(name: str, path: str, lines: dict[str, int]) -> str:
    known = path
    while known and known not in lines:
        known = known.rpartition(".")[0]
    return f"{name}:{lines[known]}: {path}" if known else f"{name}: {path}"


def _is_settings(value: Any) -> bool:
    try:
        msgspec.convert(value, IdentifierSettings)
    except msgspec.ValidationError:
        return False
    return True


def _reason_and_path(message: str, document: dict[str, Any]) -> tuple[str, str]:
    """What msgspec says (`Expected … - at `$.fields[3].type``) as a reason and a path of the file (`fields.email.type`)."""
    reason, _, tail = message.partition(" - at `$")
    parts = tail.rstrip("`").replace("[...]", ".*").replace("[", ".").replace("]", "").strip(".").split(".")
    if parts[0] == "fields" and len(parts) > 1:
        parts[1] = document["fields"][int(parts[1])]["id"]
    if parts[:2] == ["identifiers", "*"]:
        # msgspec does not say in which entry of an object the fault is.
        parts[1] = next((name for name, each in document["identifiers"].items() if not _is_settings(each)), "*")
    return reason[:1].lower() + reason[1:], ".".join(parts)
