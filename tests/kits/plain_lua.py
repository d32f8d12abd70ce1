"""Lua 5.1 for the plain interpreter: a bare interpreter with the helpers of the language and no sandbox at all.

Every evaluation gets its own copy of its tables, its own globals and its own library tables.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable
from typing import Any

import lupa.lua51
from plain_values import (
    MISSING,
    RFC3339,
    FailedError,
    cut,
    epoch,
    flatten,
    is_scalar,
    number,
    parse_time,
    path_escape,
    query_escape,
    query_pairs,
    rounded,
    substring,
    text,
    truncated,
    write_time,
)

COUNTRIES = {"norway": "NO", "nor": "NO", "no": "NO", "germany": "DE", "deu": "DE", "de": "DE", "us": "US", "usa": "US"}
TRUE, FALSE = {"1", "t", "T", "true", "True", "TRUE"}, {"0", "f", "F", "false", "False", "FALSE"}
DEEPEST, LARGEST_LIST_WITH_HOLES = 64, 1024

PRELUDE = b"""
local py = ...
local setfenv, loadstring, rawtype, rawpairs, rawnext = setfenv, loadstring, type, pairs, next
debug.setmetatable(nil, {__index = function() return nil end, __len = function() return 0 end})

local objects = setmetatable({}, {__mode = 'k'})   -- tables that came from JSON objects

local function copy(value)
  if rawtype(value) ~= 'table' then return value end
  local new = {}
  if objects[value] then objects[new] = true end
  for key, item in rawpairs(value) do new[key] = copy(item) end
  return new
end

local rank = {number = 1, string = 2}
local function sorted_keys(t)
  local keys = {}
  for key in rawpairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    local x, y = rank[rawtype(a)] or 3, rank[rawtype(b)] or 3
    if x ~= y then return x < y end
    if x == 3 then return tostring(a) < tostring(b) end
    return a < b
  end)
  return keys
end

local function ordered_pairs(t)
  if t == nil then return function() end end
  local keys, position = sorted_keys(t), 0
  return function()
    while true do
      position = position + 1
      local key = keys[position]
      if key == nil then return nil end
      if t[key] ~= nil then return key, t[key] end
    end
  end
end

local function ordered_ipairs(t)
  if t == nil then return function() end end
  return ipairs(t)
end

local function ordered_next(t, key)
  if t == nil then return nil end
  local keys = sorted_keys(t)
  if key == nil then return keys[1], t[keys[1]] end
  for position, one in ipairs(keys) do
    if one == key then return keys[position + 1], t[keys[position + 1]] end
  end
end

local function values(list)
  local positions, others = {}, false
  for key in rawpairs(list) do
    if rawtype(key) == 'number' and key >= 1 and key % 1 == 0 then positions[#positions + 1] = key else others = true end
  end
  local result = {}
  if others then
    for _, item in ordered_pairs(list) do result[#result + 1] = item end
  else
    table.sort(positions)
    for _, key in ipairs(positions) do result[#result + 1] = list[key] end
  end
  return result, others
end

local function need_table(list, name)
  if rawtype(list) ~= 'table' then error(name .. ': a table is expected', 0) end
  return values(list)
end

local H = {}
function H.MAP(list, f)
  if list == nil then return nil end
  local result = {}
  for index, item in ipairs((need_table(list, 'MAP'))) do
    local value = f(item, index)
    if value ~= nil then result[#result + 1] = value end
  end
  return result
end
function H.PLUCK(list, key)
  if list == nil then return nil end
  local result = {}
  for _, item in ipairs((need_table(list, 'PLUCK'))) do
    if rawtype(item) == 'table' and item[key] ~= nil then result[#result + 1] = item[key] end
  end
  return result
end
function H.SUM(list)
  if list == nil then return nil end
  local sum = 0
  for _, item in ipairs((need_table(list, 'SUM'))) do
    local value = py.to_float(item)
    if value == nil then error('SUM: not a number', 0) end
    sum = sum + value
  end
  return sum
end
local function value_of(product)
  local price = py.to_float(product.price)
  if price == nil then return 0 end
  return price * (py.to_float(product.quantity) or 1)
end
function H.TOTAL_VALUE(x)
  if rawtype(x) ~= 'table' then return 0 end
  local list, others = values(x)
  if others then return value_of(x) end
  local sum = 0
  for _, item in ipairs(list) do
    if rawtype(item) == 'table' then sum = sum + value_of(item) end
  end
  return sum
end
function H.TABLE_SLICE(list, from, to)
  if list == nil then return nil end
  local all, result = need_table(list, 'TABLE_SLICE'), {}
  for position = math.max(from or 1, 1), math.min(to or #all, #all) do result[#result + 1] = all[position] end
  return result
end
function H.JOIN(list, separator)
  if list == nil then return nil end
  if rawtype(list) ~= 'table' then return py.text(list) end
  local result = {}
  for _, item in ipairs((values(list))) do result[#result + 1] = py.text(item) end
  return table.concat(result, separator)
end
function H.SPLIT(s, separator, n)
  if s == nil then return nil end
  local result = {}
  for position, piece in ipairs({py.split(s, separator)}) do
    if n == nil or position <= n then result[position] = piece end
  end
  return result
end
local several = {REPLACE = true, SUBSTRING = true, TO_TRUNCATED_FLOAT = true, FLATTEN = true, TO_DATE_TIME = true}
for name, helper in rawpairs({LOWER = 'lower', UPPER = 'upper', TRIM = 'trim', REPLACE = 'replace', SUBSTRING = 'substring',
    TO_STRING = 'text', TO_FLOAT = 'to_float', TO_TRUNCATED_FLOAT = 'truncated_float', TO_TRUNCATED_INT = 'truncated_int',
    TO_ROUNDED_INT = 'rounded_int', TO_BOOL = 'to_bool', TO_SHA256_HASH = 'sha256', TO_MD5_HASH = 'md5',
    BASE64_ENCODE = 'base64', QUERY_ESCAPE = 'query_escape', PATH_ESCAPE = 'path_escape', TO_ISO_COUNTRY = 'country',
    SECONDS_SINCE_EPOCH_FROM_RFC3999 = 'seconds', MILLISECONDS_SINCE_EPOCH_FROM_RFC3999 = 'milliseconds',
    DECODE_URL_QUERY = 'decode_query', FLATTEN = 'flatten', TO_DATE_TIME = 'date_time'}) do
  local f = py[helper]
  H[name] = function(first, ...)
    if first == nil then return nil end
    if several[name] then return f(first, ...) end
    return f(first)
  end
end

local function fresh(from)
  local new = {}
  for key, item in rawpairs(from) do new[key] = item end
  return new
end
local tables = {string = string, table = table, math = math}
local base = {type = type, tostring = tostring, tonumber = tonumber, select = select, unpack = unpack, error = error,
  assert = assert, pcall = pcall, pairs = ordered_pairs, ipairs = ordered_ipairs, next = ordered_next}

local function run(body, first_name, first, second_name, second)
  local chunk = assert(loadstring(body))
  local env = fresh(base)
  for name, library in rawpairs(tables) do env[name] = fresh(library) end
  for name, helper in rawpairs(H) do env[name] = helper end
  env[first_name] = copy(first)
  if second_name then env[second_name] = copy(second) end
  setfenv(chunk, env)
  return (chunk()), env[first_name]
end

local function mark(t) objects[t] = true return t end
local function is_object(t) return objects[t] == true end
return run, mark, is_object, values
"""

Result = tuple[Any, Any]


class PlainLua:
    """One bare interpreter; `run` evaluates a body."""

    def __init__(self) -> None:
        self._lua = lupa.lua51.LuaRuntime(encoding=None, unpack_returned_tuples=True)
        helpers = self._lua.table_from({name.encode(): item for name, item in self._helpers().items()})
        self._run, self._mark, self._is_object, self._values = self._lua.execute(PRELUDE, helpers)

    def table(self, value: Any) -> Any:
        """A JSON value as Lua has it."""
        if isinstance(value, dict):
            pairs = {
                key.encode("utf-8", "replace"): self.table(item) for key, item in value.items() if item is not None
            }
            return self._mark(self._lua.table_from(pairs))
        if isinstance(value, list):
            items = {place: self.table(item) for place, item in enumerate(value, 1) if item is not None}
            return self._lua.table_from(items)
        return value.encode("utf-8", "replace") if isinstance(value, str) else _as_double(value)

    def value(self, value: Any, depth: int = 0) -> Any:
        """A Lua value as JSON; MISSING for nil and what is no number."""
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return MISSING
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, bool | int | float):
            return int(value) if isinstance(value, float) and value.is_integer() else value
        if lupa.lua51.lua_type(value) != "table":
            raise FailedError("a function cannot be sent")
        if depth >= DEEPEST:
            raise FailedError("nested too deep")
        items = {key: self.value(item, depth + 1) for key, item in value.items()}
        if not items:
            return {} if self._is_object(value) else []
        if all(type(key) is int and key > 0 for key in items):
            greatest = max(items)
            if greatest == len(items) or greatest <= LARGEST_LIST_WITH_HOLES:
                row = [items.get(place) for place in range(1, greatest + 1)]
                return [None if item is MISSING else item for item in row]
        return {_key(key): item for key, item in items.items() if item is not MISSING}

    def run(self, body: str, **given: Any) -> Result:
        """What the body returns, and its first variable afterwards; both as JSON. Raises FailedError."""
        names = [part for name, table in given.items() for part in (name.encode(), table)]
        try:
            returned, first = self._run(body.encode(), *names)
            return self.value(returned), self.value(first) if "request" in given else MISSING
        except (lupa.lua51.LuaError, FailedError, TypeError, AttributeError, ValueError) as fault:
            raise FailedError(str(fault)) from None

    def _helpers(self) -> dict[str, Callable[..., Any]]:
        return {
            "lower": lambda s: _text(s).lower().encode(),
            "upper": lambda s: _text(s).upper().encode(),
            "trim": lambda s: _text(s).strip().encode(),
            "replace": lambda s, old, new: (
                _text(s) if old == b"" else _text(s).replace(_text(old), _text(new))
            ).encode(),
            "substring": lambda s, start, end=None: substring(
                _text(s), int(start or 0), len(_text(s)) if end is None else int(end)
            ).encode(),
            "split": lambda s, by: tuple(
                part.encode() for part in (_text(s).split(_text(by)) if _text(by) else _text(s))
            ),
            "text": lambda v: text(self.value(v)).encode(),
            "to_float": lambda v: number(_plain(v)),
            "truncated_float": lambda v, places=2: cut(_plain(v), int(places)),
            "truncated_int": lambda v: truncated(_plain(v)),
            "rounded_int": lambda v: rounded(_plain(v)),
            "to_bool": _to_bool,
            "sha256": lambda s: hashlib.sha256(_text(s).encode()).hexdigest().encode(),
            "md5": lambda s: hashlib.md5(_text(s).encode(), usedforsecurity=False).hexdigest().encode(),
            "base64": lambda s: base64.b64encode(_text(s).encode()),
            "query_escape": lambda s: query_escape(_text(s)).encode(),
            "path_escape": lambda s: path_escape(_text(s)).encode(),
            "country": lambda s: COUNTRIES.get(_text(s).strip().lower(), "").encode() or None,
            "seconds": lambda s: epoch(_text(s), 1),
            "milliseconds": lambda s: epoch(_text(s), 1000),
            "decode_query": self._decode_query,
            "flatten": self._flatten,
            "date_time": self._date_time,
        }

    def _decode_query(self, url: Any) -> Any:
        query = _text(url).partition("?")[2].partition("#")[0]
        return self._new(dict(reversed(query_pairs(query))))

    def _flatten(
        self, given: Any, prefix: Any = None, separator: Any = None, depth: Any = 0, options: Any = None
    ) -> Any:
        if lupa.lua51.lua_type(given) != "table":
            raise FailedError("FLATTEN: a table is expected")
        start = 0 if options is None or options[b"array_start_index"] is None else int(options[b"array_start_index"])
        joined = "_" if separator is None else _text(separator)
        result = flatten(self.value(given), "" if prefix is None else _text(prefix), joined, int(depth or 0), start)
        return self._new(result)

    def _new(self, value: dict[str, Any]) -> Any:
        """A new table, which is a list when it is empty; tables inside keep their kind."""
        return self.table(value) if value else self._lua.table_from([])

    def _date_time(self, value: Any, options: Any = None) -> bytes:
        def option(name: bytes) -> Any:
            return None if options is None else options[name]

        layouts = [RFC3339 if option(n) is None else _text(option(n)) for n in (b"inputFormat", b"outputFormat")]
        place = option(b"outputLocation")
        offset = 0 if place is None or place[b"offset"] is None else int(place[b"offset"])
        moment, fraction = parse_time(_text(value), layouts[0])
        return write_time(moment, fraction, layouts[1], offset).encode()


def _as_double(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _key(key: Any) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else text(key)


def _plain(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _text(value: Any) -> str:
    plain = _plain(value)
    if not is_scalar(plain):
        raise FailedError("text is expected")
    return text(plain)


def _to_bool(value: Any) -> bool | None:
    plain = _plain(value)
    if isinstance(plain, bool):
        return plain
    if isinstance(plain, int | float):
        return plain != 0
    return {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}.get(plain) if isinstance(plain, str) else None


# Parameters inside Lua

_TOKEN = re.compile(
    r"--\[(?P<c>=*)\[.*?\](?P=c)\]|--[^\n]*|\[(?P<l>=*)\[.*?\](?P=l)\]|"
    r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\$\$[A-Z][A-Z0-9_]*\$\$",
    re.DOTALL,
)
PLACEHOLDER = re.compile(r"\$\$([A-Z][A-Z0-9_]*)\$\$")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0"}


def with_parameters(body: str, values: dict[str, str | None]) -> str:
    """The body with its placeholders filled in, by the place where each stands."""

    def token(found: re.Match[str]) -> str:
        part = found[0]
        if part.startswith("--"):
            return PLACEHOLDER.sub("", part)
        if part.startswith("$$"):
            return _literal(values[part[2:-2]])
        if part.startswith("["):
            return PLACEHOLDER.sub(lambda name: values[name[1]] or "", part)
        return PLACEHOLDER.sub(lambda name: _escaped(values[name[1]] or ""), part)

    return _TOKEN.sub(token, body)


def _escaped(value: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in value)


def _literal(value: str | None) -> str:
    if value is None:
        return "nil"
    if value in ("true", "false"):
        return value
    if number(value) is not None:
        return f"({value.strip()})"
    return f'"{_escaped(value)}"'
