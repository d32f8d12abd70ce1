"""The helpers of the Lua environment with examples: the reference page is made from them, and tests run them."""

from __future__ import annotations

from typing import Any

import msgspec


class HelperExample(msgspec.Struct, frozen=True):
    """A Lua expression and the value that it gives (as JSON; a Lua table without keys is a list)."""

    body: str
    value: Any


class Helper(msgspec.Struct, frozen=True):
    """A helper: how it is called, what it gives, examples."""

    name: str
    call: str
    description: str
    examples: tuple[HelperExample, ...]


def _helper(call: str, description: str, *examples: tuple[str, Any]) -> Helper:
    return Helper(
        call.partition("(")[0], call, description, tuple(HelperExample(body, value) for body, value in examples)
    )


HELPERS: tuple[Helper, ...] = (
    _helper("LOWER(text)", "Lower case, all of Unicode.", ('LOWER("ÅSE Berg")', "åse berg")),
    _helper("UPPER(text)", "Upper case, all of Unicode.", ('UPPER("usd")', "USD")),
    _helper(
        "TRIM(text)", "Without white space at both ends.", ('TRIM("  a b\\n")', "a b"), ('TRIM("\\194\\160x")', "x")
    ),
    _helper(
        "REPLACE(text, find, replacement)",
        "Every occurrence replaced. `find` is plain text, not a pattern.",
        ('REPLACE("a.b.c", ".", "-")', "a-b-c"),
        ('REPLACE("abc", "", "-")', "abc"),
    ),
    _helper(
        "SPLIT(text, separator, count)",
        "A list of the pieces between separators; with `count` only the first pieces, the rest is left out.",
        ('SPLIT("a,b,,c", ",")', ["a", "b", "", "c"]),
        ('SPLIT("https://x.example/p?a=1?b", "?", 1)', ["https://x.example/p"]),
        ('SPLIT("å1", "")', ["å", "1"]),
    ),
    _helper(
        "SUBSTRING(text, start, end)",
        "Characters from `start`, counted from 0, up to the one before `end`.",
        ('SUBSTRING("2025-11-20T09:17:16.036Z", 0, 19)', "2025-11-20T09:17:16"),
        ('SUBSTRING("Åse", 0, 1)', "Å"),
        ('SUBSTRING("abc", 2, 99)', "c"),
        ('SUBSTRING("abc", 5, 9)', ""),
    ),
    _helper(
        "JOIN(list, separator)",
        "The elements' texts, joined; nil elements are left out. A scalar gives its text.",
        ('JOIN({"a", 1, true}, "|")', "a|1|true"),
        ('JOIN({}, ",")', ""),
        ('JOIN(5, ",")', "5"),
        ('JOIN({1, {a = 2}}, ",")', '1,{"a":2}'),
    ),
    _helper(
        "MAP(list, function)",
        "A list of what the function gives for each element and its position; nil results are left out.",
        ("MAP({1, 2, 3}, function(n, i) return n * 10 + i end)", [11, 22, 33]),
        ("MAP({1, 2, 3}, function(n) if n ~= 2 then return n end end)", [1, 3]),
    ),
    _helper(
        "PLUCK(list, key)",
        "That key of each element that has it.",
        ("PLUCK({{id = 1}, {x = 2}, {id = false}}, 'id')", [1, False]),
    ),
    _helper(
        "SUM(list)",
        "The sum of numbers and numeric texts.",
        ('SUM({1, "2.5"})', 3.5),
        ("SUM({})", 0),
        ("SUM(nil) or 1", 1),
    ),
    _helper(
        "TOTAL_VALUE(value)",
        "price × quantity of an object, or the sum over a list of them. Always a number; quantity is 1 when absent.",
        ("TOTAL_VALUE({price = 2.5, quantity = 2})", 5),
        ('TOTAL_VALUE({{price = "2"}, {price = 1, quantity = 3}, {quantity = 9}})', 5),
        ("TOTAL_VALUE(nil)", 0),
        ('TOTAL_VALUE("x")', 0),
    ),
    _helper(
        "TABLE_SLICE(list, from, to)",
        "The elements from one position to another, both counted from 1 and included.",
        ("TABLE_SLICE({1, 2, 3, 4}, 2, 3)", [2, 3]),
        ("TABLE_SLICE({1, 2}, 1, 100)", [1, 2]),
    ),
    _helper(
        "FLATTEN(table, prefix, separator, depth, options)",
        "An object spread over many keys, as a spreading does; `options.array_start_index` is the first index of lists.",
        ('FLATTEN({a = {b = 1}, l = {"x"}}, "p", "_", 5)', {"p_a_b": 1, "p_l_0": "x"}),
        ('FLATTEN({a = {b = {c = 1}}}, "", ".", 2)', {"a.b": {"c": 1}}),
        ('FLATTEN({l = {"x"}}, "", "_", 2, {array_start_index = 1})', {"l_1": "x"}),
    ),
    _helper(
        "TO_STRING(value)",
        "The value as text; tables as compact JSON with sorted keys.",
        ("TO_STRING(10.0)", "10"),
        ("TO_STRING(0.1 + 0.2)", "0.3"),
        ("TO_STRING({b = 1, a = {true}})", '{"a":[true],"b":1}'),
        ("TO_STRING(1e20)", "100000000000000000000"),
    ),
    _helper(
        "TO_FLOAT(value)",
        "The number, or that of a numeric text; else nil.",
        ('TO_FLOAT(" 2.50 ")', 2.5),
        ('TO_FLOAT("x") or 1', 1),
    ),
    _helper(
        "TO_TRUNCATED_FLOAT(value, places)",
        "Cut toward zero to that many decimals, two when absent.",
        ("TO_TRUNCATED_FLOAT(19.999, 2)", 19.99),
        ("TO_TRUNCATED_FLOAT(-1.55, 1)", -1.5),
    ),
    _helper(
        "TO_TRUNCATED_INT(value)",
        "Cut toward zero, after rounding away the error of binary fractions.",
        ("TO_TRUNCATED_INT(19.99 * 100)", 1999),
        ('TO_TRUNCATED_INT("-1.9")', -1),
    ),
    _helper(
        "TO_ROUNDED_INT(value)",
        "Rounded, halves away from zero.",
        ("TO_ROUNDED_INT(2.5)", 3),
        ('TO_ROUNDED_INT("-2.5")', -3),
    ),
    _helper(
        "TO_BOOL(value)",
        "A boolean itself; a number other than 0 is true; the texts 1 t T true True TRUE and 0 f F false False FALSE.",
        ('TO_BOOL("T")', True),
        ("TO_BOOL(0)", False),
        ('TO_BOOL("yes") == nil', True),
    ),
    _helper(
        "TO_SHA256_HASH(text)",
        "SHA-256 in lower-case hexadecimal; nothing is trimmed or lower-cased first.",
        ('TO_SHA256_HASH("abc")', "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ),
    _helper(
        "TO_MD5_HASH(text)",
        "MD5 in lower-case hexadecimal.",
        ('TO_MD5_HASH("abc")', "900150983cd24fb0d6963f7d28e17f72"),
    ),
    _helper("BASE64_ENCODE(text)", "Base64, standard alphabet with padding.", ('BASE64_ENCODE("key:")', "a2V5Og==")),
    _helper(
        "QUERY_ESCAPE(text)", "Escaped for a query; a space becomes +.", ('QUERY_ESCAPE("a b&c=ü")', "a+b%26c%3D%C3%BC")
    ),
    _helper("PATH_ESCAPE(text)", "Escaped for a path; $ & + = : @ stay.", ('PATH_ESCAPE("a b/c&d")', "a%20b%2Fc&d")),
    _helper(
        "DECODE_URL_QUERY(url)",
        "The decoded parameters of a URL's query; the first of repeated ones.",
        ('DECODE_URL_QUERY("https://x.example/?a=1+2&b=%C3%BC&a=3&c")', {"a": "1 2", "b": "ü", "c": ""}),
        ('DECODE_URL_QUERY("https://x.example/?a=%zz")', {"a": "%zz"}),
        ('DECODE_URL_QUERY("https://x.example/")', {}),
    ),
    _helper(
        "TO_DATE_TIME(text, options)",
        "A time in another layout. Options: `inputFormat`, `outputFormat`, both RFC 3339 when absent, and "
        "`outputLocation` with `name` and `offset` in seconds east; UTC when absent.",
        ('TO_DATE_TIME("2025-11-20T10:17:16.036+01:00")', "2025-11-20T09:17:16Z"),
        ('TO_DATE_TIME("2025-11-20T09:17:16Z", {outputFormat = "2006-01-02 15:04"})', "2025-11-20 09:17"),
        (
            'TO_DATE_TIME("20.11.2025", {inputFormat = "02.01.2006", outputFormat = "Jan 2 15:04 MST", '
            'outputLocation = {name = "CET", offset = 3600}})',
            "Nov 20 01:00 CET",
        ),
    ),
    _helper(
        "SECONDS_SINCE_EPOCH_FROM_RFC3999(text)",
        "Seconds since 1970 of an RFC 3339 time, rounded down.",
        ('SECONDS_SINCE_EPOCH_FROM_RFC3999("1970-01-01T00:01:00.9Z")', 60),
    ),
    _helper(
        "MILLISECONDS_SINCE_EPOCH_FROM_RFC3999(text)",
        "Milliseconds since 1970 of an RFC 3339 time, rounded down.",
        ('MILLISECONDS_SINCE_EPOCH_FROM_RFC3999("1970-01-01T00:00:01.0359Z")', 1035),
    ),
    _helper(
        "TO_ISO_COUNTRY(text)",
        "ISO 3166 two-letter code of a code or an English name of a country, any case; nil when unknown.",
        ('TO_ISO_COUNTRY("nor")', "NO"),
        ('TO_ISO_COUNTRY("United Kingdom")', "GB"),
        ('TO_ISO_COUNTRY("Atlantis") == nil', True),
    ),
)
"""Every helper, in the order of the reference."""
