"""Values in and out of Lua, reading from nil, iteration order, section expressions and fan-out."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.playbooks import CompiledIntegration, Prepared

Lua = Callable[..., Any]


@pytest.mark.parametrize(
    ("body", "event", "value"),
    [
        ("return input.a.b.c", {}, None),
        ("return nowhere.b", {}, None),
        ("return #input.list", {}, 0),
        ("local n = 0 for _ in pairs(input.list) do n = n + 1 end return n", {}, 0),
        ("local n = 0 for _ in ipairs(input.list) do n = n + 1 end return n", {}, 0),
        ("return next(input.list)", {}, None),
    ],
)
def test_nil_is_safe_to_read(lua: Lua, body: str, event: dict[str, Any], value: Any) -> None:
    """Indexing nil gives nil, its length is 0, iterating over it finds nothing."""
    assert lua(body, event) == value


@pytest.mark.parametrize(
    "body", ["input.a()", "return 1 + input.a", "return 'x' .. input.a", "return input.a < 1", "input.a.b = 1"]
)
def test_everything_else_on_nil_is_an_error(lua: Lua, body: str) -> None:
    """Calling, calculating, joining, ordering and assigning fail."""
    assert lua(body, {}, fails="nil") is None


json_values = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=16,
)


@given(json_values)
def test_what_goes_through_lua_comes_back(lua: Lua, value: Any) -> None:
    """Text, numbers, lists and objects survive the way in and out, empty ones with their kind."""
    assert lua("local copy = input.v return copy", {"v": value}) == value


def test_null_becomes_nil(lua: Lua) -> None:
    """A null member vanishes, a null element leaves a hole, nulls at the end of a list are gone."""
    assert lua("local v = input.v return v", {"v": {"a": None, "l": [1, None, 2, None]}}) == {"l": [1, None, 2]}
    assert lua("local v = input.v return v", {"v": [{"a": None}]}) == [{}]


def test_large_numbers_are_doubles_in_lua(lua: Lua) -> None:
    """What a double cannot hold loses digits inside Lua only."""
    assert lua("local v = input.v return v", {"v": [2**70, Decimal("0.1234567890123456789")]}) == [
        2**70,
        0.12345678901234568,
    ]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("return {1, 2}", [1, 2]),
        ("return {}", []),
        ("return {nil, 2}", [None, 2]),
        ("return {[3] = 1}", [None, None, 1]),
        ("return {[1025] = 1}", {"1025": 1}),
        ("return {1, x = 2}", {"1": 1, "x": 2}),
        ("return {1, nil, 3, x = 4}", {"1": 1, "3": 3, "x": 4}),
        ("return {[0] = 1}", {"0": 1}),
        ("return {[1.5] = 1}", {"1.5": 1}),
        ("return {a = 0/0, b = 1/0, c = {1/0}}", {"c": [None]}),
        ("return 0/0", None),
        ("return 'a', 'b'", "a"),
        ("return 10 / 2", 5),
        ("return 2^53 + 2", 2**53 + 2),
        ("return 0.1", 0.1),
        ("return {['a.b'] = 1}", {"a.b": 1}),
        ("local t = {} t[3] = 'c' t[2] = 'b' t[1] = 'a' return {t}", [["a", "b", "c"]]),
        ("return {{1, 2, x = 3}}", [{"1": 1, "2": 2, "x": 3}]),
        ("return {{1, 2, [0] = 3}}", [{"0": 3, "1": 1, "2": 2}]),
        ("return {{1, 2, nil, 4}}", [[1, 2, None, 4]]),
        ("return 'caf\\195'", "caf�"),
        ("return {'\\255'}", ["�"]),
        ("return '\\0x'", "\0x"),
        ("return {'\\0\\1\"\\\\'}", ['\0\x01"\\']),
    ],
)
def test_what_leaves_lua(lua: Lua, body: str, value: Any) -> None:
    """Lists by their keys, holes as null, number keys as text, no NaN, only the first value, text repaired to UTF-8."""
    assert lua(body) == value


def test_numbers_print_without_a_fraction(lua: Lua) -> None:
    """One number type: 10 and not 10.0, also for a price of 10.0."""
    assert lua("return input.p .. '/' .. tostring(10.0)", {"p": 10.0}) == "10/10"


@pytest.mark.parametrize("body", ["return print or function() end", "return {f = function() end}"])
def test_functions_cannot_leave(lua: Lua, body: str) -> None:
    """A function in a result is an error."""
    assert lua(body, fails="function is no value") is None


def test_nesting_is_limited(lua: Lua) -> None:
    """64 levels pass, 65 are an error, and so is a table inside itself."""
    deep = "local t = 1 for _ = 1, {} do t = {{t}} end return t"
    value = lua(deep.replace("{}", "64").replace("{t}", "t"))
    assert str(value).count("[") == 64
    assert lua(deep.replace("{}", "65").replace("{t}", "t"), fails="64 levels") is None
    assert lua("local t = {} t.t = t return t", fails="64 levels") is None


def test_an_empty_table_of_the_event_keeps_its_kind(lua: Lua) -> None:
    """{} stays an object and [] a list, also when a body empties an object itself."""
    event = {"o": {}, "l": [], "one": {"a": 1}}
    assert lua("return {input.o, input.l}", event) == [{}, []]
    assert lua("input.one.a = nil return input.one", event) == {}


def test_pairs_goes_in_order(lua: Lua) -> None:
    """Number keys ascending, then text keys by bytes; next goes the same way."""
    body = "local t, keys = {b=1, a=1, B=1, [10]=1, [2]=1, ['é']=1}, {} for k in pairs(t) do keys[#keys+1] = k end return keys"
    assert lua(body) == [2, 10, "B", "a", "b", "é"]
    assert lua("local t = {b=1, a=2} local k, v = next(t) return {k, v, next(t, k), next(t, 'b')}") == ["a", 2, "b"]


def test_pairs_allows_removal(lua: Lua) -> None:
    """Removing keys while iterating skips them."""
    assert lua("local t, n = {a=1, b=1, c=1}, 0 for k in pairs(t) do t.b = nil n = n + 1 end return n") == 2


def test_evaluations_do_not_see_each_other(compiled: Callable[..., CompiledIntegration]) -> None:
    """Globals, changes to the event and changes to the library end with the evaluation, also after an error."""
    bodies = [
        "leak = 1 input.type = 'x' string.leak = 1 table.insert(table, 1) math.pi = 3 function helper() end LOWER = nil",
        "leak = 1 error('stop')",
        "return {leak or 0, input.type, string.leak or 0, table[1] or 0, math.pi > 3.1, helper == nil, LOWER('A')}",
    ]
    rows = "".join(
        f"\n    - {{inputKey: input, outputKey: o{n}, transforms: [{{expression: {{lang: lua, body: {body!r}}}}}]}}".replace(
            "\\'", "''"
        )
        for n, body in enumerate(bodies)
    )
    integration = compiled(f"global:\n  mappings:{rows}")
    for _ in range(2):
        (output,) = integration.prepare({"type": "page"}).outputs
        assert output.body["o2"] == [0, "page", 0, 0, True, True, "a"]


EXPRESSIONS = "global: {mappings: [{inputKey: type, outputKey: u.a}], expressions: [{lang: lua, body: %r}]}"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("return {u = {b = {c = 1}}}", {"u": {"a": "page", "b": {"c": 1}}}),
        ("return {u = 1}", {"u": 1}),
        ("return {['u.a'] = 1}", {"u": {"a": "page"}, "u.a": 1}),
        ("return nil", {"u": {"a": "page"}}),
        ("return {}", {"u": {"a": "page"}}),
        ("return input", {"type": "page", "n": {"x": 1}, "u": {"a": "page"}}),
        ("return input.n", {"x": 1, "u": {"a": "page"}}),
    ],
)
def test_section_expressions_merge_deeply(output: Callable[..., Any], body: str, value: Any) -> None:
    """Objects into objects, anything else replaces; nil and an empty table add nothing."""
    assert output(EXPRESSIONS % body, {"type": "page", "n": {"x": 1, "y": None}}) == value


@pytest.mark.parametrize("body", ["return 5", "return {1}", "return 'x'"])
def test_a_section_expression_must_return_an_object(prepared: Callable[..., Prepared], body: str) -> None:
    """A scalar or a filled list adds nothing and is flagged."""
    result = prepared(EXPRESSIONS % body, {"type": "page"})
    assert result.outputs[0].body == {"u": {"a": "page"}}
    assert [flag.where for flag in result.flags] == ["global.expressions[0]"]


FAN_OUT = "global: {enrichments: [{outputKey: a.x, staticInt: 1}], expressions: [{lang: lua, body: %r}]}"


def test_fan_out(prepared: Callable[..., Prepared]) -> None:
    """Each object in the list becomes an output, merged over the rest; what is no object is skipped."""
    result = prepared(FAN_OUT % "return {_metarouter_batch = {{a = {y = 2}}, 5, {b = 3}}}", {"type": "page"})
    assert [output.body for output in result.outputs] == [{"a": {"x": 1, "y": 2}}, {"a": {"x": 1}, "b": 3}]


def test_an_empty_fan_out_drops_the_event(prepared: Callable[..., Prepared]) -> None:
    """No element, no output, and a reason."""
    result = prepared(FAN_OUT % "return {_metarouter_batch = {}}", {"type": "page"})
    assert result.outputs == ()
    assert result.drop is not None
    assert result.drop.reason == "empty fan-out"


def test_random_numbers_differ_between_processes_only(lua: Lua) -> None:
    """math.random works and stays in its range."""
    value = lua("return math.random()")
    assert 0 <= value < 1
    assert not math.isnan(value)
