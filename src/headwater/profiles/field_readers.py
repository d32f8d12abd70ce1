"""Readers: how the value of a mapping is taken out of an event, as the field's kind has it.

What a mapping's expression depends on decides how often it is evaluated: once for a text of a key, once for an hour, or for
each event. However it is done, the value is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from headwater.expressions.context import Context
from headwater.expressions.values import NOTHING
from headwater.profiles.effects import example_of
from headwater.profiles.field_plans import FieldPlan
from headwater.profiles.gathering import Gathering
from headwater.profiles.instants import AFTER_LATEST, DAY_MILLISECONDS, instant
from headwater.profiles.kinds import Shape, converter
from headwater.profiles.mapping_expressions import MappingExpression, TimeAskedError, Timeless
from headwater.profiles.remembering import Remembered, RememberedOnReturn
from headwater.profiles.schema import Assertions
from headwater.profiles.text_assertions import failed_assertion

TEXTS_REMEMBERED = 2_000
"""Texts of one key whose results are remembered."""

TEXT_REMEMBERED = 300
"""Longest text, in characters, whose result is remembered."""

HOURS_REMEMBERED = 100
_HOUR = 3_600_000


class Taken(NamedTuple):
    """What a kind takes of a value, None for nothing; the reasons of what it refused, with an example."""

    value: Any
    refused: tuple[str, ...] = ()
    example: str = ""


Take = Callable[[Any], Taken]
Read = Callable[[Gathering], Taken]

_NOTHING_TAKEN = Taken(None)


class FieldReaders:
    """Makes the readers of a schema's mappings. Fields of one kind with one expression share what is remembered."""

    def __init__(self) -> None:
        self._readers: dict[tuple[str, str, bool, Assertions], Read] = {}
        self._texts: dict[str, RememberedOnReturn[_TextResults]] = {}

    def reader(self, plan: FieldPlan, expression: MappingExpression) -> Read:
        """How a mapping is read, for records that have all keys that its expression needs."""
        place = (expression.text, plan.kind.name, plan.operator.name == "count", plan.assertions)
        if place not in self._readers:
            self._readers[place] = self._read_by_text(plan, expression) or _reader(plan, expression)
        return self._readers[place]

    def _read_by_text(self, plan: FieldPlan, expression: MappingExpression) -> Read | None:
        if expression.depends_on != "values" or len(expression.keys) > 1:
            return None
        (key,) = expression.keys
        if key not in self._texts:
            self._texts[key] = RememberedOnReturn(lambda text: _TextResults(key, text), TEXTS_REMEMBERED)
        return _read_by_text(expression, taker(plan), self._texts[key])


def taker(plan: FieldPlan) -> Take:
    """How a field's kind takes the value of an expression."""
    if plan.operator.name == "count":
        return _count
    convert = converter(plan.kind)

    def take(value: Any) -> Taken:
        if value is None or value is NOTHING:
            return _NOTHING_TAKEN
        converted, refused = convert(value)
        if plan.asserts and converted is not None:
            reason = failed_assertion(plan.assertions, converted)
            if reason is not None:
                converted, refused = None, (*refused, reason)
        return Taken(converted, refused, example_of(value)) if refused else Taken(converted)

    return take if plan.asserts or plan.kind.name != "string" else _taking_texts(take)


def _taking_texts(otherwise: Take) -> Take:
    """The same for a kind that takes every text as it is; most values are texts."""

    def take(value: Any) -> Taken:
        return Taken(value) if type(value) is str and value and "\0" not in value else otherwise(value)

    return take


def _count(value: Any) -> Taken:
    return _NOTHING_TAKEN if value is None or value is NOTHING or value == "" else Taken(1)


# Reading


def _reader(plan: FieldPlan, expression: MappingExpression) -> Read:
    take = taker(plan)
    match expression.depends_on:
        case "key":
            # A plain key is taken as it is: the language would round a Decimal.
            return _read_key(expression.key, take)
        case "hour":
            return _read_by_hour(expression, take)
        case "moment" if _takes_instants(plan) and plan.kind.shape != "map":
            return _read_moment(expression, take, plan.kind.shape)
        case "key and moment" if _takes_instants(plan) and plan.kind.shape == "map":
            return _read_moment_by_text(expression, take)
    return _read_anew(expression, take)


def _takes_instants(plan: FieldPlan) -> bool:
    return plan.kind.element in ("date", "count") and plan.operator.name != "count" and not plan.asserts


def _read_key(key: str, take: Take) -> Read:
    return lambda gathering: take(gathering.record[key])


def _read_anew(expression: MappingExpression, take: Take) -> Read:
    evaluate = expression.evaluate
    return lambda gathering: take(evaluate(gathering.context))


class _TextResults:
    """What the mappings of one key take of one text, as far as they were asked; None of one that asked for the time."""

    __slots__ = ("context", "taken")

    def __init__(self, key: str, text: str) -> None:
        self.context = Timeless({key: text})
        self.taken: dict[Read, Taken | None] = {}


def _read_by_text(expression: MappingExpression, take: Take, results: RememberedOnReturn[_TextResults]) -> Read:
    (key,) = expression.keys
    anew = _read_anew(expression, take)

    def taken_from(known: _TextResults) -> Taken | None:
        try:
            return take(expression.evaluate(known.context))
        except TimeAskedError:
            return None

    def read(gathering: Gathering) -> Taken:
        value = gathering.record.get(key)
        if type(value) is not str or len(value) > TEXT_REMEMBERED:
            return anew(gathering)
        known = results.get(value) or results.meet(value, gathering.stamp)
        if known is None:
            return anew(gathering)
        if read not in known.taken:
            known.taken[read] = taken_from(known)
        taken = known.taken[read]
        return anew(gathering) if taken is None else taken

    return read


def _read_by_hour(expression: MappingExpression, take: Take) -> Read:
    def taken_at(hour: int) -> Taken:
        moment = instant(hour * _HOUR)
        return take(expression.evaluate(Context({}, moment, moment)))

    known = Remembered(taken_at, HOURS_REMEMBERED)
    return lambda gathering: known[gathering.stamp.time // _HOUR]


def _read_moment(expression: MappingExpression, take: Take, shape: Shape) -> Read:
    """`now()` as a date: the event's own time, without the way through a datetime."""
    anew = _read_anew(expression, take)

    def read(gathering: Gathering) -> Taken:
        time = gathering.stamp.time
        if not 0 < time < AFTER_LATEST:
            return anew(gathering)
        if shape == "days":
            return Taken({str(time // DAY_MILLISECONDS): 1})
        return Taken(time if shape == "scalar" else [time])

    return read


def _read_moment_by_text(expression: MappingExpression, take: Take) -> Read:
    """The event's own time by the text of a key: which key that makes is remembered."""
    (key,) = expression.keys
    anew = _read_anew(expression, take)
    any_time = instant(0)
    known = Remembered[str, Taken](
        lambda text: take(expression.evaluate(Context({key: text}, any_time, any_time))), TEXTS_REMEMBERED
    )

    def read(gathering: Gathering) -> Taken:
        value, time = gathering.record.get(key), gathering.stamp.time
        if type(value) is not str or len(value) > TEXT_REMEMBERED or not 0 < time < AFTER_LATEST:
            return anew(gathering)
        taken = known[value]
        if taken.refused:
            return anew(gathering)
        return taken if taken.value is None else Taken(dict.fromkeys(taken.value, time))

    return read


def names_taken(expression: MappingExpression, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The keys that a `match` takes, each with what is left of it after the prefix."""
    return [
        (name, name[len(prefix) :])
        for prefix in expression.prefixes
        for name in record
        if name.startswith(prefix) and name != prefix
    ]


def read_names(names: list[tuple[str, str]], take: Take) -> Read:
    """`match`, where it is known which keys it takes (`names_taken`)."""

    def read(gathering: Gathering) -> Taken:
        record = gathering.record
        return take({rest: value for name, rest in names if (value := record[name]) is not None} or NOTHING)

    return read
