"""One playbook section with its parameters filled in: the rules in the order in which they run, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from headwater.errors import ConfigurationError
from headwater.playbooks.connection import fill_all
from headwater.playbooks.filters import Filter, compile_filter
from headwater.playbooks.flatten import Spreading
from headwater.playbooks.grammar import number_of
from headwater.playbooks.lua_insertion import insert
from headwater.playbooks.parameters import ParameterValues
from headwater.playbooks.paths import Segments, parse_path
from headwater.playbooks.transforms import Transform, compile_transform


class FilterRule(msgspec.Struct, frozen=True):
    """A filter and where it stands."""

    where: str
    passes: Filter


class SpreadRule(msgspec.Struct, frozen=True):
    """A spreading of the object at `path`."""

    where: str
    path: Segments
    spreading: Spreading


class EnrichRule(msgspec.Struct, frozen=True):
    """A fixed value, or with `source` one of `seconds`, `milliseconds`, `v4` the clock or a new identifier."""

    where: str
    output: Segments
    value: Any
    source: str = ""


class LuaStep(msgspec.Struct, frozen=True):
    """A Lua body with its parameters inserted; `key` is the output key that it is for, "" for a section's expression."""

    where: str
    body: str
    key: str = ""


Step = Transform | LuaStep


class MapRule(msgspec.Struct, frozen=True):
    """A mapping. `path` is empty for the whole event; `steps` the transforms in order; `default` None for none."""

    where: str
    path: Segments
    output: Segments
    steps: tuple[Step, ...]
    default: Any


class Section(msgspec.Struct, frozen=True):
    """The rules of a section, each list in its order."""

    filters: tuple[FilterRule, ...] = ()
    spreadings: tuple[SpreadRule, ...] = ()
    enrichments: tuple[EnrichRule, ...] = ()
    mappings: tuple[MapRule, ...] = ()
    expressions: tuple[LuaStep, ...] = ()


def build_section(row: Mapping[str, Any], values: ParameterValues, where: str) -> Section:
    """A checked section of a playbook. Raises ConfigurationError that says where."""
    return Section(
        filters=tuple(_filters(row, values, where)),
        spreadings=tuple(_spreadings(row, values, where)),
        enrichments=tuple(_enrichments(row, values, where)),
        mappings=tuple(_mappings(row, values, where)),
        expressions=tuple(_lua(expression, values, place) for place, expression in _rows(row, "expressions", where)),
    )


def _rows(row: Mapping[str, Any], name: str, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, item in enumerate(row.get(name) or ()):
        yield f"{where}.{name}[{index}]", item


def _placed(fault: ConfigurationError, where: str) -> ConfigurationError:
    return fault if fault.place else ConfigurationError(fault.message, where)


def _filters(row: Mapping[str, Any], values: ParameterValues, where: str) -> Iterator[FilterRule]:
    for place, item in _rows(row, "filters", where):
        try:
            yield FilterRule(place, compile_filter(_with_empty_texts(item, values)))
        except ConfigurationError as fault:
            raise _placed(fault, place) from None


def _with_empty_texts(value: Any, values: ParameterValues) -> Any:
    """Like `fill_all`, but an unset placeholder is the empty text: a condition needs all its fields."""
    if isinstance(value, str):
        filled = fill_all(value, values)
        return "" if filled is None else filled
    if isinstance(value, dict):
        return {key: _with_empty_texts(item, values) for key, item in value.items()}
    return [_with_empty_texts(item, values) for item in value] if isinstance(value, list) else value


def _spreadings(row: Mapping[str, Any], values: ParameterValues, where: str) -> Iterator[SpreadRule]:
    for place, item in _rows(row, "spreadings", where):
        filled = fill_all(item, values)
        flatten = filled.get("flatten", {})
        depth = number_of(flatten.get("depth", 0))
        spreading = Spreading(flatten.get("separator", "_"), flatten.get("prefix", ""), int(depth) if depth else 0)
        if filled.get("inputKey"):
            yield SpreadRule(place, _input_path(filled["inputKey"]), spreading)


def _input_path(text: str) -> Segments:
    return () if text == "input" else parse_path(text)


def _enrichments(row: Mapping[str, Any], values: ParameterValues, where: str) -> Iterator[EnrichRule]:
    for place, item in _rows(row, "enrichments", where):
        filled = fill_all(item, values)
        if not filled.get("outputKey"):
            continue
        output = parse_path(filled["outputKey"])
        if "timestamp" in filled or "uuid" in filled:
            yield EnrichRule(place, output, None, filled.get("timestamp", filled.get("uuid", "")))
        elif (value := _static(filled, "static", place)) is not None:
            yield EnrichRule(place, output, value)


def _static(row: Mapping[str, Any], prefix: str, where: str) -> Any:
    """The value of a `staticString` … or `defaultString` … key; None when there is none or its parameter is unset."""
    for kind in ("String", "Int", "Float", "Bool"):
        if prefix + kind in row:
            return _typed(row[prefix + kind], kind, where)
    return None


def _typed(value: Any, kind: str, where: str) -> Any:
    if kind == "String":
        return value
    if kind == "Bool":
        if value in (True, False, "true", "false"):
            return value in (True, "true")
        raise ConfigurationError(f"expected true or false, found {value!r}", where)
    number = number_of(value)
    if number is None or (kind == "Int" and number != int(number)):
        raise ConfigurationError(f"expected a {'whole ' if kind == 'Int' else ''}number, found {value!r}", where)
    return int(number) if kind == "Int" else number


def _mappings(row: Mapping[str, Any], values: ParameterValues, where: str) -> Iterator[MapRule]:
    for place, item in _rows(row, "mappings", where):
        filled = fill_all({key: value for key, value in item.items() if key != "transforms"}, values)
        if not filled.get("outputKey"):
            continue
        try:
            yield MapRule(
                place,
                _input_path(filled["inputKey"]) if filled.get("inputKey") else ("",),
                parse_path(filled["outputKey"]),
                tuple(
                    _step(step, values, f"{place}.transforms[{i}]", filled["outputKey"])
                    for i, step in enumerate(item.get("transforms") or ())
                ),
                _static(filled, "default", place),
            )
        except ConfigurationError as fault:
            raise _placed(fault, place) from None


def _step(row: Mapping[str, Any], values: ParameterValues, where: str, key: str) -> Step:
    name, argument = next(iter(row.items()))
    if name == "expression":
        return _lua(argument, values, where, key)
    return compile_transform(name, _with_empty_texts(argument, values))


def _lua(row: Mapping[str, Any], values: ParameterValues, where: str, key: str = "") -> LuaStep:
    try:
        return LuaStep(where, insert(row["body"], values), key)
    except ConfigurationError as fault:
        raise _placed(fault, where) from None
