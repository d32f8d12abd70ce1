"""Which sections apply to an event, in which order, and what the name of an event is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.playbooks import Clock, CompiledIntegration, Prepared, lookup_name
from headwater.playbooks.event_names import accepted, normalise

DROP_REST = "default: {filters: [{byEventNames: {action: allow, events: ['']}}]}"


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ({"type": "track", "event": "Order Completed"}, "order_completed"),
        ({"type": "track", "event": "  Order \t Completed\n"}, "order_completed"),
        ({"type": "track", "event": "order_completed"}, "order_completed"),
        ({"type": "page", "event": "ignored", "name": "Home"}, "page"),
        ({"type": "identify"}, "identify"),
        ({"type": "track"}, ""),
        ({"type": "track", "event": 5}, ""),
        ({}, ""),
    ],
)
def test_lookup_names(event: dict[str, Any], name: str) -> None:
    """A track event goes by its event, trimmed, lower case, white space one underscore; any other by its type."""
    assert lookup_name(event) == name


@given(st.text())
def test_normalising_twice_changes_nothing(name: str) -> None:
    """The normal form of a name is its own normal form."""
    assert normalise(normalise(name)) == normalise(name)


def sections(*names: str) -> str:
    return "\n".join(f"  {name}: {{enrichments: [{{outputKey: section, staticString: '{name}'}}]}}" for name in names)


def test_an_events_own_section_takes_the_place_of_default(output: Callable[..., Any]) -> None:
    """`default` serves only events without a section of their own."""
    playbook = (
        f"eventSpecific:\n{sections('page')}\ndefault: {{enrichments: [{{outputKey: section, staticString: default}}]}}"
    )
    assert output(playbook, {"type": "page"}) == {"section": "page"}
    assert output(playbook, {"type": "screen"}) == {"section": "default"}


def test_unmapped_events_are_sent_with_what_global_gives(output: Callable[..., Any]) -> None:
    """Without own section and default an event is sent all the same."""
    assert output("global: {mappings: [{inputKey: type, outputKey: t}]}", {"type": "alias"}) == {"t": "alias"}


def test_an_empty_output_is_sent(output: Callable[..., Any]) -> None:
    """A playbook without sections gives the empty object."""
    assert output("", {"type": "page"}) == {}


def test_unmapped_events_are_dropped_by_the_filter_idiom(prepared: Callable[..., Prepared]) -> None:
    """allow of the empty name drops every event that comes to `default`, and the drop names the filter."""
    playbook = f"eventSpecific:\n{sections('page')}\n{DROP_REST}"
    assert len(prepared(playbook, {"type": "page"}).outputs) == 1
    dropped = prepared(playbook, {"type": "track", "event": "Other"})
    assert (dropped.outputs, dropped.drop and (dropped.drop.reason, dropped.drop.where)) == (
        (),
        ("playbook filter", "default.filters[0]"),
    )


def test_an_empty_name_matches_nothing(prepared: Callable[..., Prepared]) -> None:
    """A track event without text in `event` has no name; not even "" in a list means it."""
    assert prepared(DROP_REST, {"type": "track"}).outputs == ()
    deny = "default: {filters: [{byEventNames: {action: deny, events: ['']}}]}"
    assert len(prepared(deny, {"type": "track"}).outputs) == 1


@pytest.mark.parametrize(
    ("sent", "listed"), [("Order Cancelled", "order_canceled"), ("Application Opened", "application_open")]
)
def test_second_spellings(output: Callable[..., Any], sent: str, listed: str) -> None:
    """Two names that SDKs spell otherwise than kits find the kits' section, and name lists accept them."""
    assert output(f"eventSpecific:\n{sections(listed)}", {"type": "track", "event": sent}) == {"section": listed}
    assert normalise(sent) in accepted([listed])


def test_a_first_spelling_is_preferred(output: Callable[..., Any]) -> None:
    """A kit that has both spellings uses the one that the event has."""
    playbook = f"eventSpecific:\n{sections('order_cancelled', 'order_canceled')}"
    assert output(playbook, {"type": "track", "event": "Order Cancelled"}) == {"section": "order_cancelled"}


def test_section_names_are_normalised(output: Callable[..., Any]) -> None:
    """Keys of eventSpecific may be written as people write event names."""
    playbook = "eventSpecific: {Order Completed: {enrichments: [{outputKey: a, staticInt: 1}]}}"
    assert output(playbook, {"type": "track", "event": "order completed"}) == {"a": 1}


def test_the_second_section_continues_on_the_output_of_global(output: Callable[..., Any]) -> None:
    """Later wins: an object written in the second section replaces what global put inside it."""
    playbook = """
global: {mappings: [{inputKey: ip, outputKey: fields.ip}]}
default: {mappings: [{inputKey: properties, outputKey: fields}]}
"""
    assert output(playbook, {"type": "page", "ip": "1", "properties": {"a": 1}}) == {"fields": {"a": 1}}


def test_lists_run_in_their_order(output: Callable[..., Any]) -> None:
    """Spreadings, then enrichments, then mappings, then expressions: each overwrites the one before."""
    playbook = """
global:
  expressions: [{lang: lua, body: "return {c = 'expression', d = 'expression'}"}]
  mappings: [{inputKey: type, outputKey: b}, {inputKey: type, outputKey: c}]
  enrichments: [{outputKey: a, staticString: enrichment}, {outputKey: b, staticString: enrichment}]
  spreadings: [{inputKey: p, flatten: {}}]
"""
    event = {"type": "page", "p": {"a": "spreading", "z": "spreading"}}
    expected = {"z": "spreading", "a": "enrichment", "b": "page", "c": "expression", "d": "expression"}
    assert output(playbook, event) == expected


def test_of_two_mappings_of_a_key_the_later_with_a_value_wins(output: Callable[..., Any]) -> None:
    """The later mapping replaces the earlier value only if it has one itself."""
    playbook = "global: {mappings: [{inputKey: a, outputKey: id}, {inputKey: b, outputKey: id}]}"
    assert output(playbook, {"type": "page", "a": 1, "b": 2}) == {"id": 2}
    assert output(playbook, {"type": "page", "a": 1}) == {"id": 1}


def test_an_event_is_never_changed(compiled: Callable[..., CompiledIntegration]) -> None:
    """Writing into an object that was copied from the event leaves the event as it was."""
    integration = compiled("""
global:
  spreadings: [{inputKey: context, flatten: {prefix: c, depth: 1}}]
  mappings:
    - {inputKey: properties, outputKey: data}
    - {inputKey: userId, outputKey: data.userId}
    - {inputKey: userId, outputKey: data.inner.id}
    - {inputKey: userId, outputKey: c_page.id}
  expressions: [{lang: lua, body: "return {data = {inner = {more = 1}}}"}, {lang: lua, body: "input.userId = 'x'; return nil"}]
""")
    event = {"type": "page", "userId": "u", "properties": {"inner": {"a": 1}}, "context": {"page": {"url": "x"}}}
    before = {"type": "page", "userId": "u", "properties": {"inner": {"a": 1}}, "context": {"page": {"url": "x"}}}
    (output,) = integration.prepare(event).outputs
    assert event == before
    assert output.body == {
        "c_page": {"url": "x", "id": "u"},
        "data": {"inner": {"a": 1, "id": "u", "more": 1}, "userId": "u"},
    }


TRACED = """
global:
  spreadings: [{inputKey: properties, flatten: {prefix: p, depth: 2}}]
  enrichments: [{outputKey: fixed.a, staticInt: 1}, {outputKey: id, uuid: v4}]
  mappings:
    - {inputKey: type, outputKey: fixed.b}
    - {inputKey: nowhere, outputKey: c}
    - {inputKey: input, outputKey: d, transforms: [{expression: {lang: lua, body: "return input.properties.a + 1"}}]}
default:
  mappings: [{inputKey: properties, outputKey: fixed}]
  expressions: [{lang: lua, body: "return {fixed = {z = 1}, y = {}}"}]
"""


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 3) | st.none() | st.text(max_size=2), max_size=3))
def test_a_traced_run_gives_what_the_fast_one_gives(
    compiled: Callable[..., CompiledIntegration], clock: Clock, properties: dict[str, Any]
) -> None:
    """The tester and the router cannot disagree: same outputs, same flags, same drop."""
    integration = compiled(TRACED)
    event = {"type": "page", "properties": properties}
    assert integration.trace(event, clock).prepared == integration.prepare(event, clock)


def test_a_trace_names_the_rule_that_wrote_each_key(compiled: Callable[..., CompiledIntegration], clock: Clock) -> None:
    """Every write in order, with the rule, the key and the value."""
    trace = compiled(TRACED).trace({"type": "page", "properties": {"a": 1}}, clock)
    assert [(step.where, step.key, step.value) for step in trace.steps] == [
        ("global.spreadings[0]", "p_a", 1),
        ("global.enrichments[0]", "fixed.a", 1),
        ("global.enrichments[1]", "id", clock.new_uuid()),
        ("global.mappings[0]", "fixed.b", "page"),
        ("global.mappings[2]", "d", 2),
        ("default.mappings[0]", "fixed", {"a": 1}),
        ("default.expressions[0]", "fixed", {"z": 1}),
        ("default.expressions[0]", "y", []),
    ]
