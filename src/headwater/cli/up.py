"""`headwater up`: start the whole install and stay."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Coroutine
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from headwater import settings as settings_module
from headwater.cancelling import cancelled
from headwater.roles.supervisor import Notice, Supervisor
from headwater.settings import Settings

_STYLES = {"warning": "yellow", "error": "bold red", "debug": "dim"}


def up(
    *,
    demo: Annotated[bool, Parameter(negative=(), help="Replay a real data set through the front door.")] = False,
    verbose: Annotated[bool, Parameter(negative=(), help="Show processes as they start.")] = False,
) -> None:
    """Start engines and roles, and keep them running until Ctrl-C or SIGTERM."""
    asyncio.run(_up(settings_module.load(), demo=demo, verbose=verbose))


async def _up(settings: Settings, *, demo: bool, verbose: bool) -> None:
    console, entries = Console(), Console(stderr=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def notify(notice: Notice) -> None:
        if notice.severity != "debug" or verbose:
            entries.print(
                _entry(notice, settings.operations.log_format),
                style=_STYLES.get(notice.severity),
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    started = time.monotonic()
    supervisor = Supervisor(settings, notify)
    try:
        if await _unless_stopped(supervisor.start(), stop):
            console.print(f"ready in {time.monotonic() - started:.1f} s", style="green")
            if demo:
                await _run_command(stop, "demo")
            await _run_command(stop, "welcome")
            await stop.wait()
    finally:
        console.print("stopping", style="dim")
        await supervisor.stop()


def _entry(notice: Notice, log_format: str) -> str:
    """One line of the log. The lines of roles are JSON already where JSON is asked for."""
    if log_format != "json":
        return f"{notice.source}: {notice.text}"
    if notice.text.startswith("{"):
        return notice.text
    return json.dumps({"event": notice.text, "role": notice.source, "level": notice.severity})


async def _unless_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Whether `work` came to its end before somebody asked to stop."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if working.done():
        working.result()
        return True
    await cancelled(working)
    return False


async def _run_command(stop: asyncio.Event, *arguments: str) -> None:
    """Run one of our own commands on this terminal, in a process of its own: the supervisor stays small."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "headwater", *arguments)
    if not await _unless_stopped(_ended(process), stop):
        process.terminate()
        await process.wait()


async def _ended(process: asyncio.subprocess.Process) -> None:
    await process.wait()
