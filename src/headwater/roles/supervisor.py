"""`headwater up`: engines and roles as processes, started in order, restarted when they die, stopped in reverse.

This process imports no engine's driver and no web framework: it is the one that must always work.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO

import msgspec

from headwater.engines import data_folder, endpoints, nats_server, postgres
from headwater.engines.endpoints import Endpoints
from headwater.engines.processes import ProcessEvent, ProcessSpec, RunningProcess
from headwater.errors import ConfigurationError
from headwater.roles import listening
from headwater.settings import Settings

READY_SECONDS = 60.0
POLL_SECONDS = 0.05
FREE_PORTS_SECONDS = 5.0


class Notice(msgspec.Struct, frozen=True):
    """Something to tell the operator: a line of a process, or what happened to one."""

    source: str
    text: str
    severity: str = "info"


class Supervisor:
    """All processes of one install on one machine."""

    def __init__(self, settings: Settings, notify: Callable[[Notice], None]) -> None:
        self._settings = settings
        self._notify = notify
        self._lock: IO[str] | None = None
        self._engines: list[RunningProcess] = []
        self._roles: list[RunningProcess] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def processes(self) -> dict[str, int | None]:
        """Pids by name, None for one that is not running at the moment."""
        return {process.spec.name: process.pid for process in (*self._engines, *self._roles)}

    async def start(self) -> None:
        """Start everything and return when every role is ready.

        Raises ConfigurationError when something cannot work, with the remedy; what was started is stopped by `stop`.
        """
        self._lock = data_folder.open_folder(self._settings)
        await self._until_ports_are_free()
        started = self._prepare_engines()
        self._engines = [self._launch(spec) for spec in started]
        await self._run_to_end("prepare")
        self._roles = [self._launch(spec) for spec in self._role_specs()]
        await asyncio.gather(*(self._until_ready(url) for url in self._readiness_urls()))

    async def stop(self) -> None:
        """Stop whoever uses others first: routers (they may deliver to our own collector), other roles, engines."""
        routers = [role for role in self._roles if role.spec.name.startswith("route")]
        others = [role for role in self._roles if role not in routers]
        for group in (routers, others, self._engines):
            await asyncio.gather(*(process.stop() for process in group))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._lock is not None:  # without the lock the endpoints are those of somebody who runs
            endpoints.remove(self._settings)
            self._lock.close()
            self._lock = None

    async def _until_ports_are_free(self) -> None:
        """Wait a little: the processes of an `up` that was killed may still be answering their last requests."""
        deadline = time.monotonic() + FREE_PORTS_SECONDS
        while True:
            try:
                return listening.require_free(listening.addresses(self._settings))
            except ConfigurationError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(POLL_SECONDS)

    def _prepare_engines(self) -> list[ProcessSpec]:
        settings = self._settings
        specs: list[ProcessSpec] = []
        nats_url, database_url = settings.nats_url, settings.database_url
        if not nats_url:
            log_server = nats_server.prepare(settings)
            nats_url = log_server.url
            specs.append(log_server.process)
        if not database_url:
            database_server = postgres.prepare(settings)
            database_url = database_server.url
            specs.append(database_server.process)
        endpoints.write(settings, Endpoints(nats_url=nats_url, database_url=database_url))
        return specs

    def _role_specs(self) -> list[ProcessSpec]:
        specs = [_role("collect", number) for number in range(self._settings.collect.processes)]
        return [*specs, _role("route", 0), _role("profile", 0), _role("console", 0), _ARCHIVE]

    def _readiness_urls(self) -> list[str]:
        operating = self._settings.operations
        ports = [operating.collect_port + number for number in range(self._settings.collect.processes)]
        return [
            f"http://{operating.host}:{port}/readyz"
            for port in (
                *ports,
                operating.route_port,
                operating.profile_port,
                operating.console_port,
                operating.archive_port,
            )
        ]

    def _launch(self, spec: ProcessSpec) -> RunningProcess:
        process = RunningProcess(spec, self._on_event, self._on_line)
        self._tasks.append(asyncio.create_task(process.run(), name=spec.name))
        return process

    async def _run_to_end(self, command: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *_headwater(command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        if process.returncode != 0:
            reason = output.decode("utf-8", "replace").strip().removeprefix("error: ")
            raise ConfigurationError(f"the start failed: {reason}")

    async def _until_ready(self, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not await asyncio.to_thread(_answers, url):
            if time.monotonic() > deadline:
                raise ConfigurationError(f"{url} did not become ready within {READY_SECONDS:g} s; see the lines above")
            await asyncio.sleep(POLL_SECONDS)

    def _on_event(self, event: ProcessEvent) -> None:
        if event.what == "died":
            text = f"died (exit code {event.exit_code}); starting again in {event.restart_in_seconds:g} s"
            self._notify(Notice(event.name, text, "warning"))
        elif event.what == "started":
            self._notify(Notice(event.name, f"started (process {event.pid})", "debug"))

    def _on_line(self, name: str, line: str) -> None:
        if line:
            self._notify(Notice(name, line))


def _headwater(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "headwater", *arguments)


def _role(name: str, number: int) -> ProcessSpec:
    return ProcessSpec(name=f"{name}-{number}", command=_headwater(name, "--number", str(number)))


_ARCHIVE = ProcessSpec(name="archive-0", command=_headwater("archive", "run"))


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310  # our own http address
        return bool(reply.status == 200)
    return False
