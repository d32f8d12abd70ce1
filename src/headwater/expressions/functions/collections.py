"""Functions on lists and maps."""

from __future__ import annotations

from datetime import datetime

from headwater.expressions.context import Context
from headwater.expressions.dates import to_time
from headwater.expressions.functions.registry import Example, Function, function, is_nothing
from headwater.expressions.patterns import matcher
from headwater.expressions.values import NOTHING, Value, from_field, is_empty, to_integer, to_text

_SCORES = {"score_amount": 22, "tag_name": "bob"}


@function("len", "int", Example('len("abc")', 3), Example('len(["a", "b"])', 2), Example("len(10)", 0),
          aliases=("char_length",))  # fmt: skip
def len_(_context: Context, x: Value) -> Value:
    """The bytes of a text, the items of a list or map. Numbers, booleans and times have 0, a missing value none."""
    if isinstance(x, str):
        return len(x.encode())
    if isinstance(x, list | tuple | dict):
        return len(x)
    return NOTHING if is_nothing(x) else 0


def _position(items: list[Value] | tuple[Value, ...], value: Value) -> int | None:
    """An index from the start; negative ones count from the end. None if it is no number or before the start."""
    place = to_integer(value)
    if place is None:
        return None
    place = place + len(items) if place < 0 else place
    return place if place >= 0 else None


@function("array.index", "any", Example("array.index(tags, -1)", "b", {"tags": ["a", "b"]}),
          Example("array.index(tags, 6)", NOTHING, {"tags": ["a", "b"]}))  # fmt: skip
def array_index(_context: Context, l: Value, i: Value) -> Value:  # noqa: E741 - the name in the reference
    """One item of a list; negative positions count from the end. Out of range gives no value."""
    if not isinstance(l, list | tuple):
        return NOTHING
    place = _position(l, i)
    return from_field(l[place]) if place is not None and place < len(l) else NOTHING


_TO_THE_END = object()


@function("array.slice", "any", Example("array.slice(tags, 1, 3)", ["b", "c"], {"tags": ["a", "b", "c", "d"]}),
          Example("array.slice(tags, -2)", ["c", "d"], {"tags": ["a", "b", "c", "d"]}))  # fmt: skip
def array_slice(_context: Context, l: Value, from_: Value, to: Value = _TO_THE_END) -> Value:  # noqa: E741 - as above
    """A part of a list, end exclusive; negative positions count from the end. Out of range gives no value."""
    if not isinstance(l, list | tuple) or not l:
        return NOTHING
    start = _position(l, from_)
    end = len(l) if to is _TO_THE_END else _position(l, to)
    if start is None or end is None or start >= len(l) or end > len(l) or start > end:
        return NOTHING
    return list(l[start:end])


@function("map", "map[string]value", Example('map("color", 5)', {"color": 5}), Example('map("", 5)', NOTHING))
def map_(_context: Context, k: Value, v: Value) -> Value:
    """A map of one pair. No value if either is empty. The key is made a text."""
    return NOTHING if is_empty(k) or is_empty(v) else {to_text(k): v}


_EVENT_TIME = object()


@function("maptime", "map[string]time", Example('maptime("Login", "2026-11-23")',
          {"login": datetime.fromisoformat("2026-11-23T00:00:00+00:00")}))  # fmt: skip
def maptime(context: Context, k: Value, t: Value = _EVENT_TIME) -> Value:
    """A map of one key, in lower case, with a time: the one given or the time of the event."""
    if is_empty(k) or isinstance(k, dict):
        return NOTHING
    instant = context.event_time if t is _EVENT_TIME else to_time(t, context.now)
    return NOTHING if instant is None else {to_text(k).lower(): instant}


@function("match", "map[string]value", Example('match("score_", "tag_")', {"amount": 22, "name": "bob"}, _SCORES),
          at_least=1)  # fmt: skip
def match(context: Context, *p: Value) -> Value:
    """A map of all fields whose name begins with one of the prefixes; the prefix is taken off the name.

    A name that is nothing but the prefix is left out. No field found gives no value.
    """
    found: dict[str, Value] = {}
    for prefix in p:
        if not isinstance(prefix, str):
            continue
        for name, value in context.fields.items():
            if name.startswith(prefix) and name != prefix and value is not None:
                found[name[len(prefix) :]] = value
    return found or NOTHING


@function("mapkeys", "[]string", Example("mapkeys(hits)", ["a", "b"], {"hits": {"a": 1, "b": 2}}, unordered=True),
          at_least=1)  # fmt: skip
def mapkeys(_context: Context, *m: Value) -> Value:
    """The distinct keys of the maps, in no order."""
    keys = dict.fromkeys(key for value in m if isinstance(value, dict) for key in value)
    return list(keys) or NOTHING


@function("mapvalues", "[]string", Example("mapvalues(hits)", ["1"], {"hits": {"a": 1, "b": 1}}, unordered=True))
def mapvalues(_context: Context, m: Value) -> Value:
    """The distinct values of a map as texts, in no order."""
    if not isinstance(m, dict):
        return NOTHING
    return list(dict.fromkeys(to_text(value) for value in m.values() if value is not None)) or NOTHING


@function("mapinvert", "map[string]string", Example("mapinvert(hits)", {"1": "a"}, {"hits": {"a": 1}}))
def mapinvert(_context: Context, m: Value) -> Value:
    """A map with keys and values changed places; the values are made texts."""
    if not isinstance(m, dict):
        return NOTHING
    return {to_text(value): key for key, value in m.items() if value is not None} or NOTHING


def _patterns(values: tuple[Value, ...]) -> list[str]:
    flat: list[Value] = []
    for value in values:
        flat.extend(value if isinstance(value, list | tuple) else [value])
    return [to_text(value).replace("%", "*") for value in flat if not is_nothing(value)]


def _fits(text: str, patterns: list[str]) -> bool:
    """Whether one pattern fits: a glob if it has a `*`, else a prefix. The empty pattern fits the empty text only."""
    for pattern in patterns:
        if "*" in pattern:
            if matcher(pattern)(text):
                return True
        elif text.startswith(pattern) and (pattern or not text):
            return True
    return False


def _select(x: Value, patterns: list[str], keep: bool) -> Value:
    """What of a map, list or text fits (`keep`) or does not fit the patterns."""
    if is_empty(x):
        return NOTHING
    if isinstance(x, dict):
        return {key: value for key, value in x.items() if _fits(key, patterns) is keep} or NOTHING
    if isinstance(x, str):
        return x if _fits(x, patterns) is keep else None
    if not isinstance(x, list | tuple):
        return NOTHING
    return [text for text in map(to_text, x) if _fits(text, patterns) is keep] or NOTHING


@function("filter", "any", Example('filter(split("apples,oranges", ","), "ora*")', ["apples"]),
          Example("filter(hits, \"a\")", {"b": 2}, {"hits": {"abc": 1, "b": 2}}), at_least=2)  # fmt: skip
def filter_(_context: Context, x: Value, *pat: Value) -> Value:
    """Drops the keys of a map, or the items of a list, that fit a pattern; a text that fits becomes nil.

    A pattern without `*` or `%` is a prefix, one with it a LIKE pattern. With nothing left there is no value.
    """
    return _select(x, _patterns(pat), keep=False)


@function("filtermatch", "any", Example('filtermatch(split("apples,oranges", ","), "app")', ["apples"]),
          Example('filtermatch("apples", "bam*")', None), at_least=2)  # fmt: skip
def filtermatch(_context: Context, x: Value, *pat: Value) -> Value:
    """Keeps the keys of a map, or the items of a list, that fit a pattern; a text that does not becomes nil.

    A pattern without `*` or `%` is a prefix, one with it a LIKE pattern. With nothing left there is no value.
    """
    return _select(x, _patterns(pat), keep=True)


@function("set", "[]string", Example('set("a")', ["a"]), Example('set(["a", "b", "a"])', ["a", "b"]))
def set_(_context: Context, x: Value) -> Value:
    """The distinct texts seen; the merge operator collects them over events."""
    texts = [to_text(item) for item in (x if isinstance(x, list | tuple) else [x]) if not is_empty(item)]
    return list(dict.fromkeys(texts)) or NOTHING


@function("valuect", "map[string]int", Example('valuect("a")', {"a": 1}))
def valuect(_context: Context, x: Value) -> Value:
    """A count for each value; the merge operator adds them up over events."""
    counts: dict[str, int] = {}
    for item in x if isinstance(x, list | tuple) else [x]:
        if not is_empty(item):
            counts[to_text(item)] = counts.get(to_text(item), 0) + 1
    return counts or NOTHING


FUNCTIONS: tuple[Function, ...] = (
    len_,
    array_index,
    array_slice,
    map_,
    maptime,
    match,
    mapkeys,
    mapvalues,
    mapinvert,
    filter_,
    filtermatch,
    set_,
    valuect,
)
