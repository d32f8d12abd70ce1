"""Parameters: what an installation sets, and putting the values into a kit's text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headwater.errors import ConfigurationError
from headwater.playbooks.grammar import PLACEHOLDER


class Parameter(msgspec.Struct, frozen=True):
    """A named value of a kit; `default` and `example` are None when not given."""

    name: str
    default: str | None = None
    example: str | None = None
    description: str = ""
    is_optional: bool = False
    is_sensitive: bool = False


class Unset:
    """The value of an optional parameter that nobody set."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()

ParameterValues = dict[str, str | Unset]
"""A value for every parameter of a kit."""


def declared(playbook: Iterable[Mapping[str, Any]], connection: Iterable[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    """The parameters that two `params` lists declare; a name in both is one parameter.

    The connection's default wins over the playbook's. A parameter is optional when every declaration says so, and
    sensitive when one does.
    """
    merged: dict[str, Parameter] = {}
    for row in (*playbook, *connection):
        found = _parameter(row)
        merged[found.name] = _merge(merged[found.name], found) if found.name in merged else found
    return tuple(merged.values())


def _parameter(row: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name=row["name"],
        default=row.get("defaultValue"),
        example=row.get("exampleValue"),
        description=row.get("description", ""),
        is_optional=row.get("isOptional", False) is True,
        is_sensitive=row.get("isSensitive", False) is True,
    )


def _merge(first: Parameter, second: Parameter) -> Parameter:
    return Parameter(
        name=first.name,
        default=first.default if second.default is None else second.default,
        example=first.example if second.example is None else second.example,
        description=second.description or first.description,
        is_optional=first.is_optional and second.is_optional,
        is_sensitive=first.is_sensitive or second.is_sensitive,
    )


def resolve(parameters: Iterable[Parameter], values: Mapping[str, str]) -> ParameterValues:
    """A value for each parameter: the given one, else the default, else unset when optional.

    Raises ConfigurationError that names every missing parameter, and every given name that the kit does not know.
    """
    known = {parameter.name: parameter for parameter in parameters}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigurationError(
            f"unknown parameter {', '.join(unknown)}; this integration has {', '.join(known) or 'no parameters'}",
            "parameters",
        )
    result: ParameterValues = {name: _value(parameter, values.get(name)) for name, parameter in known.items()}
    missing = [name for name, value in result.items() if isinstance(value, Unset) and not known[name].is_optional]
    if missing:
        raise ConfigurationError(
            f"no value for {', '.join(missing)}; set {'it' if len(missing) == 1 else 'them'}"
            f"{_help(known[name] for name in missing)}",
            "parameters",
        )
    return result


def _value(parameter: Parameter, given: str | None) -> str | Unset:
    if given is not None:
        return given
    return UNSET if parameter.default is None else parameter.default


def _help(parameters: Iterable[Parameter]) -> str:
    texts = [f"{one.name}: {one.description.strip()}" for one in parameters if one.description.strip()]
    return f" ({'; '.join(texts)})" if texts else ""


def example_values(parameters: Iterable[Parameter]) -> dict[str, str]:
    """Each parameter's example, else its default: enough to try a kit out. Those with neither are left out."""
    chosen = {one.name: one.default if one.example is None else one.example for one in parameters}
    return {name: value for name, value in chosen.items() if value is not None}


def fill(text: str, values: ParameterValues) -> str | None:
    """The text with every placeholder replaced, as it is, without escaping.

    None when the text is exactly one placeholder of an unset parameter; inside a longer text, unset is empty.
    """
    if "$$" not in text:
        return text
    whole = PLACEHOLDER.fullmatch(text)
    if whole is not None and isinstance(_known(values, whole[1]), Unset):
        return None
    return PLACEHOLDER.sub(lambda match: _text(_known(values, match[1])), text)


def _known(values: ParameterValues, name: str) -> str | Unset:
    if name not in values:
        raise ConfigurationError(
            f"$${name}$$ stands for no declared parameter; add {name} to params or correct the name"
        )
    return values[name]


def _text(value: str | Unset) -> str:
    return "" if isinstance(value, Unset) else value
