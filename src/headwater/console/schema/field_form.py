"""A field of the schema with its mappings, in a form and out of it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from headwater.console.forms import Form
from headwater.errors import InputError
from headwater.profiles.schema import EVERY_STREAM, Assertions, Field, Length, Mapping, Schema
from headwater.profiles.schema_edits import SchemaEdit, find_mapping, mapping_id

MAPPINGS_LIMIT = 50


class MappingRow(NamedTuple):
    """A mapping as the form has it; `id` "" is a new one."""

    id: str
    expr: str
    stream: str
    guard: str


class FieldForm(NamedTuple):
    """What was typed about a field."""

    field: Field
    mappings: tuple[MappingRow, ...]


def form_for(schema: Schema, name: str) -> FieldForm:
    """A field as it is. Raises InputError with the code "not_found"."""
    field = schema.field(name)
    if field is None:
        raise InputError(f"There is no field {name[:100]!r} in this schema.", "field", "not_found")
    return FieldForm(field, tuple(_row(each) for each in schema.mappings if each.field == name))


def new_form(name: str = "") -> FieldForm:
    """A new field with one mapping to fill in."""
    return FieldForm(Field(id=name), (MappingRow("", "", EVERY_STREAM, ""),))


def form_from(form: Form, before: Field | None) -> FieldForm:
    """What was typed. Attributes that the form does not show stay. Raises InputError for what is no number."""
    field = msgspec.structs.replace(
        before or Field(id=form.text("name").strip()),
        type=form.text("type"),
        shortdesc=form.text("shortdesc").strip(),
        longdesc=form.text("longdesc").strip(),
        mergeop=form.text("mergeop"),
        is_identifier=form.checked("is_identifier"),
        is_pii=form.checked("is_pii"),
        capacity=_number(form, "capacity"),
        keep_days=_number(form, "keep_days"),
        assertions=_assertions(form, () if before is None else before.assertions.filter),
    )
    count = min(_number(form, "mappings"), MAPPINGS_LIMIT)
    rows = tuple(
        MappingRow(
            form.text(f"mapping-{at}-id"),
            form.text(f"mapping-{at}-expr").strip(),
            form.text(f"mapping-{at}-stream").strip() or EVERY_STREAM,
            form.text(f"mapping-{at}-guard").strip(),
        )
        for at in range(count)
    )
    return FieldForm(field, rows)


def edit_from(typed: FieldForm, schema: Schema) -> SchemaEdit:
    """The edit of a schema that a form asks for: a mapping without an expression goes, an untouched one stays as it is."""
    name = typed.field.id
    mappings: dict[str, Mapping | None] = {mapping_id(each): None for each in schema.mappings if each.field == name}
    for number, row in enumerate(typed.mappings):
        if not row.expr:
            continue
        held = find_mapping(schema, row.id) if row.id in mappings else None
        key = row.id if held is not None else f"new-{number}"
        mappings[key] = Mapping(name, row.expr, row.stream, row.guard, "" if held is None else held.id)
    return SchemaEdit(fields={name: typed.field}, mappings=mappings)


def with_row(typed: FieldForm) -> FieldForm:
    """With one more mapping to fill in."""
    return typed._replace(mappings=(*typed.mappings, MappingRow("", "", EVERY_STREAM, "")))


def _row(mapping: Mapping) -> MappingRow:
    return MappingRow(mapping_id(mapping), mapping.expr, mapping.stream, mapping.guard_expr)


def _assertions(form: Form, held: tuple[str, ...]) -> Assertions:
    """What a text must be. `held` texts stay as they are, spaces around them too, where nobody touched them."""
    typed = form.text("filter")
    lines = held if typed == "\n".join(held) else [line.strip() for line in typed.split("\n")]
    return Assertions(
        email=form.checked("email"),
        format=form.text("format"),
        length=Length(_number(form, "shortest"), _number(form, "longest")),
        filter=tuple(dict.fromkeys(filter(None, lines))),
    )


def _number(form: Form, name: str) -> int:
    text = form.text(name).strip()
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InputError("write a whole number, or leave it empty", name)
    return int(text)
