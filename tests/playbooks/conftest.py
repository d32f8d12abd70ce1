"""Small kits for tests: a playbook as YAML text, run on the smallest event that matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
import pytest

from headwater.playbooks import Clock, CompiledIntegration, Prepared, compile_kit, fixed_clock, kit_from_texts

CONNECTION = "default: {endpoint: 'https://vendor.example/in', method: POST}"
NOW = "2025-11-20T09:17:16.036+00:00"
IDENTIFIER = "11111111-2222-4333-8444-555555555555"

Compile = Callable[..., CompiledIntegration]


@pytest.fixture(scope="session")
def clock() -> Clock:
    return fixed_clock(datetime.fromisoformat(NOW), IDENTIFIER)


@pytest.fixture(scope="session")
def compiled() -> Compile:
    def build(
        playbook: str = "", connection: str = CONNECTION, preview: bool = False, **values: str
    ) -> CompiledIntegration:
        kit = kit_from_texts("kit", "version: 1.0.0\n" + playbook, connection)
        return compile_kit(kit, values, preview=preview)

    return build


@pytest.fixture(scope="session")
def prepared(compiled: Compile, clock: Clock) -> Callable[..., Prepared]:
    def run(playbook: str, event: Mapping[str, Any], **values: str) -> Prepared:
        return compiled(playbook, **values).prepare(dict(event), clock)

    return run


@pytest.fixture(scope="session")
def output(prepared: Callable[..., Prepared]) -> Callable[..., Any]:
    """The one output of a playbook that must not fail."""

    def run(playbook: str, event: Mapping[str, Any], **values: str) -> Any:
        result = prepared(playbook, event, **values)
        assert result.flags == ()
        (only,) = result.outputs
        return only.body

    return run


@pytest.fixture(scope="session")
def mapped(prepared: Callable[..., Prepared]) -> Callable[..., Any]:
    """The value that one mapping from `v` with these transforms writes; None when it writes nothing."""

    def run(transforms: str, value: Any, rest: str = "") -> Any:
        playbook = f"global: {{mappings: [{{inputKey: v, outputKey: o, transforms: {transforms}{rest}}}]}}"
        return prepared(playbook, {"type": "page", "v": value}).outputs[0].body.get("o")

    return run


@pytest.fixture(scope="session")
def lua(compiled: Compile, clock: Clock) -> Callable[..., Any]:
    """The value that a Lua body gives for an event; a failed evaluation fails the test unless `fails` is expected."""

    def run(body: str, event: Mapping[str, Any] | None = None, fails: str | None = None, **values: str) -> Any:
        expression = {"transforms": [{"expression": {"lang": "lua", "body": body}}]}
        params = [{"name": name} for name in values]
        playbook = orjson.dumps(
            {
                "version": "1.0.0",
                "params": params,
                "global": {"mappings": [{"inputKey": "input", "outputKey": "o", **expression}]},
            }
        ).decode()
        kit = kit_from_texts(
            "kit", playbook, '{"default": {"endpoint": "https://vendor.example/", "method": "POST"}}', notation="json"
        )
        result = compile_kit(kit, values).prepare(dict(event or {"type": "page"}), clock)
        if fails is None:
            assert result.flags == ()
        else:
            (flag,) = result.flags
            assert fails in flag.message
        return result.outputs[0].body.get("o")

    return run
