-- Runs bodies: compiles them, keeps them apart from each other, and prepares results for the way out.
--
-- A result that is text, a number or a boolean leaves as it is. All tables of a run leave together as one JSON list; the
-- result in their place is a NUL character followed by the position in that list.
local limits, json = ...
local raw, base = limits.raw, limits.base
local pcall, setfenv, setmetatable, next, byte, type, begin =
  raw.pcall, raw.setfenv, raw.setmetatable, raw.next, raw.byte, raw.type, limits.begin
local encode, copy = json.encode, json.copy

local libraries = { string = limits.text, table = limits.list, math = limits.number }

local function proxy(library)
  return setmetatable({}, { __index = library })
end

-- Bodies that change nothing but their own locals share one environment and one copy of the event.
local shared = {}
for name, value in next, base do shared[name] = value end
for name, library in next, libraries do shared[name] = library end

-- Every other body gets globals and libraries of its own for each evaluation.
local inherit = { __index = base }
local function fresh()
  local environment = {}
  for name, library in next, libraries do environment[name] = proxy(library) end
  return setmetatable(environment, inherit)
end

local driver = {}

-- Compiles a body. Returns the function, or nil and the message.
function driver.compile(source)
  if byte(source, 1) == 27 then return nil, "a body is source text" end
  return raw.loadstring(source, "=line")
end

local HUGE = 1 / 0

-- The JSON list of tables grows in a buffer that is kept: making one for each event costs more than filling it.
local buffer, filled, tables = {}, 0, 0
local write = json.write
local places = {}
for i = 0, 255 do places[i] = "\0" .. i end

local function set_aside(value)
  buffer[filled + 1] = tables == 0 and "[" or ","
  filled = write(value, buffer, filled + 1, 1)
  tables = tables + 1
  return places[tables - 1]
end

local function all_tables()
  if tables == 0 then return nil end
  buffer[filled + 1] = "]"
  local text = raw.concat(buffer, "", 1, filled + 1)
  if filled > 4096 then buffer = {} end
  return text
end

-- The first value that a body returned, ready to leave.
local function leave(value)
  local kind = type(value)
  if kind == "string" then
    if byte(value, 1) == 0 then return set_aside(value) end
    return value
  elseif kind == "table" then
    return set_aside(value)
  elseif kind == "number" then
    if value ~= value or value == HUGE or value == -HUGE then return nil end
    return value
  elseif kind == "boolean" or kind == "nil" then
    return value
  end
  raw.error("a " .. kind .. " is no value that can be sent", 0)
end

-- Runs a body that may change things, with its own copy of the event.
local function apart(body, input)
  local environment = fresh()
  environment.input = copy(input, 1)
  setfenv(body, environment)
  return (body())
end

-- Runs a body that only needs the event itself, shared with other such bodies.
local function together(body, input)
  shared.input = input
  return (body())
end

local function message_of(fault)
  -- A library function reports its own place, which means nothing to the author of a body.
  if type(fault) == "string" then return (raw.gsub(fault, "^[a-z]+:%d+: ", function(place)
    return raw.sub(place, 1, 5) == "line:" and place or ""
  end)) end
  return "the error value is a " .. type(fault)
end

-- `source` is generated: a function of the bodies that gives `all`, which runs every body and returns the results, and
-- `one`, which runs the body with a number. Returned are two functions of the same arguments. The first runs all bodies
-- and answers with nil, the list of tables and the results, or with false alone when one of them failed. The second runs
-- each body apart, so that one failure does not touch the others and every body has the whole budget; it answers with the
-- failures (a JSON object of messages by number of body), the list of tables and the results. A body that already used
-- up the budget is not run again.
function driver.program(source, bodies, pure, count)
  for i = 1, count do
    if byte(pure, i) == 49 then setfenv(bodies[i], shared) end
  end
  local current, exhausted = 0, nil
  local function start(i)
    current = i
    begin()
  end
  local all, one = raw.loadstring(source, "=program")(bodies, start, leave, apart, together)
  local function passed(ok, ...)
    limits.finish()
    if ok then return nil, all_tables(), ... end
    local fault = ...
    exhausted = (fault == limits.over or fault == "not enough memory") and fault or nil
    return false
  end
  local function quick(...)
    filled, tables = 0, 0
    return passed(pcall(all, ...))
  end
  local function careful(...)
    local results, failures, failed = {}, {}, 0
    local known_fault, known_body = exhausted, current
    filled, tables = 0, 0
    for i = 1, count do
      local ok, result = false, known_fault
      local before_filled, before_tables = filled, tables
      if known_fault == nil or i ~= known_body then
        begin()
        ok, result = pcall(one, i, ...)
      end
      if ok then results[i] = result
      else
        filled, tables = before_filled, before_tables
        failed = failed + 1
        failures[failed] = '"' .. i .. '":' .. json.quote(message_of(result))
      end
    end
    limits.finish()
    return "{" .. raw.concat(failures, ",") .. "}", all_tables(), raw.unpack(results, 1, count)
  end
  return quick, careful
end

-- Runs a connection's transform. The answer is the changed request as JSON, or nil and the message.
function driver.transform(body)
  return function(request, batch)
    begin()
    local ok, result = pcall(function()
      local environment = fresh()
      environment.request, environment.batch = request, batch
      setfenv(body, environment)
      local returned = body()
      local changed = environment.request
      if type(returned) == "table" then changed = returned end
      if type(changed) ~= "table" then changed = request end
      return encode(changed)
    end)
    limits.finish()
    if ok then return result end
    return nil, message_of(result)
  end
end

function driver.mark_object(t)
  json.objects[t] = true
  return t
end

-- Texts that are not UTF-8 cannot leave; this gives their bytes as hexadecimal digits.
function driver.in_hex(run)
  local function hex(value, ...)
    if type(value) == "string" then
      value = raw.gsub(value, ".", function(c) return raw.format("%02x", byte(c)) end)
    end
    if raw.select("#", ...) == 0 then return value end
    return value, hex(...)
  end
  return function(...) return hex(run(...)) end
end

return driver
