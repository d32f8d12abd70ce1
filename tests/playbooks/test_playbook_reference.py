"""The reference page: generated, complete, and every example in it holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from headwater.playbooks import CompiledIntegration
from headwater.playbooks.playbook_shape import TRANSFORM
from headwater.playbooks.reference import reference
from headwater.playbooks.transform_reference import TRANSFORMS

PAGES = Path(__file__).parents[2] / "docs" / "playbooks"


@pytest.mark.parametrize(
    ("name", "argument", "value", "output"),
    [
        (entry.name, example.argument, example.input, example.output)
        for entry in TRANSFORMS
        for example in entry.examples
    ],
)
def test_every_example_of_a_transform(
    compiled: Callable[..., CompiledIntegration], name: str, argument: Any, value: Any, output: Any
) -> None:
    """What the reference says a transform makes of a value is what it makes of it."""
    row = {"inputKey": "v", "outputKey": "o", "transforms": [{name: argument}]}
    playbook = f"global: {{mappings: [{orjson.dumps(row).decode()}]}}"
    assert compiled(playbook).prepare({"type": "page", "v": value}).outputs[0].body.get("o") == output


def test_the_reference_has_every_transform() -> None:
    """Each transform that a playbook may use is on the page, with an example."""
    assert {entry.name for entry in TRANSFORMS} == {field.name for field in TRANSFORM.fields}
    assert all(entry.examples for entry in TRANSFORMS)


def test_the_page_is_up_to_date() -> None:
    """docs/playbooks/reference.md is what `headwater playbook reference` prints."""
    assert (PAGES / "reference.md").read_text("utf-8") == reference()


def yaml_blocks(page: str) -> list[str]:
    """The fenced YAML examples of a page."""
    return [block.partition("\n")[2] for block in page.split("```")[1::2] if block.startswith("yaml")]


@pytest.mark.parametrize("page", ["guide.md", "from-metarouter.md"])
def test_playbooks_in_the_guides_are_valid(compiled: Callable[..., CompiledIntegration], page: str) -> None:
    """Every YAML example of a guide that is a playbook compiles."""
    blocks = [block for block in yaml_blocks((PAGES / page).read_text("utf-8")) if block.startswith("version:")]
    assert blocks
    for block in blocks:
        compiled(block.partition("\n")[2], HOST="v.example", CURRENCY="EUR") if "params:" in block else compiled(
            block.partition("\n")[2]
        )
