"""The helpers that bodies call, by their rules; and that helpers and transforms of one meaning agree."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.playbooks.country_codes import country_code
from headwater.playbooks.helper_reference import HELPERS
from headwater.playbooks.scalars import number_of, number_text, rounded_int, to_bool, truncated_float, truncated_int

Lua = Callable[..., Any]


@pytest.mark.parametrize(
    ("body", "value"),
    [(example.body, example.value) for helper in HELPERS for example in helper.examples],
)
def test_every_example_of_the_reference(lua: Lua, body: str, value: Any) -> None:
    """What the reference pages say a helper gives is what it gives."""
    assert lua(f"return {body}") == value


def test_the_reference_has_every_helper(lua: Lua) -> None:
    """The 29 helpers that kits use are there, and each has an example."""
    names = {helper.name for helper in HELPERS}
    assert len(names) == 29
    assert all(helper.examples for helper in HELPERS)
    for name in names:
        assert lua(f"return type({name})") == "function"


@pytest.mark.parametrize("name", sorted(helper.name for helper in HELPERS if helper.name != "TOTAL_VALUE"))
def test_nil_gives_nil(lua: Lua, name: str) -> None:
    """A helper whose first argument is nil gives nil."""
    assert lua(f"return {name}(input.nowhere, 1, 2)") is None


@pytest.mark.parametrize(
    "name",
    [
        "LOWER",
        "UPPER",
        "TRIM",
        "TO_SHA256_HASH",
        "TO_MD5_HASH",
        "BASE64_ENCODE",
        "QUERY_ESCAPE",
        "PATH_ESCAPE",
        "TO_ISO_COUNTRY",
    ],
)
def test_text_arguments(lua: Lua, name: str) -> None:
    """Numbers and booleans count as text, a table is an error."""
    assert lua(f"return {name}(12) == {name}('12') and {name}(true) == {name}('true')") is True
    assert lua(f"return {name}({{}})", fails=f"{name} needs text, got a table") is None


@pytest.mark.parametrize(
    "call", ["MAP('x', function() end)", "PLUCK(5, 'a')", "SUM('1')", "TABLE_SLICE('x', 1, 2)", "FLATTEN('x')"]
)
def test_list_arguments(lua: Lua, call: str) -> None:
    """A scalar where a list belongs is an error."""
    assert lua(f"return {call}", fails=f"{call.partition('(')[0]} needs") is None


def test_a_table_with_other_keys_counts_as_the_list_of_its_values(lua: Lua) -> None:
    """In the order of pairs."""
    assert lua("return MAP({b = 2, a = 1, [1] = 0}, function(v, i) return v * 10 + i end)") == [1, 12, 23]


@pytest.mark.parametrize(
    "call",
    ["TO_DATE_TIME('x')", "SECONDS_SINCE_EPOCH_FROM_RFC3999('x')", "MILLISECONDS_SINCE_EPOCH_FROM_RFC3999('2025')"],
)
def test_text_that_is_no_time_is_an_error(lua: Lua, call: str) -> None:
    """A time that cannot be parsed fails the evaluation."""
    assert lua(f"return {call}", fails="is not a time") is None


def test_sum_refuses_what_is_no_number(lua: Lua) -> None:
    """SUM adds numbers and numeric text only."""
    assert lua("return SUM({1, 'x'})", fails="SUM needs numbers") is None


def test_an_error_in_a_function_given_to_map_is_the_bodys_error(lua: Lua) -> None:
    """The message names the line of the body."""
    assert lua("return MAP({1},\n function(p) return p.x.y end)", fails="line:2:") is None


texts = st.text(max_size=20)


@given(texts)
def test_escaping_agrees_with_the_standard_library(lua: Lua, text: str) -> None:
    """QUERY_ESCAPE and PATH_ESCAPE keep exactly the characters that they name; hashes and base64 are the usual ones."""
    body = "return {QUERY_ESCAPE(input.t), PATH_ESCAPE(input.t), BASE64_ENCODE(input.t), TO_SHA256_HASH(input.t), TO_MD5_HASH(input.t)}"
    assert lua(body, {"t": text}) == [
        quote_plus(text, safe=""),
        quote(text, safe="$&+=:@"),
        base64.b64encode(text.encode()).decode(),
        hashlib.sha256(text.encode()).hexdigest(),
        hashlib.md5(text.encode()).hexdigest(),  # noqa: S324  # the vendors' choice
    ]


@given(texts, texts, texts, st.integers(1, 4))
def test_text_helpers_agree_with_python(lua: Lua, text: str, find: str, other: str, count: int) -> None:
    """Literal replacing, splitting and cutting by characters."""
    body = "return {LOWER(input.t), UPPER(input.t), REPLACE(input.t, input.f, input.o), SUBSTRING(input.t, 1, input.n), SPLIT(input.t, ',', input.n)}"
    expected = [
        text.lower(),
        text.upper(),
        text.replace(find, other) if find else text,
        text[1:count],
        text.split(",")[:count],
    ]
    assert lua(body, {"t": text, "f": find, "o": other, "n": count}) == expected


scalars = st.one_of(
    st.integers(-(10**12), 10**12),
    st.floats(-1e12, 1e12, allow_nan=False),
    st.sampled_from(["1", " 2.50 ", "-7.999", "x", "", "1e3", "true", "F", "0x1", "+4", ".5"]),
    st.booleans(),
)


@given(scalars)
def test_helpers_and_transforms_agree(lua: Lua, value: Any) -> None:
    """TO_FLOAT, TO_TRUNCATED_INT and the others give what the transforms of the same name give."""
    body = "local v = input.v return {s = TO_STRING(v), f = TO_FLOAT(v), i = TO_TRUNCATED_INT(v), r = TO_ROUNDED_INT(v), t = TO_TRUNCATED_FLOAT(v, 2), b = TO_BOOL(v)}"
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else number_text(value)
    expected = {
        "s": text,
        "f": number_of(value),
        "i": truncated_int(value),
        "r": rounded_int(value),
        "t": truncated_float(value, 2),
        "b": to_bool(value),
    }
    assert lua(body, {"v": value}) == {name: item for name, item in expected.items() if item is not None}


@given(st.lists(st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=5)), max_size=5))
def test_queries_decode(lua: Lua, pairs: list[tuple[str, str]]) -> None:
    """Decoded as any parser does, the first of repeated keys."""
    query = "&".join(f"{quote_plus(key)}={quote_plus(value)}" for key, value in pairs)
    expected = dict(reversed(parse_qsl(query, keep_blank_values=True)))
    assert lua("return DECODE_URL_QUERY(input.u)", {"u": f"https://x.example/?{query}#f"}) == expected


def test_every_country_is_found_by_each_of_its_names() -> None:
    """249 countries; codes map to themselves, and case, accents and white space do not matter."""
    spellings = ["NO", "nor", " Norway ", "CIV", "cote d'ivoire", "CÔTE D'IVOIRE", "UK", "usa"]
    codes = set(map(country_code, spellings))
    assert codes == {"NO", "CI", "GB", "US"}
    assert country_code("Atlantis") is None
    assert country_code("") is None
