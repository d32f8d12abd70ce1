"""Runs a kit through headwater and through the plain interpreter, and says where they differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from plain_interpreter import PlainKit

from headwater.playbooks import compile_kit, example_values, fixed_clock, load_kit, parameters_of
from headwater.playbooks.preview import Preview

NOW = datetime.fromisoformat("2025-11-20T09:17:18+00:00")
UUID = "11111111-2222-4333-8444-555555555555"
TOKEN = "token-1"
SIGNATURES = {"ttdsignature", "ttdsignature-dp"}  # over the bytes of the body; tests of their own hold them
TABLE_ADDRESS = re.compile(r"table: 0x[0-9a-f]+")
RANDOM_CALL = re.compile(r"math\.random\([^()]*\)")


class Difference(NamedTuple):
    """One event whose requests are not the same."""

    event: dict[str, Any]
    ours: dict[str, Any]
    plain: dict[str, Any]


def without_chance(folder: Path, place: Path) -> Path:
    """A copy of the kit in which random numbers are always 4."""
    copied = place / folder.name
    copied.mkdir()
    for name in ("playbook.json", "connection.json", "metadata.json"):
        (copied / name).write_text(RANDOM_CALL.sub("4", (folder / name).read_text()))
    return copied


def differences(folder: Path, events: Iterable[dict[str, Any]]) -> Iterator[Difference]:
    """The events for which the two do not agree."""
    kit = load_kit(folder)
    integration = compile_kit(kit, example_values(parameters_of(kit)), preview=True)
    preview = Preview(integration, fixed_clock(NOW, UUID), TOKEN)
    plain = PlainKit(folder, NOW, UUID, TOKEN)
    for event in events:
        ours = next(iter(preview.lines([json.loads(json.dumps(event))])))
        other = plain.run(event)
        if comparable(ours) != comparable(other):
            yield Difference(event, ours, other)


def comparable(line: dict[str, Any]) -> str:
    """What two results must have in common: requests, whether it was dropped, and how many evaluations failed."""
    requests = [_request(request) for request in line["requests"]]
    text = json.dumps([requests, bool(line["dropped"]), len(line["errors"])], sort_keys=True)
    return TABLE_ADDRESS.sub("table", text)


def _request(request: dict[str, Any]) -> list[Any]:
    if "kind" in request:
        return [request["kind"], _numbers(request["output"])]
    headers = {
        name: "OAuth" if value.startswith("OAuth ") else value
        for name, value in request["headers"].items()
        if name.lower() not in SIGNATURES
    }
    return [request["method"], request["url"], headers, _numbers(request["body"])]


def _numbers(value: Any) -> Any:
    """The value with 1.0 and 1 written alike, also in what a body holds."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return repr(float(value))
