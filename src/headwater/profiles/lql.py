"""LQL statements and the mappings that they stand for.

    SELECT email(email) AS email, count(visit) AS visits KIND int FROM web INTO user BY email WHERE NOT EXISTS _bot ALIAS visits

Each column is a mapping of the statement's stream; its guard is the column's IF and the statement's WHERE together. Fields named
after BY are identifiers. What a column does not say (kind, operator, description) stays as the schema has it, or becomes what
suits its expression.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from headwater.expressions import ExpressionError, Select, canonical, parse_expression
from headwater.expressions.mappings import column_kind, column_name
from headwater.expressions.printer import name_text, text_literal
from headwater.expressions.statements import Column, Filter, parse_statements
from headwater.expressions.tree import Logic, MatchAll, Node
from headwater.profiles.schema import EVERY_STREAM, Field, Mapping, Schema
from headwater.profiles.schema_edits import SchemaEdit, mapping_id

PLAIN_KIND = "string"


def read_statements(text: str, table: str = "user") -> tuple[Select, ...]:
    """The mapping statements of a text, separated by `;`. Raises ExpressionError for what is no mapping of that table."""
    statements = tuple(_mapping_statement(each, text, table) for each in parse_statements(text))
    aliases = [each.alias for each in statements]
    for alias in aliases:
        if aliases.count(alias) > 1:
            raise ExpressionError(f"two statements have the alias {alias!r}; give each its own", text, len(text))
    return statements


def _mapping_statement(statement: Select | Filter, text: str, table: str) -> Select:
    if not isinstance(statement, Select):
        raise ExpressionError("expected SELECT; a FILTER is an audience", text, 0)
    fault = _fault(statement, table)
    if fault:
        raise ExpressionError(fault, text, statement.columns[0].expression.at)
    for column in statement.columns:
        if isinstance(column.expression, MatchAll):
            raise ExpressionError("SELECT * names no fields; name the columns", text, column.expression.at)
        if not column_name(column):
            raise ExpressionError("a column without a name; add AS and the field", text, column.expression.at)
    return statement


def _fault(statement: Select, table: str) -> str:
    names = {column_name(column) for column in statement.columns}
    if statement.into is not None and statement.into != table:
        return f"INTO {statement.into}: there is no such table; write INTO {table}"
    if not statement.by:
        return "BY is missing: without an identifier the events of this statement belong to nobody"
    if names.isdisjoint(statement.by):
        return f"no column fills {' or '.join(statement.by)}, so the events of this statement belong to nobody"
    if statement.alias is None:
        return "ALIAS is missing: end the statement with ALIAS and a name, by which it can be changed later"
    return "LIMIT has no meaning for a mapping; remove it" if statement.limit is not None else ""


def statement_mappings(statement: Select) -> tuple[Mapping, ...]:
    """The mappings that a statement stands for, each once."""
    mappings = (
        Mapping(
            field=column_name(column),
            expr=canonical(column.expression),
            stream=statement.source,
            guard_expr=_guard(statement, column),
        )
        for column in statement.columns
    )
    return tuple(dict.fromkeys(mappings))


def _guard(statement: Select, column: Column) -> str:
    parts: list[Node] = [each for each in (statement.where, statement.filter, column.guard) if each is not None]
    if not parts:
        return ""
    return canonical(parts[0] if len(parts) == 1 else Logic(op="and", operands=tuple(parts), at=0))


def statement_edit(
    schema: Schema, statement: Select, former: Select | None = None, kept: Iterable[Select] = ()
) -> SchemaEdit:
    """What putting a statement changes of a schema. `former` is the statement of this alias until now, `kept` are all others."""
    fields: dict[str, Field | None] = {}
    for column in statement.columns:
        name = column_name(column)
        fields[name] = _field(fields.get(name) or schema.field(name), column, name, name in statement.by)
    removed = {} if former is None else removal_edit(schema, former, (statement, *kept)).mappings
    held = {_content(each) for each in schema.mappings}
    added = {mapping_id(each): each for each in statement_mappings(statement) if _content(each) not in held}
    known = {field.id for field in schema.fields} | fields.keys()
    ranks = schema.ranks + tuple(name for name in statement.by if name not in schema.ranks and name in known)
    return SchemaEdit(fields=fields, mappings={**removed, **added}, ranks=None if ranks == schema.ranks else ranks)


def removal_edit(schema: Schema, statement: Select, kept: Iterable[Select] = ()) -> SchemaEdit:
    """What taking a statement away changes: mappings that no other statement stands for go, their fields stay."""
    others = {_content(each) for other in kept for each in statement_mappings(other)}
    going = {_content(each) for each in statement_mappings(statement)} - others
    return SchemaEdit(mappings={mapping_id(each): None for each in schema.mappings if _content(each) in going})


def _content(mapping: Mapping) -> Mapping:
    return msgspec.structs.replace(mapping, id="")


def _field(held: Field | None, column: Column, name: str, identifies: bool) -> Field:
    field = Field(name, column_kind(column)) if held is None else held
    given: dict[str, str | bool] = {
        "type": column.kind or field.type,
        "mergeop": column.merge_op or field.mergeop,
        "shortdesc": column.short_description or field.shortdesc,
        "longdesc": column.long_description or field.longdesc,
    }
    if identifies and not field.is_identifier:
        given |= {"is_identifier": True, "mergeop": column.merge_op or ""}
    return msgspec.structs.replace(field, **given)


def remaining_mappings(schema: Schema, statement: Select) -> tuple[Mapping, ...]:
    """The mappings of a statement that the schema still has."""
    held = {_content(each) for each in schema.mappings}
    return tuple(each for each in statement_mappings(statement) if each in held)


def write_statement(schema: Schema, mappings: Iterable[Mapping], stream: str, alias: str) -> str:
    """Mappings of one stream as an LQL statement, with what the schema says of their fields."""
    columns = [_column_text(each, schema.field(each.field)) for each in mappings]
    by = " OR ".join(map(name_text, schema.ranks))
    lines = ",\n    ".join(columns)
    return f"SELECT\n    {lines}\nFROM {name_text(stream)}\nINTO {schema.table}\nBY {by}\nALIAS {name_text(alias)}"


def _column_text(mapping: Mapping, field: Field | None) -> str:
    parts = [canonical(parse_expression(mapping.expr)), f"AS {name_text(mapping.field)}"]
    if mapping.guard_expr:
        parts.append(f"IF {canonical(parse_expression(mapping.guard_expr))}")
    if field is not None:
        parts += [f"SHORTDESC {text_literal(field.shortdesc)}"] if field.shortdesc else []
        parts += [f"KIND {field.type}"] if field.type != PLAIN_KIND else []
        parts += [f"MERGEOP {field.mergeop}"] if field.mergeop else []
    return " ".join(parts)


def schema_statements(schema: Schema, mappings: Iterable[Mapping]) -> dict[str, str]:
    """Mappings as one statement for each of their streams, by alias: `schema_` and the stream's name, or `all`."""
    by_stream: dict[str, list[Mapping]] = {}
    for mapping in mappings:
        by_stream.setdefault(mapping.stream, []).append(mapping)
    texts = {}
    for stream, own in by_stream.items():
        alias = f"schema_{'all' if stream == EVERY_STREAM else stream}"
        texts[alias] = write_statement(schema, own, stream, alias)
    return texts
