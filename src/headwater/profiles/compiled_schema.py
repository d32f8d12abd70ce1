"""A schema made ready: one event in, its effect out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from headwater.expressions.context import Context
from headwater.expressions.values import NOTHING
from headwater.profiles.blocked_values import compile_block_rules
from headwater.profiles.effects import EXAMPLE_LENGTH, Dropped, EventEffect, stamp_of
from headwater.profiles.fragments import Fragment, merge_fragments
from headwater.profiles.identifiers import (
    IDENTIFIERS_PER_EVENT,
    Identifier,
    InvalidIdentifierError,
    identifier_text,
)
from headwater.profiles.identity_rules import IdentityRules, TypeRule
from headwater.profiles.instants import DAY_MILLISECONDS, instant, milliseconds_of, parse_milliseconds
from headwater.profiles.kinds import KINDS, Kind, convert
from headwater.profiles.mapping_expressions import MappingExpression, compile_mapping
from headwater.profiles.merging import Operator, Stamp, State, canonical_bytes, default_operator, operator_for
from headwater.profiles.schema import EVERY_STREAM, Alias, Assertions, Schema
from headwater.profiles.schema import Mapping as FieldMapping
from headwater.profiles.schema_check import refuse_faulty
from headwater.profiles.text_assertions import failed_assertion

FUTURE_TOLERANCE = DAY_MILLISECONDS
"""An event time further than this after its receipt is a wrong clock: the time of receipt counts."""

SESSION_UNIT = 60_000
"""Milliseconds of a session minute."""

_UNREAD = object()


class FieldPlan(msgspec.Struct, frozen=True):
    """A field that is no identifier, ready to take values."""

    name: str
    kind: Kind
    operator: Operator
    assertions: Assertions
    asserts: bool


class IdentifierPlan(msgspec.Struct, frozen=True):
    """An identifier field, ready to take values. `many`: it takes the values of all its mappings."""

    name: str
    rule: TypeRule
    many: bool
    block_rule: Callable[[str], str | None]


class _Source(NamedTuple):
    """A mapping of a stream. `need` is a key without which it gives nothing ("" if none is known), `guard` (None if it has
    none) and `expression` are places in the plan."""

    need: str
    guard: int | None
    expression: int
    plan: FieldPlan | IdentifierPlan
    alias: bool


class _StreamPlan(NamedTuple):
    """The mappings of a stream in their order. Each guard and each expression is evaluated once for an event at most."""

    guards: tuple[MappingExpression, ...]
    expressions: tuple[MappingExpression, ...]
    sources: tuple[_Source, ...]


class _Gathering:
    """What one event gives, while its mappings are read."""

    __slots__ = ("aliases", "dropped", "fields", "identifiers", "stamp")

    def __init__(self, stamp: Stamp) -> None:
        self.stamp = stamp
        self.fields: dict[str, State] = {}
        self.identifiers: dict[str, list[str]] = {}
        self.aliases: list[Identifier] = []
        self.dropped: list[Dropped] = []


class CompiledSchema:
    """A schema ready for events. Raises ConfigurationError on creation if the schema has errors."""

    def __init__(self, schema: Schema) -> None:
        refuse_faulty(schema)
        self.schema = schema
        self.rules: IdentityRules = schema.identity_rules
        self._expressions: dict[str, MappingExpression] = {}
        self._plans: dict[str, FieldPlan | IdentifierPlan] = {
            **{name: self._identifier_plan(name) for name in schema.ranks},
            **self._field_plans(),
        }
        self.operators: Mapping[str, Operator] = {
            name: plan.operator for name, plan in self._plans.items() if isinstance(plan, FieldPlan)
        }
        streams = {each.stream for each in schema.sources}
        self._by_stream = {stream: self._plan_stream(stream) for stream in streams - {EVERY_STREAM}}
        self._of_every_stream = self._plan_stream(EVERY_STREAM)
        self._similar_keys = self._identifier_keys()

    @property
    def fields(self) -> tuple[FieldPlan, ...]:
        """The fields that are no identifiers."""
        return tuple(plan for plan in self._plans.values() if isinstance(plan, FieldPlan))

    def merge(self, left: Fragment, right: Fragment) -> Fragment:
        """Two fragments, or two parts of one, as one."""
        return merge_fragments(left, right, self.operators)

    # Preparation

    def _expression(self, text: str) -> MappingExpression:
        if text not in self._expressions:
            self._expressions[text] = compile_mapping(text)
        return self._expressions[text]

    def _identifier_plan(self, name: str) -> IdentifierPlan:
        field = self.schema.field(name)
        many = field is not None and KINDS[field.type].shape == "set"
        return IdentifierPlan(name, self.rules.types[name], many, compile_block_rules(self.schema.block_rules, name))

    def _field_plans(self) -> dict[str, FieldPlan]:
        plans: dict[str, FieldPlan] = {}
        for field in self.schema.fields:
            if field.is_identifier:
                continue
            kind = KINDS[field.type]
            texts = [mapping.expr for mapping in self.schema.mappings if mapping.field == field.id]
            counts = bool(texts) and all(self._expression(text).counts for text in texts)
            operator = operator_for(field.mergeop or default_operator(kind, counts), kind, field.bounds)
            asserts = field.assertions != Assertions()
            plans[field.id] = FieldPlan(field.id, kind, operator, field.assertions, asserts)
        return plans

    def _identifier_keys(self) -> dict[str, str]:
        sources = (each for each in self.schema.mappings if each.field in self.rules.types)
        return {key.lower(): key for each in sources for key in self._expression(each.expr).keys}

    def _plan_stream(self, stream: str) -> _StreamPlan:
        guards: dict[str, int] = {}
        expressions: dict[str, int] = {}
        sources: list[_Source] = []
        for each in self._mappings_of(stream):
            guard = guards.setdefault(each.guard_expr, len(guards)) if each.guard_expr else None
            expression = expressions.setdefault(each.expr, len(expressions))
            need = self._expression(each.expr).gate
            sources.append(_Source(need, guard, expression, self._plans[each.field], isinstance(each, Alias)))
        return _StreamPlan(
            tuple(self._expression(text) for text in guards),
            tuple(self._expression(text) for text in expressions),
            tuple(sources),
        )

    def _mappings_of(self, stream: str) -> Iterable[FieldMapping | Alias]:
        """The mappings of a stream in order, those of this stream before those of every stream."""
        sources = self.schema.sources
        if stream != EVERY_STREAM:
            yield from (each for each in sources if each.stream == stream)
        yield from (each for each in sources if each.stream == EVERY_STREAM)

    # One event

    def effect(
        self, record: Mapping[str, Any], stream: str, received_at: datetime, message_id: str | None = None
    ) -> EventEffect:
        """What a record of a stream does to profiles.

        `record` is the flat object that an integration sent. `message_id` is what the log knows it by; without it the
        record's own id counts, and the record's content if it has none. Never raises for anything in the record: what
        cannot be used is among `dropped`.
        """
        received = milliseconds_of(received_at)
        message = message_id if message_id is not None else self._message_id(record)
        time, late = self._event_time(record, received)
        gathering = _Gathering(stamp_of(time, message))
        gathering.dropped += late
        self._read(record, stream, instant(time), gathering)
        identifiers = self._ranked(gathering)
        self._note_similar_keys(record, gathering)
        if not identifiers:
            return EventEffect(message, time, received, stream, dropped=tuple(gathering.dropped))
        aliases = tuple(sorted(set(gathering.aliases) - {identifiers[0]}))
        slots = self._slots(identifiers, time)
        dropped = tuple(gathering.dropped)
        return EventEffect(message, time, received, stream, identifiers, aliases, slots, gathering.fields, dropped)

    def _message_id(self, record: Mapping[str, Any]) -> str:
        for key in self.schema.message_id:
            value = record.get(key)
            if isinstance(value, str | int) and value != "":
                return str(value)
        return canonical_bytes(dict(record)).decode()

    def _event_time(self, record: Mapping[str, Any], received: int) -> tuple[int, list[Dropped]]:
        for key in self.schema.event_time:
            value = record.get(key)
            if value is None or value == "":
                continue
            time = parse_milliseconds(value)
            if time is None:
                return received, [Dropped("event time", key, "not a date", _example(value))]
            if time <= 0:  # zero times of programming languages: year 1, or 1970 exactly
                return received, [Dropped("event time", key, "not after 1970 began", _example(value))]
            if time > received + FUTURE_TOLERANCE:
                return received, [Dropped("event time", key, "in the future", _example(value))]
            return time, []
        return received, []

    def _read(self, record: Mapping[str, Any], stream: str, moment: datetime, gathering: _Gathering) -> None:
        plan = self._by_stream.get(stream, self._of_every_stream)
        context = Context(record, moment, moment)
        passed = [(not each.gate or each.gate in record) and each.evaluate(context) is True for each in plan.guards]
        values: list[Any] = [_UNREAD] * len(plan.expressions)
        for need, guard, place, target, alias in plan.sources:
            if (need and need not in record) or (guard is not None and not passed[guard]):
                continue
            value = values[place]
            if value is _UNREAD:
                expression = plan.expressions[place]
                # A plain key is taken as it is: the language would round a Decimal.
                value = record[expression.key] if expression.key else expression.evaluate(context)
                values[place] = value
            if value is None or value is NOTHING:
                continue
            if isinstance(target, FieldPlan):
                _take_value(target, value, gathering)
            else:
                _take_identifier(target, value, gathering, alias)

    def _ranked(self, gathering: _Gathering) -> tuple[Identifier, ...]:
        """The event's identifiers, strongest first, at most as many as an event may carry."""
        found = [
            Identifier(name, value)
            for name in self.schema.ranks
            for value in sorted(gathering.identifiers.get(name, ()))
        ]
        for extra in found[IDENTIFIERS_PER_EVENT:]:
            reason = f"more than {IDENTIFIERS_PER_EVENT} in one event"
            gathering.dropped.append(Dropped("too many identifiers", extra.type, reason, _example(extra.value)))
        return tuple(found[:IDENTIFIERS_PER_EVENT])

    def _slots(self, identifiers: tuple[Identifier, ...], time: int) -> dict[str, int]:
        minutes = {each.type: self.rules.types[each.type].session_minutes for each in identifiers}
        return {name: time // (length * SESSION_UNIT) for name, length in minutes.items() if length}

    def _note_similar_keys(self, record: Mapping[str, Any], gathering: _Gathering) -> None:
        for key in record:
            known = self._similar_keys.get(key.lower())
            if known is not None and known != key and known not in record:
                reason = f"differs from {known!r} only in case"
                gathering.dropped.append(Dropped("suspicious key", key, reason, _example(record[key])))


def _take_value(plan: FieldPlan, value: Any, gathering: _Gathering) -> None:
    held = gathering.fields.get(plan.name)
    if held is not None and plan.kind.shape == "scalar":
        return  # the first mapping that gives a value counts
    if plan.operator.name == "count":
        if value != "":
            gathering.fields[plan.name] = plan.operator.start(value, gathering.stamp)
        return
    converted, refused = convert(plan.kind, value)
    if converted is not None and plan.asserts and (reason := failed_assertion(plan.assertions, converted)) is not None:
        converted, refused = None, (*refused, reason)
    for reason in refused:
        gathering.dropped.append(Dropped("refused value", plan.name, reason, _example(value)))
    if converted is not None:
        state = plan.operator.start(converted, gathering.stamp)
        gathering.fields[plan.name] = state if held is None else plan.operator.merge(held, state)


def _take_identifier(plan: IdentifierPlan, value: Any, gathering: _Gathering, alias: bool) -> None:
    held = gathering.identifiers.get(plan.name, ())
    if held and not plan.many and not alias:
        return  # the first mapping that gives a value counts
    for item in value if isinstance(value, list | tuple) else (value,):
        text = _identifying_text(plan, item, gathering)
        if text is None:
            continue
        if alias:
            gathering.aliases.append(Identifier(plan.name, text))
        elif text not in (values := gathering.identifiers.setdefault(plan.name, [])):
            values.append(text)
        if not plan.many:
            return


def _identifying_text(plan: IdentifierPlan, value: Any, gathering: _Gathering) -> str | None:
    """The spelling of one value, None if it is missing, blocked or invalid; the latter two go on record."""
    if value is None or value == "":
        return None
    if isinstance(value, str | int) and not isinstance(value, bool):
        rule = plan.block_rule(str(value))
        if rule is not None:
            gathering.dropped.append(Dropped("blocked", plan.name, rule, _example(value)))
            return None
    try:
        return identifier_text(value, plan.rule.form, plan.rule.region)
    except InvalidIdentifierError as reason:
        gathering.dropped.append(Dropped("invalid identifier", plan.name, str(reason), _example(value)))
        return None


def _example(value: Any) -> str:
    return str(value)[:EXAMPLE_LENGTH]
