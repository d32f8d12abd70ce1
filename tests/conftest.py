"""Real engines for tests: one NATS and one PostgreSQL for the whole run, a fresh database and fresh streams for each test."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import hypothesis
import nats
import pytest

from headwater.engines import endpoints, nats_server, postgres
from headwater.engines.endpoints import Endpoints
from headwater.engines.processes import RunningProcess
from headwater.settings import Settings
from install import Install
from receiver import Receiver

# The same examples in every run, so that a failure is due to the change that it appears with; HYPOTHESIS_PROFILE=explore
# looks for new ones. Property tests hold laws, not times: on a busy machine a slow example is no failure.
hypothesis.settings.register_profile("same", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("explore", print_blob=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


class EngineRunner:
    """The embedded engines, run by an event loop in a thread of their own."""

    def __init__(self, settings: Settings) -> None:
        endpoints.run_folder(settings).mkdir(parents=True)
        self._nats = nats_server.prepare(settings)
        self._postgres = postgres.prepare(settings)
        self.endpoints = Endpoints(nats_url=self._nats.url, database_url=self._postgres.url)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._running = [
            RunningProcess(spec, on_event=lambda _: None, on_line=lambda *_: None)
            for spec in (self._nats.process, self._postgres.process)
        ]

    def start(self) -> None:
        self._thread.start()
        self._tasks = [asyncio.run_coroutine_threadsafe(process.run(), self._loop) for process in self._running]
        asyncio.run_coroutine_threadsafe(self._wait_until_ready(), self._loop).result(30)

    def stop(self) -> None:
        for process in self._running:
            asyncio.run_coroutine_threadsafe(process.stop(), self._loop).result(30)
        for task in self._tasks:
            task.result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _wait_until_ready(self) -> None:
        while True:
            try:
                connection = await asyncpg.connect(self.endpoints.database_url)
                await connection.close()
                client = await nats.connect(self.endpoints.nats_url, allow_reconnect=False)
                await client.close()
                return
            except (OSError, asyncpg.PostgresError, nats.errors.Error):
                await asyncio.sleep(0.05)


@pytest.fixture(scope="session")
def data_root() -> Iterator[Path]:
    """A folder for data folders that other accounts may enter: PostgreSQL does not run as root."""
    root = Path(tempfile.mkdtemp(prefix="headwater-tests-"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def engines(data_root: Path) -> Iterator[Endpoints]:
    """URLs of a running NATS and PostgreSQL."""
    runner = EngineRunner(Settings(data_folder=str(data_root / "engines")))
    runner.start()
    yield runner.endpoints
    runner.stop()


@pytest.fixture
async def database_url(engines: Endpoints) -> AsyncIterator[str]:
    """The URL of an empty database of this test's own."""
    name = f"test_{uuid.uuid4().hex}"
    server = await asyncpg.connect(engines.database_url)
    await server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield engines.database_url.replace("/postgres?", f"/{name}?")
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture
async def nats_url(engines: Endpoints) -> str:
    """The URL of a NATS server without streams: those of earlier tests are gone."""
    client = await nats.connect(engines.nats_url)
    log = client.jetstream()
    for stream in await log.streams_info():
        await log.delete_stream(str(stream.config.name))
    await client.close()
    return engines.nats_url


@pytest.fixture(scope="module")
def running_install(data_root: Path) -> Iterator[Install]:
    """A running install for the tests of one module."""
    install = Install(data_root / f"install-{uuid.uuid4().hex[:8]}", {})
    install.start()
    yield install
    assert install.stop() == 0, install.log.read_text()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A vendor on loopback that takes everything."""
    opened = Receiver()
    yield opened
    opened.close()
