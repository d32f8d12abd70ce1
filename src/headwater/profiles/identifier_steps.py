"""Steps that find identifiers: a mapping of an identifier field, or an alias, made into one function over events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headwater.expressions.values import NOTHING
from headwater.profiles.effects import Dropped, example_of
from headwater.profiles.field_plans import IdentifierPlan
from headwater.profiles.field_steps import Step
from headwater.profiles.gathering import Gathering
from headwater.profiles.identifiers import IDENTIFIER_LIMIT_BYTES, Identifier, InvalidIdentifierError, identifier_text
from headwater.profiles.mapping_expressions import MappingExpression
from headwater.profiles.remembering import Remembered

VALUES_REMEMBERED = 5_000
"""Values of one identifier type whose check is remembered: visitors send many events."""

Identify = Callable[[Any], Identifier | Dropped | None]
"""The identifier that a value is, why it is none, or None where there is no value."""


def identify_for(plan: IdentifierPlan) -> Identify:
    """The check of one identifier type."""

    def check(value: str | int) -> Identifier | Dropped:
        rule = plan.block_rule(str(value))
        if rule is not None:
            return Dropped("blocked", plan.name, rule, example_of(value))
        return spell(value)

    def spell(value: Any) -> Identifier | Dropped:
        try:
            return Identifier(plan.name, identifier_text(value, plan.rule.form, plan.rule.region))
        except InvalidIdentifierError as reason:
            return Dropped("invalid identifier", plan.name, str(reason), example_of(value))

    known = Remembered[str, Identifier | Dropped](check, VALUES_REMEMBERED)

    def identify(value: Any) -> Identifier | Dropped | None:
        if value is None or value == "":
            return None
        if type(value) is str and len(value) <= IDENTIFIER_LIMIT_BYTES:
            return known[value]
        return check(value) if isinstance(value, str | int) and not isinstance(value, bool) else spell(value)

    return identify


def identifier_step(plan: IdentifierPlan, identify: Identify, expression: MappingExpression, alias: bool) -> Step:
    """The step of a mapping, for records that have all keys that the expression needs."""
    name, key, many, evaluate = plan.name, expression.key, plan.many, expression.evaluate

    def step(gathering: Gathering) -> None:
        if not many and not alias and gathering.identifiers.get(name):
            return  # the first mapping that gives a value counts
        value = gathering.record[key] if key else evaluate(gathering.context)
        if value is None or value is NOTHING:
            return
        for item in value if isinstance(value, list | tuple) else (value,):
            found = identify(item)
            if found is None:
                continue
            if isinstance(found, Dropped):
                gathering.dropped.append(found)
                continue
            _add(gathering, found, alias)
            if not many:
                return

    return step


def _add(gathering: Gathering, found: Identifier, alias: bool) -> None:
    if alias:
        gathering.aliases.append(found)
    else:
        held = gathering.identifiers.setdefault(found.type, [])
        if found not in held:
            held.append(found)
