"""The floor of the collector: the same server with a handler that reads the body and answers."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop

from headwater.roles.serving import Server


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read the body, answer `{"success":true}`."""
    assert scope["type"] == "http"
    while (await receive()).get("more_body"):
        pass
    body = b'{"success":true}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def main() -> None:
    """Serve on the port given as the argument."""
    await Server(app, "127.0.0.1", int(sys.argv[1]), setting="argument").run()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main())
