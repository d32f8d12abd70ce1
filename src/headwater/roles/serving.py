"""Serve an ASGI application inside a role's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

from headwater.roles.listening import Address, listen

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
"""Longer than the idle time after which common load balancers close: else they send into a closing connection."""
DRAIN_SECONDS = 20


class Server:
    """One listening address. `run` until `stop`, which lets requests under way finish."""

    def __init__(self, app: Any, host: str, port: int, *, setting: str, shared: bool = False) -> None:
        """`setting` names the port's setting in errors; `shared` lets several processes listen on one port."""
        self._socket = listen(Address(host, port, setting), shared=shared)
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            backlog=BACKLOG,
            ws="none",
        )
        self._server = _QuietServer(config)

    async def run(self) -> None:
        """Serve until `stop` is called."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Accept no more connections and end when the open requests are answered."""
        self._server.should_exit = True


class _QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers: the role decides what a signal means."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_until(stop: asyncio.Event, *servers: Server) -> None:
    """Run servers until `stop` is set and they have drained."""
    tasks = [asyncio.create_task(server.run()) for server in servers]
    await stop.wait()
    for server in servers:
        server.stop()
    await asyncio.gather(*tasks)
