"""Embedded engines start, survive being killed, and keep their secrets to themselves."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import asyncpg
import pytest

from headwater.engines import endpoints, postgres
from headwater.engines.endpoints import Endpoints
from headwater.engines.processes import LINE_LIMIT_BYTES, ProcessEvent, ProcessSpec, RunningProcess
from headwater.errors import ConfigurationError
from headwater.settings import Settings


async def _connect(url: str) -> asyncpg.Connection:
    async with asyncio.timeout(20):
        while True:
            try:
                return await asyncpg.connect(url)
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.05)


async def test_postgres_comes_back_with_its_data_after_kill_9(data_root: Path) -> None:
    """A committed row is there again after PostgreSQL was killed, without anybody restarting it."""
    server = postgres.prepare(Settings(data_folder=str(data_root / "killed")))
    process = RunningProcess(server.process, on_event=lambda _: None, on_line=lambda *_: None)
    running = asyncio.create_task(process.run())
    connection = await _connect(server.url)
    await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    connection = await _connect(server.url)
    assert await connection.fetchval("SELECT n FROM kept") == 7
    await connection.close()
    await process.stop()
    await running


async def test_a_dying_process_is_restarted_with_growing_waits() -> None:
    """Each restart of a process that dies at once waits twice as long as the one before."""
    events: list[ProcessEvent] = []
    process = RunningProcess(ProcessSpec(name="crash", command=("false",)), events.append, lambda *_: None)
    running = asyncio.create_task(process.run())
    async with asyncio.timeout(10):
        while len(events) < 6:
            await asyncio.sleep(0.05)
    await process.stop()
    await running
    waits = [event.restart_in_seconds for event in events if event.what == "died"]
    assert waits[:3] == [0.2, 0.4, 0.8]


def test_endpoints_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """The file with generated passwords has mode 0600, and reading it back gives the same endpoints."""
    settings = Settings(data_folder=str(tmp_path))
    (tmp_path / "run").mkdir()
    written = Endpoints(nats_url="nats://u:p@127.0.0.1:1", database_url="postgresql://u:p@/x")
    endpoints.write(settings, written)
    assert stat.S_IMODE((tmp_path / "run" / "endpoints.json").stat().st_mode) == 0o600
    assert endpoints.resolve(settings) == written


def test_without_running_engines_the_remedy_is_named(tmp_path: Path) -> None:
    """A command on a data folder where nothing runs says how to start it."""
    with pytest.raises(ConfigurationError, match="headwater up"):
        endpoints.resolve(Settings(data_folder=str(tmp_path)))


async def test_a_very_long_line_does_not_end_the_supervision() -> None:
    """A process that prints more than the limit without a line end is read on, and what follows is passed on."""
    lines: list[str] = []
    program = f"print('x' * {3 * LINE_LIMIT_BYTES}); print('after')"
    process = RunningProcess(
        ProcessSpec(name="talker", command=(sys.executable, "-c", program)),
        on_event=lambda _: None,
        on_line=lambda _, line: lines.append(line),
    )
    running = asyncio.create_task(process.run())
    async with asyncio.timeout(10):
        while "after" not in lines:
            await asyncio.sleep(0.02)
    await process.stop()
    await running
