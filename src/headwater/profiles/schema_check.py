"""Does a schema make sense? Every fault with its place, at once, before it is published."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
import phonenumbers

from headwater.errors import ConfigurationError, InputError
from headwater.profiles.kinds import KINDS
from headwater.profiles.mapping_expressions import compile_mapping
from headwater.profiles.merging import COLLECTION_LIMIT, operator_for
from headwater.profiles.schema import Alias, Field, IdentifierSettings, Mapping, Schema
from headwater.profiles.text_assertions import FORMATS

IDENTIFIER_KINDS = ("string", "[]string")
"""Kinds of identifier fields: one that is shown, or all of them."""

RESERVED_PREFIXES = ("_num_", "_conflict")
RESERVED_NAMES = frozenset({"segments", "segments_all", "_created", "_modified", "_streamnames", "_id", "_health"})
"""Names that a profile fills itself."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")


class Problem(msgspec.Struct, frozen=True):
    """One fault. `place` is a path in the schema file; an "error" stops publication, a "warning" does not."""

    place: str
    message: str
    severity: Literal["error", "warning"] = "error"


def check_schema(schema: Schema) -> tuple[Problem, ...]:
    """Everything that is wrong with a schema, errors and warnings, in the order of the file."""
    return (
        *_names(schema),
        *(problem for field in schema.fields for problem in _field(field)),
        *_mappings(schema),
        *_aliases(schema),
        *_ranks(schema),
        *_identifiers(schema),
        *_blocked(schema),
        *_limits(schema),
    )


def refuse_faulty(schema: Schema) -> None:
    """Raise ConfigurationError with all errors of the schema, if it has any."""
    errors = [problem for problem in check_schema(schema) if problem.severity == "error"]
    if errors:
        raise ConfigurationError("; ".join(f"{each.place}: {each.message}" for each in errors), "schema")


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _names(schema: Schema) -> Iterator[Problem]:
    for name, count in Counter(field.id for field in schema.fields).items():
        place = f"fields.{name}"
        if count > 1:
            yield Problem(place, f"defined {count} times; keep one")
        if not _NAME.fullmatch(name):
            yield Problem(place, "not a field name; use letters, digits, _ . - and start with a letter or _")
        if name in RESERVED_NAMES or name.startswith(RESERVED_PREFIXES):
            yield Problem(place, "a name that profiles fill themselves; choose another one")


def _field(field: Field) -> Iterator[Problem]:
    place = f"fields.{field.id}"
    kind = KINDS.get(field.type)
    if kind is None:
        yield Problem(f"{place}.type", f"unknown kind {field.type!r}{_nearest(field.type, KINDS)}")
        return
    if field.is_identifier:
        yield from _identifier_field(field, place)
    elif field.mergeop:
        try:
            operator_for(field.mergeop, kind)
        except ConfigurationError as fault:
            yield Problem(f"{place}.mergeop", fault.message)
    yield from _bounds(field, kind.shape in ("set", "map"), place)
    if field.assertions.format and field.assertions.format not in FORMATS:
        yield Problem(f"{place}.assertions.format", f"unknown format; known are {', '.join(FORMATS)}")
    length = field.assertions.length
    if length.min < 0 or length.max < 0 or (length.max and length.min > length.max):
        yield Problem(f"{place}.assertions.length", "min and max must be 0 or more, and min at most max")


def _identifier_field(field: Field, place: str) -> Iterator[Problem]:
    if field.mergeop:
        yield Problem(f"{place}.mergeop", "an identifier field cannot have a merge operator; remove it")
    if field.type not in IDENTIFIER_KINDS:
        yield Problem(
            f"{place}.type", f"an identifier must be of kind {' or '.join(IDENTIFIER_KINDS)}, not {field.type}"
        )
    if field.capacity or field.keep_days or field.keep_duration:
        yield Problem(place, "an identifier has no capacity and no life time; set a limit under identifiers")


def _bounds(field: Field, is_collection: bool, place: str) -> Iterator[Problem]:
    if field.keep_days and field.keep_duration:
        yield Problem(f"{place}.keep_duration", "keep_days is given as well; keep one of them")
    try:
        bounds = field.bounds
    except ConfigurationError as fault:
        yield Problem(f"{place}.keep_duration", fault.message)
        return
    if bounds.capacity < 0 or field.keep_days < 0:
        yield Problem(place, "capacity and keep_days must be 0 or more")
    if bounds.capacity > COLLECTION_LIMIT:
        yield Problem(f"{place}.capacity", f"at most {COLLECTION_LIMIT} members are kept")
    if not is_collection and (bounds.capacity or bounds.keep):
        yield Problem(place, f"capacity and life time are for sets and maps, not for kind {field.type}")
    if field.mergeop == "capped" and not bounds.capacity:
        yield Problem(f"{place}.capacity", "merge operator 'capped' needs a capacity")


def _expression(text: str, place: str) -> Iterator[Problem]:
    if not text.strip():
        yield Problem(place, "empty; write an expression")
        return
    try:
        compile_mapping(text)
    except InputError as fault:
        yield Problem(place, fault.message)


def _sources(each: Mapping | Alias, place: str, known: frozenset[str]) -> Iterator[Problem]:
    if each.field not in known:
        yield Problem(f"{place}.field", f"unknown field {each.field!r}{_nearest(each.field, known)}")
    if not each.stream:
        yield Problem(f"{place}.stream", 'empty; name a stream, or "*" for all')
    yield from _expression(each.expr, f"{place}.expr")
    if each.guard_expr:
        yield from _expression(each.guard_expr, f"{place}.guard_expr")


def _mappings(schema: Schema) -> Iterator[Problem]:
    known = frozenset(field.id for field in schema.fields)
    for index, mapping in enumerate(schema.mappings):
        yield from _sources(mapping, f"mappings.{index}", known)
    for mapping, count in Counter(schema.mappings).items():
        if count > 1:
            place = f"mappings.{len(schema.mappings) - 1 - schema.mappings[::-1].index(mapping)}"
            yield Problem(place, f"the same mapping of {mapping.field!r} is given {count} times", "warning")
    mapped = {mapping.field for mapping in schema.mappings}
    for field in schema.fields:
        if field.id not in mapped:
            yield Problem(f"fields.{field.id}", "no mapping fills this field", "warning")


def _aliases(schema: Schema) -> Iterator[Problem]:
    identifiers = frozenset(field.id for field in schema.fields if field.is_identifier)
    for index, alias in enumerate(schema.aliases):
        yield from _sources(alias, f"aliases.{index}", identifiers)


def _ranks(schema: Schema) -> Iterator[Problem]:
    identifiers = {field.id for field in schema.fields if field.is_identifier}
    for name, count in Counter(schema.ranks).items():
        if name not in identifiers:
            yield Problem("ranks", f"{name!r} is no identifier field{_nearest(name, identifiers)}")
        if count > 1:
            yield Problem("ranks", f"{name!r} is ranked {count} times; keep one")
    for name in sorted(identifiers - set(schema.ranks)):
        yield Problem("ranks", f"identifier {name!r} has no rank; add it, stronger identifiers first")
    if not identifiers:
        yield Problem("fields", "no field is an identifier, so no event could belong to anybody")


def _identifiers(schema: Schema) -> Iterator[Problem]:
    identifiers = {field.id for field in schema.fields if field.is_identifier}
    for name, settings in schema.identifiers.items():
        place = f"identifiers.{name}"
        if name not in identifiers:
            yield Problem(place, f"no identifier field of that name{_nearest(name, identifiers)}")
        yield from _settings(settings, place)


def _settings(settings: IdentifierSettings, place: str) -> Iterator[Problem]:
    for key in ("limit", "window_days", "alarm", "session_minutes"):
        if getattr(settings, key) < 0:
            yield Problem(f"{place}.{key}", "must be 0 or more")
    if settings.unique and settings.limit > 1:
        yield Problem(f"{place}.limit", "a unique identifier has one value per profile; remove the limit")
    if settings.unique and settings.window_days:
        yield Problem(f"{place}.window_days", "a unique identifier holds for ever; remove the window")
    if settings.window_days and not settings.limit and not settings.unique:
        yield Problem(f"{place}.window_days", "a window without a limit limits nothing; add limit")
    if settings.session_minutes and settings.shared != "nobody":
        yield Problem(
            f"{place}.session_minutes", "works only with shared: nobody; for other types the owner is decided"
        )
    if settings.region and settings.region not in phonenumbers.SUPPORTED_REGIONS:
        yield Problem(f"{place}.region", "not a country code of ISO 3166, such as GB")
    if settings.region and settings.form != "phone":
        yield Problem(f"{place}.region", "only for form: phone")


def _blocked(schema: Schema) -> Iterator[Problem]:
    identifiers = {field.id for field in schema.fields if field.is_identifier}
    for key in ("values", "patterns", "exempt"):
        for name, texts in getattr(schema.blocked, key).items():
            if name != "*" and name not in identifiers:
                yield Problem(f"blocked.{key}.{name}", f"no identifier field of that name{_nearest(name, identifiers)}")
            if any(not text.strip("*% ") for text in texts):
                yield Problem(f"blocked.{key}.{name}", "an empty text, or a pattern that would block everything")


def _limits(schema: Schema) -> Iterator[Problem]:
    if schema.profile_limit < 1:
        yield Problem("profile_limit", "must be 1 or more")
    if schema.degree_limit < 1:
        yield Problem("degree_limit", "must be 1 or more")
