"""The reference page of the language as Markdown, from the shapes of the documents and the examples of functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater import jsontext
from headwater.playbooks.connection_shape import CONNECTION, HTTP_SECTION, KINDS
from headwater.playbooks.grammar import Field, Flag, ListOf, MapOf, Number, Object, Reference, Shape, Text
from headwater.playbooks.helper_reference import HELPERS
from headwater.playbooks.playbook_shape import (
    CONDITION,
    ENRICHMENT,
    FILTER,
    LUA,
    MAPPING,
    METADATA,
    PARAMETER,
    PLAYBOOK,
    SECTION,
    SPREADING,
)
from headwater.playbooks.transform_reference import TRANSFORMS

_INTRODUCTION = """# Reference of playbooks and connections

This page is written by `headwater playbook reference` from the definitions that the checker uses, and from examples that
the tests run. The [guide](guide.md) explains the language from the beginning.
"""

_OBJECTS: tuple[tuple[str, Object], ...] = (
    ("playbook.yaml", PLAYBOOK),
    ("A parameter", PARAMETER),
    ("A section", SECTION),
    ("A filter", FILTER),
    ("A condition", CONDITION),
    ("A spreading", SPREADING),
    ("An enrichment", ENRICHMENT),
    ("A mapping", MAPPING),
    ("A Lua expression", LUA),
    ("metadata.yaml", METADATA),
    ("connection.yaml", CONNECTION),
    ("An HTTP section", HTTP_SECTION),
)


def reference() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_shapes(), *_transforms(), *_helpers()]).rstrip() + "\n"


def _shapes() -> Iterator[str]:
    for title, shape in _OBJECTS:
        yield f"## {title}\n"
        if shape.one_of:
            many = "at most one" if shape.at_most else "exactly one"
            yield f"Has {many} of: {', '.join(f'`{name}`' for name in shape.one_of)}.\n"
        yield from _table(shape)
        for field in shape.fields:
            inner = field.shape.item if isinstance(field.shape, ListOf) else field.shape
            if (
                isinstance(inner, Object)
                and inner.fields
                and not any(inner is known for _, known in _OBJECTS)
                and field not in KINDS
            ):
                yield f"`{field.name}`:\n"
                yield from _table(inner)
    yield "## Connections that are not HTTP\n"
    yield "Field names are compared without case, `_` and `-`.\n"
    for kind in KINDS:
        yield f"### `{kind.name}`\n\n{_sentence(kind.description)}\n"
        if isinstance(kind.shape, Object) and kind.shape.fields:
            yield from _table(kind.shape)


def _table(shape: Object) -> Iterator[str]:
    rows = ["| key | value | what it is |", "|---|---|---|"]
    rows += [_row(field) for field in shape.fields]
    yield "\n".join(rows) + "\n"


def _row(field: Field) -> str:
    name = f"`{field.name}`" + (" (required)" if field.required else "")
    return f"| {name} | {_kind(field.shape)} | {field.description} |"


def _kind(shape: Shape) -> str:
    if isinstance(shape, Text):
        return " · ".join(f"`{choice}`" for choice in shape.choices) if shape.choices else "text"
    if isinstance(shape, Number):
        return "whole number" if shape.whole else "number"
    if isinstance(shape, Flag):
        return "`true` · `false`"
    if isinstance(shape, ListOf):
        return f"list of {_kind(shape.item)}"
    if isinstance(shape, MapOf):
        return f"names with {_kind(shape.value)}"
    return shape.name if isinstance(shape, Reference) else f"object {shape.name}"


def _transforms() -> Iterator[str]:
    yield "## Transforms\n"
    for entry in TRANSFORMS:
        yield f"### `{entry.name}`\n\n{entry.description}\n"
        rows = ["| argument | value | result |", "|---|---|---|"]
        for example in entry.examples:
            result = "*(no value)*" if example.output is None else _code(example.output)
            rows.append(f"| {_code(example.argument)} | {_code(example.input)} | {result} |")
        yield "\n".join(rows) + "\n"


def _helpers() -> Iterator[str]:
    yield "## Lua helpers\n"
    yield "When the first argument is nil the result is nil, except for `TOTAL_VALUE`.\n"
    for helper in HELPERS:
        yield f"### `{helper.call}`\n\n{helper.description}\n"
        rows = ["| expression | result |", "|---|---|"]
        rows += [f"| {_lua(example.body)} | {_code(example.value)} |" for example in helper.examples]
        yield "\n".join(rows) + "\n"


def _code(value: Any) -> str:
    return _lua(jsontext.encode(value).decode())


def _lua(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
