"""The tree to closures: one Python function for each node, chosen by what its operands are.

`AND (…)` stops at the first item that is not true and `OR (…)` at the first that is. The common clauses, a field
against a literal, look at the type of the field's value and answer at once; everything else goes to `comparison`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from headwater.expressions.comparison import (
    MEMBERSHIP,
    ORDER,
    between,
    calculate,
    compare,
    join_and,
    join_or,
)
from headwater.expressions.context import Context
from headwater.expressions.date_math import DateMath, parse_date_math
from headwater.expressions.dates import parse_date
from headwater.expressions.functions import find_function
from headwater.expressions.includes import IncludeError, Resolver, no_includes, resolve
from headwater.expressions.patterns import matcher
from headwater.expressions.tree import (
    Arithmetic,
    Between,
    Call,
    Comparison,
    Exists,
    Field,
    Group,
    Include,
    ListLiteral,
    Literal,
    Logic,
    MatchAll,
    Minus,
    Node,
    Not,
)
from headwater.expressions.values import (
    NOTHING,
    Value,
    epoch_second,
    from_field,
    kind_of,
    parse_numeral,
    to_integer,
    to_number,
    to_text,
)

Evaluate = Callable[[Context], Value]


def compile_node(node: Node, resolver: Resolver = no_includes) -> Evaluate:
    """The function that evaluates a tree. Includes that cannot be resolved evaluate to NOTHING."""
    compiler = _Compiler()
    for name, found in resolve(node, resolver).items():
        compiler.targets[name] = None if isinstance(found, IncludeError) else found
    return compiler.node(node)


class _Compiler:
    def __init__(self) -> None:
        self.targets: dict[str, Node | None] = {}
        self._compiled: dict[str, Evaluate] = {}

    def node(self, node: Node) -> Evaluate:
        match node:
            case Literal(value=value):
                return _constant(value)
            case Field():
                return _field(node)
            case MatchAll():
                return _constant(True)
            case Comparison():
                return self._comparison(node)
            case Group():
                return self._group(node)
            case Include():
                return self._include(node)
            case Call():
                return self._call(node)
            case ListLiteral():
                return self._list(node)
            case _:
                return self._operation(node)

    def _operation(self, node: Node) -> Evaluate:
        match node:
            case Not():
                return _negation(self.node(node.operand))
            case Exists():
                return _existence(self.node(node.operand))
            case Minus():
                return _minus(self.node(node.operand))
            case Logic():
                return _logic(node.op, tuple(map(self.node, node.operands)))
            case Between():
                return _between(self.node(node.subject), self.node(node.low), self.node(node.high), node.negated)
            case Arithmetic():
                return _arithmetic(node.op, self.node(node.left), self.node(node.right))
        raise TypeError(f"cannot evaluate {type(node).__name__}")

    def _comparison(self, node: Comparison) -> Evaluate:
        left, right = self.node(node.left), self.node(node.right)
        if isinstance(node.right, Literal) and not _divides(node.left):
            clause = _clause(node.op, left, node.right.value)
            if clause is not None:
                return clause
        if node.op in MEMBERSHIP and isinstance(node.right, ListLiteral):
            items = _constants(node.right)
            if items is not None:
                return _membership(node.op, left, items)
        general = _general(node.op, left, right)
        if isinstance(node.left, Literal) and isinstance(node.left.value, str) and node.op in ORDER:
            return _moment_left(node.op, node.left.value, right, general)
        undefined = [self._is_undefined(side) for side in (node.left, node.right) if _divides(side)]
        return _defined(general, undefined) if undefined and node.op in _STRICT_ORDERS else general

    def _is_undefined(self, division: Node) -> Evaluate:
        """Whether a division is one by zero."""
        divisor = self.node(division.right) if isinstance(division, Arithmetic) else _constant(NOTHING)
        return lambda context: to_number(divisor(context)) == 0

    def _group(self, node: Group) -> Evaluate:
        items = tuple(map(self.node, node.items))
        return _all_of(items, node.negated) if node.op == "and" else _any_of(items, node.negated)

    def _include(self, node: Include) -> Evaluate:
        target = self.targets.get(node.name)
        if target is None:
            return _constant(NOTHING)
        if node.name not in self._compiled:
            self._compiled[node.name] = self.node(target)
        return _inclusion(node.name, self._compiled[node.name], node.negated)

    def _call(self, node: Call) -> Evaluate:
        spec = find_function(node.name)
        if spec is None:
            return _constant(NOTHING)
        args = tuple(map(self.node, node.args))
        function = spec.evaluate
        if len(args) == 1:
            only = args[0]
            return lambda context: function(context, only(context))
        return lambda context: function(context, *[arg(context) for arg in args])

    def _list(self, node: ListLiteral) -> Evaluate:
        constants = _constants(node)
        if constants is not None:
            return _constant(constants)
        items = tuple(map(self.node, node.items))
        return lambda context: tuple([item(context) for item in items])


def _constants(node: ListLiteral) -> tuple[Value, ...] | None:
    """The values of a list that holds only literals."""
    values: list[Value] = []
    for item in node.items:
        if isinstance(item, Literal):
            values.append(item.value)
        elif isinstance(item, Minus) and isinstance(item.operand, Literal):
            values.append(_minus(_constant(item.operand.value))(_NO_CONTEXT))
        else:
            return None
    return tuple(values)


_NO_CONTEXT = Context({}, datetime.min)


def _constant(value: Value) -> Evaluate:
    return lambda _context: value


def _field(node: Field) -> Evaluate:
    name, map_name, key = node.name, node.map_name, node.key
    if map_name is not None:
        return lambda context: context.field(name, map_name, key)

    def plain(context: Context) -> Value:
        value = context.fields.get(name, NOTHING)
        return value if type(value) is str or type(value) is int or value is NOTHING else from_field(value)

    return plain


def _negation(operand: Evaluate) -> Evaluate:
    def evaluate(context: Context) -> Value:
        value = operand(context)
        if value is True:
            return False
        return True if value is False else NOTHING

    return evaluate


def _existence(operand: Evaluate) -> Evaluate:
    def evaluate(context: Context) -> Value:
        value = operand(context)
        return value is not NOTHING and value is not None

    return evaluate


def _minus(operand: Evaluate) -> Evaluate:
    def evaluate(context: Context) -> Value:
        value = operand(context)
        number = to_number(value) if type(value) in (int, float) else None
        return NOTHING if number is None else -number

    return evaluate


def _logic(op: str, operands: tuple[Evaluate, ...]) -> Evaluate:
    first, rest = operands[0], operands[1:]
    join = join_and if op == "and" else join_or

    def evaluate(context: Context) -> Value:
        value = first(context)
        for operand in rest:
            value = join(value, operand(context))
        return value

    return evaluate


def _between(subject: Evaluate, low: Evaluate, high: Evaluate, negated: bool) -> Evaluate:
    def evaluate(context: Context) -> Value:
        inside = between(subject(context), low(context), high(context), context.now)
        return not inside if negated and inside is not NOTHING else inside

    return evaluate


def _arithmetic(op: str, left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda context: calculate(op, left(context), right(context))


def _all_of(items: tuple[Evaluate, ...], negated: bool) -> Evaluate:
    fully = not negated

    def evaluate(context: Context) -> Value:
        for item in items:
            value = item(context)
            if value is not True:
                return negated if value is False else NOTHING
        return fully

    return evaluate


def _any_of(items: tuple[Evaluate, ...], negated: bool) -> Evaluate:
    hit = not negated

    def evaluate(context: Context) -> Value:
        for item in items:
            if item(context) is True:
                return hit
        return negated

    return evaluate


def _inclusion(name: str, target: Evaluate, negated: bool) -> Evaluate:
    """A filter by name, evaluated once however often it is included. Not evaluable: NOTHING, or true if negated."""

    def evaluate(context: Context) -> Value:
        known = context.included
        if known is None:
            known = context.included = {}
        if name not in known:
            known[name] = target(context)
        value = known[name]
        if type(value) is not bool:
            return True if negated else NOTHING
        return value is not negated

    return evaluate


def _general(op: str, left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda context: compare(op, left(context), right(context), context.now)


_STRICT_ORDERS = frozenset({">", ">=", "<", "<="})


def _divides(node: Node) -> bool:
    return isinstance(node, Arithmetic) and node.op in ("/", "%")


def _defined(comparison: Evaluate, undefined: list[Evaluate]) -> Evaluate:
    """An order against a division by zero is not evaluable, while one against a missing field is false."""
    return lambda context: NOTHING if any(test(context) for test in undefined) else comparison(context)


def _clause(op: str, left: Evaluate, literal: Value) -> Evaluate | None:
    """The comparison with a literal, specialised by the literal's type; None if there is no special form."""
    kind = type(literal)
    if op in ORDER and (kind is int or kind is float):
        return _number_clause(op, left, literal)
    if kind is not str:
        return None
    if op in ORDER:
        return _moment_clause(op, left, literal) if _is_moment(literal) else _text_clause(op, left, literal)
    if op == "like":
        return _text_test(op, left, literal, matcher(literal))
    return _text_test(op, left, literal, lambda text: literal in text) if op == "contains" else None


def _missing(op: str, literal: Value) -> Value:
    """The comparison of a missing field with a literal. It is the same at any time, and the commonest of all."""
    return compare(op, NOTHING, literal, datetime.min)


def _number_clause(op: str, left: Evaluate, number: float) -> Evaluate:
    holds = ORDER[op]
    missing = _missing(op, number)

    def evaluate(context: Context) -> Value:
        value = left(context)
        kind = type(value)
        if kind is int or kind is float:
            return holds(value, number)
        if value is NOTHING:
            return missing
        return compare(op, value, number, context.now)

    return evaluate


def _text_clause(op: str, left: Evaluate, text: str) -> Evaluate:
    number = parse_numeral(text)
    holds = ORDER[op]
    same, different = op == "==", op == "!="
    missing = _missing(op, text)

    def evaluate(context: Context) -> Value:
        value = left(context)
        kind = type(value)
        if kind is str:
            if same:
                return value == text
            return value != text if different else NOTHING
        if kind is int or kind is float:
            return NOTHING if number is None else holds(value, number)
        return missing if value is NOTHING else compare(op, value, text, context.now)

    return evaluate


def _is_moment(text: str) -> bool:
    return parse_date_math(text) is not None or parse_date(text) is not None


def _moment_clause(op: str, left: Evaluate, text: str) -> Evaluate:
    """Against date math or a date. The instant is known beforehand or, for weeks to seconds, one addition."""
    otherwise = _text_clause(op, left, text)
    holds = ORDER[op]
    bound = _bound(text)

    def evaluate(context: Context) -> Value:
        value = left(context)
        if type(value) is datetime:
            second = bound(context)
            return NOTHING if second is None else holds(epoch_second(value), second)
        return otherwise(context)

    return evaluate


def _moment_left(op: str, text: str, right: Evaluate, otherwise: Evaluate) -> Evaluate:
    """Date math or a date on the left of a time."""
    if not _is_moment(text):
        return otherwise
    holds, bound = ORDER[op], _bound(text)

    def evaluate(context: Context) -> Value:
        value = right(context)
        if type(value) is datetime:
            second = bound(context)
            return NOTHING if second is None else holds(second, epoch_second(value))
        return otherwise(context)

    return evaluate


_LONGEST_STEP = 8_000 * 366 * 86_400
"""Seconds of a step that from any present day stays inside the calendar, which ends with the year 9999."""


def _bound(text: str) -> Callable[[Context], int | None]:
    """The whole second that date math or a date means in a context."""
    math = parse_date_math(text)
    if math is None:
        instant = parse_date(text)
        fixed = None if instant is None else epoch_second(instant)
        return lambda _context: fixed
    if math.months:
        return _calendar_bound(math)
    step = math.seconds
    if abs(step) > _LONGEST_STEP:
        return lambda _context: None
    return lambda context: context.second + step


def _calendar_bound(math: DateMath) -> Callable[[Context], int | None]:
    def bound(context: Context) -> int | None:
        instant = math.at(context.now)
        return None if instant is None else epoch_second(instant)

    return bound


def _text_test(op: str, left: Evaluate, text: str, holds: Callable[[str], bool]) -> Evaluate:
    missing = _missing(op, text)

    def evaluate(context: Context) -> Value:
        value = left(context)
        if type(value) is str:
            return holds(value)
        return missing if value is NOTHING else compare(op, value, text, context.now)

    return evaluate


def _membership(op: str, left: Evaluate, items: tuple[Value, ...]) -> Evaluate:
    """IN and INTERSECTS with a list of literals: sets made once."""
    texts = frozenset(to_text(item) for item in items if item is not None)
    integers = frozenset(number for number in map(to_integer, items) if number is not None)
    missing = _missing(op, items)

    def evaluate(context: Context) -> Value:
        value = left(context)
        kind = type(value)
        if kind is str:
            return value in texts
        if kind is int:
            return value in integers
        if kind is list and kind_of(value) == "strings":
            return not texts.isdisjoint(value)
        return missing if value is NOTHING else compare(op, value, items, context.now)

    return evaluate
