"""The command line: the only place that wires rooms together.

Each module here holds one command group. Groups are named by import path, so that `headwater log` does not load the
web framework and `headwater filterql` does not load the database driver.
"""

from __future__ import annotations

import sys

from cyclopts import App
from rich.console import Console

from headwater import __version__
from headwater.errors import HeadwaterError

app = App(
    name="headwater",
    help="Event router and customer data platform in one install.",
    version=__version__,
    help_format="rich",
)

_GROUPS = {
    "up": "headwater.cli.up:up",
    "collect": "headwater.cli.role:collect",
    "route": "headwater.cli.role:route",
    "console": "headwater.cli.role:console",
    "prepare": "headwater.cli.role:prepare",
    "welcome": "headwater.cli.welcome:welcome",
    "demo": "headwater.cli.demo:demo",
    "pipeline": "headwater.cli.pipeline:app",
    "integration": "headwater.cli.integration:app",
    "playbook": "headwater.cli.playbook:app",
    "deadletters": "headwater.cli.deadletters:app",
    "log": "headwater.cli.log:app",
    "replay": "headwater.cli.replay:replay",
    "token": "headwater.cli.token:app",
    "apply": "headwater.cli.configuration:apply",
    "export": "headwater.cli.configuration:export",
    "filterql": "headwater.cli.filterql:app",
    "settings": "headwater.cli.settings:settings",
}
_HIDDEN = frozenset({"prepare", "welcome"})
"""Steps of `headwater up`, of no use to people."""
for _name, _path in _GROUPS.items():
    app.command(_path, name=_name, show=_name not in _HIDDEN)


def main() -> None:
    """Run a command. An error that we raise on purpose ends with its message and exit code 1, without a traceback."""
    try:
        app()
    except HeadwaterError as fault:
        Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {_escaped(str(fault))}", highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
