"""A schema made ready: one event in, its effect out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from headwater.profiles.blocked_values import compile_block_rules
from headwater.profiles.effects import Dropped, EventEffect, example_of, stamp_of
from headwater.profiles.field_plans import FieldPlan, IdentifierPlan
from headwater.profiles.field_steps import FieldSteps
from headwater.profiles.fragments import Fragment, merge_fragments
from headwater.profiles.gathering import Gathering
from headwater.profiles.identifier_steps import identifier_step, identify_for
from headwater.profiles.identifiers import IDENTIFIERS_PER_EVENT, Identifier
from headwater.profiles.identity_rules import IdentityRules
from headwater.profiles.instants import DAY_MILLISECONDS, milliseconds_of, parse_milliseconds
from headwater.profiles.kinds import KINDS
from headwater.profiles.mapping_expressions import MappingExpression, compile_mapping
from headwater.profiles.merging import Operator, canonical_bytes, default_operator, operator_for
from headwater.profiles.schema import EVERY_STREAM, Alias, Assertions, Schema
from headwater.profiles.schema import Mapping as FieldMapping
from headwater.profiles.schema_check import refuse_faulty
from headwater.profiles.shown_values import ReadState, reader_of
from headwater.profiles.stream_plan import Source, StreamPlan

FUTURE_TOLERANCE = DAY_MILLISECONDS
"""An event time further than this after its receipt is a wrong clock: the time of receipt counts."""

SESSION_UNIT = 60_000
"""Milliseconds of a session minute."""


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
        self.fields = tuple(plan for plan in self._plans.values() if isinstance(plan, FieldPlan))
        self.readers: Mapping[str, ReadState] = {plan.name: reader_of(plan) for plan in self.fields}
        self.many_valued = frozenset(field.id for field in schema.fields if KINDS[field.type].shape == "set")
        self._field_steps = FieldSteps()
        self._checks = {
            name: identify_for(plan) for name, plan in self._plans.items() if isinstance(plan, IdentifierPlan)
        }
        streams = {each.stream for each in schema.sources}
        self._by_stream = {stream: self._plan_stream(stream) for stream in streams - {EVERY_STREAM}}
        self._of_every_stream = self._plan_stream(EVERY_STREAM)
        self._session_lengths = {
            name: rule.session_minutes * SESSION_UNIT for name, rule in self.rules.types.items() if rule.session_minutes
        }

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

    def _plan_stream(self, stream: str) -> StreamPlan:
        mappings = tuple(self._mappings_of(stream))
        guards = {each.guard_expr: self._expression(each.guard_expr) for each in mappings if each.guard_expr}
        return StreamPlan(tuple(map(self._source, mappings)), guards, self._identifier_keys())

    def _source(self, mapping: FieldMapping | Alias) -> Source:
        plan, expression = self._plans[mapping.field], self._expression(mapping.expr)
        if isinstance(plan, FieldPlan):
            return Source(expression, mapping.guard_expr, partial(self._field_steps.step, plan, expression))
        step = identifier_step(plan, self._checks[plan.name], expression, isinstance(mapping, Alias))
        return Source(expression, mapping.guard_expr, lambda _record: step)

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
        gathering = Gathering(record, stamp_of(time, message))
        gathering.dropped += late
        similar = self._by_stream.get(stream, self._of_every_stream).read(gathering)
        identifiers = self._ranked(gathering)
        for key, known in similar:
            reason = f"differs from {known!r} only in case"
            gathering.dropped.append(Dropped("suspicious key", key, reason, example_of(record[key])))
        if not identifiers:
            return EventEffect(message, time, received, stream, dropped=tuple(gathering.dropped))
        aliases = tuple(sorted(set(gathering.aliases) - {identifiers[0]})) if gathering.aliases else ()
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
                return received, [Dropped("event time", key, "not a date", example_of(value))]
            if time <= 0:  # zero times of programming languages: year 1, or 1970 exactly
                return received, [Dropped("event time", key, "not after 1970 began", example_of(value))]
            if time > received + FUTURE_TOLERANCE:
                return received, [Dropped("event time", key, "in the future", example_of(value))]
            return time, []
        return received, []

    def _ranked(self, gathering: Gathering) -> tuple[Identifier, ...]:
        """The event's identifiers, strongest first, at most as many as an event may carry."""
        by_type = gathering.identifiers
        found = [each for name in self.schema.ranks if name in by_type for each in sorted(by_type[name])]
        for extra in found[IDENTIFIERS_PER_EVENT:]:
            reason = f"more than {IDENTIFIERS_PER_EVENT} in one event"
            gathering.dropped.append(Dropped("too many identifiers", extra.type, reason, example_of(extra.value)))
        return tuple(found[:IDENTIFIERS_PER_EVENT])

    def _slots(self, identifiers: tuple[Identifier, ...], time: int) -> dict[str, int]:
        if not self._session_lengths:
            return {}
        lengths = {each.type: self._session_lengths.get(each.type) for each in identifiers}
        return {name: time // length for name, length in lengths.items() if length}
