"""The functions: every example of the reference, and what holds for all of them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from filter_generation import VALUES
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.expressions.errors import ExpressionError
from headwater.expressions.filters import compile_expression
from headwater.expressions.functions import CHAPTERS, FUNCTIONS, Example
from headwater.expressions.statements import parse_expression
from headwater.expressions.values import NOTHING, kind_of

NOW = datetime(2026, 11, 23, 9, 45, tzinfo=UTC)
EVENT = datetime(2026, 4, 7, 16, 58, 55, tzinfo=UTC)
SPECS = tuple(spec for chapter in CHAPTERS.values() for spec in chapter)
EXAMPLES = [(spec.name, example) for spec in SPECS for example in spec.examples]


def value(expression: str, fields: dict[str, Any] | None = None) -> Any:
    """The value of an expression for an event at EVENT that is looked at NOW."""
    return compile_expression(parse_expression(expression)).value(fields or {}, NOW, EVENT)


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[f"{name}: {e.expression[:40]}" for name, e in EXAMPLES])
def test_every_example_of_the_reference_is_true(name: str, example: Example) -> None:
    """What the reference shows is what happens, kinds included."""
    found = value(example.expression, dict(example.fields))
    assert kind_of(found) == kind_of(example.result)
    if example.unordered:
        found, expected = sorted(found), sorted(example.result)
        assert found == expected
    else:
        assert found == example.result


def test_every_function_has_a_text_and_an_example() -> None:
    """Only now(), whose value nobody can write down, goes without an example."""
    assert [spec.name for spec in SPECS if not spec.summary] == []
    assert [spec.name for spec in SPECS if not spec.examples] == [
        "now",
    ]


def test_no_name_is_declared_twice() -> None:
    """A second declaration would hide the first."""
    names = [name for spec in SPECS for name in (spec.name, *spec.aliases)]
    assert len(names) == len(set(names)) == len(FUNCTIONS)


_literal_arguments = {"todatein", "json.jmespath", "url.matchqs"}
_free = sorted(spec.name for spec in SPECS if spec.name not in _literal_arguments)
_anything = st.one_of(
    st.sampled_from(VALUES),
    st.text(max_size=20),
    st.integers(),
    st.sampled_from((Decimal("0.1"), [Decimal("1.5"), 1], {"k": Decimal(7)}, datetime(2026, 1, 1), (1, "a"), object())),
    st.sampled_from((10**400, -(10**400), 2**63)),
    st.floats(),
    st.sampled_from(("%zz", "http://[", "a@b@c", "//", "Mozilla/5.0 (", "9" * 30, "1:2:3", "now-9999999999d", "\x00")),
    st.just(NOTHING),
)


@settings(max_examples=1500)
@given(st.sampled_from(_free), st.lists(_anything, max_size=4))
def test_no_function_raises_whatever_it_is_given(name: str, args: list[Any]) -> None:
    """Bad input gives no value; it never stops the event or the filter."""
    spec = FUNCTIONS[name]
    count = max(spec.at_least, min(len(args), spec.at_most if spec.at_most is not None else len(args)))
    names = [f"a{place}" for place in range(count)]
    fields = {f"a{place}": arg for place, arg in enumerate(args[:count]) if arg is not NOTHING}
    found = value(f"{name}({', '.join(names)})", fields)
    assert kind_of(found) in {"missing", "nil", "string", "int", "number", "bool", "time", "list", "strings", "map"}


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if spec.name not in ("exists", "not")], ids=lambda spec: spec.name
)
def test_a_wrong_number_of_arguments_is_refused_when_read(spec: Any) -> None:
    """A typo stops the filter from being saved instead of losing data at night, and the message shows the signature."""
    wrong = [spec.at_least - 1] if spec.at_least else []
    wrong += [spec.at_most + 1] if spec.at_most is not None else []
    for count in wrong:
        with pytest.raises(ExpressionError, match="takes"):
            parse_expression(f"{spec.name}({', '.join(['a'] * count)})")


@pytest.mark.parametrize(
    "call",
    [
        'todatein(f, "PDT")',
        "todatein(f, zone)",
        'todatein("now-3days", "America/Los_Angeles")',
        'json.jmespath(f, "items[0")',
        "json.jmespath(f, query)",
        'url.matchqs(u, "[a")',
        "url.matchqs(u, name)",
    ],
)
def test_literal_arguments_are_checked_when_read(call: str) -> None:
    """Zones, queries and patterns are written as texts, and must be right."""
    with pytest.raises(ExpressionError):
        parse_expression(call)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("now()", EVENT),
        ("hourofday()", 16),
        ("yymm()", "2604"),
        ('maptime("A")', {"a": EVENT}),
        ('todate("now-1d")', datetime(2026, 11, 22, 9, 45, tzinfo=UTC)),
    ],
)
def test_now_is_the_event_and_date_math_the_clock(call: str, expected: Any) -> None:
    """In a mapping, functions without argument use the event's time; date math counts from the evaluation."""
    assert value(call) == expected


@pytest.mark.parametrize(
    ("call", "fields", "expected"),
    [
        ('split(f, ",")', {"f": ["a,b", "c"]}, ["a", "b"]),
        ("hash.md5(f)", {"f": 5}, "e4da3b7fbbce2345d7772b0674a318d5"),
        ("len(f)", {"f": "é"}, 2),
        ('string.substr(f, 2)', {"f": "éa"}, "a"),
        ("email(f)", {"f": '"Ada, B" <Ada@Example.com>'}, "ada@example.com"),
        ("emailname(f)", {"f": '"Ada, B" <Ada@Example.com>'}, "Ada, B"),
        ("email(f)", {"f": "a@b"}, "a@b"),
        ("email(f)", {"f": "a@example.com, b@example.com"}, NOTHING),
        ("email(f)", {"f": "Ada <a@example.com"}, NOTHING),
        ("domain(f)", {"f": "https://user:pw@shop.example.co.uk:8443/x"}, "example.co.uk"),
        ("domain(f)", {"f": "me.github.io"}, "me.github.io"),
        ("domain(f)", {"f": "localhost"}, NOTHING),
        ("host(f)", {"f": "http://exa mple.com"}, NOTHING),
        ("path(f)", {"f": "/Home/x?y"}, "/home/x"),
        ('qs(f, "Q")', {"f": "http://example.com/?Q=1"}, NOTHING),
        ('qs2(f, "q")', {"f": "example.com/?q=a%20b+c&q=2"}, "a b c"),
        ('urlminusqs(f, "x")', {"f": "http://example.com/a"}, "http://example.com/a"),
        ('todate("02/01/2006 15:04", f)', {"f": "07/04/2026 09:30"}, datetime(2026, 4, 7, 9, 30, tzinfo=UTC)),
        ('todate("2 Jan 06 3:04 PM", f)', {"f": "7 Apr 26 9:30 PM"}, datetime(2026, 4, 7, 21, 30, tzinfo=UTC)),
        ('todate("2006-01-02", f)', {"f": "2026-13-01"}, NOTHING),
        ('hourofday(f)', {"f": "2026-04-07T23:30:00-05:00"}, 23),
        ("unixtrunc(f, 's')", {"f": datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)}, "-0.500"),
        ("filter(f, 'a')", {"f": {"ab": 1, "b": 2}}, {"b": 2}),
        ("oneof(f, g)", {"f": "", "g": False}, False),
        ("any(f)", {"f": []}, False),
        ("sum(f)", {"f": ["1", "x"]}, 1.0),
        ('sum(f, ["1", "x"])', {"f": 1}, NOTHING),
        ("toint(f)", {"f": NOW}, 1795427100000),
        ("tostring(f)", {"f": [1, 2.50, "x"]}, "1,2.5,x"),
        ("tonumber(f)", {"f": True}, 1.0),
        ("toint(f)", {"f": True}, NOTHING),
        ("geodistance(f, '52.52,13.40', 300)", {"f": {"lat": 53.55, "lon": 9.99}}, True),
        ("geodistance(f, '52.52,13.40', 200)", {"f": {"lat": 53.55, "lon": 9.99}}, False),
        ("useragent(f, 'bot')", {"f": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, "true"),
        ("useragent(f, 'mobile')", {"f": "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) Version/16.5 Mobile"}, "true"),
        ("useragent(f, 'os')", {"f": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"}, "Windows 10"),
        ("ipfilter(f, '10.0.0.0/8')", {"f": "10.1.2.3"}, True),
        ("match('a.')", {"a.x": 1, "a.": 2, "b": 3}, {"x": 1}),
        ("set(f)", {"f": ["b", "a", "b", ""]}, ["b", "a"]),
        ("valuect(f)", {"f": ["b", "a", "b"]}, {"b": 2, "a": 1}),
    ],
)  # fmt: skip
def test_rules_of_single_functions(call: str, fields: dict[str, Any], expected: Any) -> None:
    """The finer points of the functions, one each."""
    found = value(call, fields)
    assert found == expected
    assert kind_of(found) == kind_of(expected)


def test_names_do_not_depend_on_letter_case() -> None:
    """Functions are found however they are written; fields are not."""
    assert value("ToLower(f)", {"f": "A"}) == "a"
    assert value("tolower(F)", {"f": "A"}) is NOTHING


def test_sip_hash_knows_every_length() -> None:
    """The hash splits users into buckets elsewhere too, so lengths around its block of 8 bytes must agree with it."""
    assert value('hash.sip("http://www.google.com?q=123") % 10') == 7
    assert len({value(f'hash.sip("{"x" * length}")') for length in range(1, 20)}) == 19


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("useragent(f, 'os')", "A" * 100_000), ("useragent(f, 'os')", "(" * 100_000), ("useragent(f, 'os')", "a/1 " * 50_000),
        ("email(f)", '"' * 50_000), ("email(f)", "a." * 50_000), ("email(f)", '"a' * 50_000 + "<x"), ("email(f)", "a " * 50_000 + "<"),
        ("path(f)", "a" * 100_000), ("qs(f, 'x')", "http://example.com/?" + "&" * 100_000), ("domain(f)", "a." * 50_000),
        ("todate(f)", "1" * 100_000), ("todate(f)", "2026-11-23 " + " " * 100_000), ("seconds(f)", "1" * 100_000 + ":x"),
        ("toint(f)", "1," * 50_000), ("string.titlecase(f)", "a " * 50_000), ("json.jmespath(f, 'a')", "[" * 100_000),
        ("url(f)", "a" * 100_000), ("strftime('2026-11-23', f)", "%Y" * 50_000),
    ],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_no_text_keeps_a_function_busy(call: str, text: str) -> None:
    """An event of 100 KB that was made to be slow is not."""
    value(call, {"f": "warm"})
    begin = time.perf_counter()
    value(call, {"f": text})
    assert time.perf_counter() - begin < 2
