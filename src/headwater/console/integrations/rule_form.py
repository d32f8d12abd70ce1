"""One rule as a form, both ways: a row of the playbook language, and the fields in which a person edits it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

from headwater import jsontext
from headwater.console.integrations.rule_table import Row
from headwater.errors import InputError
from headwater.playbooks.grammar import Field, Object, Text
from headwater.playbooks.playbook_shape import TRANSFORM
from headwater.playbooks.transform_reference import TRANSFORMS

SOURCES = (
    ("path", "A field of the event"),
    ("lua", "A Lua expression"),
    ("text", "A fixed text"),
    ("number", "A fixed number"),
    ("flag", "A fixed true or false"),
    ("timestamp", "The present time"),
    ("uuid", "A new random id"),
)
DEFAULTS = (
    ("", "Nothing"),
    ("String", "A text"),
    ("Int", "A whole number"),
    ("Float", "A number"),
    ("Bool", "true or false"),
)
WHOLE_EVENT = "input"


class Fields(Protocol):
    """What a form sent."""

    def text(self, name: str) -> str:
        """A field's text, "" when it is absent."""

    def texts(self, name: str) -> list[str]:
        """All texts of a repeated field."""


class TransformInput(NamedTuple):
    """One input of a transform's form. `choices` is empty for free text."""

    name: str
    label: str
    value: str
    choices: tuple[str, ...] = ()
    lua: bool = False


class TransformForm(NamedTuple):
    """A transform in a form."""

    kind: str
    description: str
    inputs: tuple[TransformInput, ...]


class RuleForm(NamedTuple):
    """A mapping or an enrichment in a form. `value` is the path, the fixed value, the unit or the Lua body."""

    key: str = ""
    source: str = "path"
    value: str = ""
    transforms: tuple[TransformForm, ...] = ()
    default_kind: str = ""
    default: str = ""


KINDS: dict[str, Field] = {field.name: field for field in TRANSFORM.fields}
DESCRIPTIONS = {entry.name: entry.description for entry in TRANSFORMS}


def form_of_row(group: str, row: Row) -> RuleForm:
    """The form that shows a rule."""
    key = str(row.get("outputKey", ""))
    if group == "enrichments":
        source, value = _fixed(row)
        return RuleForm(key, source, value)
    transforms = list(row.get("transforms") or ())
    path = str(row.get("inputKey", ""))
    source = "path"
    if path == WHOLE_EVENT and transforms and "expression" in transforms[0]:
        # Lua sees the whole event whatever its input is, so the first body is where the value comes from.
        path, source = str(transforms.pop(0)["expression"].get("body", "")), "lua"
    name, default = next(((name, row[name]) for name in row if name.startswith("default")), ("", None))
    return RuleForm(
        key,
        source,
        path,
        tuple(_transform_form(one) for one in transforms),
        name.removeprefix("default"),
        _text(default),
    )


def _fixed(row: Row) -> tuple[str, str]:
    if "timestamp" in row:
        return "timestamp", str(row["timestamp"])
    if "uuid" in row:
        return "uuid", ""
    name, value = next(((name, row[name]) for name in row if name.startswith("static")), ("staticString", ""))
    source = {"staticString": "text", "staticBool": "flag"}.get(name, "number")
    return source, _text(value)


def _transform_form(transform: Row) -> TransformForm:
    kind, argument = next(iter(transform.items()), ("modifyString", ""))
    return TransformForm(kind, DESCRIPTIONS.get(kind, ""), tuple(_inputs(kind, argument)))


def empty_transform(kind: str) -> TransformForm:
    """A transform of which nothing is filled in. Raises InputError for a kind that does not exist."""
    if kind not in KINDS:
        raise InputError(f"there is no transform {kind!r}", "rule.transform")
    return _transform_form({kind: None})


def _inputs(kind: str, argument: Any) -> Iterator[TransformInput]:
    if kind == "expression":
        yield TransformInput("body", "Lua", _text((argument or {}).get("body")), lua=True)
        return
    shape = KINDS[kind].shape if kind in KINDS else Text()
    if isinstance(shape, Object):
        details = argument if isinstance(argument, dict) else {}
        for field in shape.fields:
            yield TransformInput(field.name, _label(field), _text(details.get(field.name)))
    else:
        choices = shape.choices if isinstance(shape, Text) else ()
        yield TransformInput("value", KINDS[kind].description if kind in KINDS else kind, _text(argument), choices)


def _label(field: Field) -> str:
    return field.description[0].upper() + field.description[1:]


def form_of_fields(fields: Fields) -> RuleForm:
    """The form as it was sent. Raises InputError for a transform that does not exist."""
    source = fields.text("rule.source") or "path"
    transforms: list[TransformForm] = []
    for index, kind in enumerate(fields.texts("rule.transform")):
        empty = empty_transform(kind)
        inputs = tuple(one._replace(value=fields.text(f"transform.{index}.{one.name}")) for one in empty.inputs)
        transforms.append(empty._replace(inputs=inputs))
    return RuleForm(
        key=fields.text("rule.key").strip(),
        source=source,
        value=fields.text(f"rule.{source}"),
        transforms=tuple(transforms),
        default_kind=fields.text("rule.default_kind"),
        default=fields.text("rule.default"),
    )


def row_of_form(form: RuleForm) -> tuple[str, Row]:
    """Group and row of a form. Raises InputError that names the input."""
    if not form.key:
        raise InputError("name the key of the output", "rule.key")
    if form.source in ("path", "lua"):
        return "mappings", _mapping(form)
    return "enrichments", {"outputKey": form.key} | _fixed_row(form)


def _mapping(form: RuleForm) -> Row:
    if not form.value.strip():
        raise InputError("say where the value comes from", f"rule.{form.source}")
    transforms = [_transform(one) for one in form.transforms]
    path = form.value.strip()
    if form.source == "lua":
        path = WHOLE_EVENT
        transforms.insert(0, {"expression": {"lang": "lua", "body": form.value}})
    row: Row = {"inputKey": path, "outputKey": form.key}
    if transforms:
        row["transforms"] = transforms
    if form.default_kind:
        row[f"default{form.default_kind}"] = _typed(form.default_kind, form.default, "rule.default")
    return row


def _fixed_row(form: RuleForm) -> Row:
    match form.source:
        case "timestamp":
            return {"timestamp": form.value or "seconds"}
        case "uuid":
            return {"uuid": "v4"}
        case "text":
            return {"staticString": form.value}
        case "flag":
            return {"staticBool": _typed("Bool", form.value, "rule.flag")}
        case "number":
            whole = form.value.strip().lstrip("+-").isdecimal()
            kind = "Int" if whole else "Float"
            return {f"static{kind}": _typed(kind, form.value, "rule.number")}
    raise InputError("choose where the value comes from", "rule.source")


def _transform(form: TransformForm) -> Row:
    values = {one.name: one.value for one in form.inputs}
    if form.kind == "expression":
        return {"expression": {"lang": "lua", "body": values["body"]}}
    shape = KINDS[form.kind].shape
    if not isinstance(shape, Object):
        return {form.kind: values["value"]}
    details: Row = {}
    for field in shape.fields:
        text = values[field.name]
        if text == "" and not field.required:
            continue
        details[field.name] = text if isinstance(field.shape, Text) else _typed("Int", text, f"transform: {field.name}")
    return {form.kind: details}


def _typed(kind: str, text: str, field: str) -> Any:
    if kind == "String" or "$$" in text:
        return text
    wanted = {"Int": int, "Float": float, "Bool": bool}[kind]
    words = {"Int": "a whole number", "Float": "a number", "Bool": "true or false"}[kind]
    try:
        return msgspec.convert(msgspec.json.decode(text.strip().encode()), wanted)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise InputError(f"{text!r} is not {words}", field) from None


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else jsontext.encode(value).decode()
