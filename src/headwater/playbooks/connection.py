"""A connection with its parameters filled in: HTTP sections by event name, or the settings of another kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.errors import ConfigurationError
from headwater.playbooks.authentication import Authentication, authentication_of
from headwater.playbooks.connection_shape import KINDS
from headwater.playbooks.event_names import find, normalise
from headwater.playbooks.grammar import Object, loose, number_of
from headwater.playbooks.outputs import Headers, replaced_header
from headwater.playbooks.parameters import ParameterValues, fill
from headwater.playbooks.paths import Segments, parse_path, read
from headwater.playbooks.scalars import scalar_text
from headwater.playbooks.urls import check_host

HTTP = "http"
FORM_TYPE = "application/x-www-form-urlencoded"


class HeaderRule(msgspec.Struct, frozen=True):
    """A header: a fixed value, or the path in the event where its value is."""

    name: str
    value: str
    path: Segments | None


class HttpSection(msgspec.Struct, frozen=True):
    """One request of a connection. `name` is `default` or an event name; `transform` a Lua body or "".

    `sends_list` says whether the body is the list of outputs, also of a single one, or the output itself.
    """

    name: str
    endpoint: str
    method: str
    headers: tuple[HeaderRule, ...]
    batch_size: int
    sends_list: bool
    path_style_query: bool
    transform: str
    authentication: Authentication | None

    @property
    def fixed_headers(self) -> Headers | None:
        """The headers when they are the same for every event, else None."""
        return self.resolved_headers({}) if all(rule.path is None for rule in self.headers) else None

    def resolved_headers(self, event: Mapping[str, Any]) -> Headers:
        """The headers for an event: those without a value are left out, a later one replaces an earlier one."""
        headers: Headers = ()
        for rule in self.headers:
            text = rule.value if rule.path is None else _header_text(read(event, rule.path))
            if text:
                headers = replaced_header(headers, rule.name, " ".join(text.splitlines()))
        return headers


def _header_text(value: Any) -> str:
    text = scalar_text(value)
    return "" if text is None else text


class Connection(msgspec.Struct, frozen=True):
    """`kind` is `http` or one of the other kinds; `sections` are the HTTP requests by name, `settings` those of a kind."""

    kind: str
    sections: dict[str, HttpSection]
    settings: dict[str, Any]

    def section_for(self, name: str) -> HttpSection | None:
        """The section that carries an event: its own one, used alone, else `default`."""
        own = find({key: value for key, value in self.sections.items() if key != "default"}, name)
        return self.sections.get("default") if own is None else own

    def with_batch_size(self, batch_size: int) -> Connection:
        """The same connection with another batch size in every section."""
        sections = {
            name: msgspec.structs.replace(section, batch_size=batch_size) for name, section in self.sections.items()
        }
        return msgspec.structs.replace(self, sections=sections)


def connection_of(document: Mapping[str, Any], values: ParameterValues, batch_size: int | None = None) -> Connection:
    """A checked connection document with its placeholders replaced. `batch_size` replaces that of every HTTP section.

    Raises ConfigurationError for a placeholder of an undeclared name, a value that changes a host, a missing secret.
    """
    kinds = {loose(field.name): field for field in KINDS}
    for key, value in document.items():
        if loose(key) in kinds and key not in ("default", "eventSpecific", "params"):
            field = kinds[loose(key)]
            return Connection(field.name, {}, _settings(value, field.shape, values))
    sections = {
        normalise(name): _section(normalise(name), row, values, batch_size) for name, row in _http_rows(document)
    }
    return Connection(HTTP, sections, {})


def _http_rows(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    rows = list((document.get("eventSpecific") or {}).items())
    return [("default", document["default"]), *rows] if "default" in document else rows


def fill_all(value: Any, values: ParameterValues) -> Any:
    """Every string inside a value with its placeholders replaced; keys whose value becomes unset are left out."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, dict):
        filled = ((key, fill_all(item, values)) for key, item in value.items())
        return {key: item for key, item in filled if item is not None}
    if isinstance(value, list):
        return [fill_all(item, values) for item in value]
    return value


def _section(name: str, row: Mapping[str, Any], values: ParameterValues, override: int | None) -> HttpSection:
    transform = row.get("transform", {}).get("body", "")  # Lua has its own insertion
    filled = fill_all({key: value for key, value in row.items() if key != "transform"}, values)
    endpoint = filled.get("endpoint")
    if not endpoint:
        raise ConfigurationError("the endpoint has no value; set its parameter", f"connection {name}.endpoint")
    check_host(row["endpoint"], endpoint)
    batch_size = int(number_of(filled.get("batchSize", 1)) or 1)
    return HttpSection(
        name=name,
        endpoint=endpoint,
        method=filled["method"],
        headers=tuple(_header(header) for header in filled.get("headers", ()) if "key" in header),
        batch_size=batch_size if override is None else override,
        sends_list=max(batch_size, 1 if override is None else override) > 1,
        path_style_query=filled.get("queryEncoding") == "use_path_escape_encoding",
        transform=transform,
        authentication=authentication_of(filled),
    )


def _header(row: Mapping[str, Any]) -> HeaderRule:
    if row.get("fromEventKey"):
        return HeaderRule(row["key"], "", parse_path(row["fromEventKey"]))
    return HeaderRule(row["key"], row.get("value", ""), None)


def _settings(value: Any, shape: Any, values: ParameterValues) -> dict[str, Any]:
    """The settings of a kind under their documented names, whatever spelling the kit has."""
    filled = fill_all(value, values)
    names = {loose(field.name): field for field in shape.fields} if isinstance(shape, Object) else {}
    settings: dict[str, Any] = {}
    for key, item in (filled or {}).items():
        field = names[loose(key)]
        inner = field.shape
        settings[field.name] = _settings(item, inner, {}) if isinstance(inner, Object) else item
    return settings
