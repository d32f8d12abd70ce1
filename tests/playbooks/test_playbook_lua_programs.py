"""Insertion of parameters into Lua, and the analysis that lets bodies share an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError
from headwater.playbooks import CompiledIntegration
from headwater.playbooks.lua_analysis import analyse, with_arguments
from headwater.playbooks.lua_engine import LuaEngine
from headwater.playbooks.lua_insertion import insert
from headwater.playbooks.lua_program import argument_names
from headwater.playbooks.lua_shortcuts import shortcut_of
from headwater.playbooks.lua_tokens import tokens
from headwater.playbooks.parameters import UNSET
from headwater.playbooks.paths import read

Lua = Callable[..., Any]

hostile_values = st.text(alphabet="\"'\\\n\r\0]$[-=a1 .e+%;x", max_size=12) | st.text(max_size=8)


@given(hostile_values)
@example('"; os.exit() --')
@example("\\")
@example("]]")
def test_a_value_in_a_quoted_string_is_that_text(lua: Lua, value: str) -> None:
    """Whatever the value, the string holds it exactly and the program stays the same."""
    body = """return {"<$$V$$>", '<$$V$$>', "\\6$$V$$"}"""
    text = value.encode("utf-8", "replace").decode()
    assert lua(body, V=value) == [f"<{text}>", f"<{text}>", f"\6{text}"]


@given(hostile_values)
def test_a_value_in_a_comment_does_nothing(lua: Lua, value: str) -> None:
    """Comments stay comments."""
    assert lua("--[[ $$V$$ ]] return 1 -- $$V$$\n", V=value) == 1
    assert lua("--$$V$$[[ x\nreturn 2", V=value) == 2


@given(hostile_values)
def test_a_bare_value_is_one_expression(lua: Lua, value: str) -> None:
    """A number, a boolean or a quoted text, also next to operators and names."""
    assert lua("local v = $$V$$ return {type(v), 1}", V=value)[1] == 1


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("5", 5),
        ("-5", -5),
        ("1.5e2", 150),
        ("+7", 7),
        (".5", 0.5),
        ("true", True),
        ("false", False),
        ("0x10", "0x10"),
        ("", ""),
        ("a b", "a b"),
    ],
)
def test_bare_values(lua: Lua, value: str, result: Any) -> None:
    """Decimal numbers and booleans have their type, everything else is text."""
    assert lua("return $$V$$", V=value) == result


def test_a_negative_number_stays_one(lua: Lua) -> None:
    """A minus before it makes no comment, a power after it takes the whole number."""
    assert lua("return 3-$$V$$", V="-5") == 8
    assert lua("return $$V$$^2", V="-5") == 25


def test_long_strings_take_values_as_they_are(lua: Lua, compiled: Callable[..., CompiledIntegration]) -> None:
    """Nothing is escaped there, so a value that could end the string is refused."""
    assert lua("return [[a\\$$V$$]]", V='"\n') == 'a\\"\n'
    with pytest.raises(ConfigurationError, match=r"the value of V stands in a long Lua string and holds '\]'"):
        insert("return [=[$$V$$]=]", {"V": "]"})


def test_an_escaped_dollar_starts_no_placeholder(lua: Lua) -> None:
    """In a quoted string a backslash takes the dollar that follows it."""
    assert lua('return "\\$$V$$"', V="x") == "$$V$$"


def test_unset_is_nil_bare_and_empty_in_a_string() -> None:
    """Outside strings an unset parameter is nil, inside it is no text."""
    assert insert("return $$V$$, '<$$V$$>'", {"V": UNSET}).split() == ["return", "nil", ",", "'<>'"]


@given(st.text(alphabet="ab=[](){}.,'\"-\n \\0123x+*/~<>:;%#", max_size=30))
def test_tokens_are_the_source(source: str) -> None:
    """Joined, the tokens of any source are the source, or the source is refused."""
    try:
        found = list(tokens(source))
    except ConfigurationError:
        return
    assert "".join(token.text for token in found) == source


@pytest.mark.parametrize(
    "body",
    [
        "return input.a",
        "local x = 1 x = 2 return x",
        "local t = {} t.x = 1 t['y'] = 2 table.insert(t, 3) return t",
        "local x, y = 1, 2 if x then y = 3 end return y",
        "return {a = 1, ['b'] = 2, c = function() return 1 end}",
        "for i = 1, 3 do local s = i end return string.format('x')",
        "local function f(a) return a end return f(1)",
        "return MAP(input.p, function(p) local e = {} e.x = p.x return e end)",
        "-- x = 1\nreturn 'x = 1'",
    ],
)
def test_bodies_that_change_only_their_own(body: str) -> None:
    """Locals of the top level and tables that the body made itself may change."""
    assert analyse(body).pure


@pytest.mark.parametrize(
    "body",
    [
        "x = 1",
        "local t = input.t t.x = 1",
        "local t = {} t = input.t t.x = 1",
        "local t = {} t.a = input.a t.a.b = 1",
        "input.x = 1",
        "do local x end x = 1",
        "function f() end",
        "local f f, g = 1, 2",
        "local t = {} t.x, y = 1, 2",
        "table.insert(input.list, 1)",
        "local insert = table.insert",
        "local t = table t.x = 1",
        "MAP(input.p, function(p) p.x = 1 end)",
        "local p = {} MAP(input.p, function(p) p.x = 1 end)",
        "for k, t in pairs(input) do t.x = 1 end local t = {}",
        "return {f = function() y = 1 end}",
        "local s = string",
        "string.x = 1",
        "('x').y = 1",
        "f().x = 1",
        "input.t[1] = 1",
        "local t = {{}} t[1].x = 1",
        "local e = {} local e = input.e e.x = 1",
    ],
)
def test_bodies_that_may_change_something_else(body: str) -> None:
    """Anything that could reach the event, the library or a global counts as a change."""
    assert not analyse(body).pure


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ("return input.a.b, input.a . c", {("a", "b"), ("a", "c")}),
        ("return input", {()}),
        ("return input['a']", {()}),
        ("local input = input return input.a", {(), ("a",)}),
        ("return x.input.a, {input = 1}", {()}),
        ("return input.a.b:lower()", {("a", "b")}),
        ("return #input.list, input.list[1].x", {("list",)}),
        ("return 'input.z' -- input.y", set()),
        ("input.a.b = 1", {("a",)}),
    ],
)
def test_the_paths_that_a_body_reads(body: str, paths: set[tuple[str, ...]]) -> None:
    """Fixed paths are found; any other use of `input` means the whole event."""
    assert analyse(body).paths == paths


def test_lines_stay_where_they_are() -> None:
    """A body that takes arguments has its lines in the same places, so that messages keep their numbers."""
    body = "local x = input\n .a -- comment\n  .b\nreturn x"
    changed = with_arguments(body, argument_names(analyse(body).paths))
    assert changed.count("\n") == body.count("\n")
    assert changed.endswith("\nreturn x")


EVENTS = st.fixed_dictionaries(
    {"type": st.just("page")},
    optional={
        "a": st.none()
        | st.text(max_size=3)
        | st.integers(0, 3)
        | st.dictionaries(st.sampled_from("bc"), st.text(max_size=3) | st.integers(0, 3)),
        "t": st.sampled_from(
            ["2025-11-20T09:17:16.036Z", "1969-12-31T23:59:59.5Z", "0001-01-01T00:00:00+14:00", "no time", "", 5]
        ),
    },
)
BODIES = [
    "return input.a.b",
    "return input.a.b or input.a.c or 'x'",
    "return LOWER(TRIM(input.a))",
    "return TO_SHA256_HASH(LOWER(input.a.b))",
    "return SECONDS_SINCE_EPOCH_FROM_RFC3999(TO_DATE_TIME(input.t or input.a))",
    "return MILLISECONDS_SINCE_EPOCH_FROM_RFC3999(TO_DATE_TIME(input.t))",
    "return MILLISECONDS_SINCE_EPOCH_FROM_RFC3999(TO_DATE_TIME(input.t) or input.a)",
    "return TO_STRING(input.a.c)",
    "return 'x'",
]


@given(EVENTS, st.sampled_from(BODIES))
def test_a_shortcut_gives_what_lua_gives(
    compiled: Callable[..., CompiledIntegration], event: dict[str, Any], body: str
) -> None:
    """A plain body that runs without the interpreter has the same result and the same error as in it."""
    assert shortcut_of(body) is not None
    # A comparison that is always true takes the body out of the plain form.
    in_lua = body.replace("return ", "if 1 == 1 then return ") + " end"
    assert shortcut_of(in_lua) is None
    results = []
    for one in (body, in_lua):
        row = f'{{inputKey: input, outputKey: o, transforms: [{{expression: {{lang: lua, body: "{one}"}}}}]}}'
        prepared = compiled(f"global: {{mappings: [{row}]}}").prepare(event)
        results.append((prepared.outputs[0].body, bool(prepared.flags)))
    assert results[0] == results[1]


READING_BODIES = [
    "local x = input.a.b return x",
    "local list = {} for k, v in pairs(input.a) do table.insert(list, k .. TO_STRING(v)) end return list",
    "local t = {one = input.a, two = input.t} t.x = (input.t or 'none') .. '!' return t",
    "return MAP(input.a, function(v, i) return {v, i, input.t} end)",
    "if input.a then return {input.a, #input.a} end",
]


@given(EVENTS, st.sampled_from(READING_BODIES))
def test_values_by_path_give_what_the_whole_event_gives(event: dict[str, Any], body: str) -> None:
    """A body that is handed single values has the same result, or fails as well, as with the whole event."""
    engine = LuaEngine()
    compiled_body = engine.compile(body, "test")
    assert compiled_body.analysis.pure
    program = engine.program([compiled_body], [False])
    assert not program.reads_whole_event
    # An event whose path leads through a scalar is handed over whole; see test_odd_events_reach_lua_whole.
    assume(all(isinstance(event.get(path[0]), dict | None) for path in program.paths if len(path) > 1))
    values = [engine.to_lua(read(event, path)) for path in program.paths]
    failures, *by_path = program.run_on(*values)
    whole_failures, *whole = program.run(event)
    assert (failures is None, by_path) == (whole_failures is None, whole)


def test_messages_use_the_authors_words(lua: Lua) -> None:
    """An error about a value of the event names its field and line, whichever way the body ran."""
    assert (
        lua(
            "local y = 1\nreturn input.a.b .. 'x'",
            {"a": {}},
            fails="line:2: attempt to concatenate field 'b' (a nil value)",
        )
        is None
    )
    assert (
        lua("local f = function() return input.a.b .. 'x' end\nreturn f()", {"a": {}}, fails="field 'b' (a nil value)")
        is None
    )


def test_conditional_bodies_run_only_when_their_input_is_there(compiled: Callable[..., CompiledIntegration]) -> None:
    """A body whose mapping has no input neither runs nor fails."""
    integration = compiled("""
global:
  mappings:
    - {inputKey: a, outputKey: a, transforms: [{expression: {lang: lua, body: "return input.a + 1 > 0"}}]}
    - {inputKey: b, outputKey: b, transforms: [{modifyString: trim}, {expression: {lang: lua, body: "return input.b .. '!' .. #input.b"}}]}
    - {inputKey: type, outputKey: c, transforms: [{expression: {lang: lua, body: "return #input.type"}}]}
""")
    assert integration.prepare({"type": "page"}).outputs[0].body == {"c": 4}
    assert integration.prepare({"type": "page", "b": "x"}).outputs[0].body == {"b": "x!1", "c": 4}
    assert integration.prepare({"type": "page", "b": ["x"]}).outputs[0].body == {"c": 4}
    assert integration.prepare({"type": "page", "a": 1}).outputs[0].body == {"a": True, "c": 4}


def test_odd_events_reach_lua_whole(lua: Lua) -> None:
    """Where a path leads through something that is no object, the body sees what plain Lua would see."""
    body = "if 1 == 1 then return input.a.b.c end"
    assert lua(body, {"a": "text"}) is None
    assert lua(body, {"a": [1]}) is None
    assert lua(body, {"a": {"b": 5}}, fails="attempt to index") is None


def test_objects_in_two_places_are_two_tables(lua: Lua) -> None:
    """An object that an event holds twice is a table of its own in each place."""
    shared = {"x": 1}
    assert lua("local v = input.v return v", {"v": {"a": shared, "b": [shared, shared]}}) == {
        "a": {"x": 1},
        "b": [{"x": 1}, {"x": 1}],
    }
