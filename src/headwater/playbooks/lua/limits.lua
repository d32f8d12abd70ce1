-- The budget of one evaluation and the library that bodies see.
-- Runs once per runtime, before anything else; returns what the other files build on. Nothing here is visible to a
-- body except through `base`.
local python = ...

local raw = {
  pcall = pcall, next = next, type = type, tostring = tostring, tonumber = tonumber, select = select,
  unpack = unpack, error = error, setfenv = setfenv, setmetatable = setmetatable, loadstring = loadstring,
  sort = table.sort, concat = table.concat, floor = math.floor, clock = os.clock,
  find = string.find, match = string.match, gmatch = string.gmatch, gsub = string.gsub, sub = string.sub,
  byte = string.byte, char = string.char, rep = string.rep, format = string.format, lower = string.lower,
  upper = string.upper, reverse = string.reverse, collect = collectgarbage,
}
local error, type, floor, next, sub, byte = error, type, math.floor, next, string.sub, string.byte

-- Budget: `steps` counts VM instructions and the work of library calls in about the same unit.
local STEP_LIMIT = 2000000
local CLOCK_LIMIT = 0.045 -- seconds of processor time
local HOOK_INTERVAL = 1000
local steps, spent = 0, false
local started = nil -- when the clock was first looked at in this evaluation; short ones never ask the system
local OVER = "over budget: the body ran too long; make it do less per event"

local function fail_budget()
  spent = true
  error(OVER, 0)
end

local function look_at_clock()
  if spent then fail_budget() end
  if started == nil then started = raw.clock()
  elseif raw.clock() - started > CLOCK_LIMIT then fail_budget() end
end

local running = false
debug.sethook(function()
  if not running then return end
  steps = steps + HOOK_INTERVAL
  if steps > STEP_LIMIT then fail_budget() end
  look_at_clock()
end, "", HOOK_INTERVAL)

-- Adds the cost of a library call that does `work` bytes or elements in one instruction.
local function spend(work)
  if work > 512 then
    steps = steps + work / 8
    if steps > STEP_LIMIT then fail_budget() end
    if work > 65536 then look_at_clock() end
  end
end

local function begin()
  steps, spent, started, running = 0, false, nil, true
end

-- While the driver itself works between two evaluations no budget runs.
local function finish()
  running = false
end

-- Reading from nil gives nil; the length of nil is 0. Nil has one metatable for the whole runtime.
debug.setmetatable(nil, {
  __index = raw.setmetatable({}, { __newindex = function() error("attempt to change nil", 2) end }),
  __len = function() return 0 end,
})

-- A collection marks the whole library each time; waiting until the heap is eight times as large makes that cheap. The
-- heap starts at about 300 KB.
raw.collect("setpause", 800)

local base = {}

-- Keys in the order that bodies see: numbers ascending, then text by bytes, then the rest.
local function ordered_keys(t)
  local numbers, texts, others = {}, {}, {}
  local n, m, o = 0, 0, 0
  for key in next, t do
    local kind = type(key)
    if kind == "number" then n = n + 1; numbers[n] = key
    elseif kind == "string" then m = m + 1; texts[m] = key
    else o = o + 1; others[o] = key end
  end
  spend((n + m) * 16)
  if n > 1 then raw.sort(numbers) end
  if m > 1 then raw.sort(texts) end
  for i = 1, m do numbers[n + i] = texts[i] end
  for i = 1, o do numbers[n + m + i] = others[i] end
  return numbers
end

local function nothing() end

local function need_table(t, who)
  if type(t) ~= "table" then
    error("bad argument to '" .. who .. "' (table expected, got " .. type(t) .. ")", 3)
  end
end

function base.pairs(t)
  if t == nil then return nothing end
  need_table(t, "pairs")
  local keys, i = ordered_keys(t), 0
  return function()
    local key, value
    repeat
      i = i + 1
      key = keys[i]
      if key == nil then return nil end
      value = t[key]
    until value ~= nil
    return key, value
  end
end

function base.ipairs(t)
  if t == nil then return nothing end
  need_table(t, "ipairs")
  local i = 0
  return function()
    i = i + 1
    local value = t[i]
    if value ~= nil then return i, value end
  end
end

function base.next(t, key)
  if t == nil then return nil end
  need_table(t, "next")
  local keys = ordered_keys(t)
  if key == nil then
    local first = keys[1]
    if first == nil then return nil end
    return first, t[first]
  end
  for i = 1, #keys do
    if keys[i] == key then
      local following = keys[i + 1]
      if following == nil then return nil end
      return following, t[following]
    end
  end
  error("invalid key to 'next'", 2)
end

base.type, base.tonumber, base.select, base.error = raw.type, raw.tonumber, raw.select, raw.error
base.tostring = raw.tostring

function base.assert(...)
  local value, message = ...
  if value then return ... end
  error(message == nil and "assertion failed!" or message, 0)
end

function base.unpack(t, from, to)
  need_table(t, "unpack")
  from = from == nil and 1 or from
  to = to == nil and #t or to
  if to - from >= 200 then error("too many results to unpack", 2) end
  return raw.unpack(t, from, to)
end

-- A caught error may not hide that the budget or the memory is used up.
local function caught(ok, ...)
  if not ok then
    if spent then error(OVER, 0) end
    if (...) == "not enough memory" then error("not enough memory", 0) end
  end
  return ok, ...
end

function base.pcall(f, ...)
  return caught(raw.pcall(f, ...))
end

local function text_of(value, who)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then return raw.tostring(value) end
  error("bad argument to '" .. who .. "' (string expected, got " .. kind .. ")", 3)
end

local TEXT_LIMIT = 4 * 1024 * 1024
local text = {}

function text.len(s) return #text_of(s, "len") end
function text.sub(s, from, to)
  s = text_of(s, "sub")
  spend(#s)
  return sub(s, from, to == nil and -1 or to)
end
function text.lower(s) s = text_of(s, "lower"); spend(#s); return raw.lower(s) end
function text.upper(s) s = text_of(s, "upper"); spend(#s); return raw.upper(s) end
function text.reverse(s) s = text_of(s, "reverse"); spend(#s); return raw.reverse(s) end
function text.byte(s, from, to)
  s = text_of(s, "byte")
  from = from == nil and 1 or from
  to = to == nil and from or to
  local first = from < 0 and #s + from + 1 or from
  local last = to < 0 and #s + to + 1 or to
  if last - first >= 200 then error("string slice too long", 2) end
  return byte(s, from, to)
end
function text.char(...)
  if raw.select("#", ...) > 200 then error("too many characters", 2) end
  return raw.char(...)
end
function text.rep(s, count)
  s = text_of(s, "rep")
  if type(count) ~= "number" then error("bad argument to 'rep' (number expected)", 2) end
  if count < 1 or s == "" then return "" end
  if #s * count > TEXT_LIMIT then error("string.rep would build more than 4 MiB", 2) end
  spend(#s * count)
  return raw.rep(s, count)
end
function text.format(pattern, ...)
  pattern = text_of(pattern, "format")
  local total = #pattern
  for i = 1, raw.select("#", ...) do
    local value = raw.select(i, ...)
    if type(value) == "string" then total = total + #value end
  end
  if total > TEXT_LIMIT then error("string.format would build more than 4 MiB", 2) end
  spend(total * 4)
  return raw.format(pattern, ...)
end

local list = {}

function list.concat(t, separator, from, to)
  need_table(t, "concat")
  from = from == nil and 1 or from
  to = to == nil and #t or to
  spend((to - from) * 8)
  return raw.concat(t, separator, from, to)
end

function list.insert(t, ...)
  need_table(t, "insert")
  local count = raw.select("#", ...)
  local n = #t
  if count == 1 then
    t[n + 1] = ...
    return
  end
  if count ~= 2 then error("wrong number of arguments to 'insert'", 2) end
  local at, value = ...
  if type(at) ~= "number" then error("bad argument to 'insert' (number expected)", 2) end
  at = floor(at)
  if at < 1 or at > n + 1 then error("bad argument to 'insert' (position out of bounds)", 2) end
  for i = n, at, -1 do t[i + 1] = t[i] end
  t[at] = value
end

function list.remove(t, at)
  need_table(t, "remove")
  local n = #t
  at = at == nil and n or at
  if n == 0 or at < 1 or at > n then return nil end
  local value = t[at]
  for i = at, n - 1 do t[i] = t[i + 1] end
  t[n] = nil
  return value
end

function list.sort(t, before)
  need_table(t, "sort")
  local n = #t
  spend(n * 32)
  local longest = 0
  if before == nil then
    for i = 1, n do
      local value = t[i]
      if type(value) == "string" and #value > longest then longest = #value end
    end
    spend(n * longest)
  end
  raw.sort(t, before)
end

function list.maxn(t)
  need_table(t, "maxn")
  local greatest = 0
  for key in next, t do
    if type(key) == "number" and key > greatest then greatest = key end
  end
  return greatest
end

local number = {}
for _, name in ipairs({
  "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod", "frexp", "huge",
  "ldexp", "log", "log10", "max", "min", "modf", "pi", "pow", "rad", "random", "sin", "sinh", "sqrt", "tan", "tanh",
}) do
  number[name] = math[name]
end
math.randomseed(python.seed)

return {
  raw = raw, base = base, text = text, list = list, number = number,
  spend = spend, begin = begin, finish = finish, look_at_clock = look_at_clock,
  ordered_keys = ordered_keys, text_of = text_of, over = OVER,
}
