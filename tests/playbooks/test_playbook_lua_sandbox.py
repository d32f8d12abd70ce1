"""A hostile playbook: whatever a body tries, it ends in a clear error, soon, and the next event is served."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.playbooks import CompiledIntegration, kit_from_texts
from headwater.playbooks.compile import compile_kit

LIMIT_SECONDS = 0.1

EITHER_LIMIT = "over budget|not enough memory"
"""Which of the two is reached first depends on the machine."""

HOSTILE = {
    "endless loop": ("while true do end", "over budget"),
    "endless tail calls": ("local function f() return f() end return f()", "over budget"),
    "endless recursion": ("local function f() return 1 + f() end return f()", "stack overflow"),
    "recursion through a callback": ("local function f() return MAP({1}, f) end return f()", "overflow"),
    "recursion through gsub": ("local function f() return (('x'):gsub('x', f)) end return f()", "overflow"),
    "caught budget": ("while true do pcall(function() while true do end end) end", "over budget"),
    "caught errors": ("while true do pcall(error, 'x') end", "over budget"),
    "caught memory": (
        "pcall(function() local s = 'x' while true do s = s .. s end end) while true do end",
        "not enough memory",
    ),
    "memory by text": ("local s = 'x' while true do s = s .. s end", "not enough memory"),
    "memory by table": ("local t = {} for i = 1, 1e9 do t[i] = {i} end", EITHER_LIMIT),
    "memory by concat": (
        "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(100000) end return table.concat(t)",
        EITHER_LIMIT,
    ),
    "repeat": ("return ('x'):rep(1e9)", "more than 4 MiB"),
    "repeat of nothing": ("local s = (''):rep(1e15) while true do end", "over budget"),
    "format": ("local s = ('x'):rep(4e6) return string.format('%s%s', s, s)", "more than 4 MiB"),
    "wide format": ("return string.format('%999999999d', 1)", "invalid format"),
    "gsub that grows": ("local s = ('x'):rep(1e6) return (s:gsub('x', ('y'):rep(1e4)))", EITHER_LIMIT),
    "exploding pattern": ("return (('a'):rep(500)):find(('a*'):rep(30) .. 'b')", "over budget"),
    "exploding lazy pattern": ("return (('a'):rep(3000)):match(('.-'):rep(9) .. 'b')", "over budget"),
    "deep optional pattern": (
        "return (('a'):rep(20)):match(('a?'):rep(100000) .. 'b')",
        "stack overflow|over budget|not enough memory",
    ),
    "balanced pattern": ("local s = ('('):rep(1e5) while true do s:find('%b()') end", "over budget"),
    "plain search": ("local s = ('a'):rep(4e6) return s:find(('a'):rep(2e6) .. 'b', 1, true)", EITHER_LIMIT),
    "split bomb": ("local s = ('a'):rep(4e6) return SPLIT(s, '')", EITHER_LIMIT),
    "replace bomb": ("local s = ('a'):rep(1e6) return REPLACE(s, 'a', s)", EITHER_LIMIT),
    "join bomb": ("local t = {} for i = 1, 20 do t[i] = ('x'):rep(1e6) end return JOIN(t, '')", EITHER_LIMIT),
    "long texts compared": (
        "local a = ('a'):rep(4e6) local b, n = a .. 'b', 0 while true do if a < b then n = n + 1 end end",
        "over budget",
    ),
    "long texts lowered": ("local a = ('a'):rep(4e6) while true do a:lower() end", EITHER_LIMIT),
    "long texts hashed": ("local a = ('a'):rep(4e6) while true do TO_SHA256_HASH(a) end", "over budget"),
    "sorting much": (
        "local t = {} for i = 1, 3e5 do t[i] = (i * 7919) % 300007 end while true do table.sort(t) end",
        EITHER_LIMIT,
    ),
    "sorting without order": (
        "local t = {} for i = 1, 500 do t[i] = i end while true do pcall(table.sort, t, function() return true end) end",
        EITHER_LIMIT,
    ),
    "insert far below": ("local t = {1} table.insert(t, -2147483648, 1)", "out of bounds"),
    "unpack without end": ("return unpack({}, 1, 1e8)", "too many results"),
    "bytes without end": ("return (('x'):rep(1e6)):byte(1, -1)", "too long"),
    "table inside itself": ("local t = {} t[1] = t return t", "64 levels"),
    "text of a table inside itself": ("local t = {} t[1] = t return TO_STRING(t)", "64 levels"),
    "error with a table": ("error({})", "the error value is a table"),
    "error with nothing": ("error()", "the error value is a nil"),
    "global table": ("_G.x = 1", "'_G' (a nil value)"),
    "environment": ("setfenv(1, {})", "'setfenv' (a nil value)"),
    "metatable of text": ("getmetatable('').__index = nil", "'getmetatable' (a nil value)"),
    "metatable of nil": ("setmetatable({}, {})", "'setmetatable' (a nil value)"),
    "field of nil": ("local n = nil n.x = 1", "nil"),
    "coroutine": ("return coroutine.wrap(function() end)", "nil value"),
    "load": ("return loadstring('return 1')()", "nil value"),
    "dump": ("return string.dump(function() end)", "nil value"),
    "files": ("return io.open('/etc/passwd')", "nil value"),
    "processes": ("return os.execute('true')", "nil value"),
    "modules": ("return require('os')", "nil value"),
    "debug": ("return debug.getregistry()", "nil value"),
    "python": ("return python.eval('1')", "nil value"),
    "collector": ("collectgarbage('stop')", "nil value"),
    "raw access": ("rawset(string, 'x', 1)", "nil value"),
    "bytecode": ("return #string.format('%q', LOWER) ", "string expected"),
}


def kit(*bodies: str) -> CompiledIntegration:
    rows = [
        {"inputKey": "input", "outputKey": f"o{n}", "transforms": [{"expression": {"lang": "lua", "body": body}}]}
        for n, body in enumerate(bodies)
    ]
    playbook = orjson.dumps({"version": "1.0.0", "global": {"mappings": rows}}).decode()
    connection = '{"default": {"endpoint": "https://vendor.example/", "method": "POST"}}'
    return compile_kit(kit_from_texts("k", playbook, connection, notation="json"), {})


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_ends_soon_and_the_next_event_is_served(name: str) -> None:
    """A clear error within 100 ms of processor time; the bodies beside it and the event after it are not touched."""
    body, message = HOSTILE[name]
    integration = kit("return 'before'", body, "return input.type")
    for _ in range(2):
        start = time.process_time()
        prepared = integration.prepare({"type": "page"})
        spent = time.process_time() - start
        (flag,) = prepared.flags
        assert flag.where == "global.mappings[1].transforms[0]"
        assert any(part in flag.message for part in message.split("|")), flag.message
        assert prepared.outputs[0].body == {"o0": "before", "o2": "page"}
        assert spent < LIMIT_SECONDS


LEAKS = [
    "leak = 'leak'",
    "string.leak = 'leak'",
    "table.insert(string, 'leak')",
    "math.leak = 'leak' LOWER = function() return 'leak' end",
    "local s = string s.leak = 'leak'",
    "pairs = function() return 'leak' end tostring = pairs type = pairs",
    "input.leak = 'leak' input.properties.leak = 'leak'",
    "for k in pairs(string) do string[k] = nil end",
    "table.sort(table) table.remove(math) table.concat(string)",
    "pcall(function() leak = 'leak' error('x') end)",
    "DECODE_URL_QUERY('?a=leak').leak = 'leak'",
]
PROBE = (
    "return TO_STRING({leak, string.leak, string[1], math.leak, math[1], table[1], LOWER('A'), tostring(1), type(1), "
    "input.leak, input.properties.leak, #input.properties, DECODE_URL_QUERY('?b=1').leak}) .. ('x'):upper()"
)


def test_nothing_leaks_into_the_next_evaluation() -> None:
    """After every attempt to leave something behind a probe sees what it sees without them."""
    event = {"type": "page", "properties": {"a": 1}}
    clean = kit(PROBE).prepare(event).outputs[0].body["o0"]
    bodies = [body for leak in LEAKS for body in (leak, PROBE)]
    integration = kit(*bodies)
    for _ in range(2):
        output = integration.prepare(event).outputs[0].body
        assert {output[f"o{n}"] for n in range(1, len(bodies), 2)} == {clean}
        assert event == {"type": "page", "properties": {"a": 1}}


def test_many_failures_leave_the_memory_alone() -> None:
    """After many bodies that ran out of memory there is still room for the next one."""
    integration = kit("local s = 'x' while true do s = s .. s end")
    for _ in range(20):
        assert len(integration.prepare({"type": "page"}).flags) == 1
    assert integration._engine is not None
    integration._engine.collect()
    assert integration._engine._memory_used() < 4 * 1024 * 1024


PATTERNS = st.lists(
    st.sampled_from(
        ["a", "b", ".", "%a", "%d", "%W", "[ab]", "[^a]", "[%w_]", "a*", "b+", ".-", "a?", "%s*", "(a*)", "(.-)", "()", "%1", "^", "$",
         "%b()", "%f[%a]", "%%", "[a-c]", "[]]", "[^]]", "[%a-z]", "(b)", "-"]
    ),
    max_size=6,
).map("".join)  # fmt: skip
SUBJECTS = st.text(alphabet="ab()1 _-]", max_size=12)


@pytest.fixture(scope="module")
def both_matchers() -> Callable[..., tuple[Any, Any]]:
    """Runs a string function with Lua's own matcher and with ours."""
    from lupa import lua51

    from headwater.playbooks.lua_engine import _source

    runtime = lua51.LuaRuntime(encoding="latin-1", unpack_returned_tuples=True)
    load = runtime.globals()["loadstring"]
    own = runtime.eval("{find=string.find, match=string.match, gsub=string.gsub, gmatch=string.gmatch}")
    limits = load(_source("limits"), "=limits")(runtime.table_from({"seed": 1}))
    # With no step allowed for the C matcher every call goes to ours.
    load(
        _source("patterns").replace("local C_STEPS = 200000", "local C_STEPS = -1").replace("n <= 1024", "false"),
        "=patterns",
    )(limits)
    ours = limits["text"]
    collect = runtime.eval(
        "function(f, s, p) local all = {} local ok, err = pcall(function() for a, b in f(s, p) do all[#all + 1] = tostring(a) .. '|' .. tostring(b) "
        "if #all > 50 then break end end end) return ok, table.concat(all, ';') end"
    )
    call = runtime.eval(
        "function(f, ...) return (function(ok, ...) if ok then return 'ok', ... end return 'error' end)(pcall(f, ...)) end"
    )

    def run(name: str, *arguments: Any) -> tuple[Any, Any]:
        if name == "gmatch":
            return collect(own[name], *arguments), collect(ours[name], *arguments)
        return call(own[name], *arguments), call(ours[name], *arguments)

    return run


@given(SUBJECTS, PATTERNS, st.sampled_from(["", "x", "<%0>", "%1", "%%"]))
def test_the_safe_matcher_matches_like_luas_own(
    both_matchers: Callable[..., tuple[Any, Any]], subject: str, pattern: str, replacement: str
) -> None:
    """Costly patterns go to a matcher written in Lua; it finds, captures and replaces exactly like the C one."""
    for arguments in (("find", subject, pattern), ("match", subject, pattern), ("gsub", subject, pattern, replacement)):
        theirs, ours = both_matchers(*arguments)
        assert theirs == ours, arguments
    theirs, ours = both_matchers("gmatch", subject, pattern)
    assert theirs == ours
