"""The commands in the docs exist, with the options that the docs name."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from headwater.cli import app

DOCS = Path(__file__).parents[2] / "docs"


def _commands() -> list[str]:
    """Indented lines that begin with our command, without what follows after a pipe or wide space."""
    texts = [(DOCS / name).read_text() for name in ("archive.md", "demo.md", "log.md", "profiles.md", "schema.md")]
    lines = [line for text in texts for line in re.findall(r"^    (headwater .*)$", text, re.MULTILINE)]
    return [re.split(r"\s{2,}| \| ", line)[0] for line in lines]


@pytest.mark.parametrize("command", _commands())
def test_documented_command_is_understood(command: str) -> None:
    """The command line takes it as it stands."""
    app.parse_args(shlex.split(command)[1:], print_error=False, exit_on_error=False)


def test_every_command_in_the_list_says_what_it_does() -> None:
    """`headwater --help` has a line for each: the commands are loaded only when they are run."""
    shown = [name for name, found in app.resolved_commands().items() if found.show]
    assert "replay" in shown
    assert [name for name in shown if not name.startswith("-") and not app[name].help] == []
