-- Lua patterns without the danger. The C matcher cannot be interrupted and may need time exponential in the number of
-- repetitions, or overflow the C stack. So each call is first costed: a cheap one goes to the C matcher, an expensive
-- one to the matcher below, which gives the same answers and stays under the budget because it is Lua itself.
local limits = ...
local raw, text, spend, text_of = limits.raw, limits.text, limits.spend, limits.text_of
local byte, sub, find, type, error = raw.byte, raw.sub, raw.find, raw.type, raw.error

local C_STEPS = 200000 -- greatest number of steps, by estimate, that the C matcher is trusted with

-- Number of repetitions in a pattern; a quantifier inside a set counts too, which only makes the estimate safer.
local known, known_count = {}, 0
local function repetitions(pattern)
  local count = known[pattern]
  if count then return count end
  count = 0
  for i = 2, #pattern do
    local c = byte(pattern, i)
    if c == 42 or c == 43 or c == 45 or c == 63 then count = count + 1 end -- * + - ?
  end
  local at = find(pattern, "%b", 1, true)
  while at do
    count = count + 1
    at = find(pattern, "%b", at + 2, true)
  end
  if known_count > 500 then known, known_count = {}, 0 end
  known[pattern], known_count = count, known_count + 1
  return count
end

local function cheap(s, pattern)
  local n = #s + 2
  local exponent = repetitions(pattern)
  if byte(pattern, 1) ~= 94 then exponent = exponent + 1 end -- ^
  local cost = #pattern
  for _ = 1, exponent do
    cost = cost * n
    if cost > C_STEPS then
      -- One repetition and a start position: at most n * n, and a single run over the text in practice.
      return exponent <= 2 and n <= 1024
    end
  end
  if cost > 20000 then limits.look_at_clock() end
  return true
end

local CAPTURE_LIMIT = 32
local classes = {
  [97] = "%a", [99] = "%c", [100] = "%d", [108] = "%l", [112] = "%p", [115] = "%s", [117] = "%u", [119] = "%w",
  [120] = "%x", [122] = "%z", [65] = "%A", [67] = "%C", [68] = "%D", [76] = "%L", [80] = "%P", [83] = "%S",
  [85] = "%U", [87] = "%W", [88] = "%X", [90] = "%Z",
}

local function in_class(c, class)
  local pattern = classes[class]
  if not pattern then return class == c end
  return find(raw.char(c), pattern) ~= nil
end

-- Position after the single-character class that starts at `p`.
local function class_end(pattern, p)
  local c = byte(pattern, p)
  p = p + 1
  if c == 37 then -- %
    if p > #pattern then error("malformed pattern (ends with '%')", 0) end
    return p + 1
  end
  if c == 91 then -- [
    if byte(pattern, p) == 94 then p = p + 1 end
    repeat
      if p > #pattern then error("malformed pattern (missing ']')", 0) end
      c = byte(pattern, p)
      p = p + 1
      if c == 37 and p <= #pattern then p = p + 1 end
    until byte(pattern, p) == 93
    return p + 1
  end
  return p
end

-- Whether `c` is in the set between `p` (the '[') and `last` (the ']').
local function in_set(c, pattern, p, last)
  local wanted = true
  p = p + 1
  if byte(pattern, p) == 94 then wanted = false; p = p + 1 end
  while p < last do
    local first = byte(pattern, p)
    if first == 37 then
      if in_class(c, byte(pattern, p + 1)) then return wanted end
      p = p + 2
    elseif byte(pattern, p + 1) == 45 and p + 2 < last then
      if first <= c and c <= byte(pattern, p + 2) then return wanted end
      p = p + 3
    else
      if first == c then return wanted end
      p = p + 1
    end
  end
  return not wanted
end

local function single(s, i, pattern, p, following)
  local c = byte(s, i)
  if c == nil then return false end
  local first = byte(pattern, p)
  if first == 46 then return true end -- .
  if first == 37 then return in_class(c, byte(pattern, p + 1)) end
  if first == 91 then return in_set(c, pattern, p, following - 1) end
  return first == c
end

local POSITION, OPEN = -2, -1
local match

local function start_capture(m, i, p, kind)
  if m.level >= CAPTURE_LIMIT then error("too many captures", 0) end
  m.level = m.level + 1
  m.starts[m.level], m.sizes[m.level] = i, kind
  local found = match(m, i, p)
  if not found then m.level = m.level - 1 end
  return found
end

local function end_capture(m, i, p)
  local which
  for level = m.level, 1, -1 do
    if m.sizes[level] == OPEN then which = level; break end
  end
  if not which then error("invalid pattern capture", 0) end
  m.sizes[which] = i - m.starts[which]
  local found = match(m, i, p)
  if not found then m.sizes[which] = OPEN end
  return found
end

local function balance(m, i, p)
  if p + 1 > #m.pattern then error("unbalanced pattern", 0) end
  local open, close = byte(m.pattern, p), byte(m.pattern, p + 1)
  if byte(m.s, i) ~= open then return nil end
  local depth = 1
  for at = i + 1, #m.s do
    local c = byte(m.s, at)
    if c == close then
      depth = depth - 1
      if depth == 0 then return at + 1 end
    elseif c == open then depth = depth + 1 end
  end
end

local function greedy(m, i, p, following)
  local count = 0
  while single(m.s, i + count, m.pattern, p, following) do count = count + 1 end
  while count >= 0 do
    local found = match(m, i + count, following + 1)
    if found then return found end
    count = count - 1
  end
end

local function lazy(m, i, p, following)
  while true do
    local found = match(m, i, following + 1)
    if found then return found end
    if not single(m.s, i, m.pattern, p, following) then return nil end
    i = i + 1
  end
end

local function back_reference(m, i, digit)
  local level = digit - 48
  local size = m.sizes[level]
  if level < 1 or level > m.level or size == OPEN then error("invalid capture index", 0) end
  local piece = sub(m.s, m.starts[level], m.starts[level] + size - 1)
  if sub(m.s, i, i + #piece - 1) == piece then return i + #piece end
end

local function frontier(m, i, p)
  if byte(m.pattern, p) ~= 91 then error("missing '[' after '%f' in pattern", 0) end
  local following = class_end(m.pattern, p)
  local before = i > 1 and byte(m.s, i - 1) or 0
  local here = byte(m.s, i) or 0
  if in_set(before, m.pattern, p, following - 1) or not in_set(here, m.pattern, p, following - 1) then return nil end
  return following
end

-- Matches the pattern from `p` at `i`; returns the position after the match, or nil.
function match(m, i, p)
  while true do
    if p > #m.pattern then return i end
    local c = byte(m.pattern, p)
    if c == 40 then -- (
      if byte(m.pattern, p + 1) == 41 then return start_capture(m, i, p + 2, POSITION) end
      return start_capture(m, i, p + 1, OPEN)
    elseif c == 41 then -- )
      return end_capture(m, i, p + 1)
    end
    local second = byte(m.pattern, p + 1)
    if c == 37 and second == 98 then -- %b
      i = balance(m, i, p + 2)
      if not i then return nil end
      p = p + 4
    elseif c == 37 and second == 102 then -- %f
      p = frontier(m, i, p + 2)
      if not p then return nil end
    elseif c == 37 and second and second >= 48 and second <= 57 then
      i = back_reference(m, i, second)
      if not i then return nil end
      p = p + 2
    elseif c == 36 and p == #m.pattern then -- $
      return i == #m.s + 1 and i or nil
    else
      local following = class_end(m.pattern, p)
      local suffix = byte(m.pattern, following)
      if suffix == 63 then -- ?
        if single(m.s, i, m.pattern, p, following) then
          local found = match(m, i + 1, following + 1)
          if found then return found end
        end
        p = following + 1
      elseif suffix == 42 then return greedy(m, i, p, following) -- *
      elseif suffix == 43 then -- +
        if not single(m.s, i, m.pattern, p, following) then return nil end
        return greedy(m, i + 1, p, following)
      elseif suffix == 45 then return lazy(m, i, p, following) -- -
      else
        if not single(m.s, i, m.pattern, p, following) then return nil end
        i, p = i + 1, following
      end
    end
  end
end

local function capture(m, level, first, after)
  if level > m.level then
    if level == 1 then return sub(m.s, first, after - 1) end
    error("invalid capture index", 0)
  end
  local size = m.sizes[level]
  if size == OPEN then error("unfinished capture", 0) end
  if size == POSITION then return m.starts[level] end
  return sub(m.s, m.starts[level], m.starts[level] + size - 1)
end

local function captures(m, first, after, whole)
  local values = {}
  local count = (m.level == 0 and whole) and 1 or m.level
  for level = 1, count do values[level] = capture(m, level, first, after) end
  return values, count
end

-- First match at or after `from`: matcher, start, position after; nil when there is none.
local function search(s, pattern, from)
  local anchored = byte(pattern, 1) == 94
  local m = { s = s, pattern = pattern, level = 0, starts = {}, sizes = {} }
  local p = anchored and 2 or 1
  for i = from, anchored and from or #s + 1 do
    m.level = 0
    local after = match(m, i, p)
    if after then return m, i, after end
  end
end

local function position(s, from)
  if from == nil then return 1 end
  if type(from) ~= "number" then error("bad argument (number expected)", 3) end
  if from < 0 then from = #s + from + 1 end
  if from < 1 then from = 1 end
  return raw.floor(from)
end

local function arguments(s, pattern, who)
  s, pattern = text_of(s, who), text_of(pattern, who)
  spend(#s)
  return s, pattern
end

function text.find(s, pattern, from, plain)
  s, pattern = arguments(s, pattern, "find")
  if plain or not find(pattern, "[%^%$%*%+%?%.%(%[%%%-]") then
    if #s * #pattern > 4000000 then spend(#s * #pattern) end
    return find(s, pattern, from, true)
  end
  if cheap(s, pattern) then return find(s, pattern, from) end
  local start = position(s, from)
  if start > #s + 1 then return nil end
  local m, first, after = search(s, pattern, start)
  if not m then return nil end
  local values, count = captures(m, first, after, false)
  return first, after - 1, raw.unpack(values, 1, count)
end

function text.match(s, pattern, from)
  s, pattern = arguments(s, pattern, "match")
  if cheap(s, pattern) then return raw.match(s, pattern, from) end
  local start = position(s, from)
  if start > #s + 1 then return nil end
  local m, first, after = search(s, pattern, start)
  if not m then return nil end
  local values, count = captures(m, first, after, true)
  return raw.unpack(values, 1, count)
end

function text.gmatch(s, pattern)
  s, pattern = arguments(s, pattern, "gmatch")
  if cheap(s, pattern) then return raw.gmatch(s, pattern) end
  local at = 1
  return function()
    while at <= #s + 1 do
      local m = { s = s, pattern = pattern, level = 0, starts = {}, sizes = {} }
      local first = at
      local after = match(m, at, 1)
      if after then
        at = after == first and after + 1 or after
        local values, count = captures(m, first, after, true)
        return raw.unpack(values, 1, count)
      end
      at = at + 1
    end
  end
end

local function expand(m, first, after, template)
  local parts, n, i = {}, 0, 1
  while i <= #template do
    local c = sub(template, i, i)
    if c == "%" then
      i = i + 1
      local digit = byte(template, i)
      if digit and digit >= 48 and digit <= 57 then
        c = digit == 48 and sub(m.s, first, after - 1) or raw.tostring(capture(m, digit - 48, first, after))
      else
        c = sub(template, i, i)
      end
    end
    n = n + 1
    parts[n] = c
    i = i + 1
  end
  return raw.concat(parts)
end

local function replacement(m, first, after, with)
  local kind, value = type(with), nil
  if kind == "function" then
    local values, count = captures(m, first, after, true)
    value = with(raw.unpack(values, 1, count))
  elseif kind == "table" then
    value = with[capture(m, 1, first, after)]
  else
    return expand(m, first, after, raw.tostring(with))
  end
  if not value then return sub(m.s, first, after - 1) end
  if type(value) ~= "string" and type(value) ~= "number" then
    error("invalid replacement value (a " .. type(value) .. ")", 0)
  end
  return value
end

function text.gsub(s, pattern, with, limit)
  s, pattern = arguments(s, pattern, "gsub")
  local kind = type(with)
  if kind ~= "string" and kind ~= "number" and kind ~= "function" and kind ~= "table" then
    error("bad argument to 'gsub' (string/function/table expected)", 2)
  end
  if cheap(s, pattern) then
    if limit == nil then return raw.gsub(s, pattern, with) end
    return raw.gsub(s, pattern, with, limit)
  end
  local anchored = byte(pattern, 1) == 94
  local p = anchored and 2 or 1
  local parts, n, count, i = {}, 0, 0, 1
  while limit == nil or count < limit do
    local m = { s = s, pattern = pattern, level = 0, starts = {}, sizes = {} }
    local after = match(m, i, p)
    if after then
      count = count + 1
      n = n + 1
      parts[n] = replacement(m, i, after, with)
    end
    if after and after > i then i = after
    elseif i <= #s then
      n = n + 1
      parts[n] = sub(s, i, i)
      i = i + 1
    else break end
    if anchored then break end
  end
  parts[n + 1] = sub(s, i)
  return raw.concat(parts), count
end

-- Methods of text (`s:gsub()`) are these functions too.
debug.getmetatable("").__index = text

return { repetitions = repetitions, search = search, C_STEPS = C_STEPS }
