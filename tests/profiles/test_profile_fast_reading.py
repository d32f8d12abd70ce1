"""However mappings are prepared and remembered, an event has the effect that the rules give it, read plainly."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_reading import PlainReading

from headwater.profiles import field_readers, guards, stream_plan
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.instants import instant_text
from headwater.profiles.mapping_expressions import TimeAskedError, Timeless, compile_mapping
from headwater.profiles.remembering import Remembered, RememberedOnReturn
from headwater.profiles.schema_file import default_schema, read_schema

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

ODD = read_schema(
    """
ranks: [user_id, email, cookie]
identifiers:
  email: {form: email}
  cookie: {shared: nobody, session_minutes: 30}
fields:
  user_id: {is_identifier: true}
  email: {is_identifier: true}
  cookie: {type: "[]string", is_identifier: true}
  text: {assertions: {length: {max: 3}, filter: ['no']}}
  free: {}
  first: {mergeop: oldest}
  flag: {type: bool}
  whole: {type: int}
  total: {type: number, mergeop: sum}
  hits: {type: int, mergeop: count}
  day: {type: date}
  days: {type: "[]timebucket"}
  times: {type: "[]time"}
  set: {type: "[]string", capacity: 2}
  ordered: {type: "ts[]string"}
  place: {type: geolocation}
  any: {type: dynamic}
  all: {type: "map[string]value"}
  names: {type: "map[string]string", mergeop: oldestmap}
  counts: {type: "map[string]int", capacity: 2}
  moments: {type: "map[string]time"}
  member: {type: membership}
mappings:
  - {field: user_id, expr: a}
  - {field: user_id, expr: tolower(b)}
  - {field: email, expr: b, guard_expr: 'type != "group"'}
  - {field: email, expr: c, stream: web}
  - {field: cookie, expr: c}
  - {field: cookie, expr: d}
  - {field: text, expr: a}
  - {field: text, expr: b}
  - {field: free, expr: a, guard_expr: 'todate(a) > "now-3d"'}
  - {field: free, expr: todate(b)}
  - {field: free, expr: 'oneof(c, d)'}
  - {field: first, expr: 'qs2(a, "utm_source")', guard_expr: 'a CONTAINS "utm_"'}
  - {field: first, expr: b, guard_expr: 'type = "page" OR d = "x"'}
  - {field: flag, expr: EXISTS a}
  - {field: whole, expr: hourofday()}
  - {field: total, expr: c}
  - {field: hits, expr: d}
  - {field: hits, expr: 'tolower(a)'}
  - {field: day, expr: a}
  - {field: day, expr: now()}
  - {field: days, expr: now()}
  - {field: days, expr: b}
  - {field: times, expr: now(), guard_expr: 'type = "page"'}
  - {field: times, expr: todate(a)}
  - {field: set, expr: a}
  - {field: set, expr: b}
  - {field: set, expr: tolower(c)}
  - {field: ordered, expr: d, guard_expr: NOT EXISTS type}
  - {field: place, expr: a}
  - {field: any, expr: d}
  - {field: all, expr: 'match("t_", "type")'}
  - {field: all, expr: 'match("t_x")'}
  - {field: names, expr: 'map(a, b)'}
  - {field: names, expr: 'map(yymm(), "x")'}
  - {field: counts, expr: 'map(a, 1)'}
  - {field: counts, expr: 'map(b, 1)', stream: web}
  - {field: counts, expr: 'map(hourofday(), 1)'}
  - {field: moments, expr: 'map(a, now())'}
  - {field: moments, expr: 'maptime(b)'}
  - {field: member, expr: 'map(d, true)'}
aliases:
  - {field: cookie, expr: d, guard_expr: 'type = "alias"'}
  - {field: user_id, expr: c, guard_expr: 'type = "alias"'}
"""
)
SCHEMAS = {"default": default_schema(), "odd": ODD}

TEXTS = st.sampled_from(
    [
        "",
        "a",
        "null",
        "$time",
        "no",
        "long text",
        "1",
        "19.90",
        "2026-11-20",
        "now-1d",
        "x\0y",
        "jane@shop.example",
        "59.9,10.7",
        "https://Shop.example/Caf%C3%A9?utm_source=A+b&utm_campaign=Fall&gclid=1#top",
        "http://x/%zz?utm_medium=%zz",
        "Order Completed",
        "product viewed",
        "page",
        "group",
        "alias",
        "x" * 400,
    ]
)
VALUES = (
    TEXTS
    | TEXTS
    | st.sampled_from([None, True, False, 0, 1, -5, 2.5, 1e300, Decimal("0.12345678901234567"), 10**25, 1795424400000])
    | st.lists(TEXTS, max_size=3)
    | st.dictionaries(st.sampled_from(["k", "", "$time"]), st.integers(0, 3), max_size=2)
)
ODD_KEYS = st.sampled_from(["a", "b", "c", "d", "type", "t_x", "t_xy", "t_", "A"])
DEFAULT_KEYS = st.sampled_from(
    sorted(
        {
            key
            for each in SCHEMAS["default"].sources
            for text in (each.expr, each.guard_expr)
            if text
            for key in compile_mapping(text).keys
        }
        | {"traits_shoe_size", "context_traits_x", "type", "event", "User_ID"}
    )
)
RECORDS = {
    "odd": st.dictionaries(ODD_KEYS, VALUES, max_size=8),
    "default": st.dictionaries(
        st.sampled_from(["type", "event", "context_page_url"]) | DEFAULT_KEYS, VALUES, max_size=12
    ),
}
TIMES = st.sampled_from([1, 1795424400000, 1795424400001, 1795428000000])


def said(effect):
    """The parts of an effect that mappings decide; other drops come from what is around them."""
    dropped = [each for each in effect.dropped if each.kind in ("blocked", "invalid identifier", "refused value")]
    return effect.identifiers, effect.fields, sorted(effect.aliases), dropped


def plainly(schema, record, stream, time):
    """The same parts, from the plain reading."""
    reading = PlainReading(schema, record, stream, time, "m")
    identifiers = tuple(each for name in schema.ranks for each in sorted(reading.identifiers.get(name, ())))
    if not identifiers:
        return (), {}, [], reading.dropped
    return identifiers, reading.fields, sorted(set(reading.aliases) - {identifiers[0]}), reading.dropped


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_record_has_the_effect_that_the_rules_give_it(name):
    """One compiled schema reads many records, so whatever it remembers of one must not show in another."""
    schema = SCHEMAS[name]
    compiled = CompiledSchema(schema)

    @settings(max_examples=400)
    @given(RECORDS[name], st.sampled_from(["web", "s"]), TIMES)
    def check(record, stream, time):
        timed = {**record, schema.event_time[0]: instant_text(time)} if schema.event_time else record
        received = NOW if schema.event_time else datetime.fromtimestamp(time / 1000, UTC)
        effect = compiled.effect(timed, stream, received, "m")
        assert effect.time == time
        found, wanted = said(effect), plainly(schema, timed, stream, time)
        assert found == wanted
        assert repr(found) == repr(wanted)

    check()


@pytest.mark.parametrize("name", SCHEMAS)
def test_full_memories_change_nothing(name, monkeypatch):
    """With room for one thing only, everything is forgotten all the time."""
    for module, limit in (
        (field_readers, "TEXTS_REMEMBERED"),
        (guards, "VERDICTS_REMEMBERED"),
        (stream_plan, "SHAPES_REMEMBERED"),
        (stream_plan, "PROGRAMS_REMEMBERED"),
        (stream_plan, "KEYS_REMEMBERED"),
    ):
        monkeypatch.setattr(module, limit, 1)
    test_every_record_has_the_effect_that_the_rules_give_it(name)


def test_what_is_remembered_has_a_limit():
    """A memory never grows beyond its limit, and what it forgot is computed again."""
    asked = []
    memory = Remembered(lambda number: asked.append(number) or -number, 2)
    assert [memory[number] for number in (1, 2, 1, 3, 1)] == [-1, -2, -1, -3, -1]
    assert asked == [1, 2, 3, 1]
    assert len(memory) <= 2


def test_a_text_is_remembered_when_it_comes_back():
    """Met in one event, however often, it leaves nothing behind; met in another, its result is kept."""
    memory = RememberedOnReturn(str.upper, 2)
    one, other = object(), object()
    assert [memory.meet("a", one), memory.meet("a", one), memory.get("a")] == [None, None, None]
    assert (memory.meet("a", other), memory.get("a")) == ("A", "A")
    for text in ("b", "c", "d"):
        memory.meet(text, one)
        memory.meet(text, other)
    assert len(memory) <= 2


@pytest.mark.parametrize(
    ("text", "depends_on", "needs"),
    [
        ("user_id", "key", {"user_id"}),
        ("a.b", "anything", set()),
        ("now()", "moment", set()),
        ("map(hourofday(), 1)", "hour", set()),
        ("map(hourofday(a), 1)", "values", {"a"}),
        ("map(event, now())", "key and moment", {"event"}),
        ("map(tolower(event), now())", "anything", {"event"}),
        ("map(a, b)", "values", {"a", "b"}),
        ('match("traits_")', "key names", set()),
        ("match(a)", "anything", set()),
        ("oneof(a, uuid())", "anything", set()),
        ('a != "x"', "values", set()),
        ('a = "x"', "values", set()),
        ('NOT (a = "x")', "values", set()),
        ("hourofday() > 5", "anything", set()),
    ],
)
def test_what_a_value_depends_on_is_known(text, depends_on, needs):
    """Only then may it be remembered, or not be asked for at all."""
    expression = compile_mapping(text)
    assert (expression.depends_on, expression.needs) == (depends_on, needs)


def test_what_is_false_is_a_value_but_no_guard_holds():
    """Without its key `EXISTS a` says false: a value for a field, and nothing to guard with."""
    expression = compile_mapping("EXISTS a")
    assert (expression.needs, expression.guard_needs) == (set(), {"a"})


@pytest.mark.parametrize("text", ["todate(a)", 'todate(a) > "now-3d"', "maptime(a)", "yymm()"])
def test_who_asks_for_the_time_is_not_timeless(text):
    """Such a value is good for one event only."""
    with pytest.raises(TimeAskedError):
        compile_mapping(text).evaluate(Timeless({"a": "now-1d"}))
