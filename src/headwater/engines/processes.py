"""Keep a process running: start it, restart it with backoff when it dies, stop it in an orderly way.

Invariants: at most one process of a spec at a time; a process that stayed up for `STABLE_SECONDS` starts over with the
shortest wait; when the parent dies, by whatever signal, the kernel sends the child its stop signal (Linux).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal

import msgspec

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0
STABLE_SECONDS = 2.0
STOP_SECONDS = 40.0
LINE_LIMIT_BYTES = 1024 * 1024
_PR_SET_PDEATHSIG = 1


class ProcessSpec(msgspec.Struct, frozen=True):
    """What to run. `user` is the name of the account to run as, when started by root."""

    name: str
    command: tuple[str, ...]
    stop_signal: Literal["SIGTERM", "SIGINT"] = "SIGTERM"
    environment: Mapping[str, str] = {}
    user: str | None = None
    folder: str | None = None


class ProcessEvent(msgspec.Struct, frozen=True):
    """What happened to a process: for the log and for whoever watches."""

    name: str
    what: Literal["started", "died", "stopped"]
    pid: int
    exit_code: int | None = None
    restart_in_seconds: float | None = None


class RunningProcess:
    """One process under supervision. `run` returns only after `stop`."""

    def __init__(
        self,
        spec: ProcessSpec,
        on_event: Callable[[ProcessEvent], None],
        on_line: Callable[[str, str], None],
    ) -> None:
        self.spec = spec
        self._on_event = on_event
        self._on_line = on_line
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The pid while the process runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def run(self) -> None:
        """Start and restart until `stop` is called."""
        wait = FIRST_WAIT_SECONDS
        while not self._stopping.is_set():
            started = time.monotonic()
            process = await self._start()
            exit_code = await self._follow(process)
            if self._stopping.is_set():
                self._on_event(ProcessEvent(self.spec.name, "stopped", process.pid, exit_code))
                return
            if time.monotonic() - started > STABLE_SECONDS:
                wait = FIRST_WAIT_SECONDS
            self._on_event(ProcessEvent(self.spec.name, "died", process.pid, exit_code, wait))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def stop(self) -> None:
        """Ask the process to end, wait `STOP_SECONDS`, then kill it."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.Signals[self.spec.stop_signal])
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *self.spec.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LINE_LIMIT_BYTES,
            env={**os.environ, **self.spec.environment},
            user=self.spec.user,
            extra_groups=[] if self.spec.user is not None else None,
            cwd=self.spec.folder,
            start_new_session=True,  # Ctrl-C reaches the supervisor only, which stops everything in order
            preexec_fn=_die_with_parent(signal.Signals[self.spec.stop_signal]),
        )
        self._process = process
        self._on_event(ProcessEvent(self.spec.name, "started", process.pid))
        return process

    async def _follow(self, process: asyncio.subprocess.Process) -> int:
        assert process.stdout is not None  # noqa: S101  # PIPE was asked for above
        async for line in _lines(process.stdout):
            self._on_line(self.spec.name, line.decode("utf-8", "replace").rstrip())
        return await process.wait()


async def _lines(output: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a process. A longer one than the limit must not end the supervision: its beginning is left out."""
    while True:
        try:
            line = await output.readline()
        except ValueError:
            line = b"(a line was longer than %d bytes; the rest of it follows)" % LINE_LIMIT_BYTES
        if not line:
            return
        yield line


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal))

    return ask_kernel
