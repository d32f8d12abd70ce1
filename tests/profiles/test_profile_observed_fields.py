"""Which keys streams carry."""

import time

import pytest

from headwater.profiles.kind_guess import kind_of, suggested_kind
from headwater.profiles.observed_fields import (
    NAMES_LIMIT,
    OTHERS,
    SAMPLE_STEP,
    STREAMS_LIMIT,
    WHOLE_RECORDS,
    Observation,
    ObservedFields,
    example_of,
)
from headwater.profiles.versions import stream_store


def seen(observed):
    return {(each.stream, each.name): each for each in observed.take()}


def test_a_key_is_noted_with_kind_count_example_and_times():
    """Empty values are no observation; the first value that is no person's data is the example."""
    observed = ObservedFields()
    observed.note("web", {"plan": "gold", "gone": "", "none": None}, 2_000)
    observed.note("web", {"plan": 7}, 1_000)
    (plan,) = observed.take()
    assert plan == Observation("web", "plan", 2, {"string": 1, "int": 1}, "gold", 1_000, 2_000)
    assert observed.take() == []


def test_counts_stay_near_the_truth_while_few_records_are_looked_at():
    """After the first records one of several counts for all of them; a new key is noticed in any record."""
    observed = ObservedFields()
    total = WHOLE_RECORDS + 10 * SAMPLE_STEP
    for number in range(total):
        observed.note("web", {"plan": number} | ({"rare": 1} if number == WHOLE_RECORDS + 5 else {}), number)
    found = seen(observed)
    assert abs(found["web", "plan"].count - total) <= SAMPLE_STEP
    assert found["web", "rare"].count == 1


def test_made_up_keys_and_streams_do_not_grow_without_bound():
    """What comes beyond the limits is counted together, also when the database knows the names already."""
    observed = ObservedFields({"web": [f"k{number}" for number in range(NAMES_LIMIT)]})
    for number in range(50):
        observed.note("web", {f"new{number}": 1, "k1": 1}, 1)
    for number in range(STREAMS_LIMIT + 50):
        observed.note(f"s{number}", {"a": 1}, 1)
    observed.note("web", {"n" * 300: 1}, 1)
    found = seen(observed)
    assert found["web", OTHERS].count == 51
    assert found["web", "k1"].count == 50
    assert found[OTHERS, "a"].count == 51


@pytest.mark.parametrize(
    ("name", "value", "example"),
    [("plan", "gold", "gold"), ("points", 12, "12"), ("active", True, "True"),
     ("contact", "a@b.io", ""), ("plan", "ann@shop.io", ""), ("number", "+44 20 7946 0958", ""), ("traits_firstName", "Ann", ""),
     ("user_id", "17", ""), ("sid", "x" * 30, ""), ("context_ip", "10.0.0.1", ""), ("long", "a b " * 30, ""), ("card_number", 4, ""),
     ("mapping", {"a": 1}, ""), ("where", "https://x.io/?t=1", ""), ("h", "0123456789abcdef", "")],
)  # fmt: skip
def test_an_example_never_looks_like_a_persons_data(name, value, example):
    """Names and values that could be personal have none."""
    assert example_of(name, value) == example


def test_a_kind_is_suggested_from_what_was_seen():
    """Numbers in text are numbers, codes stay text, mixtures become text."""
    assert [kind_of(each) for each in ("7", "007", "7.5", "2026-03-01", "2026-03-01T10:00:00Z", "x", True, [1], {"a": 1})] == [
        "int", "string", "number", "date", "date", "string", "bool", "[]string", "map[string]value"
    ]  # fmt: skip
    assert suggested_kind("points", {"int": 5, "number": 1}) == "number"
    assert suggested_kind("order_id", {"int": 5}) == "string"
    assert suggested_kind("note", {"int": 5, "string": 1}) == "string"
    assert suggested_kind("stores", {"[]string": 1, "string": 9}) == "[]string"


async def test_observations_of_processes_add_up(schema_pool):
    """Counts and kinds are summed, the first example stays, first and last stay the outermost."""
    first, second = ObservedFields(), ObservedFields()
    first.note("web", {"plan": "gold"}, 5_000)
    second.note("web", {"plan": 7}, 1_000)
    for observed in (first, second, second):
        await stream_store.add(schema_pool, observed.take())
    (stream,) = await stream_store.streams(schema_pool)
    (plan,) = stream.fields
    assert (stream.name, plan.count, plan.kinds, plan.example) == ("web", 2, {"string": 1, "int": 1}, "gold")
    assert (plan.first_seen.timestamp(), plan.last_seen.timestamp()) == (1, 5)
    assert await stream_store.known_names(schema_pool) == {"web": ["plan"]}


async def test_odd_names_are_written(schema_pool):
    """What a hostile sender names a key does not stop the builder."""
    observed = ObservedFields()
    observed.note("w\ud800b", {"a\ud800": "v\ud800", "b\0": 1, "c": "x\0y"}, 1)
    await stream_store.add(schema_pool, observed.take())
    assert len(await stream_store.streams(schema_pool)) == 1


def test_noting_costs_little():
    """A record of a known shape costs a few microseconds at most, a small share of building a profile."""
    observed = ObservedFields()
    record = {f"context_key_{number}": f"value {number}" for number in range(40)}
    for _ in range(WHOLE_RECORDS):
        observed.note("web", record, 1)
    begun = time.process_time()
    for number in range(20_000):
        observed.note("web", record, number)
    assert (time.process_time() - begun) / 20_000 < 50e-6
