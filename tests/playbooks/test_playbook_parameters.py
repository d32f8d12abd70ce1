"""Parameters: declaration, resolution, and insertion outside Lua."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError
from headwater.playbooks import CompiledIntegration, Parameter, kit_from_texts, parameters_of
from headwater.playbooks.parameters import UNSET, example_values, fill, resolve


def parameter(**fields: Any) -> Parameter:
    return Parameter(**{"name": "A", **fields})


def test_a_name_in_both_files_is_one_parameter() -> None:
    """The connection's default wins; optional needs both declarations, sensitive only one."""
    kit = kit_from_texts(
        "k",
        "params: [{name: A, defaultValue: p, isOptional: true, isSensitive: true}]",
        "params: [{name: A, defaultValue: c}, {name: B}]",
    )
    assert parameters_of(kit) == (parameter(default="c", is_sensitive=True), Parameter("B"))


def test_the_configured_value_wins_over_the_default() -> None:
    """Resolution takes the given value, also the empty one, else the default."""
    assert resolve([parameter(default="d")], {"A": ""}) == {"A": ""}
    assert resolve([parameter(default="d")], {}) == {"A": "d"}


def test_an_optional_parameter_may_stay_unset() -> None:
    """Without value and default an optional parameter is unset."""
    assert resolve([parameter(is_optional=True)], {}) == {"A": UNSET}


def test_missing_parameters_are_asked_for_by_name_with_their_help() -> None:
    """All missing names stand in the error, with the description; an example is no value."""
    with pytest.raises(ConfigurationError, match=r"no value for A, B; set them \(A: the key\)"):
        resolve([parameter(description="the key", example="x"), Parameter("B")], {})


def test_an_unknown_parameter_is_refused() -> None:
    """A value for a name that the kit does not declare is a mistake that must not pass."""
    with pytest.raises(ConfigurationError, match="unknown parameter B; this integration has A"):
        resolve([parameter()], {"A": "1", "B": "2"})


def test_examples_stand_for_values_when_trying_out() -> None:
    """Trying a kit out takes the example, else the default; what has neither is left out."""
    rows = [parameter(example="e", default="d"), Parameter("B", default="d"), Parameter("C")]
    assert example_values(rows) == {"A": "e", "B": "d"}


def test_placeholders_are_replaced_as_they_are() -> None:
    """Outside Lua nothing is escaped, and an inserted value is not looked at again."""
    assert fill("x/$$A$$/$$B$$", {"A": "?&$$B$$", "B": "%"}) == "x/?&$$B$$/%"


def test_dollars_that_start_no_placeholder_are_text() -> None:
    """`$$` alone, lower case names and half placeholders stay."""
    assert fill("$$ $$a$$ $$A $", {"A": "1"}) == "$$ $$a$$ $$A $"


def test_an_undeclared_placeholder_is_refused() -> None:
    """A placeholder without a declaration names itself."""
    with pytest.raises(ConfigurationError, match=r"\$\$B\$\$ stands for no declared parameter"):
        fill("$$B$$", {"A": "1"})


def test_unset_is_missing_alone_and_empty_in_a_longer_text() -> None:
    """Exactly one unset placeholder means no value; within text it is the empty text."""
    assert fill("$$A$$", {"A": UNSET}) is None
    assert fill("<$$A$$>", {"A": UNSET}) == "<>"


@given(st.text())
def test_filling_a_whole_placeholder_gives_the_value(value: str) -> None:
    """The value comes out exactly as it was configured."""
    assert fill("$$A$$", {"A": value}) == value


PLAYBOOK = """
params: [{name: PATH}, {name: KEY}, {name: TEXT}]
global:
  mappings:
    - {inputKey: $$PATH$$, outputKey: $$KEY$$}
  enrichments:
    - {outputKey: text, staticString: "<$$TEXT$$>"}
"""


def test_values_reach_paths_keys_and_static_texts(output: Callable[..., Any]) -> None:
    """A parameter may be a whole path, an output key or a part of a text."""
    event = {"type": "page", "context": {"ip": "1.2.3.4"}}
    assert output(PLAYBOOK, event, PATH="context.ip", KEY="user.ip", TEXT="x") == {
        "text": "<x>",
        "user": {"ip": "1.2.3.4"},
    }


def test_an_unset_enrichment_header_and_default_are_left_out(compiled: Callable[..., CompiledIntegration]) -> None:
    """Where an unset parameter stands alone, the rule that it belongs to says nothing."""
    integration = compiled(
        """
params: [{name: A, isOptional: true}]
global:
  enrichments: [{outputKey: a, staticString: $$A$$}, {outputKey: b, staticString: "-$$A$$"}]
  mappings: [{inputKey: nowhere, outputKey: c, defaultString: $$A$$}]
""",
        "default: {endpoint: 'https://v.example/', method: POST, headers: [{key: X, value: $$A$$}, {key: Y, value: v}]}",
    )
    (output,) = integration.prepare({"type": "page"}).outputs
    assert (output.body, output.headers) == ({"b": "-"}, (("Y", "v"),))


def test_a_typed_value_may_come_from_a_parameter(output: Callable[..., Any]) -> None:
    """Integers, fractions and booleans take their decimal text from a parameter."""
    playbook = """
params: [{name: N}, {name: B}]
global:
  enrichments:
    - {outputKey: i, staticInt: $$N$$}
    - {outputKey: f, staticFloat: $$N$$}
    - {outputKey: b, staticBool: $$B$$}
"""
    assert output(playbook, {"type": "page"}, N="7", B="true") == {"i": 7, "f": 7, "b": True}


def test_a_typed_value_that_does_not_fit_is_refused(compiled: Callable[..., CompiledIntegration]) -> None:
    """A parameter's text that is no number stops the deployment and names the rule."""
    with pytest.raises(ConfigurationError, match=r"global\.enrichments\[0\]: expected a whole number, found 'x'"):
        compiled("params: [{name: N}]\nglobal: {enrichments: [{outputKey: i, staticInt: $$N$$}]}", N="x")
