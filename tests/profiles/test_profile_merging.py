"""Merge operators: any order, any grouping, any repetition."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater import jsontext
from headwater.errors import ConfigurationError
from headwater.profiles.kinds import KINDS, convert
from headwater.profiles.merging import (
    COLLECTION_LIMIT,
    OPERATORS,
    Bounds,
    Stamp,
    canonical_bytes,
    default_operator,
    operator_for,
)

DAY = 86_400_000
FITTING = [(name, kind) for name, kinds in sorted(OPERATORS.items()) for kind in sorted(kinds)]
COUNTING = ("sum", "count")

TIMES = st.integers(1, 4)
STAMPS = st.builds(Stamp, TIMES, st.integers(0, 2))
ELEMENTS = {
    "string": st.sampled_from(["a", "b", "c", "d"]),
    "bool": st.booleans(),
    "int": st.integers(-3, 3),
    "number": st.sampled_from([-1, 0.1, 0.2, 0.3, 7, 1e15]),
    "date": st.integers(1, 4).map(lambda day: 1_700_000_000_000 + day * DAY),
    "value": st.sampled_from([1, "1", True, {"b": 1, "a": 2}, [1, 2]]),
    "geolocation": st.sampled_from(["1,2", "3,4"]),
    "embedding": st.sampled_from([[1, 2], [3, 4]]),
    "count": st.integers(1, 4).map(lambda day: 1_700_000_000_000 + day * DAY),
}


def values(kind):
    element = ELEMENTS[kind.element]
    if kind.shape == "scalar":
        return element
    if kind.shape == "map":
        return st.dictionaries(st.sampled_from("klmno"), element, min_size=1, max_size=4)
    return st.lists(element, min_size=1, max_size=4)


@st.composite
def operators_with_states(draw, count):
    """An operator bound to a kind and small limits, and states of single events."""
    name, kind_name = draw(st.sampled_from(FITTING))
    kind = KINDS[kind_name]
    bounds = Bounds(draw(st.sampled_from([0, 1, 2, 3])), 0) if kind.shape in ("set", "map") else Bounds()
    operator = operator_for(name, kind, bounds)
    states = [
        operator.start(convert(kind, draw(values(kind))).value, draw(STAMPS))
        for _ in range(draw(st.integers(2, count)))
    ]
    return operator, states


@given(operators_with_states(6), st.randoms())
def test_order_does_not_matter(drawn, chance):
    """Merging the same events in another order gives the same state, byte for byte."""
    operator, states = drawn
    shuffled = list(states)
    chance.shuffle(shuffled)
    assert canonical_bytes(reduce(operator.merge, shuffled)) == canonical_bytes(reduce(operator.merge, states))


@given(operators_with_states(6), st.data())
def test_grouping_does_not_matter(drawn, data):
    """Merging parts that were merged before, through JSON as a store does, gives the same state."""
    operator, states = drawn
    cut = data.draw(st.integers(1, len(states) - 1))
    parts = [jsontext.decode(jsontext.encode(reduce(operator.merge, part))) for part in (states[:cut], states[cut:])]
    assert canonical_bytes(operator.merge(*parts)) == canonical_bytes(reduce(operator.merge, states))


@given(operators_with_states(5), st.data())
def test_repetition_does_not_matter_but_for_sums(drawn, data):
    """An event that is merged again changes nothing; only sums and counts need each message once."""
    operator, states = drawn
    again = data.draw(st.sampled_from(states))
    whole = reduce(operator.merge, states)
    if operator.name not in COUNTING:
        assert operator.merge(whole, again) == whole


@given(operators_with_states(4))
def test_merging_changes_neither_side(drawn):
    """States are values: whoever holds one may keep it."""
    operator, states = drawn
    before = [canonical_bytes(state) for state in states]
    reduce(operator.merge, states)
    assert [canonical_bytes(state) for state in states] == before


@given(operators_with_states(4))
def test_states_are_plain_json(drawn):
    """A state survives the store unchanged."""
    operator, states = drawn
    whole = reduce(operator.merge, states)
    assert jsontext.decode(jsontext.encode(whole)) == whole


def merged(name, kind, events, bounds=Bounds(), at=10**15):
    """The value after events given as (time, value)."""
    operator = operator_for(name, KINDS[kind], bounds)
    return operator.read(reduce(operator.merge, [operator.start(value, Stamp(time, 0)) for time, value in events]), at)


@pytest.mark.parametrize(
    ("name", "kind", "events", "expected"),
    [
        ("latest", "string", [(1, "a"), (3, "c"), (2, "b")], "c"),
        ("oldest", "string", [(2, "b"), (1, "a"), (3, "c")], "a"),
        ("max", "int", [(1, 5), (2, 3)], 5),
        ("min", "date", [(1, 5), (2, 3)], 3),
        ("sum", "number", [(1, 0.1), (2, 0.2)], 0.3),
        ("count", "int", [(1, "x"), (2, "y")], 2),
        ("merge", "[]string", [(1, ["b"]), (2, ["a", "b"])], ["a", "b"]),
        ("merge", "ts[]string", [(2, ["b"]), (1, ["c"]), (3, ["a"])], ["c", "b", "a"]),
        ("merge", "map[string]string", [(2, {"k": "new"}), (1, {"k": "old", "l": "x"})], {"k": "new", "l": "x"}),
        ("latestmap", "map[string]int", [(2, {"k": 1}), (1, {"k": 9})], {"k": 1}),
        ("oldestmap", "map[string]int", [(2, {"k": 1}), (1, {"k": 9})], {"k": 9}),
        ("mapmax", "map[string]int", [(2, {"k": 1}), (1, {"k": 9})], {"k": 9}),
        ("mapmin", "map[string]int", [(2, {"k": 1}), (1, {"k": 9})], {"k": 1}),
        ("sum", "map[string]int", [(1, {"k": 1}), (2, {"k": 2, "l": 1})], {"k": 3, "l": 1}),
        ("merge", "membership", [(1, {"vip": True, "beta": True}), (2, {"vip": False})], ["beta"]),
        ("sum", "[]timebucket", [(1, {"1": 1}), (2, {"1": 1, "3": 1})], [(DAY, 2), (3 * DAY, 1)]),
    ],
)
def test_each_operator_does_what_it_is_called(name, kind, events, expected):
    """The rule of each operator in the schema's table."""
    assert merged(name, kind, events) == expected


def test_the_most_recently_updated_members_stay():
    """Capacity drops the least recently updated members of sets and maps."""
    assert merged("capped", "[]string", [(1, ["a"]), (2, ["b"]), (3, ["a"]), (2, ["c"])], Bounds(2)) == ["a", "c"]
    assert merged("latestmap", "map[string]int", [(1, {"a": 1}), (2, {"b": 2}), (3, {"a": 3})], Bounds(1)) == {"a": 3}


def test_oldest_and_extreme_entries_stay_where_these_are_wanted():
    """A map of oldest values keeps the oldest, a map of largest values the largest."""
    events = [(1, {"a": 1}), (2, {"b": 5}), (3, {"c": 3})]
    assert merged("oldestmap", "map[string]int", events, Bounds(1)) == {"a": 1}
    assert merged("mapmax", "map[string]int", events, Bounds(1)) == {"b": 5}
    assert merged("mapmin", "map[string]int", events, Bounds(1)) == {"a": 1}


def test_a_total_never_loses_an_addend_to_capacity():
    """A counter that fell out of view comes back whole: capacity hides totals, it does not forget them."""
    events = [(1, {"a": 5}), (2, {"b": 1}), (3, {"a": 1})]
    assert merged("sum", "map[string]int", events[:2], Bounds(1)) == {"b": 1}
    assert merged("sum", "map[string]int", events, Bounds(1)) == {"a": 6}


def test_members_live_as_long_as_the_schema_says():
    """A member is gone from the profile when its last event is too long ago, and only then."""
    bounds = Bounds(0, 2 * DAY)
    events = [(0, ["a"]), (DAY, ["b"])]
    assert merged("merge", "[]string", events, bounds, at=DAY) == ["a", "b"]
    assert merged("merge", "[]string", events, bounds, at=2 * DAY) == ["b"]
    assert merged("merge", "[]string", events, bounds, at=3 * DAY) is None
    assert merged("sum", "map[string]int", [(0, {"a": 1}), (DAY, {"a": 1})], bounds, at=2 * DAY) == {"a": 2}


def test_a_collection_has_a_limit_without_a_capacity():
    """No sender can make one field grow without end."""
    many = [str(number) for number in range(COLLECTION_LIMIT + 5)]
    assert len(merged("merge", "[]string", [(1, many), (2, ["last"])])) == COLLECTION_LIMIT


def test_a_tie_is_decided_by_the_message_then_by_the_value():
    """Two events of one millisecond have an order of their own, whoever comes first."""
    operator = operator_for("latest", KINDS["string"])
    one, two = operator.start("x", Stamp(5, 1)), operator.start("a", Stamp(5, 2))
    assert operator.merge(one, two) == operator.merge(two, one) == two
    same = operator.start("b", Stamp(5, 2))
    assert operator.merge(same, two) == operator.merge(two, same) == same


@pytest.mark.parametrize(
    ("kind", "counts", "expected"),
    [
        ("string", False, "latest"),
        ("int", True, "sum"),
        ("number", False, "latest"),
        ("[]string", False, "merge"),
        ("map[string]int", False, "sum"),
        ("map[string]string", False, "latestmap"),
        ("flows", False, "latestmap"),
        ("[]timebucket", False, "sum"),
    ],
)
def test_the_usual_operator_fits_its_kind(kind, counts, expected):
    """A field that names no operator gets the customary one."""
    assert default_operator(KINDS[kind], counts) == expected
    assert kind in OPERATORS[expected]


def test_an_operator_that_does_not_fit_is_refused_with_those_that_do():
    """The message names the cause and the choices."""
    with pytest.raises(ConfigurationError, match="'sum' does not fit kind 'string'; usable here: latest, oldest"):
        operator_for("sum", KINDS["string"])
