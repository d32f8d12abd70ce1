"""JSON goes in and out without loss."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater import jsontext
from headwater.errors import InputError

numbers = st.one_of(
    st.integers(-(10**40), 10**40),
    st.decimals(allow_nan=False, allow_infinity=False, places=30),
    st.floats(allow_nan=False, allow_infinity=False),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(st.characters(codec="utf-8"))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


def _written(value: Any) -> bytes:
    """JSON text by the standard library, decimals digit for digit."""
    if isinstance(value, dict):
        return b"{" + b",".join(json.dumps(key).encode() + b":" + _written(item) for key, item in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(_written(item) for item in value) + b"]"
    return str(value).encode() if isinstance(value, Decimal) else json.dumps(value).encode()


@given(values)
def test_what_is_decoded_and_encoded_again_has_every_digit(value: Any) -> None:
    """For any JSON, numbers of any size included: the text that comes out means exactly what came in."""
    text = _written(value)
    exact = {"parse_float": Decimal, "parse_int": Decimal}
    assert json.loads(jsontext.encode(jsontext.decode(text)), **exact) == json.loads(text, **exact)


@pytest.mark.parametrize("text", [b"", b"NaN", b"[Infinity]", b"{", b'{"a":1}x', b"'a'", b'"\xff"', b"[1,]", b"\x00"])
def test_what_is_no_json_is_an_input_error(text: bytes) -> None:
    """Never another exception, and never a guess."""
    with pytest.raises(InputError, match="not valid JSON"):
        jsontext.decode(text)


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_raise_an_input_error(text: bytes) -> None:
    """Nothing else escapes, whatever is sent."""
    with contextlib.suppress(InputError):
        jsontext.encode(jsontext.decode(text))


def test_a_cut_emoji_becomes_the_replacement_character() -> None:
    """Browsers write half a surrogate pair when text is cut; UTF-8 cannot hold it, the rest of the batch is kept."""
    assert jsontext.decode(b'{"a":"x\\ud83d","b":"\\ud83d\\ude00","c":"\\\\ud83d"}') == {
        "a": "x\ufffd",
        "b": "\U0001f600",
        "c": "\\ud83d",
    }


def test_depth_is_measured_without_recursion() -> None:
    """A list in a list, two hundred and one times, is over a limit of two hundred."""
    nested: Any = 1
    for _ in range(201):
        nested = [nested]
    assert jsontext.depth_exceeds(nested, 200)
    assert not jsontext.depth_exceeds(nested, 201)
