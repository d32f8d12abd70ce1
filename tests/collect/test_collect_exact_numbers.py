"""Numbers pass through the doors digit for digit."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from headwater import jsontext

DIGITS = st.text("0123456789", min_size=1, max_size=25).map(lambda digits: digits.lstrip("0") or "0")
NUMBERS = st.builds(
    lambda sign, whole, fraction, exponent: sign + whole + fraction + exponent,
    st.sampled_from(["", "-"]),
    DIGITS,
    st.just("") | st.text("0123456789", min_size=1, max_size=25).map(lambda digits: "." + digits),
    st.just("")
    | st.builds(
        lambda e, s, n: f"{e}{s}{n}", st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), st.integers(0, 999)
    ),
)


@given(st.lists(NUMBERS, min_size=1, max_size=4))
def test_every_number_keeps_its_value(numbers):
    """What is decoded and encoded again has the value that was written, whatever its length and exponent."""
    text = "[" + ", ".join(numbers) + "]"
    again = jsontext.encode(jsontext.decode(text.encode()))
    read = json.loads(again, parse_float=Decimal, parse_int=Decimal)
    assert read == [Decimal(number) for number in numbers]
