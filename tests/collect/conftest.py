"""A collector on a free port, with a writer that keeps what it is given in a list."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx
import pytest
import uvicorn
from prometheus_client import CollectorRegistry

from headwater.collect.app import CollectApp, create_app
from headwater.collect.ports import Refusal
from headwater.events import Record, decode_record
from headwater.log.records import EncodedRecord
from headwater.settings import CollectSettings

WRITE_KEY = "key-web"
TOKEN = "data-token"
ACCOUNT = "acc1"
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here uses TLS, and loading the usual certificates for each client takes longer than most tests."""


class ListWriter:
    """Takes records into a list; `failure` is raised instead where it is set."""

    def __init__(self) -> None:
        self.appended: list[EncodedRecord] = []
        self.calls: list[int] = []
        self.failure: Exception | None = None

    async def append(self, records: Sequence[EncodedRecord]) -> None:
        if self.failure is not None:
            raise self.failure
        self.calls.append(len(records))
        self.appended.extend(records)

    @property
    def records(self) -> list[Record]:
        return [decode_record(record.payload) for record in self.appended]

    @property
    def data(self) -> list[dict]:
        return [record.data for record in self.records]


class RefusalList:
    def __init__(self) -> None:
        self.kept: list[Refusal] = []

    def keep(self, refusal: Refusal) -> None:
        self.kept.append(refusal)


class MadeSource(NamedTuple):
    pipeline_id: str
    write_key: str
    name: str = "Web"
    enabled: bool = True
    allowed_origins: tuple[str, ...] = ()
    partial_batch_status: int = 200
    tag: Mapping[str, Any] = MappingProxyType({})


class MadeGrant(NamedTuple):
    scopes: frozenset[str]


class MadeSources:
    def __init__(self, *sources: MadeSource) -> None:
        self.ready = True
        self.account_ids = frozenset({ACCOUNT})
        self.link_key = b"a key of this test only"
        self._sources = {source.write_key: source for source in sources}
        self._grants = {TOKEN: MadeGrant(frozenset({"data"})), "observer": MadeGrant(frozenset({"observer"}))}

    def by_write_key(self, key: str) -> MadeSource | None:
        return self._sources.get(key)

    def token(self, raw: str) -> MadeGrant | None:
        return self._grants.get(raw)


class Running(NamedTuple):
    """A collector that answers at `url`, a client for it, and what it kept."""

    url: str
    client: httpx.AsyncClient
    writer: ListWriter
    refusals: RefusalList
    sources: MadeSources
    registry: CollectorRegistry

    def count(self, name: str, **labels: str) -> float:
        """A counter's value, 0 when nothing was counted."""
        return self.registry.get_sample_value(f"headwater_collect_{name}_total", labels) or 0.0

    async def post(self, path: str, body: object = None, **options: object) -> httpx.Response:
        """POST JSON with the usual write key."""
        return await self.client.post(path, json=body, auth=(WRITE_KEY, ""), **options)


SOURCES = (
    MadeSource("p-web", WRITE_KEY),
    MadeSource("p-app", "key-app", "App"),
    MadeSource("p-off", "key-off", "Off", enabled=False),
    MadeSource("p-shop", "key-shop", "Shop", allowed_origins=("https://shop.example",)),
    MadeSource("p-multi", "key-multi", "Multi", partial_batch_status=207),
)


@asynccontextmanager
async def serving(app: CollectApp, sock: socket.socket) -> AsyncIterator[str]:
    config = uvicorn.Config(app, log_level="error", access_log=False, proxy_headers=False, lifespan="on")
    config.load()
    server = uvicorn.Server(config)
    # The parts of `serve` without its loop, which looks for the end only ten times a second.
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[sock])
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        await server.shutdown(sockets=[sock])


@asynccontextmanager
async def running(settings: CollectSettings) -> AsyncIterator[Running]:
    writer, refusals, sources, registry = ListWriter(), RefusalList(), MadeSources(*SOURCES), CollectorRegistry()
    app = create_app(writer, refusals, sources, settings, partitions=4, registry=registry)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    async with serving(app, sock) as url, httpx.AsyncClient(base_url=url, timeout=30, verify=NO_AUTHORITIES) as client:
        yield Running(url, client, writer, refusals, sources, registry)


StartCollector = Callable[[CollectSettings], AbstractAsyncContextManager[Running]]


@pytest.fixture
def start_collector() -> StartCollector:
    """Starts a collector with settings of the test's own."""
    return running


@pytest.fixture(scope="session")
def start_collector_anywhere() -> StartCollector:
    """The same for fixtures of a wider scope."""
    return running


@pytest.fixture
async def collector() -> AsyncIterator[Running]:
    """A collector with default settings."""
    async with running(CollectSettings()) as started:
        yield started
