"""Runs every published kit on the events of `kit_events` and writes the table docs/playbooks/kits.md.

python tests/kits/kit_table.py
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from kit_events import odd_events, ordinary_events

from headwater.playbooks import (
    Clock,
    CompiledIntegration,
    TransformError,
    Unsupported,
    compile_kit,
    example_values,
    fixed_clock,
    load_kit,
    parameters_of,
)

KITS = Path(__file__).parent / "node_modules" / "@metarouter" / "ajs-starter-kit" / ".dist"
TABLE = Path(__file__).parents[2] / "docs" / "playbooks" / "kits.md"

HEAD = """# The published kits

Every kit of the npm package `@metarouter/ajs-starter-kit` {version}, run with its example parameters on {ordinary}
ordinary events (one for each event name and type) and {odd} odd ones (nearly empty, wrong types, broken times).
This page is written by `python tests/kits/kit_table.py`; a test compares it.

- **events**: event names with a section of their own
- **sent**, **dropped**: what became of the events; a fan-out can send more outputs than events
- **flagged**: ordinary and odd events in which an evaluation failed; they were sent without that value
- **transform failed**: outputs whose request could not be built because the connection's own transform failed
- **status**: `runs`, or why such an integration is refused

| kit | version | connection | events | sent | dropped | flagged ordinary | flagged odd | transform failed | status |
|---|---|---|---|---|---|---|---|---|---|
"""


class Row(NamedTuple):
    """What running a kit gave."""

    kit: str
    version: str
    connection: str
    events: int
    sent: int
    dropped: int
    flagged_ordinary: int
    flagged_odd: int
    failed: int
    status: str


def kit_folders() -> list[Path]:
    """The folders of all kits, sorted."""
    return sorted(folder for folder in KITS.iterdir() if folder.is_dir())


def standing_clock() -> Clock:
    """A clock that makes every run the same."""
    return fixed_clock(datetime.fromisoformat("2025-11-20T09:17:18+00:00"), "11111111-2222-4333-8444-555555555555")


def run_kit(folder: Path) -> Row:
    """Compile a kit and run all events through it, up to the request."""
    kit = load_kit(folder)
    integration = compile_kit(kit, example_values(parameters_of(kit)), preview=True)
    ordinary = [_run(integration, event) for event in ordinary_events()]
    odd = [_run(integration, event) for event in odd_events()]
    every = [*ordinary, *odd]
    return Row(
        folder.name,
        kit.version,
        _connection(integration),
        len(kit.playbook.value.get("eventSpecific") or {}),
        sum(one.sent for one in every),
        sum(one.dropped for one in every),
        sum(one.flagged for one in ordinary),
        sum(one.flagged for one in odd),
        sum(one.failed for one in every),
        _status(integration),
    )


class _Run(NamedTuple):
    sent: int
    dropped: bool
    flagged: bool
    failed: int


def _run(integration: CompiledIntegration, event: dict[str, Any]) -> _Run:
    clock = standing_clock()
    prepared = integration.prepare(event, clock)
    failed = 0
    for output in prepared.outputs if integration.connection.kind == "http" else ():
        try:
            integration.request([output], clock)
        except TransformError:
            failed += 1
    return _Run(len(prepared.outputs), prepared.drop is not None, bool(prepared.flags), failed)


def _connection(integration: CompiledIntegration) -> str:
    if integration.connection.kind != "http":
        return integration.connection.kind
    schemes = {
        type(one.authentication).__name__
        for one in integration.connection.sections.values()
        if one.authentication is not None
    }
    return ", ".join(["HTTP", *sorted(schemes - {"Unsupported"})])


def _status(integration: CompiledIntegration) -> str:
    for section in integration.connection.sections.values():
        if isinstance(section.authentication, Unsupported):
            return f"refused: authentication {section.authentication.name} is not supported"
    return "runs"


def table() -> str:
    """The whole page."""
    version = json.loads((KITS.parent / "package.json").read_text())["version"]
    rows = [run_kit(folder) for folder in kit_folders()]
    head = HEAD.format(version=version, ordinary=len(ordinary_events()), odd=len(odd_events()))
    total = f"| **{len(rows)} kits** | | | | {sum(r.sent for r in rows)} | {sum(r.dropped for r in rows)} | "
    total += f"{sum(r.flagged_ordinary for r in rows)} | {sum(r.flagged_odd for r in rows)} | {sum(r.failed for r in rows)} | |\n"
    return head + "".join("| " + " | ".join(map(str, row)) + " |\n" for row in rows) + total


if __name__ == "__main__":
    TABLE.write_text(table(), "utf-8")
