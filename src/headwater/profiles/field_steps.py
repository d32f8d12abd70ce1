"""Steps that fill fields: a mapping made into one function over events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headwater.profiles.effects import Dropped
from headwater.profiles.field_plans import FieldPlan
from headwater.profiles.field_readers import FieldReaders, Read, names_taken, read_names, taker
from headwater.profiles.gathering import Gathering
from headwater.profiles.mapping_expressions import MappingExpression

Step = Callable[[Gathering], None]
"""Reads one mapping of an event."""

_TEXT_SETS = frozenset({"[]string", "ts[]string"})


class FieldSteps:
    """Makes the steps of a schema's mappings."""

    def __init__(self) -> None:
        self._readers = FieldReaders()

    def step(self, plan: FieldPlan, expression: MappingExpression, record: Mapping[str, Any]) -> Step | None:
        """The step of a mapping, for records with the keys of `record`, which has all keys that the expression needs.

        None if such a record gives no value. Only an expression that depends on the keys' names looks at `record`.
        """
        if expression.depends_on == "key names":
            names = names_taken(expression, record)
            return _taking_step(plan, read_names(names, taker(plan))) if names else None
        step = _taking_step(plan, self._readers.reader(plan, expression))
        if expression.key and not plan.asserts:
            if plan.kind.name == "string":
                return _text_step(plan, expression.key, step)
            if plan.kind.name in _TEXT_SETS:
                return _text_set_step(plan, expression.key, step)
        return step


def _text_step(plan: FieldPlan, key: str, otherwise: Step) -> Step:
    """By far the commonest: a key that has a text."""
    name = plan.name

    def step(gathering: Gathering) -> None:
        fields = gathering.fields
        if name not in fields:
            value = gathering.record[key]
            if type(value) is str and value and "\0" not in value:
                fields[name] = [*gathering.stamp, value]
            else:
                otherwise(gathering)

    return step


def _text_set_step(plan: FieldPlan, key: str, otherwise: Step) -> Step:
    """The next commonest: a key that has one text, for a set."""
    name = plan.name

    def step(gathering: Gathering) -> None:
        fields, value = gathering.fields, gathering.record[key]
        if type(value) is str and value and "\0" not in value and name not in fields:
            fields[name] = {value: gathering.stamp.time}
        else:
            otherwise(gathering)

    return step


def _taking_step(plan: FieldPlan, read: Read) -> Step:
    name, start, merge = plan.name, plan.operator.start, plan.operator.merge

    def first(gathering: Gathering) -> None:
        if name in gathering.fields:
            return  # the first mapping that gives a value counts
        value, refused, example = read(gathering)
        if refused:
            _drop(gathering, name, refused, example)
        if value is not None:
            gathering.fields[name] = start(value, gathering.stamp)

    def each(gathering: Gathering) -> None:
        value, refused, example = read(gathering)
        if refused:
            _drop(gathering, name, refused, example)
        if value is not None:
            held, state = gathering.fields.get(name), start(value, gathering.stamp)
            gathering.fields[name] = state if held is None else merge(held, state)

    return first if plan.kind.shape == "scalar" else each


def _drop(gathering: Gathering, name: str, refused: tuple[str, ...], example: str) -> None:
    gathering.dropped += [Dropped("refused value", name, reason, example) for reason in refused]
