"""A second interpreter of the playbook language, to compare the first with.

It walks the files of a kit for one event and gives the requests. It was written from the description of the language
alone, uses nothing of headwater, and is slow and obvious on purpose. A request carries one output; a connection that is
not HTTP gives the output.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from plain_lua import PLACEHOLDER, PlainLua, with_parameters
from plain_values import (
    MISSING,
    FailedError,
    deep_merge,
    epoch,
    flatten,
    is_scalar,
    legal_url,
    number,
    parse_time,
    path_escaped_for_query,
    query_escape,
    query_pairs,
    read,
    substring,
    text,
    truncated,
    write,
    write_time,
)

OTHER_SPELLINGS = {"order_cancelled": "order_canceled", "application_opened": "application_open"}


class DroppedError(Exception):
    """No request for this event."""


def normal(name: str) -> str:
    """An event name in the form of the playbook's keys."""
    return re.sub(r"\s+", "_", name.strip().lower())


def lookup_names(event: dict[str, Any]) -> list[str]:
    """The event's name, then its second spelling."""
    kind = event.get("type")
    raw = event.get("event") if kind == "track" else kind
    name = normal(raw) if isinstance(raw, str) else ""
    return [one for one in (name, OTHER_SPELLINGS.get(name)) if one]


class PlainKit:
    """One kit with the values of its parameters."""

    def __init__(self, folder: Path, now: datetime, uuid: str, access_token: str) -> None:
        playbook, connection = (
            json.loads((folder / f"{name}.json").read_text()) for name in ("playbook", "connection")
        )
        declared = [*(playbook.get("params") or ()), *(connection.get("params") or ())]
        self.values: dict[str, str | None] = {}
        for kind in ("defaultValue", "exampleValue"):
            for one in declared:
                if kind in one:
                    self.values[one["name"]] = one[kind]
        for one in declared:
            self.values.setdefault(one["name"], None)
        self.playbook, self.connection = self._filled(playbook), self._filled(connection)
        self.lua = PlainLua()
        self.now, self.uuid, self.access_token = now, uuid, access_token
        self.flags: list[str] = []

    def _filled(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            lua = value.get("lang") == "lua"
            filled = {
                name: self._filled(item, "lua" if lua and name == "body" else name) for name, item in value.items()
            }
            return {name: item for name, item in filled.items() if item is not MISSING}
        if isinstance(value, list):
            return [self._filled(item, key) for item in value]
        if not isinstance(value, str):
            return value
        if key == "lua":
            return with_parameters(value, self.values)
        alone = PLACEHOLDER.fullmatch(value)
        if alone and self.values.get(alone[1], "") is None:
            return MISSING
        return PLACEHOLDER.sub(lambda found: self.values[found[1]] or "", value)

    # The event

    def run(self, event: dict[str, Any]) -> dict[str, Any]:
        """The requests of an event, whether it was dropped, and how many evaluations failed."""
        self.flags = []
        context = event.get("context")
        if "traits" not in event and isinstance(context, dict) and isinstance(context.get("traits"), dict):
            event = event | {"traits": context["traits"]}
        requests = []
        try:
            outputs = self.outputs(event)
            if kind := next((key for key in self.connection if key not in ("params", "default", "eventSpecific")), ""):
                return {
                    "requests": [{"kind": kind, "output": one} for one in outputs],
                    "dropped": False,
                    "errors": self.flags,
                }
            section = _named(self.connection, lookup_names(event))
            if section is None:
                raise DroppedError
            for output in outputs:
                try:
                    requests.append(self.request(event, output, section))
                except FailedError as fault:
                    self.flags.append(f"transform: {fault}")
        except DroppedError:
            return {"requests": [], "dropped": True, "errors": self.flags}
        return {"requests": requests, "dropped": False, "errors": self.flags}

    def outputs(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        names = lookup_names(event)
        sections = [self.playbook.get("global") or {}, _named(self.playbook, names) or {}]
        for section in sections:
            for one in section.get("filters") or ():
                if not _passes(one, event, names):
                    raise DroppedError
        output: dict[str, Any] = {}
        table = self.lua.table(event)
        for section in sections:
            output = self._section(section, event, table, output)
        batch = output.get("_metarouter_batch")
        if not isinstance(batch, list):
            return [output]
        rest = {key: value for key, value in output.items() if key != "_metarouter_batch"}
        outputs = [deep_merge(copy.deepcopy(rest), one) for one in batch if isinstance(one, dict)]
        if not outputs:
            raise DroppedError
        return outputs

    def _section(self, section: dict[str, Any], event: dict[str, Any], table: Any, output: dict[str, Any]) -> Any:
        for one in section.get("spreadings") or ():
            how = one.get("flatten") or {}
            source = event if one["inputKey"] == "input" else read(event, one["inputKey"])
            separator = how.get("separator", "_")
            output |= copy.deepcopy(flatten(source, how.get("prefix") or "", separator, how.get("depth") or 0))
        for one in section.get("enrichments") or ():
            value = self._enrichment(one)
            if value is not MISSING:
                write(output, one["outputKey"], value)
        for one in section.get("mappings") or ():
            value = self._mapping(one, event, table)
            if value is not MISSING:
                write(output, one["outputKey"], value)
        for one in section.get("expressions") or ():
            try:
                result, _ = self.lua.run(one["body"], input=table)
            except FailedError as fault:
                self.flags.append(str(fault))
                continue
            if isinstance(result, dict):
                output = deep_merge(output, result)
            elif result is not MISSING and result != []:
                self.flags.append("a section expression returned no object")
        return output

    def _enrichment(self, one: dict[str, Any]) -> Any:
        if "timestamp" in one:
            seconds = self.now.timestamp()
            return int(seconds) if one["timestamp"] == "seconds" else int(seconds * 1000)
        if "uuid" in one:
            return self.uuid
        if "staticInt" in one:
            return int(one["staticInt"])
        return next((one[key] for key in ("staticString", "staticFloat", "staticBool") if key in one), MISSING)

    def _mapping(self, one: dict[str, Any], event: dict[str, Any], table: Any) -> Any:
        value = event if one["inputKey"] == "input" else read(event, one["inputKey"])
        try:
            for transform in one.get("transforms") or ():
                if value is MISSING:
                    break
                ((kind, argument),) = transform.items()
                value = self._transform(kind, argument, value, table)
        except FailedError as fault:
            self.flags.append(str(fault))
            value = MISSING
        if value is not MISSING:
            return value
        kinds = ("defaultString", "defaultInt", "defaultFloat", "defaultBool")
        return next((one[kind] for kind in kinds if kind in one), MISSING)

    def _transform(self, kind: str, argument: Any, value: Any, table: Any) -> Any:
        if kind == "expression":
            return self.lua.run(argument["body"], input=table)[0]
        if kind == "toScalar":
            return _to_scalar(argument, value)
        if kind == "pluckValues":
            if not isinstance(value, list):
                return MISSING
            key = argument["extractKey"]
            return [item[key] for item in value if isinstance(item, dict) and item.get(key) is not None]
        if kind == "joinValues" and isinstance(value, list):
            return argument["separator"].join(text(item) for item in value if item is not None)
        if not is_scalar(value):
            return MISSING
        return _scalar_transform(kind, argument, value)

    # The request

    def request(self, event: dict[str, Any], output: dict[str, Any], section: dict[str, Any]) -> dict[str, Any]:
        method, url = section["method"], section["endpoint"]
        headers: dict[str, str] = {}
        for one in section.get("headers") or ():
            value = read(event, one["fromEventKey"]) if "fromEventKey" in one else one.get("value", MISSING)
            if value is MISSING or not is_scalar(value) or text(value) == "":
                continue
            headers = {name: held for name, held in headers.items() if name.lower() != one["key"].lower()}
            headers[one["key"]] = re.sub(r"[\r\n]+", " ", text(value))
        body: Any = output if section.get("batchSize", 1) <= 1 else [output]
        if method == "GET":
            url, body = _with_query(url, output, section.get("queryEncoding")), None
        if "transform" in section:
            url, headers, body = self._transformed(section["transform"]["body"], url, headers, body, output)
        headers = self._authorised(headers, section)
        names = {name.lower() for name in headers}
        if body is not None and "content-type" not in names:
            headers["Content-Type"] = "application/json"
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        if "application/x-www-form-urlencoded" in kind and isinstance(body, dict):
            body = urlencode({key: text(value) for key, value in sorted(body.items()) if value is not None})
        return {"method": method, "url": legal_url(url), "headers": headers, "body": body}

    def _transformed(self, lua: str, url: str, headers: dict[str, str], body: Any, output: dict[str, Any]) -> Any:
        request = {"url": url, "headers": headers} | ({} if body is None else {"body": body})
        result, changed = self.lua.run(lua, request=self.lua.table(request), batch=self.lua.table([output]))
        final = result if isinstance(result, dict) else changed
        url = final.get("url", url)
        headers = {name: text(value) for name, value in (final.get("headers") or {}).items() if is_scalar(value)}
        body = final.get("body")
        return url, headers, None if body in ({}, []) else body

    def _authorised(self, headers: dict[str, str], section: dict[str, Any]) -> dict[str, str]:
        if "basicAuth" in section:
            given = section["basicAuth"]
            pair = f"{given.get('username', '')}:{given.get('password', '')}".encode()
            value = "Basic " + base64.b64encode(pair).decode()
        elif "oauth2Auth" in section or "salesforceCdp" in section.get("providerAuth", {}):
            value = f"Bearer {self.access_token}"
        elif "oauth1Auth" in section:
            value = "OAuth"  # holds a nonce: only that it is there is compared
        else:
            return headers
        kept = {name: held for name, held in headers.items() if name.lower() != "authorization"}
        return kept | {"Authorization": value}


def _named(document: dict[str, Any], names: list[str]) -> dict[str, Any] | None:
    own = {normal(key): section or {} for key, section in (document.get("eventSpecific") or {}).items()}
    for name in names:
        if name in own:
            return own[name]
    return document.get("default")


def _passes(one: dict[str, Any], event: dict[str, Any], names: list[str]) -> bool:
    ((kind, given),) = one.items()
    if kind == "byEventNames":
        holds = any(normal(name) in names for name in given["events"])
    else:
        holds = _holds(given["when"], event)
    return holds if given["action"] == "allow" else not holds


def _holds(condition: dict[str, Any], event: dict[str, Any]) -> bool:
    ((kind, given),) = condition.items()
    if kind == "matchesAll":
        return all(_holds(one, event) for one in given["conditions"])
    if kind == "matchesAny":
        return any(_holds(one, event) for one in given["conditions"])
    value = read(event, given["inputPath"])
    if kind == "inputPathExists":
        return value is not MISSING
    if kind == "inputPathIsString":
        return isinstance(value, str)
    if kind == "inputPathIsObject":
        return isinstance(value, dict)
    if kind == "booleanEqual":
        return isinstance(value, bool) and value is given["value"]
    if value is MISSING:
        value = ""
    wanted = given.get("value", "")
    same = is_scalar(value) and text(value) == wanted
    if is_scalar(value) and given.get("ignoreCase"):
        same = text(value).lower() == wanted.lower()
    return same if kind == "stringEqual" else not same


def _to_scalar(kind: str, value: Any) -> Any:
    if kind == "string":
        return text(value)
    result = {"float": number, "truncated_int": truncated}[kind](value)
    return MISSING if result is None else result


def _scalar_transform(kind: str, argument: Any, value: Any) -> Any:
    if kind == "modifyString":
        return {"uppercase": str.upper, "lowercase": str.lower, "trim": str.strip}[argument](text(value))
    if kind == "substring":
        return substring(text(value), argument.get("start", 0), argument.get("end", len(text(value))))
    if kind == "toHash":
        return {"sha256": hashlib.sha256, "md5": hashlib.md5}[argument](text(value).encode()).hexdigest()
    if kind == "joinValues":
        return text(value)
    try:
        if kind == "toDateTime":
            return write_time(*parse_time(text(value), argument["inputFormat"]), argument["outputFormat"])
        return epoch(text(value), {"inSeconds": 1, "inMillis": 1000}[argument])
    except FailedError:
        return MISSING  # a transform that cannot handle its value gives nothing; only expressions fail


def _with_query(url: str, output: dict[str, Any], encoding: str | None) -> str:
    place, _, query = url.partition("#")[0].partition("?")
    pairs = [pair for pair in query_pairs(query) if pair[0] not in output]
    pairs += [(key, text(value)) for key, value in output.items() if value is not None]
    escape = path_escaped_for_query if encoding == "use_path_escape_encoding" else query_escape
    joined = "&".join(f"{escape(key)}={escape(value)}" for key, value in sorted(pairs, key=lambda pair: pair[0]))
    return f"{place}?{joined}" if joined else place
