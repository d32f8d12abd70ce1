"""The rules of a schema applied to one record plainly: every mapping in order, each evaluated anew. Nothing is remembered."""

from __future__ import annotations

from headwater.expressions.compiler import compile_node
from headwater.expressions.context import Context
from headwater.expressions.statements import parse_expression
from headwater.expressions.tree import Field
from headwater.expressions.values import NOTHING
from headwater.profiles.blocked_values import compile_block_rules
from headwater.profiles.effects import EXAMPLE_LENGTH, Dropped, stamp_of
from headwater.profiles.identifiers import Identifier, InvalidIdentifierError, identifier_text
from headwater.profiles.instants import instant
from headwater.profiles.kinds import KINDS, convert
from headwater.profiles.merging import default_operator, operator_for
from headwater.profiles.schema import EVERY_STREAM, Alias
from headwater.profiles.text_assertions import failed_assertion


class PlainReading:
    """What the mappings say about one record: `fields`, `identifiers` by type, `aliases`, `dropped`."""

    def __init__(self, schema, record, stream, time, message_id):
        self.schema, self.record = schema, record
        self.stamp = stamp_of(time, message_id)
        self.context = Context(record, instant(time), instant(time))
        self.fields, self.identifiers, self.aliases, self.dropped = {}, {}, [], []
        streams = {each.stream for each in schema.sources}
        own = stream if stream in streams else EVERY_STREAM
        for name in dict.fromkeys((own, EVERY_STREAM)):
            for mapping in schema.sources:
                if mapping.stream == name and self.passes(mapping.guard_expr):
                    self.take(mapping)

    def passes(self, guard):
        return not guard or self.value(guard) is True

    def value(self, text):
        tree = parse_expression(text)
        if isinstance(tree, Field) and tree.map_name is None:
            return self.record.get(tree.name)
        return compile_node(tree)(self.context)

    def take(self, mapping):
        value = self.value(mapping.expr)
        if value is None or value is NOTHING:
            return
        field = self.schema.field(mapping.field)
        if field.is_identifier:
            self.identify(field, value, isinstance(mapping, Alias))
        else:
            self.fill(field, value)

    def fill(self, field, value):
        kind = KINDS[field.type]
        texts = [each.expr for each in self.schema.mappings if each.field == field.id]
        counts = all(text.lower().startswith(("count(", "sum(")) for text in texts)
        operator = operator_for(field.mergeop or default_operator(kind, counts), kind, field.bounds)
        if kind.shape == "scalar" and field.id in self.fields:
            return
        if operator.name == "count":
            if value != "":
                self.fields[field.id] = operator.start(value, self.stamp)
            return
        converted, refused = convert(kind, value)
        reason = None if converted is None else failed_assertion(field.assertions, converted)
        for each in (*refused, *([reason] if reason else [])):
            self.drop("refused value", field.id, each, value)
        if converted is not None and reason is None:
            state = operator.start(converted, self.stamp)
            held = self.fields.get(field.id)
            self.fields[field.id] = state if held is None else operator.merge(held, state)

    def identify(self, field, value, alias):
        many = KINDS[field.type].shape == "set"
        if self.identifiers.get(field.id) and not many and not alias:
            return
        for item in value if isinstance(value, list | tuple) else [value]:
            text = self.spelling(field, item)
            if text is None:
                continue
            found = Identifier(field.id, text)
            if alias:
                self.aliases.append(found)
            elif found not in self.identifiers.setdefault(field.id, []):
                self.identifiers[field.id].append(found)
            if not many:
                return

    def spelling(self, field, value):
        if value is None or value == "":
            return None
        if isinstance(value, str | int) and not isinstance(value, bool):
            rule = compile_block_rules(self.schema.block_rules, field.id)(str(value))
            if rule is not None:
                return self.drop("blocked", field.id, rule, value)
        settings = self.schema.identity_rules.types[field.id]
        try:
            return identifier_text(value, settings.form, settings.region)
        except InvalidIdentifierError as reason:
            return self.drop("invalid identifier", field.id, str(reason), value)

    def drop(self, kind, field, reason, value):
        self.dropped.append(Dropped(kind, field, reason, str(value)[:EXAMPLE_LENGTH]))
