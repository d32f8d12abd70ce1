"""Rules in words: where a value comes from, what is done to it, what it is for."""

from __future__ import annotations

from typing import Any, NamedTuple

from headwater import jsontext
from headwater.console.integrations.event_fields import describe
from headwater.console.integrations.rule_table import Row, Rule


class Step(NamedTuple):
    """A transform: a few words, and its Lua body if it is one."""

    words: str
    lua: str = ""


class Wording(NamedTuple):
    """A rule for a table: `code` and `words` say where the value comes from, `expected` what kind of value it should be.

    `code` is a path or a value as it is written, `words` stand where there is none.
    """

    output: str
    code: str
    words: str
    steps: tuple[Step, ...]
    otherwise: str
    description: str
    expected: str
    lua: str = ""

    @property
    def line(self) -> str:
        """The whole rule in one line, to compare."""
        steps = "".join(f" → {step.words}{f' {{{step.lua}}}' if step.lua else ''}" for step in self.steps)
        otherwise = f", else {self.otherwise}" if self.otherwise else ""
        return f"{self.code or self.words}{steps}{otherwise}{self.lua and f' {{{self.lua}}}'}"


def wording(group: str, row: Row) -> Wording:
    """A rule in words."""
    return _BY_GROUP[group](row)


def wording_of(rule: Rule) -> Wording:
    """A rule of a table in words."""
    return wording(rule.group, rule.row)


def _mapping(row: Row) -> Wording:
    path = row.get("inputKey", "")
    steps = tuple(step(transform) for transform in row.get("transforms") or ())
    default = next((value(row[name]) for name in row if name.startswith("default")), "")
    if path == "input":
        return Wording(row.get("outputKey", ""), "", "the whole event", steps, default, _lua_name(row), "")
    field = describe(path)
    return Wording(row.get("outputKey", ""), path, "", steps, default, field.description, field.kind)


def _lua_name(row: Row) -> str:
    names = (one.get("expression", {}).get("name", "") for one in row.get("transforms") or ())
    return next(filter(None, names), "Computed from the whole event")


def _enrichment(row: Row) -> Wording:
    key = row.get("outputKey", "")
    if "timestamp" in row:
        return Wording(key, "", f"the present time in {row['timestamp']}", (), "", "When it is sent", "")
    if "uuid" in row:
        return Wording(key, "", "a new random id", (), "", "An id that no other event has", "")
    fixed = next((row[name] for name in row if name.startswith("static")), "")
    return Wording(key, value(fixed), "", (), "", "Always the same value", "")


def _spreading(row: Row) -> Wording:
    path, flatten = row.get("inputKey", ""), row.get("flatten") or {}
    parts = [part for part in (flatten.get("prefix", ""), "*") if part]
    depth = flatten.get("depth", 0)
    levels = f", {depth} levels deep" if depth else ""
    return Wording(
        output=str(flatten.get("separator", "_")).join(parts),
        code=f"{path}.*",
        words="",
        steps=(),
        otherwise="",
        description=f"Each value in {path}{levels}",
        expected="object",
    )


def _expression(row: Row) -> Wording:
    name = row.get("name") or "Keys of the object that a Lua body returns"
    return Wording("several keys", "", "Lua", (), "", name, "", row.get("body", ""))


def _filter(row: Row) -> Wording:
    if "byEventNames" in row:
        rule = row["byEventNames"]
        events = ", ".join(map(str, rule.get("events") or ()))
        only = "Only" if rule.get("action") == "allow" else "Not"
        return Wording("filter", "", f"{only} the events {events}", (), "", "Others are not sent", "")
    rule = row.get("byConditions") or {}
    only = "Only when" if rule.get("action") == "allow" else "Not when"
    return Wording("filter", "", f"{only} {condition(rule.get('when') or {})}", (), "", "Others are not sent", "")


_BY_GROUP = {
    "filters": _filter,
    "spreadings": _spreading,
    "enrichments": _enrichment,
    "mappings": _mapping,
    "expressions": _expression,
}


def condition(row: Row) -> str:
    """A condition in words."""
    name, inner = _only(row)
    inner = inner if isinstance(inner, dict) else {}
    path = inner.get("inputPath", "")
    match name:
        case "matchesAll" | "matchesAny":
            word = " and " if name == "matchesAll" else " or "
            return "(" + word.join(condition(one) for one in inner.get("conditions") or ()) + ")"
        case "inputPathExists":
            return f"{path} is there"
        case "inputPathIsString":
            return f"{path} is text"
        case "inputPathIsObject":
            return f"{path} is an object"
        case "stringEqual" | "booleanEqual":
            return f"{path} is {value(inner.get('value'))}"
        case "stringNotEqual":
            return f"{path} is not {value(inner.get('value'))}"
    return value(row)


def _only(row: Row) -> tuple[str, Any]:
    """The one key of a row with its value."""
    return next(iter(row.items()), ("", None))


_SCALARS = {
    "string": "as text",
    "float": "as number",
    "bool": "as true or false",
    "truncated_int": "as whole number, cut",
    "rounded_int": "as whole number, rounded",
    "truncated_float": "as number without fraction",
}


def step(transform: Row) -> Step:
    """A transform in a few words."""
    name, argument = _only(transform)
    details = argument if isinstance(argument, dict) else {}
    match name:
        case "expression":
            return Step(f"Lua{': ' + details['name'] if details.get('name') else ''}", details.get("body", ""))
        case "modifyString":
            return Step(str(argument))
        case "toHash":
            return Step(f"hash {argument}")
        case "toScalar":
            return Step(_SCALARS.get(str(argument), str(argument)))
        case "substring":
            return Step(f"characters {details.get('start')} to {details.get('end')}")
        case "toDateTime":
            return Step(f"time as {details.get('outputFormat')}")
        case "toTimestamp":
            return Step("as seconds since 1970" if argument == "inSeconds" else "as milliseconds since 1970")
        case "pluckValues":
            return Step(f"each {details.get('extractKey')}")
        case "joinValues":
            return Step(f"joined by {value(details.get('separator'))}")
        case "replaceString":
            return Step(f"{value(details.get('find'))} becomes {value(details.get('replace'))}")
        case "splitString":
            return Step(f"split at {value(details.get('separator'))}")
    return Step(f"{name} {value(argument)}")


def value(thing: Any) -> str:
    """A value as JSON text, to read."""
    return jsontext.encode(thing).decode()
