"""What a document may contain, said once: the checker, the JSON Schema and the reference pages come from these shapes.

A shape is a value. `find_problems` compares a document with a shape and reports everything at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from headwater.playbooks.documents import Document, Path

PLACEHOLDER = re.compile(r"\$\$([A-Z][A-Z0-9_]*)\$\$")
"""A placeholder: a parameter's name between double dollar signs."""


class Problem(msgspec.Struct, frozen=True):
    """Something in a kit that a person must change.

    `file` and `line` say where, `path` is the dotted way to the node, `message` the cause, `remedy` what to do.
    `line` 0 stands for a document that has no lines.
    `fatal` is False for a finding that does not stop the kit from running (a key written twice, an unused parameter).
    """

    file: str
    line: int
    path: str
    message: str
    remedy: str
    fatal: bool = True

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}; {self.remedy}"


class Text(msgspec.Struct, frozen=True, tag=True):
    """Text. With `choices` only these words; with `pattern` only what matches it. Placeholders are always allowed."""

    choices: tuple[str, ...] = ()
    pattern: str = ""


class Number(msgspec.Struct, frozen=True, tag=True):
    """A number; `whole` allows integers only. Its decimal text is accepted too, so that a parameter can supply it."""

    whole: bool = False
    minimum: int | None = None


class Flag(msgspec.Struct, frozen=True, tag=True):
    """true or false, or text with a placeholder."""


class ListOf(msgspec.Struct, frozen=True, tag=True):
    """A list, all items of one shape. `or_text` also accepts a comma-separated text."""

    item: Shape
    or_text: bool = False


class MapOf(msgspec.Struct, frozen=True, tag=True):
    """An object with free keys, all values of one shape."""

    value: Shape


class Field(msgspec.Struct, frozen=True):
    """One key of an object, with what it is for."""

    name: str
    shape: Shape
    description: str
    required: bool = False


class Object(msgspec.Struct, frozen=True, tag=True):
    """An object with known keys.

    `one_of` names keys of which exactly one must be there (`at_most` True: or none). `loose_names` compares keys
    without case, `_` and `-`. `same_as` refers to a shape of that name in the registry, for shapes that nest in themselves.
    """

    name: str
    fields: tuple[Field, ...] = ()
    one_of: tuple[str, ...] = ()
    at_most: bool = False
    loose_names: bool = False


class Reference(msgspec.Struct, frozen=True, tag=True):
    """The object shape of that name, for shapes that contain themselves."""

    name: str


Shape = Text | Number | Flag | ListOf | MapOf | Object | Reference


def loose(name: str) -> str:
    """A key as it is compared where spellings differ: without case, `_` and `-`."""
    return name.replace("_", "").replace("-", "").lower()


def dotted(path: Path) -> str:
    """A path for people: `global.mappings[3].inputKey`."""
    text = ""
    for segment in path:
        text += f"[{segment}]" if isinstance(segment, int) else f".{segment}" if text else segment
    return text or "(document)"


def find_problems(document: Document, shape: Shape, shapes: dict[str, Object]) -> list[Problem]:
    """Everything in the document that its shape does not allow, in the order of the document."""
    return [
        Problem(document.file, document.line(path), dotted(path), message, remedy)
        for path, message, remedy in _compare(document.value, shape, (), shapes)
    ]


Finding = tuple[Path, str, str]


def _compare(value: Any, shape: Shape, path: Path, shapes: dict[str, Object]) -> Iterator[Finding]:
    if isinstance(shape, Reference):
        yield from _compare_object(value, shapes[shape.name], path, shapes)
    elif isinstance(shape, Object):
        yield from _compare_object(value, shape, path, shapes)
    elif isinstance(shape, ListOf):
        yield from _compare_list(value, shape, path, shapes)
    elif isinstance(shape, MapOf):
        yield from _compare_map(value, shape, path, shapes)
    else:
        yield from _compare_scalar(value, shape, path)


def _compare_list(value: Any, shape: ListOf, path: Path, shapes: dict[str, Object]) -> Iterator[Finding]:
    if shape.or_text and isinstance(value, str):
        return
    if not isinstance(value, list):
        yield path, f"expected a list, found {kind_of(value)}", "write a list, each item on its own line with a dash"
        return
    for index, item in enumerate(value):
        yield from _compare(item, shape.item, (*path, index), shapes)


def _compare_map(value: Any, shape: MapOf, path: Path, shapes: dict[str, Object]) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield path, f"expected an object, found {kind_of(value)}", "write keys with values"
        return
    for key, item in value.items():
        yield from _compare(item, shape.value, (*path, key), shapes)


def _compare_object(value: Any, shape: Object, path: Path, shapes: dict[str, Object]) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield path, f"expected an object, found {kind_of(value)}", f"write keys with values: {_names(shape)}"
        return
    known = {_key(field.name, shape): field for field in shape.fields}
    for key, item in value.items():
        field = known.get(_key(key, shape))
        if field is None:
            yield (*path, key), f"unknown key {key!r}", f"remove it or use one of: {_names(shape)}"
        else:
            yield from _compare(item, field.shape, (*path, key), shapes)
    yield from _compare_presence(value, shape, path)


def _compare_presence(value: dict[str, Any], shape: Object, path: Path) -> Iterator[Finding]:
    present = {_key(key, shape) for key in value}
    for field in shape.fields:
        if field.required and _key(field.name, shape) not in present:
            yield path, f"{field.name!r} is missing", f"add it: {field.description}"
    if shape.one_of:
        chosen = [name for name in shape.one_of if _key(name, shape) in present]
        if len(chosen) > 1:
            yield path, f"{' and '.join(chosen)} cannot stand together", "keep one of them"
        elif not chosen and not shape.at_most and not any(_key(key, shape) not in known_keys(shape) for key in value):
            yield path, "says nothing", f"give it exactly one of: {', '.join(shape.one_of)}"


def known_keys(shape: Object) -> frozenset[str]:
    """The names of the shape's keys, in the form in which they are compared."""
    return frozenset(_key(field.name, shape) for field in shape.fields)


def _compare_scalar(value: Any, shape: Text | Number | Flag, path: Path) -> Iterator[Finding]:
    if isinstance(value, str) and PLACEHOLDER.search(value):
        return
    if isinstance(shape, Flag):
        if not isinstance(value, bool):
            yield path, f"expected true or false, found {kind_of(value)}", "write true or false without quotes"
    elif isinstance(shape, Number):
        yield from _compare_number(value, shape, path)
    elif not isinstance(value, str):
        yield path, f"expected text, found {kind_of(value)}", "put it in quotes"
    elif shape.choices and value not in shape.choices:
        yield path, f"{value!r} is not known", f"use one of: {', '.join(shape.choices)}"
    elif shape.pattern and not re.fullmatch(shape.pattern, value):
        yield path, f"{value!r} does not have the required form", f"it must match {shape.pattern}"


def _compare_number(value: Any, shape: Number, path: Path) -> Iterator[Finding]:
    wanted = "a whole number" if shape.whole else "a number"
    number = number_of(value)
    if number is None or (shape.whole and number != int(number)):
        yield path, f"expected {wanted}, found {kind_of(value)}", f"write {wanted}"
    elif shape.minimum is not None and number < shape.minimum:
        yield path, f"{value} is too small", f"write {shape.minimum} or more"


_NUMBER_TEXT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


def number_of(value: Any) -> int | float | None:
    """The number that a configuration value stands for: a number, or its decimal text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and _NUMBER_TEXT.fullmatch(value):
        return int(value) if value.lstrip("+-").isdigit() else float(value)
    return None


def kind_of(value: Any) -> str:
    """The kind of a JSON value in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "an object"


def _key(name: str, shape: Object) -> str:
    return loose(name) if shape.loose_names else name


def _names(shape: Object) -> str:
    return ", ".join(field.name for field in shape.fields) or "(no keys at all)"
