"""`headwater welcome`, and what `headwater demo` says before it starts."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable

import pytest

from headwater.cli import app
from headwater.cli.demo import demo
from headwater.cli.welcome import welcome
from headwater.errors import ConfigurationError, InputError
from headwater.pipelines import pipeline_store
from headwater.pipelines.changes import change

Output = Callable[[Awaitable[None]], Awaitable[str]]


async def test_commands_can_be_pasted(install, output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real key and address are in a curl command that a shell reads, and our own commands are known to the CLI."""
    monkeypatch.setenv("HEADWATER_COLLECT_PORT", "8555")
    shown = await output(welcome())
    curl = shlex.split(next(line for line in shown.splitlines() if line.startswith("  curl")))
    assert curl[:4] == ["curl", "http://127.0.0.1:8555/v1/track", "-u", "wk_web:"]
    ours = [shlex.split(line)[1:] for line in shown.splitlines() if line.startswith("  headwater")]
    assert len(ours) == 2
    for arguments in ours:
        app.parse_args(arguments)


async def test_without_a_write_key_the_way_to_one_is_shown(install, output: Output) -> None:
    """Where no pipeline can be sent to, welcome names the command that makes one."""
    async with change(install.pool, "test") as made:
        await pipeline_store.remove_write_key(made, install.pipeline, "wk_web")
    shown = await output(welcome())
    assert "headwater pipeline create" in shown
    assert "curl" not in shown


async def test_demo_refuses_what_cannot_work(install) -> None:
    """A write key of nobody and counts that are no counts are refused before anything is read."""
    with pytest.raises(InputError, match="headwater pipeline list"):
        await demo(write_key="wk_unknown")
    with pytest.raises(InputError, match="--write-key"):
        await demo()  # the pipeline of this install is not the default one
    with pytest.raises(InputError, match="--limit: must be more than 0"):
        await demo(limit=0)


async def test_demo_without_an_install_says_how_to_start_it(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing runs on this data folder."""
    monkeypatch.setenv("HEADWATER_DATA_FOLDER", str(tmp_path))
    with pytest.raises(ConfigurationError, match="headwater up"):
        await demo()


async def test_demo_without_its_extra_says_how_to_install_it(install, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pyarrow is missing, the error is the command that brings it."""
    monkeypatch.setitem(__import__("sys").modules, "headwater.demo.dataset", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'headwater\[demo\]'"):
        await demo(write_key="wk_web")
