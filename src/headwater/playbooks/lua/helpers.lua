-- The upper-case helpers that bodies call. General rule: nil in the first argument gives nil.
local limits, json, python = ...
local raw, base, spend = limits.raw, limits.base, limits.spend
local type, error, tonumber, find, sub, format, concat, floor, next =
  raw.type, raw.error, raw.tonumber, raw.find, raw.sub, raw.format, raw.concat, raw.floor, raw.next

local function refuse(who, wanted, value)
  error(who .. " needs " .. wanted .. ", got " .. (value == nil and "nil" or "a " .. type(value)), 0)
end

-- Text of a number: plain digits when integral and below 1e21, else 14 significant digits.
local function number_text(n)
  if n == floor(n) and n < 1e21 and n > -1e21 then
    if n == 0 then return "0" end
    return format("%.0f", n)
  end
  return format("%.14g", n)
end

local function text(value, who)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then return number_text(value) end
  if kind == "boolean" then return value and "true" or "false" end
  refuse(who, "text", value)
end

-- Decimal text as a number, or nil: optional sign, digits, fraction, exponent, white space around.
local function numeric(value)
  local kind = type(value)
  if kind == "number" then return value end
  if kind ~= "string" or #value > 400 then return nil end
  if find(value, "^%s*[+-]?%d+%.?%d*[eE]?[+-]?%d*%s*$") or find(value, "^%s*[+-]?%.%d+[eE]?[+-]?%d*%s*$") then
    return tonumber((raw.gsub(value, "^(%s*)%+", "%1")))
  end
  return nil
end

-- Python answers with (value) or (nil, message).
local function answer(value, message)
  if message ~= nil then error(message, 0) end
  return value
end

local function value_text(value, who)
  if type(value) ~= "table" then return text(value, who) end
  return answer(python.sorted_json(json.encode(value)))
end

-- The values of a list: those at positive integer keys, ascending; of any other table, all in `pairs` order.
local function elements(value, who)
  if type(value) ~= "table" then refuse(who, "a list", value) end
  local extent, holes = json.list_extent(value)
  if extent and not holes then return value, extent end
  local keys = limits.ordered_keys(value)
  local result = {}
  for i = 1, #keys do result[i] = value[keys[i]] end
  return result, #keys
end

local H = {}

function H.LOWER(s)
  if s == nil then return nil end
  s = text(s, "LOWER")
  spend(#s)
  if find(s, "[\128-\255]") then return answer(python.lower(s)) end
  return raw.lower(s)
end

function H.UPPER(s)
  if s == nil then return nil end
  s = text(s, "UPPER")
  spend(#s)
  if find(s, "[\128-\255]") then return answer(python.upper(s)) end
  return raw.upper(s)
end

function H.TRIM(s)
  if s == nil then return nil end
  s = text(s, "TRIM")
  spend(#s)
  if find(s, "[\128-\255]") then return answer(python.trim(s)) end
  local first = find(s, "%S")
  if not first then return "" end
  local last = #s
  while find(s, "^%s", last) do last = last - 1 end
  return sub(s, first, last)
end

function H.REPLACE(s, what, with)
  if s == nil then return nil end
  s, what, with = text(s, "REPLACE"), text(what, "REPLACE"), text(with, "REPLACE")
  if what == "" then return s end
  spend(#s * (#what > 16 and #what or 1))
  local at = find(s, what, 1, true)
  if not at then return s end
  local parts, n, from = {}, 0, 1
  while at do
    n = n + 1
    parts[n] = sub(s, from, at - 1)
    from = at + #what
    at = find(s, what, from, true)
  end
  spend(#s + n * #with)
  parts[n + 1] = sub(s, from)
  return concat(parts, with)
end

function H.SPLIT(s, separator, limit)
  if s == nil then return nil end
  s, separator = text(s, "SPLIT"), text(separator, "SPLIT")
  if limit ~= nil then
    limit = numeric(limit) or refuse("SPLIT", "a number as its third argument", limit)
  end
  spend(#s * (#separator > 16 and #separator or 1))
  local parts, n, from = {}, 0, 1
  while limit == nil or n < limit do
    local at, last
    if separator == "" then
      if from > #s then break end
      last = from
      while find(s, "^[\128-\191]", last + 1) do last = last + 1 end
      n = n + 1
      parts[n] = sub(s, from, last)
      from = last + 1
    else
      at = find(s, separator, from, true)
      n = n + 1
      if not at then
        parts[n] = sub(s, from)
        break
      end
      parts[n] = sub(s, from, at - 1)
      from = at + #separator
    end
  end
  return parts
end

function H.SUBSTRING(s, from, to)
  if s == nil then return nil end
  s = text(s, "SUBSTRING")
  if type(from) ~= "number" then refuse("SUBSTRING", "a number as its second argument", from) end
  if to ~= nil and type(to) ~= "number" then refuse("SUBSTRING", "a number as its third argument", to) end
  spend(#s)
  from = from < 0 and 0 or floor(from)
  to = to == nil and #s or floor(to)
  if to <= from then return "" end
  if find(s, "[\128-\255]") then return answer(python.substring(s, from, to > #s and #s or to)) end
  return sub(s, from + 1, to)
end

function H.JOIN(values, separator)
  if values == nil then return nil end
  if type(values) ~= "table" then return text(values, "JOIN") end
  separator = text(separator, "JOIN")
  local items, count = elements(values, "JOIN")
  local parts, n = {}, 0
  for i = 1, count do
    local item = items[i]
    if item ~= nil then
      n = n + 1
      parts[n] = value_text(item, "JOIN")
    end
  end
  spend(n * (8 + #separator))
  return concat(parts, separator, 1, n)
end

function H.MAP(values, f)
  if values == nil then return nil end
  local items, count = elements(values, "MAP")
  if type(f) ~= "function" then refuse("MAP", "a function as its second argument", f) end
  local result, n = {}, 0
  for i = 1, count do
    local item = f(items[i], i)
    if item ~= nil then
      n = n + 1
      result[n] = item
    end
  end
  return result
end

function H.PLUCK(values, key)
  if values == nil then return nil end
  local items, count = elements(values, "PLUCK")
  if key == nil then refuse("PLUCK", "a key as its second argument", key) end
  local result, n = {}, 0
  for i = 1, count do
    local item = items[i]
    local value = type(item) == "table" and item[key] or nil
    if type(item) == "table" and item[key] == false then value = false end
    if value ~= nil then
      n = n + 1
      result[n] = value
    end
  end
  return result
end

function H.SUM(values)
  if values == nil then return nil end
  local items, count = elements(values, "SUM")
  local sum = 0
  for i = 1, count do
    local n = numeric(items[i])
    if n == nil then refuse("SUM", "numbers", items[i]) end
    sum = sum + n
  end
  return sum
end

local function value_of(item)
  if type(item) ~= "table" then return 0 end
  local price = numeric(item.price)
  if price == nil then return 0 end
  local quantity = item.quantity
  if quantity == nil then return price end
  return price * (numeric(quantity) or 1)
end

function H.TOTAL_VALUE(value)
  if type(value) ~= "table" then return 0 end
  if value.price ~= nil or (json.list_extent(value) == nil) then return value_of(value) end
  local sum = 0
  for i = 1, #value do sum = sum + value_of(value[i]) end
  return sum
end

function H.TABLE_SLICE(values, from, to)
  if values == nil then return nil end
  local items, count = elements(values, "TABLE_SLICE")
  from = from == nil and 1 or from
  to = to == nil and count or to
  if type(from) ~= "number" or type(to) ~= "number" then refuse("TABLE_SLICE", "numbers as its bounds", from) end
  if from < 1 then from = 1 end
  if to > count then to = count end
  local result, n = {}, 0
  for i = floor(from), floor(to) do
    n = n + 1
    result[n] = items[i]
  end
  return result
end

local function flatten(value, key, separator, left, first_index, result)
  if type(value) ~= "table" then
    result[key] = value
    return
  end
  if left == 0 then
    if next(value) ~= nil then result[key] = value end
    return
  end
  local is_list = json.list_extent(value) ~= nil
  local keys = limits.ordered_keys(value)
  for i = 1, #keys do
    local name = keys[i]
    local segment = is_list and number_text(name - 1 + first_index) or text(name, "FLATTEN")
    flatten(value[name], key == nil and segment or key .. separator .. segment, separator, left - 1, first_index, result)
  end
end

function H.FLATTEN(value, prefix, separator, depth, options)
  if value == nil then return nil end
  if type(value) ~= "table" then refuse("FLATTEN", "an object", value) end
  local key = prefix ~= nil and prefix ~= "" and text(prefix, "FLATTEN") or nil
  local left = numeric(depth)
  local first_index = type(options) == "table" and numeric(options.array_start_index) or 0
  local result = {}
  flatten(value, key, separator == nil and "_" or text(separator, "FLATTEN"), left ~= nil and left > 0 and floor(left) or -1,
    first_index, result)
  return result
end

function H.TO_STRING(value)
  if value == nil then return nil end
  return value_text(value, "TO_STRING")
end

-- The number at 14 significant digits, so that binary fractions do not show.
local function rounded_14(n)
  return tonumber(format("%.14g", n))
end

local function cut(n)
  return n < 0 and -floor(-n) or floor(n)
end

function H.TO_FLOAT(value)
  return numeric(value)
end

function H.TO_TRUNCATED_FLOAT(value, places)
  local n = numeric(value)
  if n == nil or n ~= n or n == 1 / 0 or n == -1 / 0 then return nil end
  places = places == nil and 2 or (numeric(places) or refuse("TO_TRUNCATED_FLOAT", "a number of places", places))
  if places > 14 then return rounded_14(n) end
  local scale = 10 ^ places
  return cut(rounded_14(n * scale)) / scale
end

function H.TO_TRUNCATED_INT(value)
  local n = numeric(value)
  if n == nil or n ~= n or n == 1 / 0 or n == -1 / 0 then return nil end
  return cut(rounded_14(n))
end

function H.TO_ROUNDED_INT(value)
  local n = numeric(value)
  if n == nil or n ~= n or n == 1 / 0 or n == -1 / 0 then return nil end
  n = rounded_14(n)
  return n < 0 and -floor(-n + 0.5) or floor(n + 0.5)
end

local booleans = {
  ["1"] = true, t = true, T = true, ["true"] = true, True = true, TRUE = true,
  ["0"] = false, f = false, F = false, ["false"] = false, False = false, FALSE = false,
}

function H.TO_BOOL(value)
  local kind = type(value)
  if kind == "boolean" then return value end
  if kind == "number" then return value ~= 0 end
  if kind == "string" then return booleans[value] end
  return nil
end

function H.TO_SHA256_HASH(s)
  if s == nil then return nil end
  s = text(s, "TO_SHA256_HASH")
  spend(#s)
  return answer(python.sha256(s))
end

function H.TO_MD5_HASH(s)
  if s == nil then return nil end
  s = text(s, "TO_MD5_HASH")
  spend(#s)
  return answer(python.md5(s))
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64_digit(n)
  return sub(ALPHABET, n + 1, n + 1)
end

function H.BASE64_ENCODE(s)
  if s == nil then return nil end
  s = text(s, "BASE64_ENCODE")
  local parts, n = {}, 0
  for i = 1, #s, 3 do
    local a, b, c = raw.byte(s, i, i + 2)
    local word = a * 65536 + (b or 0) * 256 + (c or 0)
    n = n + 1
    parts[n] = base64_digit(floor(word / 262144)) .. base64_digit(floor(word / 4096) % 64)
      .. (b and base64_digit(floor(word / 64) % 64) or "=") .. (c and base64_digit(word % 64) or "=")
  end
  return concat(parts)
end

local function percent(c)
  return format("%%%02X", raw.byte(c))
end

function H.QUERY_ESCAPE(s)
  if s == nil then return nil end
  s = text(s, "QUERY_ESCAPE")
  spend(#s * 4)
  return (raw.gsub(raw.gsub(s, "[^%w%-_%.~ ]", percent), " ", "+"))
end

function H.PATH_ESCAPE(s)
  if s == nil then return nil end
  s = text(s, "PATH_ESCAPE")
  spend(#s * 4)
  return (raw.gsub(s, "[^%w%-_%.~%$&%+=:@]", percent))
end

local function unescape(s)
  s = raw.gsub(s, "%+", " ")
  return (raw.gsub(s, "%%(%x%x)", function(digits) return raw.char(tonumber(digits, 16)) end))
end

function H.DECODE_URL_QUERY(url)
  if url == nil then return nil end
  url = text(url, "DECODE_URL_QUERY")
  spend(#url * 8)
  local result = {}
  json.objects[result] = true
  local question = find(url, "?", 1, true)
  if not question then return result end
  local hash = find(url, "#", 1, true)
  if hash and hash < question then return result end
  local query = sub(url, question + 1, hash and hash - 1 or -1)
  for pair in raw.gmatch(query, "[^&]+") do
    local equals = find(pair, "=", 1, true)
    local key = unescape(equals and sub(pair, 1, equals - 1) or pair)
    if result[key] == nil then result[key] = equals and unescape(sub(pair, equals + 1)) or "" end
  end
  return result
end

local function option(options, name, who)
  local value = options[name]
  if value ~= nil and type(value) ~= "string" then refuse(who, "text as " .. name, value) end
  return value
end

function H.TO_DATE_TIME(s, options)
  if s == nil then return nil end
  s = text(s, "TO_DATE_TIME")
  if options == nil then return answer(python.date_time(s)) end
  if type(options) ~= "table" then refuse("TO_DATE_TIME", "a table of options", options) end
  local location = options.outputLocation
  local zone, offset
  if location ~= nil then
    if type(location) ~= "table" then refuse("TO_DATE_TIME", "a table as outputLocation", location) end
    zone, offset = option(location, "name", "TO_DATE_TIME"), numeric(location.offset) or 0
  end
  return answer(python.date_time(
    s, option(options, "inputFormat", "TO_DATE_TIME"), option(options, "outputFormat", "TO_DATE_TIME"), zone, offset))
end

function H.SECONDS_SINCE_EPOCH_FROM_RFC3999(s)
  if s == nil then return nil end
  return answer(python.epoch_seconds(text(s, "SECONDS_SINCE_EPOCH_FROM_RFC3999")))
end

function H.MILLISECONDS_SINCE_EPOCH_FROM_RFC3999(s)
  if s == nil then return nil end
  return answer(python.epoch_milliseconds(text(s, "MILLISECONDS_SINCE_EPOCH_FROM_RFC3999")))
end

function H.TO_ISO_COUNTRY(s)
  if s == nil then return nil end
  return answer(python.country(text(s, "TO_ISO_COUNTRY")))
end

for name, helper in next, H do base[name] = helper end
