"""A vendor for tests: a real HTTP server that records what it gets and misbehaves on request."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

Behaviour = Callable[[int, dict[str, str], bytes], "Answer | None"]


class Answer:
    """What the receiver does with one request. `accept`: whether the records count as received."""

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        accept: bool = True,
        delay: float = 0.0,
        reset: bool = False,
        raw: bytes | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers if headers is not None else {}
        self.accept = accept
        self.delay = delay
        self.reset = reset
        self.raw = raw


class Received:
    """One request as it came."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body

    @property
    def records(self) -> list[dict[str, Any]]:
        """The JSON objects in the body."""
        document = json.loads(self.body)
        return document if isinstance(document, list) else [document]


def lytics_ok(count: int) -> bytes:
    """The reply of Lytics when it took all records."""
    return json.dumps(
        {"status": 200, "message": "success", "data": {"message_count": count, "rejected_count": 0}}
    ).encode()


class Receiver:
    """Listens on loopback in a thread of its own. `behaviour(number, headers, body)` may answer instead of "all is well"."""

    def __init__(self, behaviour: Behaviour | None = None, port: int = 0) -> None:
        self.behaviour = behaviour
        self.requests: list[Received] = []
        self.accepted: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", port), self._loop
        ).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop listening and drop every connection."""

        async def end() -> None:
            self._server.close()
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every record that was accepted, in order of arrival."""
        with self._lock:
            return [record for request in self.requests for record in request.records]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self._count += 1
        answer = self.behaviour(self._count, headers, body) if self.behaviour is not None else None
        request = Received(method, path, headers, body)
        if answer is None:
            answer = Answer(body=lytics_ok(len(request.records)) if body else b"{}")
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.accept:
            with self._lock:
                self.requests.append(request)
                if body[:1] in b"[{":
                    self.accepted.update(str(record.get("id")) for record in request.records)
        if answer.reset:
            writer.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
            writer.transport.abort()
            return False
        if answer.raw is not None:
            writer.write(answer.raw)
            await writer.drain()
            return False
        extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        writer.write(
            f"HTTP/1.1 {answer.status} X\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(answer.body)}\r\n\r\n".encode()
            + answer.body
        )
        await writer.drain()
        return True


def troubled(seed: int, share: float) -> Behaviour:
    """Misbehaves in `share` of the requests, in every way that a vendor does; records are taken in about half of those."""
    chance = random.Random(seed)  # noqa: S311  # a test's chance

    def behave(_number: int, _headers: dict[str, str], body: bytes) -> Answer | None:
        if chance.random() > share:
            return None
        count = len(json.loads(body)) if body.startswith(b"[") else 1
        rejected = json.dumps({"data": {"message_count": count, "rejected_count": 1}}).encode()
        return chance.choice(
            [
                # Of a batch one record is rejected and nothing is kept; records that come alone are taken.
                *([Answer(200, rejected, accept=False)] if count > 1 else []),
                Answer(500, accept=False),
                Answer(503, headers={"Retry-After": "1"}, accept=False),
                Answer(429, headers={"Retry-After": "1"}, accept=False),
                Answer(reset=True, accept=False),
                Answer(reset=True, accept=True),
                Answer(delay=1.5, body=lytics_ok(count)),
                Answer(200, b"<html>not for you</html>", accept=False),
                Answer(raw=b"\x00\x01 this is no HTTP\r\n\r\n", accept=False),
                Answer(408, accept=False),
            ]
        )

    return behave
