-- Lua values as JSON text, by the rules of the playbook language.
local limits = ...
local raw = limits.raw
local type, next, find, gsub, format, concat, error, floor =
  raw.type, raw.next, raw.find, raw.gsub, raw.format, raw.concat, raw.error, raw.floor

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
  if find(s, '[%c"\\]') or find(s, "%z") then s = gsub(s, '[%c"\\%z]', escape) end
  return '"' .. s .. '"'
end

local function number_text(n)
  if n == floor(n) and n < 9.2e18 and n > -9.2e18 then return format("%d", n) end
  return format("%.17g", n)
end

local encode

-- Greatest key and count when all keys are positive integers; nil otherwise.
local function list_extent(t)
  local count, greatest = 0, 0
  for key in next, t do
    if type(key) ~= "number" or key < 1 or key ~= floor(key) then return nil end
    count = count + 1
    if key > greatest then greatest = key end
  end
  if greatest > count and greatest > HOLE_LIMIT then return nil end
  return greatest, count
end

local function key_text(key)
  local kind = type(key)
  if kind == "string" then return quote(key) end
  if kind == "number" then
    if key == floor(key) and key < 1e21 and key > -1e21 then return '"' .. format("%.0f", key) .. '"' end
    return '"' .. format("%.14g", key) .. '"'
  end
  if kind == "boolean" then return key and '"true"' or '"false"' end
  error("a " .. kind .. " cannot be a key of an object", 0)
end

local function encode_table(t, depth)
  if depth > DEPTH_LIMIT then error("nested more than " .. DEPTH_LIMIT .. " levels deep", 0) end
  local extent, count = list_extent(t)
  local parts, n = {}, 0
  if extent and (extent > 0 or not objects[t]) then
    for i = 1, extent do parts[i] = encode(t[i], depth + 1) or "null" end
    return "[" .. concat(parts, ",", 1, extent) .. "]"
  end
  for key, value in next, t do
    local text = encode(value, depth + 1)
    if text then
      n = n + 1
      parts[n] = key_text(key) .. ":" .. text
    end
  end
  return "{" .. concat(parts, ",", 1, n) .. "}"
end

-- JSON text of a value; nil for nil, NaN and the infinities.
function encode(value, depth)
  local kind = type(value)
  if kind == "string" then return quote(value)
  elseif kind == "number" then
    if value ~= value or value == HUGE or value == -HUGE then return nil end
    return number_text(value)
  elseif kind == "boolean" then return value and "true" or "false"
  elseif kind == "table" then return encode_table(value, depth)
  elseif kind == "nil" then return nil
  end
  error("a " .. kind .. " is no value that can be sent", 0)
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

return { objects = objects, encode = encode, copy = copy, quote = quote, list_extent = list_extent }
