"""The transforms of a mapping: value to value, None for "no value".

`compile_transform` checks the arguments once and gives a function; a value that it cannot handle gives None.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from headwater.errors import ConfigurationError
from headwater.playbooks import layouts, scalars
from headwater.playbooks.grammar import number_of

Transform = Callable[[Any], Any]


def compile_transform(name: str, argument: Any) -> Transform:
    """The function of a transform other than `expression`. Raises ConfigurationError for an argument that it lacks."""
    builder = _BUILDERS.get(name)
    if builder is None:
        raise ConfigurationError(f"unknown transform {name!r}; use one of {', '.join(sorted(_BUILDERS))}, expression")
    return builder(argument)


def _choice(table: Mapping[str, Transform]) -> Callable[[Any], Transform]:
    def build(argument: Any) -> Transform:
        if argument not in table:
            raise ConfigurationError(f"{argument!r} is not known; use one of {', '.join(table)}")
        return table[argument]

    return build


def _on_text(change: Callable[[str], Any]) -> Transform:
    def transform(value: Any) -> Any:
        text = scalars.scalar_text(value)
        return None if text is None else change(text)

    return transform


def _hash(algorithm: Callable[..., Any]) -> Transform:
    def transform(value: Any) -> Any:
        text = value if type(value) is str else scalars.scalar_text(value)
        return None if text is None else algorithm(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()

    return transform


def _whole(argument: Mapping[str, Any], key: str, default: int | None = None) -> int:
    number = number_of(argument.get(key, default))
    if number is None or number != int(number):
        raise ConfigurationError(f"{key} must be a whole number, found {argument.get(key)!r}")
    return int(number)


def _substring(argument: Mapping[str, Any]) -> Transform:
    start, end = max(_whole(argument, "start"), 0), max(_whole(argument, "end"), 0)
    return _on_text(lambda text: text[start:end])


def _date_time(argument: Mapping[str, Any]) -> Transform:
    input_layout, output_layout = argument["inputFormat"], argument["outputFormat"]

    def transform(value: Any) -> Any:
        if not isinstance(value, str):
            return None
        try:
            return layouts.convert(value, input_layout, output_layout)
        except (ValueError, OverflowError):
            return None

    return transform


def _timestamp(unit: str) -> Transform:
    def transform(value: Any) -> Any:
        if not isinstance(value, str):
            return None
        try:
            instant = layouts.parse_time(value)
        except ValueError:
            return None
        return instant.seconds if unit == "inSeconds" else instant.milliseconds

    return transform


def _pluck(argument: Mapping[str, Any]) -> Transform:
    key = argument["extractKey"]

    def transform(value: Any) -> Any:
        if not isinstance(value, list):
            return None
        return [item[key] for item in value if isinstance(item, dict) and item.get(key) is not None]

    return transform


def _join(argument: Mapping[str, Any]) -> Transform:
    separator = argument["separator"]

    def transform(value: Any) -> Any:
        if isinstance(value, list):
            return separator.join(scalars.value_text(item) for item in value if item is not None)
        return scalars.scalar_text(value)

    return transform


def _replace(argument: Mapping[str, Any]) -> Transform:
    find, replacement = argument["find"], argument["replace"]
    return _on_text(lambda text: text.replace(find, replacement) if find else text)


def _split(argument: Mapping[str, Any]) -> Transform:
    separator = argument["separator"]
    limit = _whole(argument, "limit") if "limit" in argument else None

    def split(text: str) -> list[str]:
        pieces = text.split(separator) if separator else list(text)
        return pieces if limit is None else pieces[:limit]

    return _on_text(split)


_BUILDERS: dict[str, Callable[[Any], Transform]] = {
    "modifyString": _choice(
        {
            "uppercase": _on_text(str.upper),
            "lowercase": _on_text(str.lower),
            "trim": _on_text(lambda text: text.strip(scalars.WHITE_SPACE)),
        }
    ),
    "substring": _substring,
    "toHash": _choice(
        {
            "sha256": _hash(hashlib.sha256),
            "md5": _hash(hashlib.md5),
        }
    ),
    "toScalar": _choice(
        {
            "string": scalars.value_text,
            "float": scalars.number_of,
            "truncated_int": scalars.truncated_int,
            "rounded_int": scalars.rounded_int,
            "truncated_float": lambda value: scalars.truncated_float(value, 2),
            "bool": scalars.to_bool,
        }
    ),
    "toDateTime": _date_time,
    "toTimestamp": _choice({"inSeconds": _timestamp("inSeconds"), "inMillis": _timestamp("inMillis")}),
    "pluckValues": _pluck,
    "joinValues": _join,
    "replaceString": _replace,
    "splitString": _split,
}
