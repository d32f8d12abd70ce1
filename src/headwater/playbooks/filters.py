"""Filters and conditions, compiled to functions of the event and its lookup name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headwater.errors import ConfigurationError
from headwater.playbooks import scalars
from headwater.playbooks.event_names import accepted
from headwater.playbooks.paths import Segments, parse_path, read

Condition = Callable[[dict[str, Any]], bool]
Filter = Callable[[dict[str, Any], str], bool]


def compile_filter(row: Mapping[str, Any]) -> Filter:
    """A function that says whether an event passes. Raises ConfigurationError for an unknown filter or condition."""
    if "byEventNames" in row:
        names, wanted = accepted(row["byEventNames"]["events"]), _action(row["byEventNames"]["action"])
        return lambda _event, name: (name in names) is wanted
    if "byConditions" in row:
        condition, passes = compile_condition(row["byConditions"]["when"]), _action(row["byConditions"]["action"])
        return lambda event, _name: condition(event) is passes
    raise ConfigurationError(f"unknown filter {next(iter(row), '')!r}; use byEventNames or byConditions")


def _action(action: str) -> bool:
    if action not in ("allow", "deny"):
        raise ConfigurationError(f"unknown action {action!r}; use allow or deny")
    return action == "allow"


def compile_condition(row: Mapping[str, Any]) -> Condition:
    """A function that says whether a condition holds for an event."""
    name, fields = next(iter(row.items()), ("", {}))
    builder = _CONDITIONS.get(name)
    if builder is None:
        raise ConfigurationError(f"unknown condition {name!r}; use one of {', '.join(_CONDITIONS)}")
    return builder(fields)


def _path(fields: Mapping[str, Any]) -> Segments:
    return parse_path(fields["inputPath"])


def _all(fields: Mapping[str, Any]) -> Condition:
    inner = tuple(compile_condition(row) for row in fields["conditions"])
    return lambda event: all(condition(event) for condition in inner)


def _any(fields: Mapping[str, Any]) -> Condition:
    inner = tuple(compile_condition(row) for row in fields["conditions"])
    return lambda event: any(condition(event) for condition in inner)


def _exists(fields: Mapping[str, Any]) -> Condition:
    path = _path(fields)
    return lambda event: read(event, path) is not None


def _is_string(fields: Mapping[str, Any]) -> Condition:
    path = _path(fields)
    return lambda event: isinstance(read(event, path), str)


def _is_object(fields: Mapping[str, Any]) -> Condition:
    path = _path(fields)
    return lambda event: isinstance(read(event, path), dict)


def _string_equal(fields: Mapping[str, Any]) -> Condition:
    path, ignore_case = _path(fields), fields.get("ignoreCase", False) in (True, "true")
    wanted = fields["value"].lower() if ignore_case else fields["value"]

    def holds(event: dict[str, Any]) -> bool:
        value = read(event, path)
        text = "" if value is None else scalars.scalar_text(value)
        if text is None:
            return False
        return bool((text.lower() if ignore_case else text) == wanted)

    return holds


def _string_not_equal(fields: Mapping[str, Any]) -> Condition:
    equal = _string_equal(fields)
    return lambda event: not equal(event)


def _boolean_equal(fields: Mapping[str, Any]) -> Condition:
    path, wanted = _path(fields), fields["value"] in (True, "true")
    return lambda event: read(event, path) is wanted


_CONDITIONS: dict[str, Callable[[Mapping[str, Any]], Condition]] = {
    "matchesAll": _all,
    "matchesAny": _any,
    "inputPathExists": _exists,
    "inputPathIsString": _is_string,
    "inputPathIsObject": _is_object,
    "stringEqual": _string_equal,
    "stringNotEqual": _string_not_equal,
    "booleanEqual": _boolean_equal,
}
