"""Sums that do not depend on order."""

from decimal import Decimal
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from headwater import jsontext
from headwater.profiles.exact_numbers import MAGNITUDE_LIMIT, add, addend

NUMBERS = st.one_of(
    st.integers(-(2**60), 2**60),
    st.floats(-1e15, 1e15, allow_nan=False),
    st.decimals(-1000, 1000, places=4),
)


def total(numbers):
    return reduce(add, map(addend, numbers))


@given(st.lists(NUMBERS, min_size=2, max_size=8), st.randoms())
def test_a_total_is_the_same_in_any_order(numbers, chance):
    """Shuffling the addends never changes the total, nor how it is written."""
    shuffled = list(numbers)
    chance.shuffle(shuffled)
    assert jsontext.encode(total(shuffled)) == jsontext.encode(total(numbers))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_grouping_does_not_matter(one, two, three):
    """(a + b) + c is a + (b + c), also through JSON, as a store would do it."""
    one, two, three = map(addend, (one, two, three))
    stored = jsontext.decode(jsontext.encode(add(one, two)))
    assert add(stored, three) == add(one, add(two, three))


def test_tenths_add_up_to_what_people_expect():
    """Money does not collect binary dust."""
    assert total([0.1, 0.2]) == 0.3
    assert total([19.9] * 3) == 59.7


def test_a_total_that_no_double_holds_stays_exact():
    """Large totals with cents keep their cents."""
    assert total([9007199254740993, 0.25]) == Decimal("9007199254740993.25")


def test_whole_numbers_are_integers():
    """7 and 7.0 are one value with one spelling."""
    assert repr(addend(7.0)) == "7"
    assert repr(total([0.5, 0.5])) == "1"


def test_the_largest_numbers_do_not_lose_their_places():
    """The context has room for the limit and all places at once."""
    assert total([Decimal(MAGNITUDE_LIMIT - 1), Decimal("1e-12")]) == Decimal("9223372036854775807.000000000001")
