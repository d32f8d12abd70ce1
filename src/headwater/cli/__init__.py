"""The command line: the only place that wires rooms together.

Each module here holds one command group. Groups are named by import path, so that `headwater log` does not load the
web framework and `headwater filterql` does not load the database driver.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from cyclopts import App
from rich.console import Console

from headwater import __version__
from headwater.errors import HeadwaterError
from headwater.roles import logs
from headwater.settings import OperationsSettings

app = App(
    name="headwater",
    help="Event router and customer data platform in one install.",
    version=__version__,
    help_format="rich",
)


class _Command(NamedTuple):
    """Where a command is, and its line in the list of commands: to ask the module for it would load it."""

    path: str
    help: str


_GROUPS = {
    "up": _Command("up:up", "Start engines and roles, and keep them running."),
    "collect": _Command("role:collect", "Run one collector: the public HTTP doors."),
    "route": _Command("role:route", "Run one router: delivery to the integrations."),
    "profile": _Command("role:profile", "Run one builder of profiles."),
    "console": _Command("role:console", "Run the web pages and the admin API."),
    "prepare": _Command("role:prepare", "Bring database and log to this version."),
    "welcome": _Command("welcome:welcome", "Show where everything is, and what to try first."),
    "demo": _Command("demo:demo", "Replay a real data set through the front door."),
    "pipeline": _Command("pipeline:app", "Pipelines, write keys, deployments."),
    "integration": _Command("integration:app", "Integrations: kits, parameters, overrides, revisions."),
    "playbook": _Command("playbook:app", "Check and try playbooks without sending."),
    "deadletters": _Command("deadletters:app", "What could not be delivered: show, replay, discard."),
    "log": _Command("log:app", "Look into the event log: streams, lag, records, refusals."),
    "archive": _Command("archive:app", "Long-term files of every record: list, verify, export."),
    "replay": _Command("replay:replay", "Deliver a time range of the log again to one integration."),
    "people": _Command("people:app", "Who can sign in to the console: invite, roles, new links."),
    "profiles": _Command("profiles:app", "Profiles: show, search, explain; decide who is who."),
    "schema": _Command("schema:app", "Fields and mappings of profiles: draft, versions, files."),
    "audiences": _Command("audiences:app", "Audiences: create, size, scan, explain."),
    "token": _Command("token:app", "API tokens."),
    "apply": _Command("configuration:apply", "Make this install what a folder of YAML files says."),
    "export": _Command("configuration:export", "Write the configuration of this install into a folder."),
    "filterql": _Command("filterql:app", "Check and try filters."),
    "settings": _Command("settings:settings", "List every setting with its value and its source."),
}
_HIDDEN = frozenset({"prepare", "welcome"})
"""Steps of `headwater up`, of no use to people."""
for _name, _found in _GROUPS.items():
    app.command(f"headwater.cli.{_found.path}", name=_name, help=_found.help, show=_name not in _HIDDEN)


def main() -> None:
    """Run a command. An error that we raise on purpose ends with its message and exit code 1, without a traceback."""
    # What libraries report belongs to standard error: standard output is read by programs. Roles set up their own.
    logs.configure(OperationsSettings(log_level="warning"))
    try:
        app()
    except HeadwaterError as fault:
        Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {_escaped(str(fault))}", highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
