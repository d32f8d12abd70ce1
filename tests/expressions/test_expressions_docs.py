"""The guide says what the program does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import headwater.expressions
from headwater import jsontext
from headwater.cli.filterql import answer
from headwater.expressions.reference import function_reference
from headwater.expressions.statements import parse_statements

GUIDE = (Path(__file__).parents[2] / "docs" / "filterql.md").read_text()
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_the_function_chapter_is_what_the_program_prints() -> None:
    """Run `headwater filterql functions` and put its output at the end of the page."""
    assert GUIDE.endswith(function_reference())


def test_every_statement_in_the_guide_can_be_read() -> None:
    """The long examples of filters and mappings are real."""
    blocks = [
        block for block in re.findall(r"```\n(.*?)```", GUIDE, re.DOTALL) if block.startswith(("FILTER AND", "SELECT"))
    ]
    assert len(blocks) == 2
    for block in blocks:
        assert len(parse_statements(block)) == 1


def test_the_command_in_the_guide_answers_as_shown() -> None:
    """The first thing a reader tries works."""
    request, shown = re.findall(r"echo '(.*?)' \| headwater filterql\n(.*)\n", GUIDE)[0]
    assert answer(request.encode()) == jsontext.decode(shown.encode())


def test_the_public_names_are_those_of_the_package() -> None:
    """What the package offers is exactly its list; the rest may change."""
    public = {name for name in vars(headwater.expressions) if not name.startswith("_") and name[0] != "_"}
    modules = {name for name in public if type(vars(headwater.expressions)[name]).__name__ == "module"}
    assert public - modules - {"annotations"} == set(headwater.expressions.__all__)
