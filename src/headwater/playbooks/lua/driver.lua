-- Runs bodies: compiles them, keeps them apart from each other, and hands results back as one JSON text.
local limits, json = ...
local raw, base = limits.raw, limits.base
local pcall, setfenv, setmetatable, next, concat, byte, type =
  raw.pcall, raw.setfenv, raw.setmetatable, raw.next, raw.concat, raw.byte, raw.type

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

local function first(value)
  return value
end

local function evaluate_shared(body)
  return json.encode(first(body()), 1)
end

local function evaluate_apart(body, variables)
  local environment = fresh()
  for name, value in next, variables do environment[name] = json.copy(value, 1) end
  setfenv(body, environment)
  return json.encode(first(body()), 1)
end

local function message_of(fault)
  -- A library function reports its own place, which means nothing to the author of a body.
  if type(fault) == "string" then return (raw.gsub(fault, "^[a-z]+:%d+: ", function(place)
    return raw.sub(place, 1, 5) == "line:" and place or ""
  end)) end
  return "the error value is a " .. type(fault)
end

-- A program is the bodies of one section. `pure[i]` is "1" when body i may share; `assemble` builds the event from the
-- arguments. `mask`, if given, has "0" where a body is not to run. The answer is a JSON list of the results, null for
-- none; when something failed an object {index: message} follows as one element more.
function driver.program(bodies, count, pure, assemble)
  for i = 1, count do
    if byte(pure, i) == 49 then setfenv(bodies[i], shared) end
  end
  return function(mask, ...)
    local input = assemble(...)
    local variables = { input = input }
    local results, failures, failed = {}, {}, 0
    for i = 1, count do
      local ok, result
      if mask and byte(mask, i) == 48 then
        ok, result = true, nil
      else
        limits.begin()
        if byte(pure, i) == 49 then
          shared.input = input
          ok, result = pcall(evaluate_shared, bodies[i])
        else
          ok, result = pcall(evaluate_apart, bodies[i], variables)
        end
        limits.finish()
      end
      results[i] = ok and result or "null"
      if not ok then
        failed = failed + 1
        failures[failed] = '"' .. i .. '":' .. json.quote(message_of(result))
      end
    end
    shared.input = nil
    if failed > 0 then results[count + 1] = "{" .. concat(failures, ",") .. "}" end
    driver.last = "[" .. concat(results, ",") .. "]"
    return driver.last
  end
end

-- Runs a connection's transform. The answer is [result, request] as JSON, or nil and the message.
function driver.transform(body)
  return function(request, batch)
    limits.begin()
    local ok, result = pcall(function()
      local environment = fresh()
      environment.request, environment.batch = request, batch
      setfenv(body, environment)
      local returned = first(body())
      local changed = environment.request
      if type(returned) == "table" then changed = returned end
      if type(changed) ~= "table" then changed = request end
      return json.encode(changed, 1)
    end)
    limits.finish()
    driver.last = result
    if ok then return result end
    return nil, message_of(result)
  end
end

function driver.mark_object(t)
  json.objects[t] = true
  return t
end

-- The latest answer as hexadecimal digits, for one that is not UTF-8.
function driver.last_as_hex()
  return (raw.gsub(driver.last, ".", function(c) return raw.format("%02x", byte(c)) end))
end

return driver
