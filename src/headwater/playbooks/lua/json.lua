-- Lua values as JSON text, by the rules of the playbook language.
local limits = ...
local raw = limits.raw
local type, next, find, sub, gsub, format, concat, error, floor =
  raw.type, raw.next, raw.find, raw.sub, raw.gsub, raw.format, raw.concat, raw.error, raw.floor

-- Tables that came from JSON objects, so that an empty one stays an object. Weak keys: the mark dies with the table.
local objects = raw.setmetatable({}, { __mode = "k" })

local DEPTH_LIMIT = 64
local HOLE_LIMIT = 1024 -- a list with holes may not reach further
local HUGE = 1 / 0

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local function escape(c)
  return escapes[c] or format("\\u%04x", raw.byte(c))
end

local function quote(s)
  if find(s, '[%c"\\]') then s = gsub(s, '[%c"\\]', escape) end
  return '"' .. s .. '"'
end

local function number_text(n)
  if n == floor(n) and n < 9.2e18 and n > -9.2e18 then return format("%d", n) end
  return format("%.17g", n)
end

-- Greatest key when all keys are positive integers and holes do not reach too far; nil otherwise.
local function list_extent(t)
  if type((next(t))) == "string" then return nil end
  local count, greatest, present = 0, #t, 0
  for key in next, t do -- most lists have no holes, and their keys come in order
    if key ~= count + 1 then break end
    count = key
  end
  if count == greatest and next(t, greatest > 0 and greatest or nil) == nil then return greatest, false end
  count = 0
  for _ in next, t do count = count + 1 end
  for i = 1, greatest do
    if t[i] ~= nil then present = present + 1 end
  end
  if present == count and greatest <= HOLE_LIMIT then return greatest, greatest > count end
  if present == count and present == greatest then return greatest, false end
  greatest = 0
  for key in next, t do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then return nil end
    if key > greatest then greatest = key end
  end
  if greatest > count and greatest > HOLE_LIMIT then return nil end
  return greatest, greatest > count
end

local function key_text(key)
  local kind = type(key)
  if kind == "string" then return quote(key) .. ":" end
  if kind == "number" then
    if key == floor(key) and key < 1e21 and key > -1e21 then return '"' .. format("%.0f", key) .. '":' end
    return '"' .. format("%.14g", key) .. '":'
  end
  if kind == "boolean" then return key and '"true":' or '"false":' end
  error("a " .. kind .. " cannot be a key of an object", 0)
end

-- Keys and short values repeat from event to event; their JSON text is remembered, up to a limit.
local known_keys, known_key_count = {}, 0
local known_values, known_value_count = { [true] = "true", [false] = "false" }, 0

-- Text of a key behind a comma: the first key of an object loses it.
local function key_of(key)
  local text = "," .. key_text(key)
  if type(key) == "string" and #key <= 64 then
    if known_key_count >= 2000 then known_keys, known_key_count = {}, 0 end
    known_keys[key], known_key_count = text, known_key_count + 1
  end
  return text
end

local function remember(value, text)
  if known_value_count >= 2000 then known_values, known_value_count = { [true] = "true", [false] = "false" }, 0 end
  known_values[value], known_value_count = text, known_value_count + 1
  return text
end

local write

local function write_table(t, buffer, n, depth)
  if depth > DEPTH_LIMIT then error("nested more than " .. DEPTH_LIMIT .. " levels deep", 0) end
  local extent = list_extent(t)
  if extent and (extent > 0 or not objects[t]) then
    local separator = "["
    for i = 1, extent do
      local value = t[i]
      local text = value == nil and "null" or known_values[value]
      buffer[n + 1] = separator
      separator = ","
      if text then
        n = n + 2
        buffer[n] = text
      else
        local after = write(value, buffer, n + 1, depth + 1)
        if after == n + 1 then
          after = n + 2
          buffer[after] = "null"
        end
        n = after
      end
    end
    buffer[n + 1] = extent == 0 and "[]" or "]"
    return n + 1
  end
  local start = n
  for key, value in next, t do
    buffer[n + 1] = known_keys[key] or key_of(key)
    local text = known_values[value]
    if text then
      n = n + 2
      buffer[n] = text
    else
      local after = write(value, buffer, n + 1, depth + 1)
      if after > n + 1 then n = after end
    end
  end
  if n == start then
    buffer[n + 1] = "{}"
    return n + 1
  end
  buffer[start + 1] = "{" .. sub(buffer[start + 1], 2)
  buffer[n + 1] = "}"
  return n + 1
end

-- Appends the JSON text of a value to a buffer of `n` pieces; the new number of pieces, the same for no value (nil, NaN
-- and the infinities).
function write(value, buffer, n, depth)
  local kind = type(value)
  if kind == "string" then
    buffer[n + 1] = #value <= 40 and remember(value, quote(value)) or quote(value)
    return n + 1
  elseif kind == "number" then
    if value ~= value or value == HUGE or value == -HUGE then return n end
    buffer[n + 1] = number_text(value)
    return n + 1
  elseif kind == "table" then return write_table(value, buffer, n, depth)
  elseif kind == "boolean" then
    buffer[n + 1] = value and "true" or "false"
    return n + 1
  elseif kind == "nil" then return n
  end
  error("a " .. kind .. " is no value that can be sent", 0)
end

-- JSON text of a value; `null` for nil, NaN and the infinities.
local function encode(value)
  local buffer = {}
  local n = write(value, buffer, 0, 1)
  if n == 0 then return "null" end
  return concat(buffer, "", 1, n)
end

-- A copy that shares nothing with the original; keeps the mark of objects.
local function copy(value, depth)
  if type(value) ~= "table" then return value end
  if depth > 200 then error("nested too deeply", 0) end
  local result, plain = {}, true
  for key, item in next, value do
    if type(key) == "number" then plain = false end
    result[key] = copy(item, depth + 1)
  end
  if objects[value] or (plain and next(result) ~= nil) then objects[result] = true end
  return result
end

return { objects = objects, encode = encode, write = write, copy = copy, quote = quote, list_extent = list_extent }
