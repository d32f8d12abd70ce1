"""Sums that do not depend on order.

Adding doubles is not associative: (0.1 + 0.2) + 0.3 differs from 0.1 + (0.2 + 0.3). A total in a profile must be the
same whichever event came first, so totals are added as decimals. What is stored is a plain JSON number: an `int` where
the total is whole, a `float` where a double prints the total exactly, else a `Decimal`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

ExactNumber = int | float | Decimal

DECIMAL_PLACES = 12
"""A number is rounded to this many places before it is added, each on its own, so that totals stay short."""

MAGNITUDE_LIMIT = 2**63
"""Numbers of this size and beyond are refused: no engine stores them as integers."""

_CONTEXT = Context(prec=80, rounding=ROUND_HALF_EVEN)
_STEP = Decimal(1).scaleb(-DECIMAL_PLACES)


def _as_decimal(value: ExactNumber) -> Decimal:
    # The shortest text of a double is what the sender wrote; its binary expansion is not.
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _shortest(value: Decimal) -> ExactNumber:
    if value == value.to_integral_value(context=_CONTEXT):
        return int(value)
    double = float(value)
    # Without trailing zeros: one spelling for one number.
    return double if Decimal(repr(double)) == value else value.normalize(_CONTEXT)


def addend(value: ExactNumber) -> ExactNumber:
    """The form in which a number enters a sum: at most `DECIMAL_PLACES` places, whole numbers as `int`."""
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        whole, _, places = repr(value).partition(".")
        if places.isdigit() and len(places) <= DECIMAL_PLACES:  # almost every number: nothing to round
            return int(whole) if places == "0" else value
    return _shortest(_as_decimal(value).quantize(_STEP, context=_CONTEXT))


def add(left: ExactNumber, right: ExactNumber) -> ExactNumber:
    """The exact sum of two addends."""
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    return _shortest(_CONTEXT.add(_as_decimal(left), _as_decimal(right)))
