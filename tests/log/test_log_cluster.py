"""The log on three servers: the same code, and no confirmed record lost with a server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.errors import Error
from nats.js.errors import APIError

from headwater.engines import endpoints, nats_server
from headwater.engines.processes import ProcessSpec, RunningProcess
from headwater.errors import UnavailableError
from headwater.events import RecordMeta
from headwater.log import connection, reader, streams
from headwater.log.records import encode_event
from headwater.log.writer import LogWriter
from headwater.settings import LogSettings, Settings

pytestmark = pytest.mark.slow

SERVERS = 3


@pytest.fixture
async def cluster(data_root: Path) -> AsyncIterator[tuple[str, list[RunningProcess]]]:
    """URL and processes of three NATS servers that form a cluster."""
    routes = [endpoints.free_port() for _ in range(SERVERS)]
    clients = [endpoints.free_port() for _ in range(SERVERS)]
    binary = nats_server.prepare(Settings(data_folder=str(data_root / "cluster-binary"))).process.command[0]
    running: list[RunningProcess] = []
    for number in range(SERVERS):
        configuration = data_root / f"cluster-{number}.conf"
        configuration.write_text(
            f"server_name: n{number}\nhost: 127.0.0.1\nport: {clients[number]}\n"
            f'jetstream {{ store_dir: "{data_root / f"cluster-{number}"}" }}\n'
            f"cluster {{ name: c, host: 127.0.0.1, port: {routes[number]}, "
            f"routes: [{', '.join(f'nats://127.0.0.1:{port}' for port in routes)}] }}\n"
        )
        spec = ProcessSpec(f"n{number}", (binary, "-c", str(configuration)))
        running.append(RunningProcess(spec, on_event=lambda _: None, on_line=lambda *_: None))
    tasks = [asyncio.create_task(process.run()) for process in running]
    yield ",".join(f"nats://127.0.0.1:{port}" for port in clients), running
    await asyncio.gather(*(process.stop() for process in running))
    await asyncio.gather(*tasks)


async def _ready(url: str) -> connection.LogClient:
    """A client of a cluster that has elected its leaders and made the streams."""
    async with asyncio.timeout(40):
        while True:
            with contextlib.suppress(UnavailableError):
                client = await connection.connect(url, "test")
                try:
                    await streams.ensure(client, LogSettings(partitions=4, replicas=3))
                except (Error, APIError, TimeoutError):
                    await connection.close(client)
                else:
                    return client
            await asyncio.sleep(0.3)


async def test_a_server_of_three_may_die_while_records_are_written(cluster: tuple[str, list[RunningProcess]]) -> None:
    """One server is killed in the middle: appends go on, every confirmed record is there once, with three copies wanted."""
    url, running = cluster
    client = await _ready(url)
    info = await client.jsm().stream_info(streams.MAIN)
    assert info.config.num_replicas == SERVERS
    writer = LogWriter(client, timeout_seconds=30)
    writing = asyncio.create_task(writer.run())
    confirmed: list[str] = []
    for n in range(60):
        if n == 20:
            assert running[0].pid is not None
            os.kill(running[0].pid, signal.SIGKILL)
        names = [f"{n}-{k}" for k in range(20)]
        meta = [RecordMeta("event", "p", name, name, "2026-01-01T00:00:00.000Z") for name in names]
        await writer.append([encode_event("p", one, b"{}", partitions=4) for one in meta])
        confirmed += names
    stored = [found.record.meta.message_id async for found in reader.read(client, reader.Query())]
    assert sorted(stored) == sorted(confirmed)
    writing.cancel()
    await connection.close(client)
